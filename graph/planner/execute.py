"""The only place that runs a plan: one statement, one read-only snapshot, one value back.

`fetch` waits on the event loop and answers with PostgreSQL's bytes; `read_within` runs inside a
writing transaction, in its thread.
"""

import json
import re
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
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
PARAMETER = re.compile(r"\$(\d+)")


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
        self._numbers = count(1)

    def __len__(self) -> int:
        return len(self._known)

    def compiled(self, operation: Operation) -> Compiled:
        """The statement of an operation."""
        with self._lock:
            known = self._known.get(operation)
            if known is not None:
                self._known.move_to_end(operation)
                return known
        made = _compile(operation, f"cacaotrace_{next(self._numbers)}")
        with self._lock:
            self._known[operation] = made
            while len(self._known) > self._size:
                self._known.popitem(last=False)
        return made


def _compile(operation: Operation, name: str) -> Compiled:
    compiled = compile_operation(operation).compile(dialect=DIALECT)
    text = str(compiled)
    order: list[str] = getattr(compiled, "positiontup", None) or []
    slots = [int(parameter[1:]) for parameter in dict.fromkeys(order)]
    places = ", ".join(["%s"] * len(slots))
    execute = f"EXECUTE {name}({places})" if slots else f"EXECUTE {name}"
    # Unprepared, a parameter that occurs twice is given by name.
    unprepared = PARAMETER.sub(lambda match: f"%(p{match[1]})s", text.replace("%", "%%"))
    return Compiled(Statement(name, text, execute, unprepared), tuple(slots))


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
