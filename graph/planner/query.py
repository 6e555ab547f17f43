"""StatementSteps that follow the first one of an operation, in the same snapshot."""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from models.database.asynchronous import Statement


@dataclass(frozen=True, slots=True)
class StatementRun:
    """A statement to run with its parameters.

    `cost_of` returns what the client is charged for the statement's answer before the next step.
    """

    statement: Statement
    values: Sequence[Any]
    cost_of: Callable[[bytes], int] | None = None


StatementSteps: TypeAlias = Generator[StatementRun, bytes, bytes]
"""A computation that yields statements, receives their answers, and returns the JSON of the data."""


class MakeStepAnswer(Protocol):
    """Makes the answer of some steps, given the events that statements never read."""

    def __call__(self, steps: Sequence[Any], hidden: tuple[str, ...], /) -> "StepAnswer": ...


class StepAnswer(Protocol):
    """Completes the JSON of an operation with the answers of its steps of one kind."""

    def run(self, values: list[Any], mark: str, data: bytes) -> StatementSteps:
        """Replace the marks of these steps in `data`; `values` are those of the parameters."""
        ...
