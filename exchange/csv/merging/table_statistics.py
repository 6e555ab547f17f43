"""Statistics of tables that grow while they are filled: plans made for an empty table are slow.

A statement that was planned for ten rows reads a table of 20,000 from end to end, for each row.
"""

from collections.abc import Iterator, Sequence

from psycopg2.extensions import cursor as cursor_type

FIRST_LINES = 1_000
LINES = 20_000
# Never analyzed, or twice as large as when it was; small tables may grow by a few pages.
STALE = """
select c.oid::regclass::text from pg_class c
where c.oid = any (%s::regclass[])
  and (c.reltuples < 0
    or pg_relation_size(c.oid) / current_setting('block_size')::int > 2 * c.relpages + 8)
"""


def refresh_statistics(cursor: cursor_type, tables: Sequence[str]) -> None:
    """ANALYZE those of the tables that are much larger than their statistics say."""
    cursor.execute(STALE, (list(tables),))
    for (table,) in cursor.fetchall():
        cursor.execute(f"analyze {table}")


def cut_lines(first: int, last: int) -> Iterator[tuple[int, int]]:
    """Ranges of lines that are written by one statement each: few at first, then many."""
    size = FIRST_LINES
    while first <= last:
        yield first, min(first + size - 1, last)
        first, size = first + size, LINES
