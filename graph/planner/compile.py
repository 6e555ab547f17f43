"""Nodes -> one SQLAlchemy Select whose single value is the JSON text of the operation's data.

Pure: it opens no session and sees no value. Each row is a JSON object under its response keys in
their order. A page is an inner subquery (keyset, limit) first; only its rows are joined and shown.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Numeric,
    Select,
    Table,
    Text,
    case,
    cast,
    func,
    literal_column,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY

from graph.planner.entity import Entity, entity_named
from graph.planner.findings import FindingsCompiler
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
from graph.planner.page import PageCompiler
from graph.planner.record import Fields, base64_of, constant, json_list, json_of, text
from graph.planner.relation import Names, aliased, bind, related


def compile_operation(operation: Operation) -> Select[Any]:
    """One statement with one row of one column: the JSON text of `data`."""
    compiler = Compiler()
    fields = [(key, compiler.root(value)) for key, value in operation.fields]
    return select(cast(json_of(select, fields, compiler.names), Text))


def compile_objects(members: Sequence[Member]) -> Select[Any]:
    """One statement: for each member m0, m1, ... the JSON texts of its objects, in the order of keys."""
    compiler = Compiler()
    fields = [(f"m{place}", compiler.objects(member)) for place, member in enumerate(members)]
    return select(cast(json_of(select, fields, compiler.names), Text))


class Compiler:
    """Compiles the nodes of one statement."""

    def __init__(self) -> None:
        self.names = Names()

    # ------------------------------------------------------------ roots

    def root(self, value: RootValue) -> ColumnElement[Any]:
        match value:
            case Typename(name=name):
                return text(name)
            case Lookup():
                return self._lookup(value)
            case NodeList():
                return self._node_list(value)
            case Page():
                return self.page(value, None, None)

    def _lookup(self, lookup: Lookup) -> ColumnElement[Any]:
        entity = entity_named(lookup.shape.entity)
        row = aliased(entity.mapper.local_table, self.names.next("t"))
        keys = []
        for attribute, param in lookup.keys:
            column = entity.column(attribute)
            keys.append(row.c[column.name] == bind(param, column.type))
        return json_of(
            lambda *columns: select(*columns).select_from(row).where(*keys),
            self.row(lookup.shape, row),
            self.names,
        )

    def _node_list(self, value: NodeList) -> ColumnElement[Any]:
        asked = (
            func.unnest(
                bind(value.types, ARRAY(Text)),
                bind(value.keys, ARRAY(BigInteger)),
            )
            .table_valued("type", "key", with_ordinality="place")
            .render_derived(name=self.names.next("n"))
        )
        branches = [
            (asked.c.type == constant(shape.entity), self._by_key(shape, asked))
            for shape in value.shapes
        ]
        one = case(*branches) if branches else literal_column("NULL::json")
        ordered = select(one.label("o")).select_from(asked).order_by(asked.c.place)
        return json_list(ordered, True, self.names)

    def objects(self, member: Member) -> ColumnElement[Any]:
        """A JSON array of texts, each the JSON of an object: it is put elsewhere as it is."""
        asked = (
            func.unnest(bind(member.keys, ARRAY(BigInteger)))
            .table_valued("key", with_ordinality="place")
            .render_derived(name=self.names.next("n"))
        )
        one = cast(self._by_key(member.shape, asked), Text)
        ordered = select(one.label("o")).select_from(asked).order_by(asked.c.place)
        return json_list(ordered, True, self.names)

    def _by_key(self, shape: Shape, asked: FromClause) -> ColumnElement[Any]:
        entity = entity_named(shape.entity)
        row = aliased(entity.mapper.local_table, self.names.next("t"))
        key = row.c[entity.column(entity.key).name]
        return json_of(
            lambda *columns: (
                select(*columns).select_from(row).where(key == asked.c.key).correlate(asked)
            ),
            self.row(shape, row),
            self.names,
        )

    # ------------------------------------------------------------ rows

    def row(self, shape: Shape, row: FromClause) -> Fields:
        """The fields of a shape as expressions over a row of its entity."""
        entity = entity_named(shape.entity)
        return [(key, self._value(value, entity, row)) for key, value in shape.fields]

    def _value(self, value: RowValue, entity: Entity, row: FromClause) -> ColumnElement[Any]:
        match value:
            case Typename(name=name):
                return text(name)
            case GlobalId(entity=name):
                return global_id(name, row.c[entity.column(entity.key).name])
            case Column(name=attribute, as_enum=as_enum):
                column = row.c[entity.column(attribute).name]
                return func.upper(column) if as_enum else exact(column)
            case One() | Call():
                return self._one(value, entity, row)
            case Lineage(number=number, mark=mark):
                key = cast(row.c[entity.column(entity.key).name], Text)
                return bind(mark, Text()).concat(constant(f":{number}:")).concat(key)
            case Page():
                return self.page(value, entity, row)

    def _one(self, one: One | Call, entity: Entity, row: FromClause) -> ColumnElement[Any]:
        if isinstance(one, Call):
            return self._call(one)
        target, _, _, link = related(entity.relationship(one.relationship), row, self.names)
        return json_of(
            lambda *columns: select(*columns).select_from(target).where(link).correlate(row),
            self.row(one.shape, target),
            self.names,
        )

    def _call(self, call: Call) -> ColumnElement[Any]:
        table = entity_named(call.shape.entity).mapper.local_table
        assert isinstance(table, Table)
        arguments = (bind(param, BigInteger()) for param in call.arguments)
        made = getattr(func, table.name)(*arguments).table_valued(*table.c)
        row = made.alias(self.names.next("f"))
        return json_of(
            lambda *columns: select(*columns).select_from(row),
            self.row(call.shape, row),
            self.names,
        )

    def page(self, page: Page, parent: Entity | None, row: FromClause | None) -> ColumnElement[Any]:
        compiler = FindingsCompiler if isinstance(page, Findings) else PageCompiler
        return compiler(page, parent, row, self.names, self.row).compile()


def exact(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """A column as JSON shows it; a decimal as text, since JSON numbers are read as floats."""
    return cast(column, Text) if isinstance(column.type, Numeric) else column


def global_id(entity: str, key: ColumnElement[Any]) -> ColumnElement[Any]:
    """base64 of `Type:key`, as graph.pagination reads it."""
    return base64_of(constant(f"{entity}:").concat(cast(key, Text)))
