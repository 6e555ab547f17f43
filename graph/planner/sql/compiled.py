"""A statement as PostgreSQL prepares it, and which values its parameters take."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from graph.planner.sql.builder import SqlBuilder
from models.database.asynchronous import Statement


@dataclass(frozen=True, slots=True)
class Compiled:
    """A statement, and which slots its parameters $1, $2, ... take."""

    statement: Statement
    slots: tuple[int, ...]

    @classmethod
    def of(cls, text: str, builder: SqlBuilder) -> "Compiled":
        """The statement of a finished builder, whose parameters are all in the text."""
        assert all(f"${place}::" in text for place in range(1, len(builder.slots) + 1))
        return cls(Statement(text, len(builder.slots), builder.searches), builder.slots)

    def bound(self, values: Sequence[Any]) -> dict[str, Any]:
        """The parameters of the unprepared statement, by name."""
        return {f"p{place}": values[slot] for place, slot in enumerate(self.slots, start=1)}
