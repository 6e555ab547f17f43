"""The statements of an operation with deferred steps, in one snapshot.

The first statement reads the rows, and writes a mark in the place of each deferred step. The answers of
the steps then replace the marks. A mark contains a secret of the request, so that no stored text can be
taken for one. Pure: `run` yields statements and receives their answers.
"""

import secrets
from collections.abc import Sequence
from typing import Any

from graph.planner.nodes import DeferredStep, Operation
from graph.planner.query import MakeStepAnswer, StatementRun, StatementSteps
from graph.planner.sql.compiled import Compiled


class Assembly:
    """Completes the rows of one operation with the answers of its deferred steps."""

    def __init__(self, operation: Operation, rows: Compiled) -> None:
        self._rows = rows
        self._mark = operation.deferred[0].mark
        kinds: dict[MakeStepAnswer, list[DeferredStep]] = {}
        for step in operation.deferred:
            kinds.setdefault(step.answering, []).append(step)
        self._answers = [make(steps, operation.hidden) for make, steps in kinds.items()]

    def run(self, values: Sequence[Any]) -> StatementSteps:
        """Yield each statement and receive its answer; return the JSON text of the data."""
        mark = secrets.token_hex(16)
        filled = [*values]
        filled[self._mark.index] = mark
        data = yield StatementRun(self._rows.statement, self._rows.arguments(filled))
        for answer in self._answers:
            data = yield from answer.run(filled, mark, data)
        return data
