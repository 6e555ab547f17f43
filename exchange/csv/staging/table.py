"""The temporary table that a whole file is copied into before any of it is merged.

Rows keep the line they came from; a refused row stays in it with its code and reason.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import StringIO
from typing import TypeVar

import psycopg2
from psycopg2.extensions import connection as connection_type
from psycopg2.extensions import cursor as cursor_type

from exchange.csv.importers.declaration import Importer
from exchange.csv.refusals import Code, Rejection, WarningCode
from models.errors import refusal_in
from models.texts.normal_form import LOST

_Item = TypeVar("_Item")
OnStep = Callable[[str, int, int], None]

# What a row can be guilty of; anything else (a lost connection, a deadlock) ends the import.
VIOLATIONS = (
    psycopg2.IntegrityError,
    psycopg2.DataError,
    psycopg2.errors.ProgramLimitExceeded,
    psycopg2.errors.RaiseException,
)
LIVE = "s.code is null and s.superseded_by is null"
ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"})
# Columns of the staging table beside the kind's fields.
OWN = (
    "line bigint not null, code text, reason text, warning_code text, warning text,"
    " target_id bigint, superseded_by bigint,"
    " old_kg numeric, is_old boolean not null default false"
)


@dataclass(frozen=True, slots=True)
class StagedRow:
    """A row's line and its values in the order of the given fields, or why it is refused."""

    line: int
    values: tuple[str | None, ...]
    code: str | None = None
    reason: str | None = None


