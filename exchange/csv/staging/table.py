"""The staging table, which keeps the line of each row and its rejection."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import StringIO

import psycopg2
from psycopg2.extensions import connection as connection_type
from psycopg2.extensions import cursor as cursor_type

from exchange.csv.importers.declaration import Importer
from exchange.csv.rejections import Code
from exchange.csv.staging.violations import VIOLATIONS, isolate_violations, read_violation

OnStep = Callable[[str, int, int], None]

# SQL: the row is neither rejected nor superseded.
LIVE = "s.code is null and s.superseded_by is null"
_ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"})
# The columns of the table beside the importer's fields.
_STATE_COLUMNS = (
    "line bigint not null, code text, reason text, warning_code text, warning text,"
    " target_id bigint, superseded_by bigint,"
    " old_kg numeric, is_old boolean not null default false"
)


@dataclass(frozen=True, slots=True)
class StagedRow:
    """A row's line, and its values or the code of its rejection.

    The values are in the order of the provided fields.
    """

    line: int
    values: tuple[str | None, ...]
    code: str | None = None
    reason: str | None = None


class StagingTable:
    """The table `import_rows` of one import, which lasts until its transaction ends.

    In the columns of `cleared`, an empty cell erases the stored value. `on_step` gets the step of the merge,
    the rows done and the rows in all.
    """

    def __init__(
        self,
        connection: connection_type,
        importer: Importer,
        fields: Sequence[str],
        cleared: frozenset[str] = frozenset(),
        on_step: OnStep | None = None,
    ) -> None:
        self.connection = connection
        self.cursor: cursor_type = connection.cursor()
        self.fields = tuple(fields)
        self.cleared = cleared
        self._on_step = on_step
        self._rows = 0
        columns = ", ".join(f'"{field.name}" {field.type.sql}' for field in importer.fields)
        self.cursor.execute(
            f"create temp table import_rows ({_STATE_COLUMNS}, {columns}) on commit drop"
        )

    def copy(self, rows: Sequence[StagedRow]) -> None:
        """COPY a chunk of rows.

        Rows that PostgreSQL cannot convert to the column types are rejected singly.
        """
        isolate_violations(rows, self._try_copy, self._copy_rejected)

    def report_step(self, name: str, done: int = 0) -> None:
        """Report that a step of the merge begins, or that it has reached line `done`."""
        if self._on_step:
            self._rows = self._rows or self.count("select coalesce(max(line), 1) from import_rows")
            self._on_step(name, min(done, self._rows), self._rows)

    def analyze(self) -> None:
        """Update the statistics; without them PostgreSQL joins the rows one by one."""
        self.cursor.execute("analyze import_rows")

    def count(self, sql: str) -> int:
        """Return the number that a query returns."""
        self.cursor.execute(sql)
        row = self.cursor.fetchone()
        return int(row[0]) if row else 0

    def reject_where(self, code: Code, condition: str, reason: str) -> int:
        """Reject the rows `s` for which the SQL condition holds; returns their number."""
        self.cursor.execute(
            f"update import_rows s set code = %(code)s, reason = {reason}"
            f" where s.code is null and ({condition})",
            {"code": code, "cleared": sorted(self.cleared)},
        )
        return self.cursor.rowcount

    def reject_line(self, line: int, error: psycopg2.Error) -> None:
        """Reject one row for an error of the database."""
        code, reason = read_violation(error)
        self.cursor.execute(
            "update import_rows set code = %s, reason = %s where line = %s", (code, reason, line)
        )

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Roll back the statements of the block, and only those, if it raises."""
        self.cursor.execute("savepoint import_step")
        try:
            yield
        except BaseException:
            self.cursor.execute("rollback to savepoint import_step")
            self.cursor.execute("release savepoint import_step")
            raise
        self.cursor.execute("release savepoint import_step")

    def _try_copy(self, rows: Sequence[StagedRow]) -> psycopg2.Error | None:
        names = ", ".join(f'"{name}"' for name in ("line", "code", "reason", *self.fields))
        text = StringIO("".join(map(_encode, rows)))
        try:
            with self.savepoint():
                self.cursor.copy_expert(f"copy import_rows ({names}) from stdin", text, 65536)
        except VIOLATIONS as error:
            return error
        return None

    def _copy_rejected(self, row: StagedRow, error: psycopg2.Error) -> None:
        nothing = (None,) * len(self.fields)
        self._try_copy([StagedRow(row.line, nothing, *read_violation(error))])


def _encode(row: StagedRow) -> str:
    cells = (str(row.line), row.code, row.reason, *row.values)
    return "\t".join("\\N" if c is None else c.translate(_ESCAPES) for c in cells) + "\n"
