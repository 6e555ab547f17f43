"""Reads and checks page arguments, cursors and global ids.

A cursor is base64 of a JSON array: the scope of its connection, then the value of each order term.
PostgreSQL writes the cursors of rows, see graph.planner.compilation.page.
"""

import base64
import binascii
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from graph.errors import InvalidCursor, InvalidId, InvalidPage

DEFAULT_PAGE_SIZE = 20
MAX_PAGE_SIZE = 100
# Each page of a computed list takes the work of the whole list, so that pages may be large.
MAX_LISTING_SIZE = 10_000
MAX_BIGINT = 2**63 - 1
CURSOR_DECIMAL = re.compile(r"-?[0-9]{1,50}(\.[0-9]{1,50})?")


@dataclass(frozen=True, slots=True)
class PageArguments:
    """The size of a page, the end from which it is counted, and its cursors."""

    size: int
    backward: bool
    after: str | None
    before: str | None


def read_page_arguments(arguments: dict[str, Any], most: int = MAX_PAGE_SIZE) -> PageArguments:
    """Read the page arguments of a connection; raises InvalidPage. `most` is the maximum size."""
    first, last = arguments.get("first"), arguments.get("last")
    if first is not None and last is not None:
        raise InvalidPage("Give `first` or `last`, not both.")
    size = last if last is not None else first
    if size is not None:
        check_page_size("first" if last is None else "last", size, most)
    return PageArguments(
        DEFAULT_PAGE_SIZE if size is None else size,
        last is not None,
        arguments.get("after"),
        arguments.get("before"),
    )


def check_page_size(name: str, size: int, most: int = MAX_PAGE_SIZE) -> int:
    """Return the size of a page; raises InvalidPage if it is not from 0 to `most`."""
    if not 0 <= size <= most:
        raise InvalidPage(f"`{name}` is {size}; it must be from 0 to {most}.")
    return size


def read_cursor(cursor: str, scope: str, types: Sequence[type]) -> tuple[Any, ...]:
    """Return the values of a cursor of this scope, one for each order term; raises InvalidCursor."""
    try:
        decoded = json.loads(
            base64.b64decode(cursor, validate=True), parse_constant=_reject_constant
        )
    except (ValueError, binascii.Error, RecursionError):
        raise InvalidCursor("This is not a cursor.") from None
    if not isinstance(decoded, list) or not decoded or not isinstance(decoded[0], str):
        raise InvalidCursor("This is not a cursor.")
    if decoded[0] != scope:
        raise InvalidCursor("This cursor belongs to another connection or another order.")
    if len(decoded) != len(types) + 1:
        raise InvalidCursor("This is not a cursor.")
    return tuple(_value(item, kind) for item, kind in zip(decoded[1:], types, strict=True))


def _reject_constant(constant: str) -> None:
    raise ValueError(constant)


def _value(item: Any, kind: type) -> Any:
    if item is None:
        return None
    try:
        if kind is int and type(item) is int and abs(item) <= MAX_BIGINT:
            return item
        if kind is str and isinstance(item, str):
            return item
        if kind is Decimal and isinstance(item, str) and CURSOR_DECIMAL.fullmatch(item):
            return Decimal(item)
        if kind is datetime and isinstance(item, str):
            moment = datetime.fromisoformat(item)
            if moment.utcoffset() == timedelta(0):
                return moment
        if kind is date and isinstance(item, str):
            return date.fromisoformat(item)
    except ValueError:
        pass
    raise InvalidCursor("This is not a cursor.")


def write_global_id(entity: str, key: int) -> str:
    """Return the global id of a row: base64 of `Type:key`."""
    return base64.b64encode(f"{entity}:{key}".encode()).decode()


# Names of types in global ids that clients may have kept, and the present names.
FORMER_NAMES = {"APIKey": "ApiKey", "Flag": "ValidationFlag"}


def read_global_id(global_id: str, entities: Sequence[str]) -> tuple[str, int]:
    """Return the type and key of a global id of one of these types; raises InvalidId."""
    try:
        name, _, key = base64.b64decode(global_id, validate=True).decode("ascii").partition(":")
    except (ValueError, binascii.Error):
        raise InvalidId(f"{_shorten(global_id)} is not a global id.") from None
    entity = FORMER_NAMES.get(name, name)
    if entity not in entities or not key.isdigit() or len(key) > 19 or int(key) > MAX_BIGINT:
        expected = entities[0] if len(entities) == 1 else "an object of this API"
        raise InvalidId(f"{_shorten(global_id)} is not a global id of {expected}.")
    return entity, int(key)


def _shorten(text: str) -> str:
    return json.dumps(text if len(text) <= 60 else text[:60] + "...", ensure_ascii=False)
