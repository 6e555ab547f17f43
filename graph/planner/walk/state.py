"""The state of one walk through an operation: variables, parameters, path, permissions."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from graphql import FieldNode, FragmentDefinitionNode, GraphQLField
from graphql.execution.values import VariableValues, get_argument_values

from graph.errors import DocumentTooLarge
from graph.planner.arguments.filters import FilterReader
from graph.planner.arguments.keys import KeyReader
from graph.planner.arguments.orders import OrderReader
from graph.planner.catalog import Catalog
from graph.planner.nodes import DeferredStep
from graph.planner.parameters import Param, Parameters
from graph.planner.selection import Selections
from graph.planner.walk.authorizer import FieldAuthorizer
from graph.planner.walk.path import FieldPath


class Walk:
    """One walk through the selections of one operation."""

    def __init__(
        self,
        catalog: Catalog,
        fragments: Mapping[str, FragmentDefinitionNode],
        variables: VariableValues,
        role: str | None,
    ) -> None:
        self.catalog = catalog
        self.completed = True
        """Whether graphql-core completes the rows, and so needs the type names of interfaces."""
        self.parameters = Parameters()
        self.selections = Selections(catalog.schema, fragments, variables)
        self.path = FieldPath(catalog.limits.objects)
        self.authorizer = FieldAuthorizer(self.path, catalog.permissions, role)
        self.deferred = DeferredSteps(self.parameters)
        self._variables = variables
        attributes, parameters, uses = catalog.attributes, self.parameters, self.authorizer
        self.filters = FilterReader(attributes, parameters, uses, catalog.limits)
        self.orders = OrderReader(attributes, parameters, uses)
        self.keys = KeyReader(attributes, parameters, uses)

    def arguments(self, field: GraphQLField, node: FieldNode) -> dict[str, Any]:
        """Return the coerced arguments of a field; raises GraphQLError."""
        return get_argument_values(field, node, self._variables)


class DeferredSteps:
    """The deferred steps of one operation: numbered, and with one mark."""

    def __init__(self, parameters: Parameters) -> None:
        self._parameters = parameters
        self._mark: Param | None = None
        self._planning = False
        self.steps: list[DeferredStep] = []

    @contextmanager
    def next(self) -> Iterator[tuple[int, Param]]:
        """Enter the next step, with its number and its mark.

        Raises DocumentTooLarge inside another deferred step: each level of nesting would need more
        statements.
        """
        if self._planning:
            raise DocumentTooLarge("Lineage fields cannot be nested.")
        self._mark = self._mark or self._parameters.add("")
        self._planning = True
        try:
            yield len(self.steps), self._mark
        finally:
            self._planning = False
