"""What the readers of arguments report: each field that an argument reads, and each entity."""

from typing import Protocol

from graph.planner.entity import Entity


class FieldUse(Protocol):
    """Records the fields and entities that arguments read, so that permissions can be checked."""

    def require(self, type_: str, field: str) -> None:
        """Record that an argument reads a field of this type."""
        ...

    def reach(self, entity: Entity) -> None:
        """Record that the operation reads rows of this entity."""
        ...
