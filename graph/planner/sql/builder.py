"""Builds the text of one statement: its aliases, its parameters, and quoted names.

Text, because SQLAlchemy's expressions take 3-5 ms to compile for the statement of one page, and text
0.2 ms. The text contains names of the schema, quoted by SQLAlchemy's dialect, and GraphQL names;
every value is a parameter.
"""

from collections.abc import Iterable
from functools import cache
from itertools import count
from typing import Any

from sqlalchemy import Column, FromClause, Integer, String, Table
from sqlalchemy.dialects import postgresql

from graph.planner.parameters import Param
from models.base import FixedPoint

POSTGRESQL = postgresql.dialect()  # type: ignore[no-untyped-call]
PLAIN_TYPES = {String: "text", Integer: "bigint", FixedPoint: "numeric"}


class SqlBuilder:
    """The aliases of one statement, and its parameters $1, $2, ... .

    `hidden` are the events that the statement must not read.
    """

    def __init__(self, hidden: tuple[str, ...] = ()) -> None:
        self.hidden = hidden
        self._numbers = count(1)
        self._places: dict[int, int] = {}
        self.searches = False
        """Whether the statement searches for a text: only its value tells how many rows match."""

    def name(self, prefix: str) -> str:
        """Return a new alias."""
        return f"{prefix}{next(self._numbers)}"

    def bind(self, param: Param, type_: str) -> str:
        """Return the statement's parameter for `param`, with a cast that gives it its type."""
        place = self._places.setdefault(param.index, len(self._places) + 1)
        return f"${place}::{type_}"

    @property
    def parameters(self) -> tuple[int, ...]:
        """The indexes of the operation's parameters that are bound to $1, $2, ... ."""
        return tuple(self._places)


@cache
def identifier(name: str) -> str:
    """Return a name of the schema, quoted if PostgreSQL requires it."""
    return str(POSTGRESQL.identifier_preparer.quote(name))


@cache
def table_of(table: FromClause) -> str:
    """Return the quoted name of a table."""
    assert isinstance(table, Table)
    return str(POSTGRESQL.identifier_preparer.format_table(table))


@cache
def bound_type(column: Column[Any]) -> str:
    """Return a column's type without collation, length or scale, which would change a compared value."""
    for kind, name in PLAIN_TYPES.items():
        if isinstance(column.type, kind):
            return name
    return str(column.type.compile(POSTGRESQL)).lower()


def sql_column(row: str, column: Column[Any]) -> str:
    """Return a column of the row with this alias."""
    return f"{row}.{identifier(column.name)}"


def literal(value: str) -> str:
    """Return a string literal; never called with a value of a request."""
    return "'" + value.replace("'", "''") + "'"


def all_of(conditions: Iterable[str]) -> str:
    """Join conditions by AND; `true` without conditions."""
    return _joined(conditions, " AND ", "true")


def any_of(conditions: Iterable[str]) -> str:
    """Join conditions by OR; `false` without conditions."""
    return _joined(conditions, " OR ", "false")


def _joined(conditions: Iterable[str], word: str, without: str) -> str:
    every = [*conditions]
    if len(every) < 2:
        return every[0] if every else without
    return f"({word.join(every)})"


def where(conditions: Iterable[str]) -> str:
    """Return the WHERE clause of these conditions; empty without conditions."""
    every = " AND ".join(conditions)
    return f" WHERE {every}" if every else ""