class StagingTable:
    """The staged rows of one import, on one connection, until its transaction ends.

    In `cleared` columns an empty cell erases the known value.
    """

    def __init__(
        self,
        connection: connection_type,
        kind: Importer,
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
        columns = ", ".join(f'"{field.name}" {field.type.sql}' for field in kind.fields)
        self.cursor.execute(f"create temp table import_rows ({OWN}, {columns}) on commit drop")

    def copy(self, rows: Sequence[StagedRow]) -> None:
        """COPY a chunk; rows that PostgreSQL cannot read as their types are refused singly."""
        isolate(rows, self._try_copy, self._stage_refused)

    def step(self, name: str, done: int = 0) -> None:
        """Report that a step of the merge begins, or that it has come to line `done`."""
        if self._on_step:
            self._rows = self._rows or self.count("select coalesce(max(line), 1) from import_rows")
            self._on_step(name, min(done, self._rows), self._rows)

    def analyze(self) -> None:
        """Tell the planner how many rows there are: it would join them one by one."""
        self.cursor.execute("analyze import_rows")

    def refuse_where(self, code: Code, condition: str, reason: str) -> int:
        """Refuse the staged rows `s` for which the SQL condition holds; the number of them."""
        self.cursor.execute(
            f"update import_rows s set code = %(code)s, reason = {reason}"
            f" where s.code is null and ({condition})",
            {"code": code, "cleared": sorted(self.cleared)},
        )
        return self.cursor.rowcount

    def fill_winners(self, columns: Sequence[str]) -> None:
        """Give empty cells of rows that supersede others the last value that those have."""
        kept = [column for column in columns if column not in self.cleared]
        if not kept:
            return
        last = ", ".join(
            f'(array_agg("{c}" order by line desc) filter (where "{c}" is not null))[1] as "{c}"'
            for c in kept
        )
        filled = ", ".join(f'"{c}" = coalesce(w."{c}", f."{c}")' for c in kept)
        empty = " or ".join(f'w."{c}" is null and f."{c}" is not null' for c in kept)
        self.cursor.execute(
            f"update import_rows w set {filled} from (select superseded_by, {last}"
            " from import_rows where code is null and superseded_by is not null group by 1) f"
            f" where f.superseded_by = w.line and ({empty})"
        )

    def warn_superseded(self, differs: str, difference: str) -> None:
        """Warn of each row that another one replaces with other values; SQL of `s` and `t`."""
        self.cursor.execute(
            "update import_rows s set warning_code = %s, warning = 'replaced by line ' || t.line"
            f" || ': ' || {difference}"
            f" from import_rows t where t.line = s.superseded_by and s.code is null and {differs}",
            (WarningCode.SUPERSEDED,),
        )

    def refuse(self, line: int, error: psycopg2.Error) -> None:
        """Refuse one row for what the database said about it."""
        code, reason = read_violation(error)
        self.cursor.execute(
            "update import_rows set code = %s, reason = %s where line = %s", (code, reason, line)
        )

    def superseded(self, differs: str, limit: int) -> tuple[int, tuple[tuple[int, int], ...]]:
        """Rows that a later row replaces with other values: how many, and the first such pairs."""
        rows = (
            "from import_rows s join import_rows t on t.line = s.superseded_by"
            f" where s.code is null and {differs}"
        )
        count = self.count(f"select count(*) {rows}")
        self.cursor.execute(f"select s.line, t.line {rows} order by 1 limit %s", (limit,))
        return count, tuple(self.cursor.fetchall())

    def count(self, sql: str) -> int:
        self.cursor.execute(sql)
        row = self.cursor.fetchone()
        return int(row[0]) if row else 0

    def count_rejections(self) -> dict[str, int]:
        self.cursor.execute(
            "select code, count(*) from import_rows where code is not null group by 1 order by 1"
        )
        return dict(self.cursor.fetchall())

    def count_warnings(self) -> int:
        return self.count(
            "select count(*) from import_rows where code is null and warning_code is not null"
        )

    def rejections(self, limit: int | None = None) -> Iterator[Rejection]:
        """The refused rows in file order, fetched a few at a time."""
        return self._read("line, code, reason", "code is not null", limit)

    def warnings(self, limit: int | None = None) -> Iterator[Rejection]:
        """The rows with a warning that were not refused, in file order."""
        return self._read(
            "line, warning_code, warning", "code is null and warning_code is not null", limit
        )

    def remarks(self) -> Iterator[Rejection]:
        """Refused rows and rows with a warning together, in file order."""
        return self._read(
            "line, coalesce(code, warning_code),"
            " case when code is null then warning else reason end",
            "(code is not null or warning_code is not null)",
            None,
        )

    def _read(self, columns: str, condition: str, limit: int | None) -> Iterator[Rejection]:
        with self.connection.cursor("import_rejections") as cursor:
            cursor.execute(
                f"select {columns} from import_rows where {condition} order by line limit %s",
                (limit,),
            )
            for line, code, reason in cursor:
                yield Rejection(line, code, reason)

    def lost_characters(self, limit: int) -> tuple[int, tuple[int, ...]]:
        """How many rows that are kept have U+FFFD in a text, and the lines of the first."""
        texts = ", ".join(f's."{name}"' for name in self.fields)
        self.cursor.execute(
            "select count(*), (array_agg(s.line order by s.line))[1:%s] from import_rows s"
            f" where {LIVE} and strpos(concat_ws(' ', {texts}), %s) > 0",
            (limit, LOST),
        )
        row = self.cursor.fetchone()
        return (row[0], tuple(row[1] or ())) if row else (0, ())

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """What happens inside is undone, and only that, where it raises."""
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

    def _stage_refused(self, row: StagedRow, error: psycopg2.Error) -> None:
        nothing = (None,) * len(self.fields)
        self._try_copy([StagedRow(row.line, nothing, *read_violation(error))])


def isolate(
    items: Sequence[_Item],
    attempt: Callable[[Sequence[_Item]], psycopg2.Error | None],
    refuse: Callable[[_Item, psycopg2.Error], None],
) -> None:
    """Attempt all items at once; on a violation halve them until only the guilty are refused."""
    error = attempt(items)
    if error is None:
        return
    if len(items) == 1:
        refuse(items[0], error)
        return
    middle = len(items) // 2
    isolate(items[:middle], attempt, refuse)
    isolate(items[middle:], attempt, refuse)


_RULES = {
    "cacao_batch_not_overdrawn": Code.OVERDRAWN,
    "cacao_batch_not_on_hold": Code.BATCH_ON_HOLD,
    "cacao_batch_custody_kept": Code.CUSTODY_BROKEN,
    "cacao_batch_not_beyond_yield": Code.YIELD_EXCEEDED,
}


def read_violation(error: psycopg2.Error) -> tuple[str, str]:
    """A database's refusal as a code and one line of words."""
    words = error.diag.message_primary or str(error)
    constraint = error.diag.constraint_name or ""
    known = _RULES.get(constraint)
    if known is not None:
        return known, words
    # A trigger of ours says what is wrong; PostgreSQL says which constraint of which relation it is.
    refusal = refusal_in(error) if constraint and f'"{constraint}"' in words else None
    if refusal is not None:
        told = f"{refusal.attribute}: {refusal}"
        words = told if refusal.attribute else f"{constraint} does not allow it"
    return Code.CONSTRAINT, " ".join(words.split())


def _encode(row: StagedRow) -> str:
    cells = (str(row.line), row.code, row.reason, *row.values)
    return "\t".join("\\N" if c is None else c.translate(ESCAPES) for c in cells) + "\n"
