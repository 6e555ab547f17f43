"""A statement in the making, as text: its aliases and its parameters. Text in, text out; no value is seen.

Expressions of SQLAlchemy take several milliseconds to become the text of one page, for which who asks
what was never asked before would wait, and PostgreSQL one to plan it. What stands in the text is ours
(names of the schema, quoted by SQLAlchemy's dialect) or a GraphQL name; values are parameters.
"""

from collections.abc import Iterable
from functools import cache
from itertools import count
from typing import Any

from sqlalchemy import Column, FromClause, Integer, String, Table
from sqlalchemy.dialects import postgresql

from graph.planner.nodes import Param
from models.base import FixedPoint

DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]
PLAIN = {String: "text", Integer: "bigint", FixedPoint: "numeric"}


class SqlBuilder:
    """One statement's aliases, unique within it, and its parameters $1, $2, ... with their slots.

    `hidden` are events that it must not read.
    """

    def __init__(self, hidden: tuple[str, ...] = ()) -> None:
        self.hidden = hidden
        self._numbers = count(1)
        self._places: dict[int, int] = {}
        # Whether what it looks for may be in every row or in none, which only the values tell.
        self.searches = False

    def name(self, prefix: str) -> str:
        """An alias that is not taken yet."""
        return f"{prefix}{next(self._numbers)}"

    def bind(self, param: Param, type_: str) -> str:
        """The parameter of a slot, cast, so that a prepared statement knows its type."""
        place = self._places.setdefault(param.slot, len(self._places) + 1)
        return f"${place}::{type_}"

    @property
    def slots(self) -> tuple[int, ...]:
        """The slots that $1, $2, ... take."""
        return tuple(self._places)


@cache
def identifier(name: str) -> str:
    """A name of the schema, quoted where PostgreSQL needs it."""
    return str(DIALECT.identifier_preparer.quote(name))


@cache
def table_of(table: FromClause) -> str:
    """A table by its name."""
    assert isinstance(table, Table)
    return str(DIALECT.identifier_preparer.format_table(table))


@cache
def bound_type(column: Column[Any]) -> str:
    """A column's type without collation, length or scale, which would change a value to compare."""
    for kind, name in PLAIN.items():
        if isinstance(column.type, kind):
            return name
    return str(column.type.compile(DIALECT)).lower()


def column_of(row: str, column: Column[Any]) -> str:
    """A column of the row under this alias."""
    return f"{row}.{identifier(column.name)}"


def literal(value: str) -> str:
    """A string literal of ours, never of a request."""
    return "'" + value.replace("'", "''") + "'"


def all_of(conditions: Iterable[str]) -> str:
    """Conditions joined by AND; true where there are none."""
    return _joined(conditions, " AND ", "true")


def any_of(conditions: Iterable[str]) -> str:
    """Conditions joined by OR; false where there are none."""
    return _joined(conditions, " OR ", "false")


def _joined(conditions: Iterable[str], word: str, without: str) -> str:
    every = [*conditions]
    if len(every) < 2:
        return every[0] if every else without
    return f"({word.join(every)})"


def where(conditions: Iterable[str]) -> str:
    """A WHERE of these conditions; nothing where there are none."""
    every = " AND ".join(conditions)
    return f" WHERE {every}" if every else ""
