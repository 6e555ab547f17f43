"""Selected fields of a trace, of origins or of an impact -> a lineage.

A field of a computed type is a member if its type is a node type, a list if its type is a connection,
else a fact.
"""

from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

from graphql import GraphQLObjectType, get_named_type

from graph.errors import InvalidPage
from graph.pagination import (
    MAX_LISTING_SIZE,
    check_page_size,
    read_cursor,
    read_page_arguments,
)
from graph.planner.entity import entity_named
from graph.planner.nodes import Cursor, TotalCount, Typename
from graph.planner.parameters import Param
from graph.planner.selection import MergedNodes
from graph.planner.steps.lineage import (
    ComputedConnection,
    EntryEdges,
    Fact,
    Lineage,
    LineageFields,
    ListEntry,
    ListValue,
    Member,
)
from graph.planner.walk.rows import RowPlanner, SelectedField
from graph.types.node import NODE_MODELS

L = TypeVar("L", bound=Lineage)


class LineagePlanner(Generic[L]):
    """Plans one field with a lineage of this kind."""

    def __init__(self, rows: RowPlanner, field: SelectedField, kind: type[L]) -> None:
        self._rows = rows
        self._walk = rows.walk
        self._field = field
        self._kind = kind
        self.arguments: Mapping[str, Any] = rows.walk.arguments(field.definition, field.nodes[0])

    def plan(self, back: bool, select: Callable[[], ComputedConnection | LineageFields]) -> L:
        """Plan the lineage, with the fields that `select` returns.

        Raises RequestError for invalid arguments, and inside another lineage.
        """
        add, arguments = self._walk.parameters.add, self.arguments
        depth, as_of, stages = (arguments.get(name) for name in ("maxDepth", "asOf", "stages"))
        entity = self._field.entity
        assert entity is not None
        with self._walk.deferred.next() as (number, mark):
            step = self._kind(
                number=number,
                mark=mark,
                entity=entity.name,
                back=back,
                max_depth=None if depth is None else add(depth, check_depth),
                as_of=None if as_of is None else add(as_of),
                stages=None if stages is None else tuple(stage.value for stage in stages),
                selected=select(),
            )
        self._walk.deferred.steps.append(step)
        return step

    def fields(self) -> LineageFields:
        """Plan the fields of an object of facts and lists."""
        type_ = self._field.type
        fields: list[tuple[str, Fact | ComputedConnection | Typename]] = []
        for key, merged in self._walk.selections.below(type_, self._field.nodes).items():
            name = self._required(type_, key, merged)
            if name == "__typename":
                fields.append((key, Typename(type_.name)))
                continue
            field = SelectedField(None, type_, type_.fields[name], merged)
            if isinstance(get_named_type(field.definition.type), GraphQLObjectType):
                with self._walk.path.at(key, merged[0]):
                    arguments = self._walk.arguments(field.definition, merged[0])
                    fields.append((key, self.list(name, field, arguments)))
            else:
                fields.append((key, Fact(name)))
        return LineageFields(tuple(fields))

    def _required(self, type_: GraphQLObjectType, key: str, nodes: MergedNodes) -> str:
        name = nodes[0].name.value
        if name != "__typename":
            self._walk.authorizer.require_selected(type_.name, key, nodes[0])
        return name

    def list(
        self, name: str, field: SelectedField, arguments: Mapping[str, Any]
    ) -> ComputedConnection:
        """Plan a computed list; raises InvalidPage or InvalidCursor for its arguments."""
        window = read_page_arguments(dict(arguments), MAX_LISTING_SIZE)
        scope = f"{field.parent.name}.{name}"
        return ComputedConnection(
            name=name,
            scope=scope,
            limit=self._rows.pages.limit(window, check_listing_size),
            backward=window.backward,
            after=self._position(name, scope, window.after),
            before=self._position(name, scope, window.before),
            fields=tuple(
                (key, self._value(field.type, key, merged))
                for key, merged in self._walk.selections.below(field.type, field.nodes).items()
            ),
        )

    def _position(self, name: str, scope: str, cursor: str | None) -> Param | None:
        if cursor is None:
            return None
        length = self._kind.key_lengths[name]
        return self._walk.parameters.add(cursor, lambda text: read_entry_key(text, scope, length))

    def _value(self, connection: GraphQLObjectType, key: str, nodes: MergedNodes) -> ListValue:
        walk, name = self._walk, self._required(connection, key, nodes)
        match name:
            case "__typename":
                return Typename(connection.name)
            case "totalCount":
                return TotalCount()
            case "truncated":
                return Fact(name)
        with walk.path.at(key, nodes[0]):
            part = get_named_type(connection.fields[name].type)
            assert isinstance(part, GraphQLObjectType)
            if name == "pageInfo":
                return self._rows.pages.page_info(part, nodes)
            if name == "nodes":
                return self._entry(part, nodes)
            fields = walk.selections.below(part, nodes).items()
            return EntryEdges(tuple((k, self._edge(part, k, merged)) for k, merged in fields))

    def _edge(
        self, type_: GraphQLObjectType, key: str, nodes: MergedNodes
    ) -> Cursor | ListEntry | Typename:
        name = self._required(type_, key, nodes)
        if name == "__typename":
            return Typename(type_.name)
        if name == "cursor":
            return Cursor()
        node = get_named_type(type_.fields[name].type)
        assert isinstance(node, GraphQLObjectType)
        with self._walk.path.at(key, nodes[0]):
            return self._entry(node, nodes)

    def _entry(self, type_: GraphQLObjectType, nodes: MergedNodes) -> ListEntry:
        fields: list[tuple[str, Fact | Member | Typename]] = []
        for key, merged in self._walk.selections.below(type_, nodes).items():
            name = self._required(type_, key, merged)
            if name == "__typename":
                fields.append((key, Typename(type_.name)))
                continue
            target = get_named_type(type_.fields[name].type)
            if target.name not in NODE_MODELS:
                fields.append((key, Fact(name)))
                continue
            with self._walk.path.at(key, merged[0]):
                shape = self._rows.shape(entity_named(target.name), merged)
                fields.append((key, Member(name, shape, self._walk.parameters.add([]))))
        return ListEntry(tuple(fields))


def check_depth(depth: int) -> int:
    """Return the maximum number of steps; raises InvalidPage for a negative number."""
    if depth < 0:
        raise InvalidPage(f"`maxDepth` is {depth}; it must be 0 or more.")
    return depth


def check_listing_size(name: str, size: int) -> int:
    """Return the size of a page of a computed list; raises InvalidPage."""
    return check_page_size(name, size, MAX_LISTING_SIZE)


def read_entry_key(cursor: str, scope: str, length: int) -> tuple[int, ...]:
    """Return the integers of a cursor; raises InvalidCursor."""
    values = read_cursor(cursor, scope, [int] * length)
    return tuple(int(value or 0) for value in values)
