"""Bulk loading in one transaction of the caller: COPY streams, without indexes and triggers meanwhile.

Needs only the rights of the tables' owner. Knows nothing of the rows.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice

from psycopg2 import extensions

Progress = Callable[[str, int, int], None]

CHUNK = 2_000

CONSTRAINTS = """
select format('alter table %%s drop constraint %%I', conrelid::regclass, conname),
       format('alter table %%s add constraint %%I %%s', conrelid::regclass, conname,
              pg_get_constraintdef(oid))
from pg_constraint
where conrelid = any (%s::regclass[]) and contype in ('f', 'u')
order by contype, conrelid::regclass::text, conname"""
INDEXES = """
select format('drop index %%s', i.indexrelid::regclass), pg_get_indexdef(i.indexrelid)
from pg_index i
where i.indrelid = any (%s::regclass[]) and not exists (
  select from pg_constraint c where c.conindid = i.indexrelid and c.contype in ('p', 'u', 'x'))
order by i.indexrelid::regclass::text"""
TRIGGERS = """
select format('alter table %%s disable trigger %%I', tgrelid::regclass, tgname),
       format('alter table %%s enable trigger %%I', tgrelid::regclass, tgname)
from pg_trigger
where tgrelid = any (%s::regclass[]) and not tgisinternal and tgenabled = 'O'
order by tgrelid::regclass::text, tgname"""


class CopyStream:
    """What COPY reads: lines of its text format, a chunk of them at a time, as UTF-8."""

    def __init__(self, lines: Iterable[str], counted: Callable[[int], None]) -> None:
        self._lines = iter(lines)
        self._counted = counted
        self._done = 0

    def read(self, _size: int = -1) -> bytes:
        chunk = list(islice(self._lines, CHUNK))
        self._done += len(chunk)
        self._counted(self._done)
        return "".join(chunk).encode()

    def readline(self, _size: int = -1, /) -> bytes:
        """Return a part of what the driver's type asks for; COPY itself never calls it."""
        raise NotImplementedError


def copy(
    cursor: extensions.cursor,
    table: str,
    columns: str,
    lines: Iterable[str],
    total: int,
    progress: Progress,
) -> None:
    """COPY tab-separated lines into the named columns of a table."""
    stream = CopyStream(lines, lambda done: progress(table, done, max(total, done)))
    cursor.copy_expert(f"copy {table} ({columns}) from stdin", stream)


def read_definitions(
    cursor: extensions.cursor, query: str, tables: list[str]
) -> list[tuple[str, str]]:
    cursor.execute(query, (tables,))
    return [(str(away), str(back)) for away, back in cursor.fetchall()]


def execute_all(
    cursor: extensions.cursor, step: str, statements: list[str], progress: Progress
) -> None:
    for done, statement in enumerate(statements, 1):
        cursor.execute(statement)
        progress(step, done, len(statements))


@contextmanager
def set_aside(
    cursor: extensions.cursor, tables: list[str], verify: Callable[[], None], progress: Progress
) -> Iterator[None]:
    """Without triggers, foreign keys and secondary indexes; afterwards all are as they were.

    `verify` runs before the triggers are back: it checks what they would have checked.
    An exception leaves them away: the caller must roll back.
    """
    triggers = read_definitions(cursor, TRIGGERS, tables)
    constraints = read_definitions(cursor, CONSTRAINTS, tables)
    indexes = read_definitions(cursor, INDEXES, tables)
    for away, _ in triggers + constraints + indexes:
        cursor.execute(away)
    yield
    backs = [back for _, back in indexes]
    execute_all(cursor, "indexes", backs, progress)
    # Unique constraints first: a foreign key may lean on one.
    execute_all(cursor, "constraints", [back for _, back in reversed(constraints)], progress)
    verify()
    for _, back in triggers:
        cursor.execute(back)


def escape(value: str) -> str:
    """Return a value for COPY's text format."""
    return value.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")


def optional_text(value: str | None) -> str:
    return r"\N" if value is None else escape(value)
