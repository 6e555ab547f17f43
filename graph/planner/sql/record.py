"""JSON objects in SQL: response keys in order, whatever their number and length.

`row_to_json` of a subselect is PostgreSQL's cheapest object builder, but a column label ends at 63
bytes and a select list at 1,664 entries. Beyond either, and for an object without fields, the
object's text is concatenated instead.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Column

from graph.planner.sql.builder import SqlBuilder, column_of, literal
from models.base import FixedPoint

Fields = Sequence[tuple[str, str]]
"""Response keys, each with an expression."""
MAX_LABEL = 63
MAX_COLUMNS = 1_600
EMPTY_LIST = "'[]'::json"


def base64_of(value: str) -> str:
    """base64 of a text's UTF-8 bytes, on one line."""
    return f"translate(encode(convert_to({value}, 'UTF8'), 'base64'), E'\\n', '')"


def exact(row: str, column: Column[Any]) -> str:
    """A column as JSON shows it; a decimal as text, since JSON numbers are read as floats."""
    shown = column_of(row, column)
    if isinstance(column.type, FixedPoint):
        return f"round({shown}, {column.type.decimals})::text"
    return shown


def text(value: str) -> str:
    """A constant of ours (a type name, a key); GraphQL names need no quoting."""
    return f"{literal(value)}::text"


def object_columns(fields: Fields) -> tuple[str, bool]:
    """Select list of a row that is an object; True if it is one column of finished JSON."""
    if 0 < len(fields) <= MAX_COLUMNS and all(len(key) <= MAX_LABEL for key, _ in fields):
        # A response key is a GraphQL name: it has no quotation mark.
        return ", ".join(f'{value} AS "{key}"' for key, value in fields), False
    return f"{concatenated(fields)} AS o", True


def concatenated(fields: Fields) -> str:
    """The object as concatenated text; for what no row type can hold."""
    parts = []
    for index, (key, value) in enumerate(fields):
        lead = f'{"," if index else ""}"{key}":'
        parts += [literal(lead), f"coalesce(to_json({value})::text, 'null')"]
    pieces = [_concat(parts[i : i + 80]) for i in range(0, len(parts), 80)]
    while len(pieces) > 80:
        pieces = [_concat(pieces[i : i + 80]) for i in range(0, len(pieces), 80)]
    return f"{_concat([literal('{'), *pieces, literal('}')])}::json"


def _concat(parts: Sequence[str]) -> str:
    return f"concat({', '.join(parts)})"


def json_of(fields: Fields, builder: SqlBuilder, source: str = "") -> str:
    """The JSON object of the one row that these fields are selected from; NULL without it.

    `source` is all behind the select list: FROM, WHERE.
    """
    columns, finished = object_columns(fields)
    row = builder.name("x")
    # With the star it is the row, also where a response key is the alias.
    value = f"{row}.o" if finished else f"row_to_json({row}.*)"
    return f"(SELECT {value} FROM (SELECT {columns}{source}) AS {row})"


def json_list(columns: str, finished: bool, builder: SqlBuilder, source: str) -> str:
    """The JSON array of the rows of a select list made by `object_columns`, in their order."""
    rows = builder.name("x")
    value = f"{rows}.o" if finished else f"{rows}.*"
    found = f"(SELECT {columns}{source}) AS {rows}"
    return f"(SELECT coalesce(json_agg({value}), {EMPTY_LIST}) FROM {found})"
