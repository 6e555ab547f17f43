"""Checks the permission of each field that an operation uses, while it is planned."""

from graphql import FieldNode, GraphQLError

from graph.auth.permissions import EVENTS, Permissions, denied
from graph.auth.roles import ANYONE, Roles
from graph.errors import Refused, refuse
from graph.planner.entity import Entity
from graph.planner.selection import PathStep
from graph.planner.walk.path import FieldPath

MAX_REFUSED = 20


class FieldAuthorizer:
    """Collects the fields that a role may not use, and the roles for which the plan holds.

    Without a role, every field is allowed: a mutation's payload was checked with the mutation.
    """

    def __init__(self, path: FieldPath, permissions: Permissions, role: str | None) -> None:
        self._path = path
        self._permissions = permissions
        self._role = role
        self._refused: list[GraphQLError] = []
        self._hidden: set[str] = set()
        self.roles: Roles = ANYONE
        """The roles for which the plan holds."""

    @property
    def hidden(self) -> tuple[str, ...]:
        """The events that the role may not see, in lower case."""
        return tuple(sorted(self._hidden))

    def require(self, type_: str, field: str) -> None:
        """Record that an argument at the current path reads a field."""
        self._require(type_, field, None)

    def require_selected(self, type_: str, key: str, node: FieldNode) -> None:
        """Record that a field is selected with this response key at the current path."""
        self._require(type_, node.name.value, PathStep(key, node))

    def _require(self, type_: str, field: str, step: PathStep | None) -> None:
        allowed = self._permissions.allowed(type_, field)
        self.roles &= allowed
        if self._role is None or self._role in allowed:
            return
        steps = [*self._path.steps, step] if step else self._path.steps
        path = [passed.key for passed in steps]
        # An error for a field also covers the fields below it.
        if not any(path[: len(error.path or ())] == error.path for error in self._refused):
            error = refuse(denied(f"{type_}.{field}", allowed, self._role), [steps[-1].node])
            error.path = [*path]
            self._refused.append(error)

    def sees(self, type_: str, field: str) -> bool:
        """Return whether the role may read a field that is not selected but affects the answer.

        The plan then holds only for roles that get the same result.
        """
        allowed = self._permissions.allowed(type_, field)
        seen = self._role is None or self._role in allowed
        if self._role is not None:
            self.roles &= allowed if seen else ANYONE - allowed
        return seen

    def reach(self, entity: Entity) -> None:
        """Record that the operation reads rows of this entity."""
        if entity.name == "Transaction":
            self._hidden.update(event for event, of in EVENTS.items() if not self.sees(*of))

    def check(self) -> None:
        """Raise Refused if the operation uses a field that the role may not use."""
        if self._refused:
            raise Refused(self._refused[:MAX_REFUSED])
