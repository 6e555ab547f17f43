"""What stands in the ledger of an event: one canonical text (RFC 8785), whatever JSONB held.

A number that no IEEE 754 double is written as stands as its text, and so do details of more levels
than a reader may be asked for; `asText` lists them by JSON Pointer (RFC 6901), so that no two events
have one leaf. Refuses to normalise Unicode: what was recorded is what is proven.

A leaf ends with the version of its format. Leaves of version 1 have none, and stay as they were signed.
"""

import json
import re
from decimal import Decimal
from typing import Any

import rfc8785

# The columns of `transactions` by the members of a leaf that hold them: all, or a change of one would not be
# found. A new column is added here, to ledger_record in schema.sql, to the texts of ledger/comparison.py, and
# makes a new version: leaves of the earlier ones are then compared without it.
COLUMN_OF = {
    "transactionId": "transaction_id",
    "productId": "product_id",
    "cacaoBatchId": "cacao_batch_id",
    "timestamp": "timestamp",
    "event": "event",
    "details": "details",
    "eventId": "event_id",
    "recordTime": "record_time",
    "recordedBy": "recorded_by",
    "corrects": "corrects",
    "correctionReason": "correction_reason",
}
LEAF_VERSION = 2
# The member that is the last of its leaf, in canonical order.
VERSION_ENDS = f',"version":{LEAF_VERSION}}}'.encode()
MAX_LEAF_LEVELS = 100
_MAX_SAFE = 2**53 - 1
# So many characters of a plain decimal number are no more digits than any double keeps.
EXACT_LENGTH = 15
QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
BRACKETS = re.compile(r"[\[\]{}]")


class AsText(str):
    """The text of a JSON value that stands for it."""

    __slots__ = ()


def version_of(leaf: bytes) -> int:
    """Return the version of a leaf's format, by its end: no text in a leaf holds bare quotes."""
    return LEAF_VERSION if leaf.endswith(VERSION_ENDS) else 1


def leaf_of(
    record: str, details: str | None, sequence: int, salt: bytes, version: int = LEAF_VERSION
) -> bytes:
    """Return the leaf of an event: what ledger_record says of it without details, and these, as JSON texts."""
    odd: list[object] = []
    made = _parse(record, odd)
    if details is not None:
        deep = leaf_levels(details) > MAX_LEAF_LEVELS
        made["details"] = AsText(details) if deep else _parse(details, odd)
        if deep:
            odd.append(details)
    made["salt"] = salt.hex()
    made["sequence"] = sequence
    if version > 1:
        made["version"] = version
    if odd:
        pointers = sorted(_pointers(made, ""))
        if pointers:
            made["asText"] = pointers
        return rfc8785.dumps(made)
    return canonical(made)


def canonical(value: Any) -> bytes:
    """RFC 8785 of a value whose numbers ECMAScript writes as Python does."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    # By UTF-16, as RFC 8785 sorts, and by code point is one order below U+10000.
    return text.encode() if text.isascii() or max(text) < "\U00010000" else rfc8785.dumps(value)


def leaf_levels(text: str) -> int:
    """How deep objects and lists of a JSON text stand within one another."""
    if text.count("[") + text.count("{") <= MAX_LEAF_LEVELS:
        return 0
    level = deepest = 0
    for bracket in BRACKETS.findall(QUOTED.sub("", text)):
        level += 1 if bracket in "[{" else -1
        deepest = max(level, deepest)
    return deepest


def _parse(text: str, odd: list[object]) -> Any:
    """Return the value of a JSON text; notes numbers that need more than Python's own way to write them."""

    def whole(digits: str) -> Any:
        return int(digits) if len(digits) <= EXACT_LENGTH else fraction(digits)

    def fraction(digits: str) -> Any:
        made = leaf_number(digits)
        if not _is_plain(made):
            odd.append(made)
        return made

    return json.loads(text, parse_int=whole, parse_float=fraction)


def leaf_number(digits: str) -> int | float | AsText:
    """Return a JSON number: exactly, or as text where its value is none that a double is written as."""
    value = float(digits)
    if len(digits) > EXACT_LENGTH or "e" in digits or "E" in digits:
        shortest = Decimal(repr(value))
        if not shortest.is_finite() or Decimal(digits) != shortest:
            return AsText(digits)
    return int(value) if value.is_integer() and abs(value) <= _MAX_SAFE else value


def _is_plain(value: int | float | AsText) -> bool:
    """Whether Python writes a number as ECMAScript does: without an exponent, not as 1.0."""
    if isinstance(value, float):
        return 1e-4 <= abs(value) < 1e16 and not value.is_integer()
    return isinstance(value, int)


def _pointers(value: Any, at: str) -> list[str]:
    if isinstance(value, AsText):
        return [at]
    if isinstance(value, dict):
        members = [(k.replace("~", "~0").replace("/", "~1"), v) for k, v in value.items()]
    elif isinstance(value, list):
        members = [(str(place), each) for place, each in enumerate(value)]
    else:
        return []
    return [found for name, each in members for found in _pointers(each, f"{at}/{name}")]
