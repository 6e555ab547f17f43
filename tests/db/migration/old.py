"""Databases of earlier versions: their schema, and rows that the program of commit 50d0e70 wrote."""

import gzip
import io
import re
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2

from models.database.engines import Database
from models.migration.schema_file import KNOWN, known_versions

ROWS = Path(__file__).parent / "rows" / "v0001.sql.gz"
EARLIER = known_versions()[:-1]
# Commits whose schema.sql made databases without a version.
UNVERSIONED = sorted(path.stem.removeprefix("v") for path in KNOWN.glob("v*.sql"))


def execute(url: str, script: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """Run statements and commit; the rows of the last one."""
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(script, values or None)
        connection.commit()
        return cursor.fetchall() if cursor.description else []


def url_of(database: Database) -> str:
    """Return the libpq URL of a database."""
    url = database.engine().url.set(drivername="postgresql")
    return url.render_as_string(hide_password=False)


def apply_known(url: str, version: str) -> None:
    """Make the schema of an early version, which has no version row."""
    execute(url, (KNOWN / f"v{version}.sql").read_text(encoding="utf-8"))


def load_rows(url: str) -> None:
    """Load the rows of commit 50d0e70: sample data, every kind of record, and a signed ledger."""
    text = gzip.decompress(ROWS.read_bytes()).decode()
    blocks = re.findall(r"^(COPY (\S+) .*?;)\n(.*?)^\\\.\n", text, re.S | re.M)
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        for _, table, _ in blocks:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        cursor.execute("DELETE FROM conversion_factors; DELETE FROM matter_rules")
        for statement, _, rows in blocks:
            cursor.copy_expert(statement, io.StringIO(rows))
        for statement in re.findall(r"^SELECT pg_catalog.setval.*$", text, re.M):
            cursor.execute(statement)
        for _, table, _ in blocks:
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
        connection.commit()


def contents(url: str, columns: dict[str, list[str]] | None = None) -> dict[str, list[str]]:
    """Every row of every table as text, in a fixed order; of `columns` only, where given."""
    found = {}
    for table, names in (columns or columns_of(url)).items():
        listed = ", ".join(f'"{name}"' for name in names)
        query = f"SELECT r::text FROM (SELECT {listed} FROM {table}) r ORDER BY 1"
        found[table] = [row for (row,) in execute(url, query)]
    return found


def columns_of(url: str) -> dict[str, list[str]]:
    """Return the columns of each table."""
    query = """SELECT table_name, array_agg(column_name::text ORDER BY column_name) FROM information_schema.columns
      JOIN information_schema.tables USING (table_schema, table_name)
      WHERE table_schema = 'public' AND table_type = 'BASE TABLE' AND table_name <> 'alembic_version' GROUP BY 1"""
    return dict(execute(url, query))
