"""schema.sql and the models describe the same catalogue, and schema.sql applies as documented.

Both sides are asked of PostgreSQL's own catalogue: schema.sql in one database, what SQLAlchemy
makes of the models in another. Checks, triggers and functions are schema.sql's alone.
"""

import subprocess
from collections.abc import Iterator, Sequence
from typing import Any

import psycopg2
import pytest
from sqlalchemy import create_engine, text

from models import Base
from models.database.engines import Database
from models.embedded import server as embedded
from models.migration.schema_file import SCHEMA
from tests.conftest import Cluster

COLUMNS = """
select c.relname, a.attname, format_type(a.atttypid, a.atttypmod), l.collname, a.attnotnull,
       pg_get_expr(d.adbin, d.adrelid)
from pg_class c
join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
left join pg_collation l on l.oid = a.attcollation
left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
where c.relnamespace = 'public'::regnamespace and c.relkind = 'r'"""
CONSTRAINTS = """
select conrelid::regclass::text, conname, pg_get_constraintdef(oid)
from pg_constraint
where connamespace = 'public'::regnamespace and contype in ('p', 'u', 'f')"""
INDEXES = """
select indrelid::regclass::text, pg_get_indexdef(indexrelid)
from pg_index i join pg_class c on c.oid = i.indexrelid
where c.relnamespace = 'public'::regnamespace"""
UNINDEXED_FOREIGN_KEYS = """
select conrelid::regclass::text, conname
from pg_constraint f
where contype = 'f' and connamespace = 'public'::regnamespace and not exists (
  select from pg_index i
  where i.indrelid = f.conrelid and i.indisvalid
    and (i.indkey::int2[])[0:array_length(f.conkey, 1) - 1] = f.conkey
    and (i.indpred is null
         or pg_get_expr(i.indpred, i.indrelid) = format('(%I IS NOT NULL)', (
           select attname from pg_attribute
           where attrelid = f.conrelid and attnum = f.conkey[1]))))"""
ASSOCIATIONS = """
select conrelid::regclass::text,
       (select array_agg(a.attname::text order by k.place)
        from unnest(conkey) with ordinality k (number, place)
        join pg_attribute a on a.attrelid = conrelid and a.attnum = k.number)
from pg_constraint p
where contype = 'p' and connamespace = 'public'::regnamespace and array_length(conkey, 1) = 2
  -- An association is a key of two references, not a key that has another part.
  and conkey <@ (select array_agg(f.conkey[1]) from pg_constraint f
                 where f.contype = 'f' and f.conrelid = p.conrelid)"""


def rows(database: Database, query: str) -> list[tuple[Any, ...]]:
    with database.reader() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


@pytest.fixture(scope="module")
def written(cluster: Cluster, schema_template: str) -> Iterator[Database]:
    """Provide what schema.sql makes."""
    url = cluster.create(schema_template)
    database = Database(url)
    yield database
    database.close()
    cluster.drop(url)


@pytest.fixture(scope="module")
def modelled(cluster: Cluster, written: Database) -> Iterator[Database]:
    """Provide the catalogue that SQLAlchemy creates from the models, with the functions that it needs."""
    url = cluster.create()
    names = "('search_key'::regproc, 'look_of_name'::regproc, 'current_actor'::regproc)"
    functions = rows(
        written, f"select pg_get_functiondef(oid) from pg_proc where oid in {names} order by oid"
    )
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg2://"))
    with engine.begin() as connection:
        connection.exec_driver_sql("create extension unaccent; create extension pg_trgm;")
        for (function,) in functions:
            connection.exec_driver_sql(function)
        Base.metadata.create_all(connection)
    engine.dispose()
    database = Database(url)
    yield database
    database.close()
    cluster.drop(url)


def only_left(left: Sequence[tuple[Any, ...]], right: Sequence[tuple[Any, ...]]) -> list[Any]:
    return sorted(set(left) - set(right), key=str)


@pytest.mark.parametrize("query", [COLUMNS, CONSTRAINTS, INDEXES], ids=["cols", "keys", "indexes"])
def test_models_say_what_schema_sql_says(query: str, written: Database, modelled: Database) -> None:
    in_schema, in_models = rows(written, query), rows(modelled, query)
    # Migrations have this table; no model reads it.
    in_schema = [row for row in in_schema if row[0] != "alembic_version"]

    assert only_left(in_schema, in_models) == [], "only in schema.sql"
    assert only_left(in_models, in_schema) == [], "only in the models"
    assert len(in_schema) > 10


def test_every_foreign_key_has_an_index_led_by_its_columns(written: Database) -> None:
    assert rows(written, UNINDEXED_FOREIGN_KEYS) == []


def test_every_association_is_indexed_in_both_directions(written: Database) -> None:
    definitions = {(table, index.split(" USING ")[1]) for table, index in rows(written, INDEXES)}
    associations = rows(written, ASSOCIATIONS)

    for table, (left, right) in associations:
        assert (table, f"btree ({left}, {right})") in definitions
        assert (table, f"btree ({right}, {left})") in definitions
    assert len(associations) == 7


def test_apply_schema_leaves_a_database_that_has_it(fresh: Database) -> None:
    before = rows(fresh, COLUMNS)

    assert fresh.apply_schema() is False
    assert rows(fresh, COLUMNS) == before


def test_schema_sql_is_refused_whole_where_it_was_applied(fresh: Database) -> None:
    before = rows(fresh, INDEXES)
    connection = fresh.engine().raw_connection()
    try:
        with pytest.raises(psycopg2.errors.DuplicateFunction):
            connection.cursor().execute(SCHEMA.read_text(encoding="utf-8"))
    finally:
        connection.close()

    assert rows(fresh, INDEXES) == before


def test_psql_applies_schema_sql(empty: str, written: Database) -> None:
    psql = embedded.find_programs() / "psql"
    command = [str(psql), empty, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", str(SCHEMA)]

    result = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    database = Database(empty)
    assert sorted(rows(database, COLUMNS), key=str) == sorted(rows(written, COLUMNS), key=str)
    database.close()
