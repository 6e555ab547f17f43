"""A plan that many requests share: the nodes of an operation, and where its parameters come from."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from graph.auth.roles import Roles
from graph.planner.cost import Cost
from graph.planner.nodes import Operation
from graph.planner.parameters import Parameters, bindable
from graph.planner.variables import Coerced, PlanGuard, ValueSource


@dataclass(frozen=True, slots=True)
class Template:
    """A plan for all variables with the same guarded decisions, and for all roles in `roles`.

    `objects` counts the objects that the document selects. `constant` marks an operation that selects
    nothing but the schema.
    """

    operation: Operation
    constants: tuple[Any, ...]
    sources: tuple[ValueSource | None, ...]
    guards: tuple[PlanGuard, ...]
    objects: int
    roles: Roles
    cost: Cost
    constant: bool = False

    @classmethod
    def of(
        cls,
        operation: Operation,
        parameters: Parameters,
        *,
        objects: int,
        roles: Roles,
        cost: Cost,
        constant: bool,
    ) -> "Template":
        """Make the template of an operation; it does not keep the values of the first request."""
        return cls(
            operation,
            parameters.constants(),
            tuple(parameters.sources),
            tuple(parameters.guards),
            objects,
            roles,
            cost,
            constant,
        )

    def fill(self, coerced: Coerced) -> Sequence[Any]:
        """Return the values of the parameters for these variables; raises RequestError."""
        return [
            value if source is None else bindable(source(coerced))
            for value, source in zip(self.constants, self.sources, strict=True)
        ]
