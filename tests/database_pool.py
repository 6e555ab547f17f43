"""Databases that equal a template: restored after a test instead of cloned anew.

A clone costs about 50 ms of CPU, a restoration about 10. `DatabasePool.give_back` compares every
table, every sequence and the catalogue with those of the template. It puts rows and sequences back;
a database whose catalogue has changed, or that has grown large, is dropped, and so is every one
where the role may not switch triggers off.
"""

import io
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import psycopg2
from psycopg2.extensions import cursor as cursor_type

# A test that has left more bytes in its tables than this gets its database dropped.
LARGE = 2_000_000
# The catalogues that DDL writes to, but not ANALYZE. Sessions leave empty temporary namespaces.
CATALOGUES = (
    *(
        "pg_class",
        "pg_attribute",
        "pg_attrdef",
        "pg_constraint",
        "pg_index",
        "pg_trigger",
        "pg_proc",
    ),
    *("pg_type", "pg_policy", "pg_rewrite", "pg_event_trigger", "pg_extension", "pg_sequence"),
    *("pg_db_role_setting", "pg_description", "pg_default_acl", "pg_statistic_ext", "pg_inherits"),
)
CATALOGUE = " UNION ALL ".join(
    f"SELECT '{name}', count(*), count(*) FILTER (WHERE age(xmin) <= (SELECT age(%(since)s::xid)))"
    f" FROM {name}"
    for name in CATALOGUES
)
TABLES = """
SELECT oid::regclass::text FROM pg_class
WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace ORDER BY oid"""
SIZE = """
SELECT coalesce(sum(pg_relation_size(oid)), 0) FROM pg_class
WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace"""
SEQUENCES = """
SELECT oid::regclass::text, pg_sequence_last_value(oid) FROM pg_class
WHERE relkind = 'S' AND relnamespace = current_schema()::regnamespace"""
END_OTHERS = """
SELECT count(pg_terminate_backend(pid, 10000)) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()"""
# What ANALYZE and VACUUM leave: the planner is to know as little as in a new clone.
FORGET_STATISTICS = """
DELETE FROM pg_statistic WHERE starelid >= 16384;
UPDATE pg_class SET reltuples = -1, relpages = 0
WHERE oid >= 16384 AND relkind IN ('r', 't') AND reltuples >= 0"""


class Cluster(Protocol):
    """What the pool needs of the server on which the databases are."""

    def create(self, template: str = "") -> str: ...
    def drop(self, url: str) -> None: ...


@dataclass(frozen=True)
class Contents:
    """The rows of a template, by table, and where its sequences are."""

    digests: dict[str, tuple[int, Any]]
    copies: dict[str, str]
    sequences: dict[str, int | None]


class DatabasePool:
    """Clones of one template, each of one test at a time."""

    def __init__(self, cluster: Cluster, template: str) -> None:
        self._cluster = cluster
        self._template = template
        self._free: list[str] = []
        # By URL: the catalogue's row counts, and the transaction before which its rows were written.
        self._marks: dict[str, tuple[dict[str, int], int]] = {}
        self._contents: Contents | None = None

    @contextmanager
    def database(self) -> Iterator[str]:
        """Provide the URL of a database that equals the template."""
        url = self._free.pop() if self._free else self._clone()
        yield url
        if self._restore(url):
            self._free.append(url)
        else:
            self._cluster.drop(url)

    def _clone(self) -> str:
        url = self._cluster.create(self._template)
        with connected(url) as cursor:
            if self._contents is None:
                self._contents = read_contents(cursor)
            self._mark(url, cursor)
        return url

    def _mark(self, url: str, cursor: cursor_type) -> None:
        cursor.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint")
        since = row_of(cursor)[0] % 2**32
        cursor.execute(CATALOGUE, {"since": str(since)})
        self._marks[url] = {name: count for name, count, _ in cursor.fetchall()}, since

    def _restore(self, url: str) -> bool:
        assert self._contents is not None
        with connected(url) as cursor:
            cursor.execute(f"{END_OTHERS}; {SIZE}")
            if row_of(cursor)[0] > LARGE or not is_superuser(cursor):
                return False
            counts, since = self._marks[url]
            cursor.execute(CATALOGUE, {"since": str(since)})
            if any(newer or counts[name] != count for name, count, newer in cursor.fetchall()):
                return False
            changed = restore_rows(cursor, self._contents)
            restore_sequences(cursor, self._contents.sequences)
            if changed:
                cursor.execute(FORGET_STATISTICS)
            self._mark(url, cursor)
        return True


@contextmanager
def connected(url: str) -> Iterator[cursor_type]:
    """Provide a cursor that commits each statement."""
    with closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            yield cursor


def row_of(cursor: cursor_type) -> tuple[Any, ...]:
    row = cursor.fetchone()
    assert row is not None
    return row


def is_superuser(cursor: cursor_type) -> bool:
    cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
    return bool(row_of(cursor)[0])


def read_contents(cursor: cursor_type) -> Contents:
    """Return the rows and sequences of this database."""
    cursor.execute(TABLES)
    found = digests(cursor, [name for (name,) in cursor.fetchall()])
    copies = {}
    for name, (count, _) in found.items():
        if count:
            buffer = io.StringIO()
            cursor.copy_expert(f"COPY {name} TO STDOUT", buffer)
            copies[name] = buffer.getvalue()
    cursor.execute(SEQUENCES)
    return Contents(found, copies, dict(cursor.fetchall()))


def digests(cursor: cursor_type, tables: list[str]) -> dict[str, tuple[int, Any]]:
    """Return the number of rows of each table, and a digest that tells any two sets of rows apart."""
    digest = "count(*), sum(hashtextextended(t::text, 0))"
    cursor.execute(
        " UNION ALL ".join(f"SELECT '{name}', {digest} FROM {name} t" for name in tables)
    )
    return {name: (count, sum_) for name, count, sum_ in cursor.fetchall()}


def restore_rows(cursor: cursor_type, contents: Contents) -> list[str]:
    """Put back the rows of the tables that differ, and return those tables."""
    found = digests(cursor, list(contents.digests))
    changed = [name for name, digest in contents.digests.items() if found[name] != digest]
    if changed:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("; ".join(f"DELETE FROM {name}" for name in changed))
        # An empty table is filled from its first page on again: rows keep the order of a clone.
        cursor.execute(f"VACUUM {', '.join(changed)}")
        for name in changed:
            if name in contents.copies:
                cursor.copy_expert(f"COPY {name} FROM STDIN", io.StringIO(contents.copies[name]))
    return changed


def restore_sequences(cursor: cursor_type, wanted: dict[str, int | None]) -> None:
    """Put back where the sequences are; one that was never used starts from 1."""
    cursor.execute(SEQUENCES)
    moved = [name for name, last in cursor.fetchall() if last != wanted[name]]
    if moved:
        each = (
            f"setval('{name}', {wanted[name] or 1}, {wanted[name] is not None})" for name in moved
        )
        cursor.execute(f"SELECT {', '.join(each)}")
