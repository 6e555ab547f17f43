"""A migration that is killed, that waits or that is run twice leaves one version or the next, never a part."""

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import psycopg2
import pytest

from models.database.engines import Database
from models.migration.migrate import MigrationError, migrate
from models.migration.status import Status
from tests.bounds import wait_for
from tests.conftest import ROOT, process_environment
from tests.db.migration.old import contents, execute, url_of
from tests.db.migration.test_upgrade import assert_like_schema_sql

# Holds a migration where it drops a table, after most of its changes.
SLOW = """
create function sleep_at_drops() returns event_trigger language plpgsql as $$ begin perform pg_sleep(600); end $$;
create event trigger slow on ddl_command_end when tag in ('DROP TABLE') execute function sleep_at_drops()"""
SLEEPING = """SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_migration_that_is_ended_in_the_middle_leaves_the_version_before(
    baseline: Database, number: signal.Signals
) -> None:
    url = url_of(baseline)
    before = contents(url)
    execute(url, SLOW)
    process = subprocess.Popen(
        [sys.executable, "server.py", "migrate"],
        cwd=ROOT,
        env=process_environment(DATABASE_URL=url),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    wait_for(lambda: execute(url, SLEEPING) == [(1,)])
    os.kill(process.pid, number)
    output, errors = process.communicate(timeout=60)
    # PostgreSQL notices within seconds that the client is gone, and gives back the locks.
    wait_for(lambda: execute(url, SLEEPING) == [(0,)])

    assert process.returncode == (-9 if number is signal.SIGKILL else 130)
    assert (output, errors) == (b"", b"")
    execute(url, "DROP EVENT TRIGGER slow")
    state = baseline.inspect_schema()
    assert (state.status, state.version, state.recorded) == (Status.BEHIND, "0001", False)
    assert contents(url) == before
    execute(url, "DROP FUNCTION sleep_at_drops")
    migrate(baseline.engine())
    assert_like_schema_sql(url)


def test_of_two_migrations_at_once_each_version_is_made_by_one(baseline: Database) -> None:
    with ThreadPoolExecutor(3) as threads:
        running = [threads.submit(migrate, baseline.engine(), 600) for _ in range(3)]
        done = [migration.version for each in running for migration in each.result(600)]
    assert sorted(done) == ["0002", "0003"]
    assert_like_schema_sql(url_of(baseline))


def test_migration_gives_up_where_a_table_stays_locked(baseline: Database) -> None:
    url = url_of(baseline)
    with closing(psycopg2.connect(url)) as other, other.cursor() as cursor:
        cursor.execute("SELECT 1 FROM products LIMIT 1")
        with pytest.raises(MigrationError, match="another session holds a lock on the tables"):
            migrate(baseline.engine(), 0.1)
    assert execute(url, "SELECT to_regclass('alembic_version')") == [(None,)]


def test_error_within_a_migration_is_one_line_and_rolls_back(baseline: Database) -> None:
    url = url_of(baseline)
    execute(url, "CREATE VIEW of_the_operator AS SELECT * FROM cacao_batch_yields")
    with pytest.raises(MigrationError, match="rolled back: cannot drop desired object") as error:
        migrate(baseline.engine())
    assert "\n" not in str(error.value)
    state = baseline.inspect_schema()
    assert (state.version, state.recorded) == ("0001", False)
