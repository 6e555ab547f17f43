"""Orders and pages of the oracle: ranks over a whole table, and slices between two ranks."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import models
from tests.http.oracle.oracle_rows import key_of

T = TypeVar("T")

DEFAULT_SIZE = 20

# Attribute and whether it descends, in turn.
Order = tuple[tuple[str, bool], ...]
# A cursor belongs to a field of an owner under an order.
Context = tuple[str, str, Order]


class Place(str):
    """The oracle's answer for a cursor: the row with this number in this context."""

    __slots__ = ("context", "key")
    context: Context
    key: int

    @classmethod
    def of(cls, context: Context, key: int) -> "Place":
        place = cls(f"{context[0]}.{context[1]}#{key}")
        place.context, place.key = context, key
        return place


@dataclass(frozen=True)
class Cursors:
    """The cursors that a server has returned so far, and the row of each."""

    seen: dict[Context, dict[str, int]] = field(default_factory=dict)

    def record(self, place: Place, cursor: str) -> bool:
        """Record a cursor; return False if it was recorded for another row."""
        known = self.seen.setdefault(place.context, {})
        return known.setdefault(cursor, place.key) == place.key

    def key(self, context: Context, cursor: str | None) -> int | None:
        return None if cursor is None else self.seen[context][cursor]


def read_order(terms: Iterable[dict[str, str]] | None) -> Order:
    """Return `orderBy` as attributes; an empty list is equal to no argument."""
    return tuple((term["field"].lower(), term["direction"] == "DESC") for term in terms or ())


def rank(rows: Iterable[models.Base], order: Order) -> dict[int, int]:
    """Return the position of every row by its number; nulls are last, and so first when descending."""
    ranked = sorted(rows, key=key_of, reverse=bool(order) and order[-1][1])
    for attribute, descending in reversed(order):
        ranked.sort(key=null_last(attribute), reverse=descending)
    return {key_of(row): position for position, row in enumerate(ranked)}


def null_last(attribute: str) -> Callable[[models.Base], tuple[bool, object]]:
    def sort_key(row: models.Base) -> tuple[bool, object]:
        value = getattr(row, attribute)
        return value is None, value

    return sort_key


@dataclass(frozen=True)
class Window:
    """Page arguments, cursors already turned into ranks."""

    first: int | None
    after: int | None
    last: int | None
    before: int | None


@dataclass(frozen=True)
class Page(Generic[T]):
    entries: list[T]
    has_next: bool
    has_previous: bool


def cut(entries: list[T], position: Callable[[T], int], window: Window) -> Page[T]:
    """Return the page of these ordered entries."""
    after = -1 if window.after is None else window.after
    before = float("inf") if window.before is None else window.before
    ahead = any(position(entry) <= after for entry in entries)
    beyond = any(position(entry) >= before for entry in entries)
    inside = [entry for entry in entries if after < position(entry) < before]
    if window.last is not None:
        entries = inside[max(len(inside) - window.last, 0) :]
        return Page(entries, beyond, ahead or len(entries) < len(inside))
    entries = inside[: DEFAULT_SIZE if window.first is None else window.first]
    return Page(entries, beyond or len(entries) < len(inside), ahead)
