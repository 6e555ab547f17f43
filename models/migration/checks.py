"""Rows that a migration refuses: found before it, listed by table, key and rule, and repaired where that is safe.

A check is SQL over the schema before its migration. It uses no function that the migration makes, so that
`migrate --plan` writes nothing.
"""

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg2

# The actor of repairs in `changes`.
ACTOR = "migrate --repair"
_SHOWN = 80  # characters of a value


@dataclass(frozen=True, slots=True)
class Check:
    """A condition on the rows `t` of a table, and what becomes of the rows that meet it."""

    table: str
    key: Sequence[str]
    # A constraint of the new schema, or "normal form".
    rule: str
    column: str
    where: str
    # The new value of the column, an SQL expression over `t`; empty where no repair is safe.
    repair: str = ""
    # Whether --repair removes the row.
    removes: bool = False
    # Triggers of the table that are disabled during the repair.
    disables: Sequence[str] = ()
    # What a person can do where --repair cannot, or why the row is kept; an SQL expression over `t` if `dynamic`.
    advice: str = ""
    dynamic: bool = False
    # Rows that do not block are listed and kept as they are.
    blocks: bool = True

    @property
    def repairable(self) -> bool:
        """Whether --repair changes or removes the rows."""
        return bool(self.repair) or self.removes

    def query(self) -> str:
        """Return the statement that lists the rows: keys, value, new value, advice."""
        keys = ", ".join(f"t.{name}" for name in self.key)
        advice = self.advice if self.dynamic else "''"
        return (
            f"SELECT concat_ws(', ', {keys}), left(t.{self.column}::text, {_SHOWN}),"
            f" left(({self.repair or 'null'})::text, {_SHOWN}), {advice}"
            f" FROM {self.table} t WHERE {self.where} ORDER BY {keys}"
        )

    def change(self, condition: str = "") -> str:
        """Return the statement that repairs the rows, or those that also meet a condition."""
        where = f"({self.where}){condition}"
        if self.removes:
            return f"DELETE FROM {self.table} t WHERE {where}"
        return f"UPDATE {self.table} t SET {self.column} = {self.repair} WHERE {where}"


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row that a check found."""

    check: Check
    key: str
    value: str | None
    repaired: str | None
    advice: str

    def __str__(self) -> str:
        return f"{self.place()}: {self.outcome()}"

    def place(self) -> str:
        """Return the table, the key, the rule and the value."""
        check = self.check
        return f"{check.table} {self.key}: {check.rule}: {check.column} {shown_value(self.value)}"

    def outcome(self) -> str:
        """Return what --repair does with the row, or why it is not repairable, or why it is kept."""
        if self.check.removes:
            return "--repair removes the row"
        if self.check.repair:
            return f"--repair stores {shown_value(self.repaired)}"
        advice = self.advice or self.check.advice
        return f"not repairable: {advice}" if self.check.blocks else f"kept: {advice}"

    def repaired_as(self) -> str:
        """Return what --repair did with the row."""
        done = "removed" if self.check.removes else f"now {shown_value(self.repaired)}"
        return f"{self.place()}: {done}"


def shown_value(value: str | None) -> str:
    """Return a value as it is printed: invisible and decomposed characters are escaped."""
    if value is None:
        return "null"
    composed = unicodedata.normalize("NFC", value) == value
    return repr(value) if composed else ascii(value)


def find_refused_rows(cursor: Any, checks: Iterable[Check]) -> Iterator[RefusedRow]:
    """Yield the rows that checks find, in the order of the checks and of the keys."""
    for check in checks:
        cursor.execute(check.query())
        for key, value, repaired, advice in cursor.fetchall():
            yield RefusedRow(check, key, value, repaired, advice)


def repair(cursor: Any, checks: Iterable[Check]) -> Iterator[tuple[RefusedRow, str]]:
    """Repair rows in the transaction of the cursor; each with the reason where its repair failed, else "".

    A repair fails where another rule of the database refuses it; the rows before and after it are repaired.
    """
    cursor.execute("SELECT set_config('cacaotrace.actor', %s, true)", (ACTOR,))
    for check in checks:
        if check.repairable:
            yield from _repair(cursor, check)


def _repair(cursor: Any, check: Check) -> Iterator[tuple[RefusedRow, str]]:
    rows = list(find_refused_rows(cursor, [check]))
    if not rows:
        return
    for trigger in check.disables:
        cursor.execute(f"ALTER TABLE {check.table} DISABLE TRIGGER {trigger}")
    if not _refusal(cursor, check.change()):
        yield from ((row, "") for row in rows)
    else:
        same = f" AND concat_ws(', ', {', '.join(f't.{name}' for name in check.key)}) = "
        for row in rows:
            literal = cursor.mogrify("%s", (row.key,)).decode()
            yield row, _refusal(cursor, check.change(same + literal))
    for trigger in check.disables:
        cursor.execute(f"ALTER TABLE {check.table} ENABLE TRIGGER {trigger}")


def _refusal(cursor: Any, statement: str) -> str:
    """Run a statement; why it was refused, in which case it wrote nothing, or ""."""
    cursor.execute("SAVEPOINT repair")
    try:
        cursor.execute(statement)
        # A deferred constraint or an event in the queue of a trigger would forbid ALTER TABLE below.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; RELEASE SAVEPOINT repair")
    except psycopg2.Error as error:
        cursor.execute("ROLLBACK TO SAVEPOINT repair; RELEASE SAVEPOINT repair")
        return (error.diag.message_primary or str(error)).splitlines()[0]
    return ""
