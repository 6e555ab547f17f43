"""The only place that runs a plan: one statement, one read-only snapshot, one value back.

`fetch` waits on the event loop and answers with PostgreSQL's bytes; `read_within` runs inside a
writing transaction, in its thread.
"""

import json
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

from graph.planner.compile import compile_operation
from graph.planner.nodes import Operation, Plan
from models.asynchronous import Statement
from models.database import Database

Rows = dict[str, Any]
# Parameters as $1, $2, ..., which PREPARE takes.
DIALECT = postgresql.dialect(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]
MAX_STATEMENTS = 500
MAX_LENGTH = 4_000_000


@dataclass(frozen=True, slots=True)
class Compiled:
    """A statement, and which slots its parameters $1, $2, ... take."""

    statement: Statement
    slots: tuple[int, ...]

    def bound(self, values: Sequence[Any]) -> dict[str, Any]:
        """The parameters of the unprepared statement, by name."""
        return {f"p{place}": values[slot] for place, slot in enumerate(self.slots, start=1)}


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
        made = _compile(operation)
        with self._lock:
            if operation not in self._known:
                self._known[operation] = made
                self._length += len(made.statement.text)
            while len(self._known) > self._size or self._length > MAX_LENGTH:
                _, oldest = self._known.popitem(last=False)
                self._length -= len(oldest.statement.text)
        return made


def _compile(operation: Operation) -> Compiled:
    compiled = compile_operation(operation).compile(dialect=DIALECT)
    text = str(compiled)
    order: list[str] = getattr(compiled, "positiontup", None) or []
    slots = [int(parameter[1:]) for parameter in dict.fromkeys(order)]
    return Compiled(Statement(text, len(slots)), tuple(slots))


class Reader:
    """Runs plans against one database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.statements = Statements()

    def prepare(self, operation: Operation) -> Callable[[Sequence[Any]], Any]:
        """What fetches an operation's data, given the values of its slots."""
        compiled = self.statements.compiled(operation)
        statement, slots, database = compiled.statement, compiled.slots, self._database
        return lambda values: database.pool().fetch(statement, [values[slot] for slot in slots])

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
        bound = compiled.bound(plan.values)
        answer = connection.exec_driver_sql(compiled.statement.unprepared, bound).scalar_one()
        rows: Rows = json.loads(answer)
        return rows
