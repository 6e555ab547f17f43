"""The leaf of an event: its record as canonical JSON (RFC 8785).

A number that no IEEE 754 double represents is written as a string, and so are details nested deeper than
MAX_LEAF_LEVELS. The member `asText` lists these strings by JSON Pointer (RFC 6901), so that two different
events never have the same leaf. Unicode is not normalized: the leaf proves the text as it was recorded.

A leaf ends with the version of its format. Leaves of version 1 have none, and keep the bytes that were
signed.
"""

import json
import re
from decimal import Decimal
from typing import Any

import rfc8785

# Members of a leaf and their columns of `transactions`. A column without a member could be changed unnoticed. A new
# column is added here, to ledger_record in schema.sql and to audit/leaf_comparison.py, and makes a new version;
# leaves of earlier versions are compared without it.
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
# The end of a leaf: `version` is the last member in canonical order.
VERSION_ENDS = f',"version":{LEAF_VERSION}}}'.encode()
MAX_LEAF_LEVELS = 100
_MAX_SAFE = 2**53 - 1
# A plain decimal number of at most this length has no more digits than a double preserves.
_EXACT_LENGTH = 15
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_BRACKETS = re.compile(r"[\[\]{}]")


class AsText(str):
    """The text of a JSON value, written as a string instead of the value."""

    __slots__ = ()


def version_of(leaf: bytes) -> int:
    """Return the version of a leaf's format, by its end.

    Text within a leaf has no unescaped quotes.
    """
    return LEAF_VERSION if leaf.endswith(VERSION_ENDS) else 1


def leaf_of(
    record: str, details: str | None, sequence: int, salt: bytes, version: int = LEAF_VERSION
) -> bytes:
    """Return the leaf of an event.

    `record` is the JSON text of ledger_record without details, `details` that of the details.
    """
    odd: list[object] = []
    members = _parse(record, odd)
    if details is not None:
        deep = leaf_levels(details) > MAX_LEAF_LEVELS
        members["details"] = AsText(details) if deep else _parse(details, odd)
        if deep:
            odd.append(details)
    members["salt"] = salt.hex()
    members["sequence"] = sequence
    if version > 1:
        members["version"] = version
    if odd:
        pointers = sorted(_pointers(members, ""))
        if pointers:
            members["asText"] = pointers
        return rfc8785.dumps(members)
    return canonical_bytes(members)


def canonical_bytes(value: Any) -> bytes:
    """RFC 8785 of a value whose numbers Python writes as ECMAScript does."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    # RFC 8785 sorts by UTF-16 code units; below U+10000 the order by code points is the same.
    return text.encode() if text.isascii() or max(text) < "\U00010000" else rfc8785.dumps(value)


def leaf_levels(text: str) -> int:
    """Return the nesting of a JSON text; 0 if it cannot exceed MAX_LEAF_LEVELS."""
    if text.count("[") + text.count("{") <= MAX_LEAF_LEVELS:
        return 0
    level = deepest = 0
    for bracket in _BRACKETS.findall(_QUOTED.sub("", text)):
        level += 1 if bracket in "[{" else -1
        deepest = max(level, deepest)
    return deepest


def _parse(text: str, odd: list[object]) -> Any:
    """Return the value of a JSON text.

    Numbers that Python does not write as ECMAScript does are added to `odd`.
    """

    def whole(digits: str) -> Any:
        return int(digits) if len(digits) <= _EXACT_LENGTH else fraction(digits)

    def fraction(digits: str) -> Any:
        parsed = leaf_number(digits)
        if not _is_plain(parsed):
            odd.append(parsed)
        return parsed

    return json.loads(text, parse_int=whole, parse_float=fraction)


def leaf_number(digits: str) -> int | float | AsText:
    """Return a JSON number exactly, or its text if no double has this value."""
    value = float(digits)
    if len(digits) > _EXACT_LENGTH or "e" in digits or "E" in digits:
        shortest = Decimal(repr(value))
        if not shortest.is_finite() or Decimal(digits) != shortest:
            return AsText(digits)
    return int(value) if value.is_integer() and abs(value) <= _MAX_SAFE else value


def _is_plain(value: int | float | AsText) -> bool:
    """Whether Python writes a number as ECMAScript does.

    Such a number has neither an exponent nor the ending `.0`.
    """
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
