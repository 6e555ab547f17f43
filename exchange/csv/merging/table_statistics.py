"""Statistics of tables that grow during an import.

Plans made for an empty table are slow: a statement planned for ten rows scans a table of 20,000 once per row.
"""

from collections.abc import Iterator, Sequence

from psycopg2.extensions import cursor as cursor_type

_FIRST_LINES = 1_000
_LINES = 20_000
# Tables that were never analyzed, or have doubled in size since; small ones may grow by 8 pages.
_STALE = """
select c.oid::regclass::text from pg_class c
where c.oid = any (%s::regclass[])
  and (c.reltuples < 0
    or pg_relation_size(c.oid) / current_setting('block_size')::int > 2 * c.relpages + 8)
"""


def refresh_statistics(cursor: cursor_type, tables: Sequence[str]) -> None:
    """ANALYZE the tables that are much larger than their statistics say."""
    cursor.execute(_STALE, (list(tables),))
    for (table,) in cursor.fetchall():
        cursor.execute(f"analyze {table}")


def cut_lines(first: int, last: int) -> Iterator[tuple[int, int]]:
    """Ranges of lines for one statement each: a short one first, then longer ones."""
    size = _FIRST_LINES
    while first <= last:
        yield first, min(first + size - 1, last)
        first, size = first + size, _LINES
