"""Fields that graphql-core executes: the cost and the permissions of what they select."""

from graphql import GraphQLObjectType, get_named_type

from graph.errors import DocumentTooLarge
from graph.planner.cost import value_of
from graph.planner.cost_model import cost_of_row
from graph.planner.entity import entity_named
from graph.planner.introspection import MAX_INTROSPECTION, cost_of_introspection
from graph.planner.selection import MergedNodes
from graph.planner.walk.rows import RowPlanner
from graph.types.node import NODE_MODELS


class UnplannedFields:
    """Walks through introspection, `viewer` and mutations, and adds up their cost.

    Rows in the payload of a mutation are planned for their cost; the plan itself is made after the
    write, see Builder.plan_payload.
    """

    def __init__(self, rows: RowPlanner) -> None:
        self._walk = rows.walk
        self._rows = rows
        self._introspection = 0
        self.cost = 0

    def visit(self, type_: GraphQLObjectType, key: str, nodes: MergedNodes) -> None:
        """Check a field of this type and all fields below it."""
        walk, name = self._walk, nodes[0].name.value
        walk.authorizer.require_selected(type_.name, key, nodes[0])
        if name.startswith("__"):
            with walk.path.at(key, nodes[0]):
                self._introspect(nodes)
            return
        below = get_named_type(type_.fields[name].type)
        if isinstance(below, GraphQLObjectType):
            with walk.path.at(key, nodes[0]):
                if below.name in NODE_MODELS:
                    shape = self._rows.shape(entity_named(below.name), nodes)
                    self.cost += value_of(cost_of_row(shape), walk.parameters.values)
                    return
                for inner, merged in walk.selections.below(below, nodes).items():
                    self.visit(below, inner, merged)

    def _introspect(self, nodes: MergedNodes) -> None:
        walk = self._walk
        cost = cost_of_introspection(walk.selections, walk.catalog.schema, nodes)
        self.cost += cost
        self._introspection += cost
        if self._introspection > MAX_INTROSPECTION:
            raise DocumentTooLarge(
                f"The introspection costs {self._introspection}; the maximum is {MAX_INTROSPECTION}."
            )
