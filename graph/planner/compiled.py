"""A Select as text that PostgreSQL prepares, and which values its parameters take."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select
from sqlalchemy.dialects import postgresql

from models.asynchronous import Statement

# Parameters as $1, $2, ..., which PREPARE takes.
DIALECT = postgresql.dialect(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]


@dataclass(frozen=True, slots=True)
class Compiled:
    """A statement, and which slots its parameters $1, $2, ... take."""

    statement: Statement
    slots: tuple[int, ...]

    def bound(self, values: Sequence[Any]) -> dict[str, Any]:
        """The parameters of the unprepared statement, by name."""
        return {f"p{place}": values[slot] for place, slot in enumerate(self.slots, start=1)}


def compiled_of(select: Select[Any]) -> Compiled:
    """The statement of a Select whose parameters are named after slots: p0, p1, ..."""
    compiled = select.compile(dialect=DIALECT)
    text = str(compiled)
    order: list[str] = getattr(compiled, "positiontup", None) or []
    slots = [int(parameter[1:]) for parameter in dict.fromkeys(order)]
    return Compiled(Statement(text, len(slots)), tuple(slots))
