"""The database under the benchmark: an embedded PostgreSQL of its own, filled once for each size.

Statements are counted where pg_stat_statements can be loaded.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2 import extensions

from bench.queries import Keys
from models import sample_data
from models.database.engines import Database
from models.embedded import server as embedded

ROOT = Path(__file__).parents[1]
_SETTINGS = {
    **embedded.SETTINGS,
    "shared_buffers": "1GB",
    "effective_cache_size": "8GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "512MB",
    "max_connections": "200",
    "random_page_cost": "1.1",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "30min",
    "synchronous_commit": "off",
    "autovacuum_naptime": "10min",
}
COUNTER = "pg_stat_statements"
# What frames a transaction or sets a session is not a statement of the request.
_COUNTED = r"""
select coalesce(sum(calls), 0) from pg_stat_statements
where dbid = (select oid from pg_database where datname = current_database())
  and query !~* '^\s*(begin|commit|rollback|set|show|start|discard|reset|deallocate)\M'
  and query not like '%pg_stat_statements%'"""


@dataclass(frozen=True)
class Bed:
    """The running database: its URL, its programs, its first process, and what is in it."""

    url: str
    programs: Path
    process: int
    keys: Keys
    counts: bool

    @property
    def environment(self) -> dict[str, str]:
        """What libpq, and node's driver, need to find it."""
        parts = extensions.parse_dsn(self.url)
        return {
            "DATABASE_URL": self.url,
            "PGHOST": parts["host"],
            "PGUSER": parts["user"],
            "PGDATABASE": parts["dbname"],
        }

    def forget_statements(self) -> None:
        """Start counting at zero."""
        execute(self.url, "select pg_stat_statements_reset()")

    def statements(self) -> int:
        """How many were run since, without what frames a transaction."""
        return int(execute(self.url, _COUNTED)[0][0])


@contextmanager
def opened_bench(folder: Path, products: int) -> Iterator[Bed]:
    """Provide the database with this many products, made at the first call; stops with the `with` block."""
    programs = embedded.find_programs()
    counts = (programs.parent / "lib" / f"{COUNTER}.so").exists()
    settings = {**_SETTINGS, "shared_preload_libraries": COUNTER} if counts else _SETTINGS
    data = folder / str(products) / "postgres"
    with embedded.start(data, settings) as server:
        _fill(server.url, products)
        if counts:
            execute(server.url, f"create extension if not exists {COUNTER}")
        process = int((data / "postmaster.pid").read_text("utf-8").split()[0])
        yield Bed(server.url, programs, process, _read_keys(server.url), counts)


def _fill(url: str, products: int) -> None:
    database = Database(url)
    database.apply_schema()
    empty = sample_data.is_empty(database)
    database.close()
    if empty:
        # A server would make leaves of the events beside the first requests, and autovacuum would
        # come in the midst of a measurement: begin as both leave it, with scans by index alone.
        for command in (["sample", "--products", str(products)], ["ledger", "integrate"]):
            run = [sys.executable, "server.py", *command]
            subprocess.run(run, cwd=ROOT, env={**os.environ, "DATABASE_URL": url}, check=True)
        execute(url, "vacuum (analyze)")


def _read_keys(url: str) -> Keys:
    products = int(execute(url, "select max(product_id) from products")[0][0])
    batches = execute(url, "select distinct cacao_batch_id from product_cacao_batch order by 1")
    return Keys(products, tuple(int(row[0]) for row in batches))


def execute(url: str, statement: str) -> list[tuple[Any, ...]]:
    """Return the rows of a statement, outside of any transaction."""
    with closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []
