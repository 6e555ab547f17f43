"""Selection -> nodes. All that can be refused is refused here, before the database is touched.

`Builder(schema)` is made once; `plan()` takes a validated operation with its coerced variables and
raises GraphQLError at the node and path where something is wrong.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from graphql import (
    FragmentDefinitionNode,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    OperationDefinitionNode,
    get_named_type,
)
from graphql.execution.values import VariableValues

from graph.admission.limits import DEFAULTS, Limits
from graph.auth.permissions import Permissions
from graph.planner.arguments import Template
from graph.planner.catalog import Catalog
from graph.planner.cost import MUTATION, cost_of
from graph.planner.entity import entity_named
from graph.planner.nodes import (
    Lookup,
    Operation,
    Plan,
    RootValue,
)
from graph.planner.variables import trace
from graph.planner.walk import Walk

# Root fields that no row answers: graphql-core does.
INTROSPECTION = {"__schema", "__type"}
UNPLANNED = (*INTROSPECTION, "viewer")


class Builder:
    """Builds plans against one schema; holds nothing of any request."""

    def __init__(
        self, schema: GraphQLSchema, permissions: Permissions, limits: Limits = DEFAULTS
    ) -> None:
        self._catalog = Catalog(schema, permissions, limits)

    def plan(
        self,
        operation: OperationDefinitionNode,
        fragments: Mapping[str, FragmentDefinitionNode],
        variables: VariableValues,
        role: str,
    ) -> Template:
        """The plan of a query operation, for these variables and all that decide the same.

        Raises Refused, naming each field that this role may not use.
        """
        traced = VariableValues(variables.sources, trace(variables.coerced, ()))
        walk = Walk(self._catalog, fragments, traced, role)
        query = self._catalog.schema.query_type
        assert query is not None
        fields = walk.selections.collect(query, [operation.selection_set])
        planned = {k: n for k, n in fields.items() if n[0].name.value not in UNPLANNED}
        walk.rows = len(planned) < len(fields)
        for key in fields:
            if key not in planned:
                walk.look(query, key, fields[key])
        root = tuple((key, walk.root(key, nodes)) for key, nodes in planned.items())
        walk.refuse()
        made = Operation(root, walk.rows, tuple(walk.lineages.found), tuple(sorted(walk.hidden)))
        cost = cost_of(made, besides=walk.looked)
        template = walk.values.template(made, walk.objects, walk.roles, cost)
        names = {nodes[0].name.value for nodes in fields.values()}
        return replace(template, constant=names <= INTROSPECTION)

    def check(
        self,
        operation: OperationDefinitionNode,
        fragments: Mapping[str, FragmentDefinitionNode],
        variables: VariableValues,
        role: str,
    ) -> int:
        """The cost of a mutation, its payloads included; raises Refused, before anything is written."""
        walk = Walk(self._catalog, fragments, variables, role)
        mutation = self._catalog.schema.mutation_type
        assert mutation is not None
        fields = walk.selections.collect(mutation, [operation.selection_set])
        for key, nodes in fields.items():
            walk.look(mutation, key, nodes)
        walk.refuse()
        return MUTATION * len(fields) + walk.looked

    def plan_payload(
        self, info: GraphQLResolveInfo[Any], variables: VariableValues, keys: Mapping[str, int]
    ) -> Plan | None:
        """The plan of a mutation's payload: `keys` gives the row of each of its node fields."""
        payload = get_named_type(info.return_type)
        assert isinstance(payload, GraphQLObjectType)
        walk = Walk(self._catalog, info.fragments, variables, None)
        root: list[tuple[str, RootValue]] = []
        for key, nodes in walk.selections.below(payload, info.field_nodes).items():
            name = nodes[0].name.value
            if name in keys:
                entity = entity_named(get_named_type(payload.fields[name].type).name)
                with walk.at(str(info.path.key), info.field_nodes[0]), walk.at(key, nodes[0]):
                    by = ((entity.key, walk.values.add(keys[name])),)
                    root.append((key, Lookup(by, walk.shape(entity, nodes))))
        if not root:
            return None
        operation = Operation(tuple(root), lineages=tuple(walk.lineages.found))
        return Plan(operation, tuple(walk.values.items))
