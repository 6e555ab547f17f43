"""Why a row of a file is refused: one stable code per case, and the words that go with it."""

from dataclasses import dataclass
from enum import StrEnum


class Code(StrEnum):
    """Reason codes; part of the reject file's format, so their spelling does not change."""

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
    """Codes of what a reader of the report should look at although no row was refused for it.

    In a reject file they stand where a refused row has its Code; all of them start alike.
    """

    KEY_NOT_ADOPTED = "WARNING_KEY_NOT_ADOPTED"
    SUPERSEDED = "WARNING_SUPERSEDED"


WARNING_PREFIX = "WARNING_"


class Refusal(Exception):
    """One row cannot be imported; the other rows can."""

    def __init__(self, code: Code, reason: str) -> None:
        super().__init__(f"{code}: {reason}")
        self.code = code
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Rejection:
    """A refused row, or one with a warning: the physical line (from 1) that its record starts on,
    the Code or WarningCode, and the words.
    """

    line: int
    code: str
    reason: str
