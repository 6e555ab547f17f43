"""JSON objects in SQL, with response keys in order and of any number and length.

`row_to_json` of a subselect is PostgreSQL's cheapest object builder, but PostgreSQL cuts a column label
at 63 bytes and limits a select list to 1,664 entries. For longer keys, for more fields, and for an
object without fields, the SQL concatenates the object's text instead.
"""

from collections.abc import Sequence
from typing import Any, TypeAlias

from sqlalchemy import Column

from graph.planner.sql.builder import SqlBuilder, literal, sql_column
from models.base import FixedPoint

JsonFields: TypeAlias = Sequence[tuple[str, str]]
"""Response keys, each with a SQL expression."""
MAX_LABEL = 63
MAX_SELECT_LIST = 1_600
EMPTY_LIST = "'[]'::json"


def base64_of(value: str) -> str:
    """Return base64 of a text's UTF-8 bytes, without line breaks."""
    return f"translate(encode(convert_to({value}, 'UTF8'), 'base64'), E'\\n', '')"


def exact(row: str, column: Column[Any]) -> str:
    """Return a column as JSON contains it: decimals as text, since clients read numbers as floats."""
    shown = sql_column(row, column)
    if isinstance(column.type, FixedPoint):
        return f"round({shown}, {column.type.decimals})::text"
    return shown


def text(value: str) -> str:
    """Return a text constant of the schema, such as a type name."""
    return f"{literal(value)}::text"


def object_columns(fields: JsonFields) -> tuple[str, bool]:
    """Return the select list of an object, and whether it is one column `o` of finished JSON."""
    if 0 < len(fields) <= MAX_SELECT_LIST and all(len(key) <= MAX_LABEL for key, _ in fields):
        # A response key is a GraphQL name, which contains no quotation mark.
        return ", ".join(f'{value} AS "{key}"' for key, value in fields), False
    return f"{concatenated(fields)} AS o", True


def concatenated(fields: JsonFields) -> str:
    """Return an object as concatenated text, for fields that no row type can hold."""
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


def json_of(fields: JsonFields, builder: SqlBuilder, source: str = "") -> str:
    """Return the JSON object of the only row of `source`, or NULL without a row.

    `source` is the SQL after the select list: FROM, WHERE.
    """
    columns, finished = object_columns(fields)
    row = builder.name("x")
    # `x.*` is the row even if a response key is equal to the alias.
    value = f"{row}.o" if finished else f"row_to_json({row}.*)"
    return f"(SELECT {value} FROM (SELECT {columns}{source}) AS {row})"


def json_list(columns: str, finished: bool, builder: SqlBuilder, source: str) -> str:
    """Return the JSON array of the rows of a select list of `object_columns`, in their order."""
    rows = builder.name("x")
    value = f"{rows}.o" if finished else f"{rows}.*"
    found = f"(SELECT {columns}{source}) AS {rows}"
    return f"(SELECT coalesce(json_agg({value}), {EMPTY_LIST}) FROM {found})"
