"""Connection fields -> pages."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from graphql import FieldNode, GraphQLField, GraphQLObjectType, get_named_type

from graph.pagination import PageArguments, check_page_size, read_page_arguments
from graph.planner.catalog import attribute_of
from graph.planner.entity import Entity
from graph.planner.nodes import (
    Cursor,
    EdgeColumn,
    Edges,
    EdgeValue,
    Nodes,
    Page,
    PageInfoField,
    PageInfoNode,
    PageInfoValue,
    PageValue,
    Shape,
    TotalCount,
    Typename,
)
from graph.planner.parameters import Param
from graph.planner.selection import MergedNodes
from graph.planner.variables import Traced
from graph.planner.walk.state import Walk


class PlanShape(Protocol):
    """Plans the fields of a row, which may contain pages again."""

    def __call__(self, entity: Entity, nodes: Sequence[FieldNode]) -> Shape: ...


class PagePlanner:
    """Plans connection fields."""

    def __init__(self, walk: Walk, shape: PlanShape) -> None:
        self._walk = walk
        self._shape = shape

    def page(
        self,
        entity: Entity,
        relationship: str | None,
        parent: GraphQLObjectType,
        field: GraphQLField,
        arguments: Mapping[str, Any],
        nodes: MergedNodes,
    ) -> Page:
        """Plan a connection of this entity; raises RequestError for invalid arguments."""
        walk = self._walk
        walk.authorizer.reach(entity)
        window = read_page_arguments(dict(arguments))
        order = walk.orders.order(entity, arguments.get("orderBy"))
        terms = "".join(f"{'-' if term.descending else '+'}{term.column}" for term in order)
        scope = f"{parent.name}.{attribute_of(field)}{terms}"
        connection = get_named_type(field.type)
        assert isinstance(connection, GraphQLObjectType)
        return Page(
            entity=entity.name,
            relationship=relationship,
            scope=scope,
            condition=walk.filters.rows(entity, arguments),
            order=order,
            limit=self.limit(window, check_page_size),
            backward=window.backward,
            after=walk.orders.position(entity, scope, order, window.after),
            before=walk.orders.position(entity, scope, order, window.before),
            fields=tuple(
                (key, self._value(entity, connection, key, merged))
                for key, merged in walk.selections.below(connection, nodes).items()
            ),
        )

    def limit(self, arguments: PageArguments, check: "CheckSize") -> Param | int:
        """Return the page size: a number of the document shapes the SQL, a variable is bound."""
        if not isinstance(arguments.size, Traced):
            return arguments.size
        name = "last" if arguments.backward else "first"
        return self._walk.parameters.add(arguments.size, lambda size: check(name, size))

    def _value(
        self, entity: Entity, connection: GraphQLObjectType, key: str, nodes: MergedNodes
    ) -> PageValue:
        name = nodes[0].name.value
        if name == "__typename":
            return Typename(connection.name)
        walk = self._walk
        walk.authorizer.require_selected(connection.name, key, nodes[0])
        if name == "totalCount":
            return TotalCount()
        with walk.path.at(key, nodes[0]):
            if name == "nodes":
                return Nodes(self._shape(entity, nodes))
            part = get_named_type(connection.fields[name].type)
            assert isinstance(part, GraphQLObjectType)
            if name == "pageInfo":
                return self.page_info(part, nodes)
            fields = walk.selections.below(part, nodes).items()
            return Edges(tuple((k, self._edge_value(entity, part, k, n)) for k, n in fields))

    def page_info(self, type_: GraphQLObjectType, nodes: Sequence[FieldNode]) -> PageInfoNode:
        """Plan the field `pageInfo`."""
        fields = self._walk.selections.below(type_, nodes).items()
        return PageInfoNode(tuple((k, self._page_info_value(type_, k, n)) for k, n in fields))

    def _page_info_value(
        self, type_: GraphQLObjectType, key: str, nodes: MergedNodes
    ) -> PageInfoValue:
        name = nodes[0].name.value
        if name == "__typename":
            return Typename(type_.name)
        self._walk.authorizer.require_selected(type_.name, key, nodes[0])
        # The type PageInfo has no other fields than those of PageInfoField.
        return PageInfoField(attribute_of(type_.fields[name]))  # type: ignore[arg-type]

    def _edge_value(
        self, entity: Entity, type_: GraphQLObjectType, key: str, nodes: MergedNodes
    ) -> EdgeValue:
        name = nodes[0].name.value
        if name == "__typename":
            return Typename(type_.name)
        self._walk.authorizer.require_selected(type_.name, key, nodes[0])
        if name == "cursor":
            return Cursor()
        if name == "node":
            with self._walk.path.at(key, nodes[0]):
                return self._shape(entity, nodes)
        return EdgeColumn(attribute_of(type_.fields[name]))


class CheckSize(Protocol):
    """Returns a page size, or raises InvalidPage."""

    def __call__(self, name: str, size: int, /) -> int: ...
