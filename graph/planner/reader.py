"""The only place that runs a plan: one statement, one read-only snapshot, one value back.

Where lineages are asked for it is three statements in one snapshot.

`fetch` waits on the event loop and answers with PostgreSQL's bytes; `read_within` runs inside a
writing transaction, in its thread.
"""

import json
from collections import OrderedDict
from collections.abc import Generator, Sequence
from functools import partial
from threading import Lock
from typing import Any

from sqlalchemy.orm import Session

from graph.admission.controller import Execution
from graph.planner.nodes import Operation, Plan
from graph.planner.plan_cache import Fetch
from graph.planner.sql.compiled import Compiled
from graph.planner.sql.operation import compile_operation
from graph.planner.steps.lineage import Assembly, Query
from models.database.asynchronous import Statement
from models.database.engines import Database
from models.database.pool import Fetch as Ask

Rows = dict[str, Any]
MAX_STATEMENTS = 500
MAX_LENGTH = 4_000_000
# Numbers that the edges of a lineage are told by, two or three an edge, that cost 1.
ENTRIES_PER_COST = 20


class Statements:
    """Statements of operations, the least recently used forgotten first. Safe between threads."""

    def __init__(self, size: int = MAX_STATEMENTS) -> None:
        self._size = size
        self._known: OrderedDict[Operation, Compiled] = OrderedDict()
        self._lock = Lock()
        self._length = 0

    def __len__(self) -> int:
        return len(self._known)

    def compiled(self, operation: Operation) -> Compiled:
        """The statement of an operation."""
        with self._lock:
            known = self._known.get(operation)
            if known is not None:
                self._known.move_to_end(operation)
                return known
        made = compile_operation(operation)
        with self._lock:
            if operation not in self._known:
                self._known[operation] = made
                self._length += len(made.statement.text)
            while len(self._known) > self._size or self._length > MAX_LENGTH:
                _, oldest = self._known.popitem(last=False)
                self._length -= len(oldest.statement.text)
        return made


class Reader:
    """Runs plans against one database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.statements = Statements()

    def prepare(self, operation: Operation) -> Fetch:
        """What fetches an operation's data, given the values of its slots and the request's execution."""
        compiled = self.statements.compiled(operation)
        if operation.lineages:
            return self._assemble(Assembly(operation, compiled))
        statement, slots, database = compiled.statement, compiled.slots, self._database
        return lambda values, execution: database.pool().fetch(
            statement, [values[slot] for slot in slots], execution
        )

    def _assemble(self, assembly: Assembly) -> Fetch:
        """What puts an operation together when it is its turn, between statements that share a snapshot."""
        database = self._database

        async def fetch(values: Sequence[Any], execution: Execution) -> bytes:
            async def together(ask: Ask) -> bytes:
                running = assembly.run(values)
                step: Query | bytes = next(running)
                while isinstance(step, Query):
                    answer = await ask(step.statement, step.values)
                    if step.statement is assembly.edges:
                        execution.reach(answer.count(b",") // ENTRIES_PER_COST)
                    sending = partial(_send, running, answer)
                    step = await execution.compute(sending, len(answer))
                return step

            async with execution.assembling():
                return await database.pool().fetch_together(together, execution)

        return fetch

    def explain(self, operation: Operation, values: Sequence[Any]) -> tuple[Statement, Any]:
        """A statement, and the top of PostgreSQL's plan for it. For a worker thread."""
        compiled = self.statements.compiled(operation)
        statement = f"EXPLAIN (FORMAT JSON) {compiled.statement.unprepared}"
        with self._database.reader() as connection:
            answer = connection.exec_driver_sql(statement, compiled.bound(values)).scalar_one()
        return compiled.statement, answer[0]["Plan"]

    def read_within(self, session: Session, plan: Plan) -> Rows:
        """Run a plan inside a writing transaction, which sees its own changes."""
        compiled = self.statements.compiled(plan.operation)
        connection = session.connection()

        def ask(statement: Statement, bound: dict[str, Any]) -> Any:
            return connection.exec_driver_sql(statement.unprepared, bound).scalar_one()

        if not plan.operation.lineages:
            return _rows(ask(compiled.statement, compiled.bound(plan.values)))
        running = Assembly(plan.operation, compiled).run(plan.values)
        step: Query | bytes = next(running)
        while isinstance(step, Query):
            bound = {f"p{place}": value for place, value in enumerate(step.values, start=1)}
            step = _send(running, ask(step.statement, bound).encode())
        return _rows(step)


def _rows(answer: str | bytes) -> Rows:
    rows: Rows = json.loads(answer)
    return rows


def _send(running: Generator[Query, bytes, bytes], answer: bytes) -> Query | bytes:
    """The next statement, or all of it put together."""
    try:
        return running.send(answer)
    except StopIteration as end:
        done: bytes = end.value
        return done
