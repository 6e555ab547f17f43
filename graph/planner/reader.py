"""Runs plans: the only module of the planner that sends statements.

An operation is one statement with one value; with deferred steps, it is several statements in one
read-only snapshot. `prepare` returns a function for the event loop that returns PostgreSQL's bytes;
`read_within` runs inside a writing transaction, in its thread.
"""

import json
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from threading import Lock
from typing import Any, TypeAlias

from sqlalchemy.orm import Session

from graph.admission.controller import Execution
from graph.planner.assembly import Assembly
from graph.planner.compilation.operation import compile_operation
from graph.planner.nodes import Operation, OperationPlan
from graph.planner.query import StatementRun, StatementSteps
from graph.planner.sql.compiled import Compiled
from models.database.asynchronous import Statement
from models.database.engines import Database
from models.database.pool import Fetch as RunStatement

FetchData: TypeAlias = Callable[[Sequence[Any], Execution], Awaitable[bytes]]
"""Returns the JSON text of an operation's data, given the values of its parameters."""
ResponseRows: TypeAlias = dict[str, Any]
MAX_STATEMENTS = 500
MAX_STATEMENT_TEXT = 4_000_000
"""Characters of the texts of all cached statements."""


class StatementCache:
    """The statements of operations; evicts the least recently used one. Safe between threads."""

    def __init__(self, size: int = MAX_STATEMENTS) -> None:
        self._size = size
        self._known: OrderedDict[Operation, Compiled] = OrderedDict()
        self._lock = Lock()
        self._length = 0

    def __len__(self) -> int:
        return len(self._known)

    def compiled(self, operation: Operation) -> Compiled:
        """Return the statement of an operation, compiled on first use."""
        with self._lock:
            known = self._known.get(operation)
            if known is not None:
                self._known.move_to_end(operation)
                return known
        compiled = compile_operation(operation)
        with self._lock:
            if operation not in self._known:
                self._known[operation] = compiled
                self._length += len(compiled.statement.text)
            while len(self._known) > self._size or self._length > MAX_STATEMENT_TEXT:
                _, oldest = self._known.popitem(last=False)
                self._length -= len(oldest.statement.text)
        return compiled


class Reader:
    """Runs plans against one database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.statements = StatementCache()

    def prepare(self, operation: Operation) -> FetchData:
        """Compile an operation, and return the function that fetches its data."""
        compiled = self.statements.compiled(operation)
        if operation.deferred:
            return self._assemble(Assembly(operation, compiled))
        statement, parameters, database = compiled.statement, compiled.parameters, self._database
        return lambda values, execution: database.pool().fetch(
            statement, [values[index] for index in parameters], execution
        )

    def _assemble(self, assembly: Assembly) -> FetchData:
        """Return the function that runs several statements and computes between them."""
        database = self._database

        async def fetch(values: Sequence[Any], execution: Execution) -> bytes:
            async def assemble(run_statement: RunStatement) -> bytes:
                running = assembly.run(values)
                step: StatementRun | bytes = next(running)
                while isinstance(step, StatementRun):
                    answer = await run_statement(step.statement, step.values)
                    if step.cost_of is not None:
                        execution.reach(step.cost_of(answer))
                    sending = partial(_send, running, answer)
                    step = await execution.compute(sending, len(answer))
                return step

            async with execution.assembling():
                return await database.pool().fetch_together(assemble, execution)

        return fetch

    def explain(self, operation: Operation, values: Sequence[Any]) -> tuple[Statement, Any]:
        """Return the first statement of an operation and PostgreSQL's plan for it. Blocks."""
        compiled = self.statements.compiled(operation)
        statement = f"EXPLAIN (FORMAT JSON) {compiled.statement.unprepared}"
        with self._database.reader() as connection:
            answer = connection.exec_driver_sql(statement, compiled.bound(values)).scalar_one()
        return compiled.statement, answer[0]["Plan"]

    def read_within(self, session: Session, plan: OperationPlan) -> ResponseRows:
        """Run a plan inside a writing transaction, so that it reads the changes."""
        compiled = self.statements.compiled(plan.operation)
        connection = session.connection()

        def run_statement(statement: Statement, bound: dict[str, Any]) -> Any:
            return connection.exec_driver_sql(statement.unprepared, bound).scalar_one()

        if not plan.operation.deferred:
            return _rows(run_statement(compiled.statement, compiled.bound(plan.values)))
        running = Assembly(plan.operation, compiled).run(plan.values)
        step: StatementRun | bytes = next(running)
        while isinstance(step, StatementRun):
            bound = {f"p{place}": value for place, value in enumerate(step.values, start=1)}
            step = _send(running, run_statement(step.statement, bound).encode())
        return _rows(step)


def _rows(answer: str | bytes) -> ResponseRows:
    rows: ResponseRows = json.loads(answer)
    return rows


def _send(running: StatementSteps, answer: bytes) -> StatementRun | bytes:
    """Send an answer; return the next statement, or the completed data."""
    try:
        return running.send(answer)
    except StopIteration as end:
        data: bytes = end.value
        return data
