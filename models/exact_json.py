"""JSON that keeps every digit of a number when it is read and written.

A number that Python would write with other digits keeps its text (`ExactNumber`). A value that
PostgreSQL wrote stays text (`JSONText`) and is never parsed. GraphQL and CSV accept numbers of up to
MAX_DIGITS digits, counted without an exponent, and values nested up to MAX_LEVELS deep; schema.sql
checks the nesting, too.
"""

import json
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

MAX_DIGITS, MAX_LEVELS = 400, 64
LONGEST = 10**MAX_DIGITS


class ExactNumber(float):
    """A JSON number with its text: arithmetic uses the nearest float, comparison the exact value."""

    __slots__ = ("text",)
    text: str

    def __new__(cls, text: str) -> "ExactNumber":
        self = super().__new__(cls, text)
        self.text = text
        return self

    def __repr__(self) -> str:
        return self.text

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return _decimal(self.text) == (
            _decimal(other.text) if isinstance(other, ExactNumber) else other
        )

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(_decimal(self.text))


@dataclass(frozen=True, slots=True)
class JSONText:
    """A JSON value as text, which `dumps` writes unchanged."""

    text: str


def number(text: str) -> float:
    """Return the number of a JSON text: a float if Python writes the same text, else an ExactNumber."""
    value = float(text)
    return value if repr(value) == text else ExactNumber(text)


def is_too_long(value: float) -> bool:
    """Return whether a number has more than MAX_DIGITS digits, counted without an exponent."""
    if not isinstance(value, ExactNumber):
        # Every finite float has fewer digits; NaN and the infinities are not JSON.
        return abs(value) >= LONGEST if isinstance(value, int) else value - value != 0
    written = _decimal(value.text)
    if not written.is_finite():
        return True
    after = max(-int(written.as_tuple().exponent), 0)
    return max(written.adjusted() + 1, 1) + after > MAX_DIGITS


def levels_of(value: Any) -> int:
    """Return the depth of nesting of lists and objects in a JSON value."""
    level, levels = [value], 0
    while level := [each for each in level if isinstance(each, (dict, list))]:
        levels += 1
        level = [
            part for each in level for part in (each.values() if isinstance(each, dict) else each)
        ]
    return levels


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        return Decimal("NaN")


def dumps(value: Any, **options: Any) -> str:
    """Return JSON text as `json.dumps` does, with exact numbers and JSON texts unchanged."""
    kept: list[str] = []
    mark = secrets.token_hex(16)

    def keep(text: str) -> str:
        kept.append(text)
        return f"{mark}:{len(kept) - 1}"

    otherwise = options.pop("default", None)

    def default(item: Any) -> Any:
        if isinstance(item, JSONText):
            return keep(item.text)
        if otherwise is None:
            raise TypeError(f"{type(item).__name__} is no JSON")
        return otherwise(item)

    # `json` writes every float itself and never passes one to `default`.
    plain = _replaced(value, keep) if _has_exact(value) else value
    text = json.dumps(plain, default=default, **options)
    if not kept:
        return text
    return re.sub(f'"{mark}:([0-9]+)"', lambda found: kept[int(found[1])], text)


def _has_exact(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_has_exact(item) for item in value.values())
    if isinstance(value, list):
        return any(_has_exact(item) for item in value)
    return isinstance(value, ExactNumber)


def _replaced(value: Any, keep: Callable[[str], str]) -> Any:
    if isinstance(value, dict):
        return {name: _replaced(item, keep) for name, item in value.items()}
    if isinstance(value, list):
        return [_replaced(item, keep) for item in value]
    return keep(value.text) if isinstance(value, ExactNumber) else value
