"""Root fields of a query -> lookups, node lists, pages and steps."""

from graphql import get_named_type
from graphql.type import GraphQLObjectType

from graph.planner.catalog import key_of_id, type_of_id
from graph.planner.entity import entity_named
from graph.planner.nodes import Lookup, NodeList, RootValue, Typename
from graph.planner.selection import MergedNodes
from graph.planner.walk.rows import RowPlanner, SelectedField
from graph.types.node import NODE_MODELS, VIEW_MODELS


class RootPlanner:
    """Plans the root fields of one query."""

    def __init__(self, rows: RowPlanner) -> None:
        self._walk = rows.walk
        self._rows = rows

    def root(self, key: str, nodes: MergedNodes) -> RootValue:
        """Plan a root field."""
        walk, name = self._walk, nodes[0].name.value
        query = walk.catalog.schema.query_type
        assert query is not None
        if name == "__typename":
            return Typename(query.name)
        field = query.fields[name]
        walk.authorizer.require_selected(query.name, key, nodes[0])
        with walk.path.at(key, nodes[0]):
            arguments = walk.arguments(field, nodes[0])
            if name == "node":
                return self._node(arguments["id"], nodes)
            if name == "nodes":
                return self._nodes(arguments["ids"], nodes)
            target = get_named_type(field.type)
            assert isinstance(target, GraphQLObjectType)
            if target.name in NODE_MODELS:
                entity = entity_named(target.name)
                keys = walk.keys.keys(entity, arguments["by"])
                return Lookup(keys, self._rows.shape(entity, nodes))
            if target.name in VIEW_MODELS:
                return Lookup((), self._rows.shape(entity_named(target.name), nodes))
            selected = SelectedField(None, query, field, nodes)
            return self._rows.step(selected, target) or self._rows.whole_table(selected)

    def _node(self, global_id: str, nodes: MergedNodes) -> Lookup:
        walk = self._walk
        name = walk.parameters.guard("type", global_id, type_of_id)
        entity = entity_named(name)
        walk.authorizer.require(name, "id")
        key = walk.parameters.add(global_id, key_of_id)
        return Lookup(((entity.key, key),), self._rows.shape(entity, nodes, abstract=True))

    def _nodes(self, ids: list[str], nodes: MergedNodes) -> NodeList:
        walk = self._walk
        names = walk.parameters.guard("types", ids, walk.catalog.types_of_ids)
        for name in names:
            walk.authorizer.require(name, "id")
        return NodeList(
            walk.parameters.add(ids, lambda items: [type_of_id(item) for item in items]),
            walk.parameters.add(ids, lambda items: [key_of_id(item) for item in items]),
            tuple(self._rows.shape(entity_named(name), nodes, abstract=True) for name in names),
        )
