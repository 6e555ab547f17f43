"""Plans operations: selection -> nodes. Raises every error of a request before a statement is sent.

A Builder is made once for a schema, and keeps nothing of a request.
"""

from collections.abc import Mapping
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
from graph.planner.catalog import Catalog
from graph.planner.cost_model import MUTATION, cost_of
from graph.planner.entity import entity_named
from graph.planner.nodes import Lookup, Operation, OperationPlan, RootValue
from graph.planner.steps import STEP_PLANNERS
from graph.planner.template import Template
from graph.planner.variables import traced
from graph.planner.walk.roots import RootPlanner
from graph.planner.walk.rows import RowPlanner
from graph.planner.walk.state import Walk
from graph.planner.walk.unplanned import UnplannedFields

INTROSPECTION = {"__schema", "__type"}
EXECUTED_ROOTS = (*INTROSPECTION, "viewer")
"""Root fields of Query that graphql-core executes."""


class Builder:
    """Plans the operations of one schema."""

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
        """Return the plan of a query for these variables, and for all with the same decisions.

        Raises GraphQLError for invalid arguments, and Refused with an error for each field that the
        role may not use.
        """
        walk = Walk(
            self._catalog,
            fragments,
            VariableValues(variables.sources, traced(variables.coerced, ())),
            role,
        )
        query = self._catalog.schema.query_type
        assert query is not None
        fields = walk.selections.collect(query, [operation.selection_set])
        planned = {k: n for k, n in fields.items() if n[0].name.value not in EXECUTED_ROOTS}
        walk.completed = len(planned) < len(fields)
        rows = RowPlanner(walk, STEP_PLANNERS)
        unplanned = UnplannedFields(rows)
        for key in fields:
            if key not in planned:
                unplanned.visit(query, key, fields[key])
        roots = RootPlanner(rows)
        values = tuple((key, roots.root(key, nodes)) for key, nodes in planned.items())
        walk.authorizer.check()
        hidden = walk.authorizer.hidden
        made = Operation(values, walk.completed, tuple(walk.deferred.steps), hidden)
        names = {nodes[0].name.value for nodes in fields.values()}
        return Template.of(
            made,
            walk.parameters,
            objects=walk.path.objects,
            roles=walk.authorizer.roles,
            cost=cost_of(made, unplanned.cost),
            constant=names <= INTROSPECTION,
        )

    def check(
        self,
        operation: OperationDefinitionNode,
        fragments: Mapping[str, FragmentDefinitionNode],
        variables: VariableValues,
        role: str,
    ) -> int:
        """Return the cost of a mutation with its payloads; raises like `plan`."""
        walk = Walk(self._catalog, fragments, variables, role)
        mutation = self._catalog.schema.mutation_type
        assert mutation is not None
        fields = walk.selections.collect(mutation, [operation.selection_set])
        unplanned = UnplannedFields(RowPlanner(walk, STEP_PLANNERS))
        for key, nodes in fields.items():
            unplanned.visit(mutation, key, nodes)
        walk.authorizer.check()
        return MUTATION * len(fields) + unplanned.cost

    def plan_payload(
        self, info: GraphQLResolveInfo[Any], variables: VariableValues, keys: Mapping[str, int]
    ) -> OperationPlan | None:
        """Return the plan of a mutation's payload; None if it selects no rows.

        `keys` contains the primary key of the row of each node field that was written.
        """
        payload = get_named_type(info.return_type)
        assert isinstance(payload, GraphQLObjectType)
        walk = Walk(self._catalog, info.fragments, variables, None)
        rows, path = RowPlanner(walk, STEP_PLANNERS), walk.path
        roots: list[tuple[str, RootValue]] = []
        for key, nodes in walk.selections.below(payload, info.field_nodes).items():
            name = nodes[0].name.value
            if name in keys:
                entity = entity_named(get_named_type(payload.fields[name].type).name)
                with path.at(str(info.path.key), info.field_nodes[0]), path.at(key, nodes[0]):
                    by = ((entity.key, walk.parameters.add(keys[name])),)
                    roots.append((key, Lookup(by, rows.shape(entity, nodes))))
        if not roots:
            return None
        operation = Operation(tuple(roots), deferred=tuple(walk.deferred.steps))
        return OperationPlan(operation, tuple(walk.parameters.values))
