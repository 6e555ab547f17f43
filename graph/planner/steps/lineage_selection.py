"""Selections of what is computed over edges: a trace, origins, an impact -> Lineage nodes.

A field of a computed type is a member where its type is one of rows, a listing where it is a
connection, else a fact. Refused: a lineage within another one, which would need statements without end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from graphql import FieldNode, GraphQLField, GraphQLObjectType, get_named_type
from graphql.execution.values import get_argument_values

from graph.errors import DocumentTooLarge, InvalidPage
from graph.pagination import (
    MAX_LISTING_SIZE,
    PageArguments,
    check_page_size,
    read_cursor,
    read_page_arguments,
)
from graph.planner.entity import Entity, entity_named
from graph.planner.nodes import (
    ComputedConnection,
    Cursor,
    Entry,
    EntryEdges,
    Fact,
    Lineage,
    LineageFields,
    ListingValue,
    Member,
    Param,
    TotalCount,
    Typename,
)
from graph.planner.variables import Traced
from graph.types.node import NODE_MODELS

if TYPE_CHECKING:
    from graph.planner.walk import Walk

Merged = list[FieldNode]
# How many whole numbers a place in a listing is.
POSITIONS = {"Trace.lots": 2, "Trace.flows": 4, "Trace.products": 2, "CacaoBatch.origins": 2}
POSITIONS |= {"Product.origins": 2, "Impact.products": 1, "Impact.manufacturers": 1}
POSITIONS |= {"Impact.customers": 1}
# Listings whose order tells of a value, which one without that order stands in for.
ORDERED_BY = {"origins": ("Origin", "share", "origins_by_number")}
POSITIONS |= {"CacaoBatch.origins_by_number": 1, "Product.origins_by_number": 1}


class LineageWalk:
    """Walks through the computed fields of one operation."""

    def __init__(self, walk: Walk) -> None:
        self._walk = walk
        self._mark: Param | None = None
        self._within = False
        self.found: list[Lineage] = []

    def lineage(
        self, entity: Entity, type_: GraphQLObjectType, field: GraphQLField, nodes: Merged
    ) -> Lineage:
        """A computed field of a row of this entity; raises what its arguments deserve."""
        if self._within:
            raise DocumentTooLarge("Lineage is not answered of what a lineage lists.")
        walk, name = self._walk, nodes[0].name.value
        given = get_argument_values(field, nodes[0], walk.variables)
        way = given.get("direction")
        back = name == "origins" or (name == "trace" and (way is None or way.value == "back"))
        shown_type = get_named_type(field.type)
        assert isinstance(shown_type, GraphQLObjectType)
        self._mark = self._mark or walk.values.add("")
        depth, as_of, stages = (given.get(key) for key in ("maxDepth", "asOf", "stages"))
        starts = walk.values.add([])
        self._within = True
        try:
            made = Lineage(
                number=len(self.found),
                kind=name,  # type: ignore[arg-type]
                entity=entity.name,
                back=back,
                mark=self._mark,
                starts=starts,
                max_depth=None if depth is None else walk.values.add(depth, check_depth),
                as_of=None if as_of is None else walk.values.add(as_of),
                stages=None if stages is None else tuple(stage.value for stage in stages),
                shown=self._listing(name, type_, field, given, nodes)
                if name == "origins"
                else self._fields(shown_type, nodes),
            )
        finally:
            self._within = False
        self.found.append(made)
        return made

    def _fields(self, type_: GraphQLObjectType, nodes: Merged) -> LineageFields:
        fields: list[tuple[str, Fact | ComputedConnection | Typename]] = []
        for key, merged in self._walk.selections.below(type_, nodes).items():
            name = self._required(type_, key, merged)
            if name == "__typename":
                fields.append((key, Typename(type_.name)))
                continue
            field = type_.fields[name]
            if isinstance(get_named_type(field.type), GraphQLObjectType):
                with self._walk.at(key, merged[0]):
                    given = get_argument_values(field, merged[0], self._walk.variables)
                    fields.append((key, self._listing(name, type_, field, given, merged)))
            else:
                fields.append((key, Fact(name)))
        return LineageFields(tuple(fields))

    def _required(self, type_: GraphQLObjectType, key: str, nodes: Merged) -> str:
        name = nodes[0].name.value
        if name != "__typename":
            self._walk.require_at(type_.name, key, nodes[0])
        return name

    # ------------------------------------------------------------ listings

    def _listing(
        self,
        name: str,
        parent: GraphQLObjectType,
        field: GraphQLField,
        given: Mapping[str, Any],
        nodes: Merged,
    ) -> ComputedConnection:
        arguments = read_page_arguments(dict(given), MAX_LISTING_SIZE)
        connection = get_named_type(field.type)
        assert isinstance(connection, GraphQLObjectType)
        if name in ORDERED_BY:
            type_, value, unordered = ORDERED_BY[name]
            name = name if self._walk.sees(type_, value) else unordered
        scope = f"{parent.name}.{name}"
        return ComputedConnection(
            name=name,
            scope=scope,
            limit=self._limit(arguments),
            backward=arguments.backward,
            after=self._position(scope, arguments.after),
            before=self._position(scope, arguments.before),
            fields=tuple(
                (key, self._value(connection, key, merged))
                for key, merged in self._walk.selections.below(connection, nodes).items()
            ),
        )

    def _limit(self, arguments: PageArguments) -> Param | int:
        if not isinstance(arguments.size, Traced):
            return arguments.size
        name = "last" if arguments.backward else "first"
        return self._walk.values.add(
            arguments.size, lambda size: check_page_size(name, size, MAX_LISTING_SIZE)
        )

    def _position(self, scope: str, cursor: str | None) -> Param | None:
        if cursor is None:
            return None
        types = [int] * POSITIONS[scope]
        return self._walk.values.add(cursor, lambda given: read_position(given, scope, types))

    def _value(self, connection: GraphQLObjectType, key: str, nodes: Merged) -> ListingValue:
        walk, name = self._walk, self._required(connection, key, nodes)
        match name:
            case "__typename":
                return Typename(connection.name)
            case "totalCount":
                return TotalCount()
            case "truncated":
                return Fact(name)
        with walk.at(key, nodes[0]):
            part = get_named_type(connection.fields[name].type)
            assert isinstance(part, GraphQLObjectType)
            if name == "pageInfo":
                return walk.page_info(part, nodes)
            if name == "nodes":
                return self._entry(part, nodes)
            return EntryEdges(
                tuple(
                    (k, self._edge(part, k, merged))
                    for k, merged in walk.selections.below(part, nodes).items()
                )
            )

    def _edge(self, type_: GraphQLObjectType, key: str, nodes: Merged) -> Cursor | Entry | Typename:
        name = self._required(type_, key, nodes)
        if name == "__typename":
            return Typename(type_.name)
        if name == "cursor":
            return Cursor()
        node = get_named_type(type_.fields[name].type)
        assert isinstance(node, GraphQLObjectType)
        with self._walk.at(key, nodes[0]):
            return self._entry(node, nodes)

    def _entry(self, type_: GraphQLObjectType, nodes: Merged) -> Entry:
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
            with self._walk.at(key, merged[0]):
                shape = self._walk.shape(entity_named(target.name), merged)
                fields.append((key, Member(name, shape, self._walk.values.add([]))))
        return Entry(tuple(fields))


def check_depth(depth: int) -> int:
    """The steps a walk may take; raises InvalidPage where they are fewer than none."""
    if depth < 0:
        raise InvalidPage(f"`maxDepth` is {depth}; it must be 0 or more.")
    return depth


def read_position(cursor: str, scope: str, types: Sequence[type]) -> tuple[int, ...]:
    """The whole numbers of a cursor; raises InvalidCursor."""
    values = read_cursor(cursor, scope, types)
    return tuple(int(value or 0) for value in values)
