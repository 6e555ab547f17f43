"""A database of each earlier version becomes one that schema.sql would have made, with its rows."""

import subprocess
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
from sqlalchemy import make_url

from audit.database_verification import verify_database
from ledger.integrator import integrate
from ledger.log_config import LogConfig
from ledger.signed_note import make_key
from ledger.verifier import read_key
from models.embedded import server as embedded
from models.migration.catalogue import described, described_script, differences
from models.migration.migrate import migrate, plan
from models.migration.schema_file import SCHEMA, head_version
from models.migration.status import Status
from tests.conftest import Cluster, opened
from tests.db.migration.conftest import Earlier
from tests.db.migration.old import EARLIER, apply_known, columns_of, contents, execute


def assert_like_schema_sql(url: str) -> None:
    """Assert that the catalogue is that of schema.sql: every column, check, index, trigger, function, privilege and comment."""
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        made = described_script(cursor, SCHEMA.read_text(encoding="utf-8"))
        found = described(cursor)
    assert list(map(str, differences(found, made))) == []
    assert len(found) > 700


@pytest.mark.parametrize("version", EARLIER)
def test_earlier_version_becomes_the_schema_and_keeps_its_rows(
    earlier: Earlier, version: str
) -> None:
    url, database = earlier.make(version)
    columns = columns_of(url)
    before = contents(url, columns)
    planned = plan(database.engine())
    assert (planned.state.status, planned.state.version) == (Status.BEHIND, version)
    assert planned.blocking == ()

    migrate(database.engine())

    assert_like_schema_sql(url)
    assert execute(url, "SELECT version_num FROM alembic_version") == [(head_version(),)]
    assert contents(url, columns) == before
    assert len(before["transactions"]) == 310
    assert migrate(database.engine()) == []


def test_ledger_of_the_baseline_verifies_and_grows(earlier: Earlier, tmp_path: Path) -> None:
    url, database = earlier.make("0001")
    migrate(database.engine())

    [(text,)] = execute(url, "SELECT public_key FROM ledger_checkpoints")
    old = read_key(text)
    done = verify_database(database, [old], None)
    assert (done.findings, done.events, done.signed) == ([], 309, 309)

    make_key(tmp_path / "ledger.key")
    config = LogConfig("cacaotrace", tmp_path / "ledger.key", tmp_path / "ledger.checkpoints")
    grown = integrate(database, config)
    signer = config.signer()
    assert grown is not None
    assert signer is not None
    done = verify_database(database, [old, signer.key], tmp_path / "ledger.checkpoints")
    assert (done.findings, done.events, done.signed) == ([], 310, 310)


def test_key_belongs_to_the_actor_of_its_transaction(earlier: Earlier) -> None:
    url, database = earlier.make("0001")
    execute(url, "INSERT INTO idempotency_keys VALUES ('k-2', 'm', 'x', '{}', '2026-01-01T00:00Z')")

    migrate(database.engine())

    rows = execute(url, "SELECT key, actor FROM idempotency_keys ORDER BY key")
    assert rows[0] == ("k-1", "user:operator")
    assert rows[1][1].startswith("sql:")


def test_dump_that_was_restored_is_recognised(cluster: Cluster, empty: str) -> None:
    programs = embedded.find_programs()
    source = cluster.create()
    apply_known(source, "0001")
    dump = subprocess.run([programs / "pg_dump", source], capture_output=True, check=True).stdout
    subprocess.run(
        [programs / "psql", empty, "-X", "-q", "-v", "ON_ERROR_STOP=1"], input=dump, check=True,
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    with opened(empty) as database:
        assert database.inspect_schema().version == "0001"
        migrate(database.engine())
    assert_like_schema_sql(empty)


def test_privileges_and_additions_of_an_operator_stay(cluster: Cluster, earlier: Earlier) -> None:
    url, database = earlier.make("0001")
    role = f"reader_of_{make_url(url).database}"
    execute(
        url,
        f"""CREATE ROLE {role}; GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role};
        GRANT INSERT ON idempotency_keys TO {role} WITH GRANT OPTION;
        CREATE TABLE of_the_operator (at timestamptz); INSERT INTO of_the_operator VALUES ('infinity');
        CREATE INDEX of_the_operator_too ON products (description)""",
    )
    try:
        migrate(database.engine())

        granted = """SELECT table_name, privilege_type, is_grantable FROM information_schema.role_table_grants
          WHERE grantee = %s AND table_name IN ('idempotency_keys', 'cacao_batch_yields', 'products')"""
        assert sorted(execute(url, granted, (role,))) == [
            ("cacao_batch_yields", "SELECT", "NO"),
            ("idempotency_keys", "INSERT", "YES"),
            ("idempotency_keys", "SELECT", "NO"),
            ("products", "SELECT", "NO"),
        ]
        assert execute(url, f"SET ROLE {role}; SELECT version_num FROM alembic_version")
        assert execute(url, "SELECT count(*) FROM of_the_operator") == [(1,)]
    finally:
        execute(url, f"DROP OWNED BY {role}; DROP ROLE {role}")
