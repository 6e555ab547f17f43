"""A compiled statement, and the parameters of the operation that it binds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from graph.planner.sql.builder import SqlBuilder
from models.database.asynchronous import Statement


@dataclass(frozen=True, slots=True)
class Compiled:
    """A statement with the indexes of the operation's parameters for its $1, $2, ... ."""

    statement: Statement
    parameters: tuple[int, ...]

    @classmethod
    def of(cls, text: str, builder: SqlBuilder) -> "Compiled":
        """Make the statement of a text whose aliases and parameters come from this builder."""
        parameters = builder.parameters
        assert all(f"${place}::" in text for place in range(1, len(parameters) + 1))
        return cls(Statement(text, len(parameters), builder.searches), parameters)

    def arguments(self, values: Sequence[Any]) -> list[Any]:
        """Return the arguments for $1, $2, ..., given the values of the operation's parameters."""
        return [values[index] for index in self.parameters]

    def bound(self, values: Sequence[Any]) -> dict[str, Any]:
        """Return the arguments of the unprepared statement, by name."""
        return {f"p{place}": values[index] for place, index in enumerate(self.parameters, start=1)}
