"""Codes and reasons of rejected rows and of warnings."""

from dataclasses import dataclass
from enum import StrEnum


class Code(StrEnum):
    """Codes of rejections.

    They are part of the reject file's format: their spelling never changes.
    """

    AMBIGUOUS = "AMBIGUOUS"
    BAD_CELL = "BAD_CELL"
    BAD_COUNTRY = "BAD_COUNTRY"
    BAD_DATE = "BAD_DATE"
    BAD_ID = "BAD_ID"
    BAD_JSON = "BAD_JSON"
    BAD_NUMBER = "BAD_NUMBER"
    BAD_STAGE = "BAD_STAGE"
    BAD_TIMESTAMP = "BAD_TIMESTAMP"
    CELL_COUNT = "CELL_COUNT"
    CONFLICT = "CONFLICT"
    BATCH_ON_HOLD = "BATCH_ON_HOLD"
    CONSTRAINT = "CONSTRAINT"
    CUSTODY_BROKEN = "CUSTODY_BROKEN"
    CYCLIC_LINEAGE = "CYCLIC_LINEAGE"
    EVENT_CHANGED = "EVENT_CHANGED"
    FORMULA = "FORMULA"
    GTIN_CHECK_DIGIT = "GTIN_CHECK_DIGIT"
    GTIN_LENGTH = "GTIN_LENGTH"
    GTIN_NOT_DIGITS = "GTIN_NOT_DIGITS"
    IDENTITY_CHANGED = "IDENTITY_CHANGED"
    INCOMPLETE = "INCOMPLETE"
    LOST_CHARACTER = "LOST_CHARACTER"
    MALFORMED_QUOTES = "MALFORMED_QUOTES"
    MISSING = "MISSING"
    NUL_CHARACTER = "NUL_CHARACTER"
    OUT_OF_RANGE = "OUT_OF_RANGE"
    OVERDRAWN = "OVERDRAWN"
    SELF_USE = "SELF_USE"
    TOO_LONG = "TOO_LONG"
    UNKNOWN = "UNKNOWN"
    YIELD_EXCEEDED = "YIELD_EXCEEDED"


class WarningCode(StrEnum):
    """Codes of warnings about rows that were not rejected.

    The reject file lists them in the same column as Code; each starts with WARNING_PREFIX.
    """

    KEY_NOT_ADOPTED = "WARNING_KEY_NOT_ADOPTED"
    SUPERSEDED = "WARNING_SUPERSEDED"


WARNING_PREFIX = "WARNING_"


class RowError(Exception):
    """One row cannot be imported; the others can."""

    def __init__(self, code: Code, reason: str) -> None:
        super().__init__(f"{code}: {reason}")
        self.code = code
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Rejection:
    """A rejected row, or a row with a warning.

    `line` is the physical line (from 1) on which its record starts; `code` is a Code or WarningCode.
    """

    line: int
    code: str
    reason: str
