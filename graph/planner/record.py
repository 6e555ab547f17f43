"""JSON objects in SQL: response keys in order, whatever their number and length.

`row_to_json` of a subselect is PostgreSQL's cheapest object builder, but a column label ends at 63
bytes and a select list at 1,664 entries. Beyond either, and for an object without fields, the
object's text is concatenated instead.
"""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    Subquery,
    Text,
    cast,
    func,
    literal_column,
    select,
)
from sqlalchemy.dialects.postgresql import JSON

from graph.planner.relation import Names

Fields = Sequence[tuple[str, ColumnElement[Any]]]
MAX_LABEL = 63
MAX_COLUMNS = 1_600
MAX_CONCAT = 400


def constant(value: str) -> ColumnElement[Any]:
    """A string literal of ours, never of a request."""
    return literal_column("'" + value.replace("'", "''") + "'")


def base64_of(value: ColumnElement[Any]) -> ColumnElement[Any]:
    """base64 of a text's UTF-8 bytes, on one line."""
    encoded = func.encode(func.convert_to(value, constant("UTF8")), constant("base64"))
    return func.translate(encoded, literal_column("E'\\n'"), constant(""))


def text(value: str) -> ColumnElement[Any]:
    """A constant of ours (a type name, a key); GraphQL names need no quoting."""
    return cast(constant(value), Text)


def object_columns(fields: Fields) -> tuple[list[ColumnElement[Any]], bool]:
    """Select list of a row that is an object; True if it is one column of finished JSON."""
    if 0 < len(fields) <= MAX_COLUMNS and all(len(key) <= MAX_LABEL for key, _ in fields):
        return [value.label(key) for key, value in fields], False
    return [concatenated(fields).label("o")], True


def concatenated(fields: Fields) -> ColumnElement[Any]:
    """The object as concatenated text; for what no row type can hold."""
    parts = []
    for index, (key, value) in enumerate(fields):
        lead = f'{"," if index else ""}"{key}":'
        parts.append(constant(lead))
        parts.append(func.coalesce(cast(func.to_json(value), Text), constant("null")))
    pieces = [func.concat(*parts[i : i + 80]) for i in range(0, len(parts), 80)]
    while len(pieces) > 80:
        pieces = [func.concat(*pieces[i : i + 80]) for i in range(0, len(pieces), 80)]
    return cast(func.concat(constant("{"), *pieces, constant("}")), JSON)


def whole(rows: Subquery, finished: bool) -> Any:
    """A row of a subquery as one value: its finished JSON, or the row itself."""
    return rows.c.o if finished else rows.table_valued()


def json_of(source: Callable[..., Select[Any]], fields: Fields, names: Names) -> ColumnElement[Any]:
    """The JSON object of the one row that `source` selects these fields from; NULL without it."""
    columns, finished = object_columns(fields)
    rows = source(*columns).subquery(names.next("x"))
    value = rows.c.o if finished else func.row_to_json(rows.table_valued(), type_=JSON)
    return select(value).scalar_subquery()


def json_list(selected: Select[Any], finished: bool, names: Names) -> ColumnElement[Any]:
    """The JSON array of the rows of a select made with `object_columns`, in its order."""
    rows = selected.subquery(names.next("x"))
    listed = func.json_agg(whole(rows, finished), type_=JSON)
    return select(func.coalesce(listed, empty_list())).scalar_subquery()


def empty_list() -> ColumnElement[Any]:
    return cast(constant("[]"), JSON)
