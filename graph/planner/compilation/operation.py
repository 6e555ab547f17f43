"""Compiles an operation to one statement whose only value is the JSON text of its data.

Pure: the compiler opens no session and reads no parameter's value. Each row becomes a JSON object with
its response keys in order.
"""

from collections.abc import Sequence

from graph.planner.compilation.page import PageCompiler
from graph.planner.compilation.page_rows import TableRows
from graph.planner.compilation.relation import related, rows_of
from graph.planner.entity import Entity, entity_named
from graph.planner.nodes import (
    Call,
    Column,
    GlobalId,
    Lookup,
    NodeList,
    One,
    Operation,
    Page,
    RootValue,
    RowValue,
    Shape,
    Step,
    Typename,
)
from graph.planner.parameters import Param
from graph.planner.sql.builder import SqlBuilder, bound_type, literal, sql_column, table_of
from graph.planner.sql.compiled import Compiled
from graph.planner.sql.record import JsonFields, base64_of, exact, json_list, json_of, text


def compile_operation(operation: Operation) -> Compiled:
    """Compile an operation to a statement that returns the JSON text of `data`."""
    compiler = StatementCompiler(operation.hidden)
    return compiler.compiled([(key, compiler.root(value)) for key, value in operation.fields])


def compile_objects(objects: Sequence[tuple[Shape, Param]], hidden: tuple[str, ...]) -> Compiled:
    """Compile a statement that returns objects by their keys.

    Its value is a JSON object with a member m0, m1, ... for each shape: an array with the JSON text of
    the object of each key, in the order of the keys in the parameter.
    """
    compiler = StatementCompiler(hidden)
    return compiler.compiled(
        [
            (f"m{place}", compiler.objects(shape, keys))
            for place, (shape, keys) in enumerate(objects)
        ]
    )


class StatementCompiler:
    """Compiles the nodes of one statement."""

    def __init__(self, hidden: tuple[str, ...]) -> None:
        self.builder = SqlBuilder(hidden)

    def compiled(self, fields: JsonFields) -> Compiled:
        """Return the statement whose value is the object of these fields."""
        return Compiled.of(f"SELECT {json_of(fields, self.builder)}::text", self.builder)

    # ------------------------------------------------------------ roots

    def root(self, value: RootValue) -> str:
        """Compile a root field."""
        match value:
            case Typename(name=name):
                return text(name)
            case Lookup():
                return self._lookup(value)
            case NodeList():
                return self._node_list(value)
            case Step():
                return value.compile(self, None, None)
            case Page():
                return self._page(value, None, None)

    def _lookup(self, lookup: Lookup) -> str:
        entity = entity_named(lookup.shape.entity)
        rows = rows_of(entity.mapper.local_table, self.builder)
        keys = []
        for attribute, param in lookup.keys:
            column = entity.column(attribute)
            bound = self.builder.bind(param, bound_type(column))
            keys.append(f"{sql_column(rows.target, column)} = {bound}")
        return json_of(self.row(lookup.shape, rows.target), self.builder, rows.where(*keys))

    def _node_list(self, value: NodeList) -> str:
        wanted = self.builder.name("n")
        types = self.builder.bind(value.types, "text[]")
        keys = self.builder.bind(value.keys, "bigint[]")
        branches = " ".join(
            f"WHEN {wanted}.type = {literal(shape.entity)} THEN {self._by_key(shape, wanted)}"
            for shape in value.shapes
        )
        one = f"CASE {branches} END" if branches else "NULL::json"
        rows = f"unnest({types}, {keys}) WITH ORDINALITY AS {wanted} (type, key, place)"
        return self._in_order(one, rows, wanted)

    def objects(self, shape: Shape, keys: Param) -> str:
        """Return a JSON array of the JSON texts of the objects with these keys."""
        wanted = self.builder.name("n")
        bound = self.builder.bind(keys, "bigint[]")
        one = f"{self._by_key(shape, wanted)}::text"
        rows = f"unnest({bound}) WITH ORDINALITY AS {wanted} (key, place)"
        return self._in_order(one, rows, wanted)

    def _in_order(self, one: str, rows: str, wanted: str) -> str:
        return json_list(f"{one} AS o", True, self.builder, f" FROM {rows} ORDER BY {wanted}.place")

    def _by_key(self, shape: Shape, wanted: str) -> str:
        entity = entity_named(shape.entity)
        rows = rows_of(entity.mapper.local_table, self.builder)
        key = sql_column(rows.target, entity.column(entity.key))
        return json_of(
            self.row(shape, rows.target), self.builder, rows.where(f"{key} = {wanted}.key")
        )

    # ------------------------------------------------------------ rows

    def row(self, shape: Shape, row: str) -> JsonFields:
        """Compile the fields of a shape as expressions over the row of this alias."""
        entity = entity_named(shape.entity)
        return [(key, self._value(value, entity, row)) for key, value in shape.fields]

    def _value(self, value: RowValue, entity: Entity, row: str) -> str:
        match value:
            case Typename(name=name):
                return text(name)
            case GlobalId(entity=name):
                return global_id(name, sql_column(row, entity.column(entity.key)))
            case Column():
                return shown_column(value, sql_column(row, entity.column(value.name)), entity, row)
            case One() | Call():
                return self._one(value, entity, row)
            case Step():
                return value.compile(self, entity, row)
            case Page():
                return self._page(value, entity, row)

    def _one(self, one: One | Call, entity: Entity, row: str) -> str:
        if isinstance(one, Call):
            return self._call(one)
        rows = related(entity.relationship(one.relationship), row, self.builder)
        return json_of(self.row(one.shape, rows.target), self.builder, rows.where())

    def _call(self, call: Call) -> str:
        function = table_of(entity_named(call.shape.entity).mapper.local_table)
        arguments = ", ".join(self.builder.bind(param, "bigint") for param in call.arguments)
        row = self.builder.name("f")
        return json_of(
            self.row(call.shape, row), self.builder, f" FROM {function}({arguments}) AS {row}"
        )

    def _page(self, page: Page, parent: Entity | None, row: str | None) -> str:
        source = TableRows(page, parent, row, self.builder)
        return PageCompiler(page, source, self.builder, self.row).compile()


def shown_column(value: Column, column: str, entity: Entity, row: str) -> str:
    """Return a column as its field contains it."""
    if value.as_text:
        return f"to_json({column})::text"
    return f"upper({column})" if value.as_enum else exact(row, entity.column(value.name))


def global_id(entity: str, key: str) -> str:
    """Return the global id of a row: base64 of `Type:key`, as graph.pagination reads it."""
    return base64_of(f"{literal(f'{entity}:')} || {key}::text")
