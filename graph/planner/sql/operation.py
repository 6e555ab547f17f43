"""Nodes -> one statement whose single value is the JSON text of the operation's data.

Pure: it opens no session and sees no value. Each row is a JSON object under its response keys in
their order. A page is an inner subquery (keyset, limit) first; only its rows are joined and shown.
"""

from collections.abc import Sequence

from graph.planner.entity import Entity, entity_named
from graph.planner.nodes import (
    Call,
    Column,
    Findings,
    GlobalId,
    Lineage,
    Lookup,
    Member,
    NodeList,
    One,
    Operation,
    Page,
    RootValue,
    RowValue,
    Shape,
    Typename,
)
from graph.planner.sql.builder import SqlBuilder, bound_type, column_of, literal, table_of
from graph.planner.sql.compiled import Compiled
from graph.planner.sql.page import PageCompiler
from graph.planner.sql.record import Fields, base64_of, exact, json_list, json_of, text
from graph.planner.sql.relation import related, rows_of
from graph.planner.steps.findings import FindingsCompiler


def compile_operation(operation: Operation) -> Compiled:
    """One statement with one row of one column: the JSON text of `data`."""
    compiler = Compiler(operation.hidden)
    return compiler.compiled([(key, compiler.root(value)) for key, value in operation.fields])


def compile_objects(members: Sequence[Member], hidden: tuple[str, ...]) -> Compiled:
    """One statement: for each member m0, m1, ... the JSON texts of its objects, in the order of keys."""
    compiler = Compiler(hidden)
    return compiler.compiled(
        [(f"m{place}", compiler.objects(member)) for place, member in enumerate(members)]
    )


class Compiler:
    """Compiles the nodes of one statement."""

    def __init__(self, hidden: tuple[str, ...]) -> None:
        self.builder = SqlBuilder(hidden)

    def compiled(self, fields: Fields) -> Compiled:
        """The statement whose value is one object."""
        return Compiled.of(f"SELECT {json_of(fields, self.builder)}::text", self.builder)

    # ------------------------------------------------------------ roots

    def root(self, value: RootValue) -> str:
        match value:
            case Typename(name=name):
                return text(name)
            case Lookup():
                return self._lookup(value)
            case NodeList():
                return self._node_list(value)
            case Page():
                return self.page(value, None, None)

    def _lookup(self, lookup: Lookup) -> str:
        entity = entity_named(lookup.shape.entity)
        rows = rows_of(entity.mapper.local_table, self.builder)
        keys = []
        for attribute, param in lookup.keys:
            column = entity.column(attribute)
            bound = self.builder.bind(param, bound_type(column))
            keys.append(f"{column_of(rows.target, column)} = {bound}")
        return json_of(self.row(lookup.shape, rows.target), self.builder, rows.where(*keys))

    def _node_list(self, value: NodeList) -> str:
        asked = self.builder.name("n")
        types = self.builder.bind(value.types, "text[]")
        keys = self.builder.bind(value.keys, "bigint[]")
        branches = " ".join(
            f"WHEN {asked}.type = {literal(shape.entity)} THEN {self._by_key(shape, asked)}"
            for shape in value.shapes
        )
        one = f"CASE {branches} END" if branches else "NULL::json"
        rows = f"unnest({types}, {keys}) WITH ORDINALITY AS {asked} (type, key, place)"
        return self._in_order(one, rows, asked)

    def objects(self, member: Member) -> str:
        """A JSON array of texts, each the JSON of an object: it is put elsewhere as it is."""
        asked = self.builder.name("n")
        keys = self.builder.bind(member.keys, "bigint[]")
        one = f"{self._by_key(member.shape, asked)}::text"
        return self._in_order(one, f"unnest({keys}) WITH ORDINALITY AS {asked} (key, place)", asked)

    def _in_order(self, one: str, rows: str, asked: str) -> str:
        return json_list(f"{one} AS o", True, self.builder, f" FROM {rows} ORDER BY {asked}.place")

    def _by_key(self, shape: Shape, asked: str) -> str:
        entity = entity_named(shape.entity)
        rows = rows_of(entity.mapper.local_table, self.builder)
        key = column_of(rows.target, entity.column(entity.key))
        return json_of(
            self.row(shape, rows.target), self.builder, rows.where(f"{key} = {asked}.key")
        )

    # ------------------------------------------------------------ rows

    def row(self, shape: Shape, row: str) -> Fields:
        """The fields of a shape as expressions over a row of its entity."""
        entity = entity_named(shape.entity)
        return [(key, self._value(value, entity, row)) for key, value in shape.fields]

    def _value(self, value: RowValue, entity: Entity, row: str) -> str:
        match value:
            case Typename(name=name):
                return text(name)
            case GlobalId(entity=name):
                return global_id(name, column_of(row, entity.column(entity.key)))
            case Column():
                return shown(value, column_of(row, entity.column(value.name)), entity, row)
            case One() | Call():
                return self._one(value, entity, row)
            case Lineage(number=number, mark=mark):
                key = column_of(row, entity.column(entity.key))
                return (
                    f"{self.builder.bind(mark, 'text')} || {literal(f':{number}:')} || {key}::text"
                )
            case Page():
                return self.page(value, entity, row)

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

    def page(self, page: Page, parent: Entity | None, row: str | None) -> str:
        compiler = FindingsCompiler if isinstance(page, Findings) else PageCompiler
        return compiler(page, parent, row, self.builder, self.row).compile()


def shown(value: Column, column: str, entity: Entity, row: str) -> str:
    """A column as its field shows it."""
    if value.as_text:
        return f"to_json({column})::text"
    return f"upper({column})" if value.as_enum else exact(row, entity.column(value.name))


def global_id(entity: str, key: str) -> str:
    """base64 of `Type:key`, as graph.pagination reads it."""
    return base64_of(f"{literal(f'{entity}:')} || {key}::text")
