"""The only place that runs a plan: one statement, one read-only snapshot, one value back.

`read` belongs in a worker thread. A connection that the server cut is replaced and the statement
sent once more, which is safe because it only reads.
"""

import json
from collections import OrderedDict
from threading import Lock
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import psycopg2
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from graph.planner.compile import compile_operation
from graph.planner.nodes import Operation, Plan
from models.database import Database

Rows = dict[str, Any]
DIALECT = psycopg2.dialect()  # type: ignore[no-untyped-call]
MAX_STATEMENTS = 1_000


class Statements:
    """SQL texts of operations, the least recently used forgotten first. Safe between threads."""

    def __init__(self, size: int = MAX_STATEMENTS) -> None:
        self._size = size
        self._texts: OrderedDict[Operation, str] = OrderedDict()
        self._lock = Lock()

    def text(self, operation: Operation) -> str:
        """The statement of an operation, with psycopg2's %(p0)s placeholders."""
        with self._lock:
            known = self._texts.get(operation)
            if known is not None:
                self._texts.move_to_end(operation)
                return known
        made = str(compile_operation(operation).compile(dialect=DIALECT))
        with self._lock:
            self._texts[operation] = made
            while len(self._texts) > self._size:
                self._texts.popitem(last=False)
        return made


class Reader:
    """Runs plans against one database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._statements = Statements()

    def read(self, plan: Plan) -> Rows:
        """Run a plan in its own snapshot; raises what SQLAlchemy raises when that fails."""
        try:
            with self._database.reader() as connection:
                return self._run(connection, plan)
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
        with self._database.reader() as connection:
            return self._run(connection, plan)

    def read_within(self, session: Session, plan: Plan) -> Rows:
        """Run a plan inside a writing transaction, which sees its own changes."""
        return self._run(session.connection(), plan)

    def _run(self, connection: Connection, plan: Plan) -> Rows:
        bound = {f"p{slot}": value for slot, value in enumerate(plan.values)}
        text = self._statements.text(plan.operation)
        answer = connection.exec_driver_sql(text, bound).scalar_one()
        rows: Rows = json.loads(answer)
        return rows
