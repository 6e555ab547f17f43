"""A database of another version is refused with one line, and the readiness probe says what to run."""

import subprocess

import pytest

from models.database.engines import Database
from models.migration.catalogue import Difference
from models.migration.schema_file import head_version
from models.migration.status import Status
from serving import cli
from serving.settings import Settings
from tests.conftest import ROOT, client_of, opened, run, start_serving, temporary_folder
from tests.db.migration.old import apply_known, execute, url_of
from tests.requests import fetch

MIGRATE = "python server.py migrate"
# Made before the baseline.
OLDER = "4245886"


def refused(url: str) -> str:
    with pytest.raises(cli.StartError) as error, cli.opened_database(Settings(database_url=url)):
        raise AssertionError
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize(
    "command",
    [
        ("serve",),
        ("user", "list"),
        ("audit", "findings"),
        ("import", "products", "missing.csv"),
    ],
    ids=" ".join,
)
def test_every_command_refuses_a_database_that_is_behind(
    empty: str, command: tuple[str, ...]
) -> None:
    apply_known(empty, "0001")
    result = run(*command, DATABASE_URL=empty)
    [line] = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert (result.returncode, result.stdout, result.stderr) == (1, "", f"{line}\n")
    assert line.endswith(
        f"its schema has version 0001 and this program needs {head_version()}:"
        f" make a backup, then run: {MIGRATE}"
    )
    assert execute(empty, "SELECT to_regclass('alembic_version')") == [(None,)]


def test_database_from_the_future_is_refused(fresh: Database) -> None:
    url = url_of(fresh)
    execute(url, "UPDATE alembic_version SET version_num = '9001'")
    told = f"its schema has version 9001 and this program knows none after {head_version()}"
    assert told in refused(url)
    result = run("migrate", DATABASE_URL=url)
    assert (result.returncode, result.stdout) == (1, "")
    assert told in result.stderr


def test_database_older_than_the_baseline_is_refused(empty: str) -> None:
    older = subprocess.run(
        ["git", "show", f"{OLDER}:schema.sql"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if older.returncode:
        pytest.skip("this checkout has no history")
    execute(empty, older.stdout)
    line = refused(empty)
    assert "is older than version 0001 or was altered" in line
    assert line.endswith(f"for the differences run: {MIGRATE} --plan")
    result = run("migrate", "--plan", DATABASE_URL=empty)
    assert result.returncode == 1
    assert "relation ledger_entries is missing" in result.stdout.splitlines()
    assert len(result.stderr.splitlines()) == 1
    assert run("migrate", DATABASE_URL=empty).returncode == 1


def test_first_design_is_older_than_the_baseline(empty: str) -> None:
    execute(
        empty,
        "create table products (product_id serial); create table cacao_batches (quantity int)",
    )
    assert "is older than version 0001 or was altered" in refused(empty)


def test_column_that_was_altered_is_no_known_schema(empty: str) -> None:
    apply_known(empty, "0001")
    execute(
        empty, "ALTER TABLE products ADD COLUMN price int; DROP INDEX products_name_product_id_idx"
    )
    with opened(empty) as database:
        state = database.inspect_schema()
    assert state.status is Status.UNKNOWN
    assert state.differences == (
        Difference("column", "products.price", "unexpected"),
        Difference("index", "products_name_product_id_idx", "missing"),
    )


@pytest.mark.parametrize(
    "script",
    [
        "create table products (id int)",
        "create table alembic_version (version_num text); insert into alembic_version values ('a1b2')",
        (
            "create table products (id int); create table alembic_version (version_num text);"
            " insert into alembic_version values ('a1b2')"
        ),
    ],
)
def test_database_of_another_application_is_refused(empty: str, script: str) -> None:
    execute(empty, script)
    assert "its tables are those of another application" in refused(empty)
    assert run("migrate", DATABASE_URL=empty).returncode == 1
    assert execute(empty, "SELECT to_regclass('cacao_batches')") == [(None,)]


def test_empty_database_gets_the_schema_by_migrate(empty: str) -> None:
    planned = run("migrate", "--plan", DATABASE_URL=empty)
    assert (planned.returncode, planned.stderr) == (0, "")
    assert "the database is empty" in planned.stdout
    assert execute(empty, "SELECT to_regclass('products')") == [(None,)]
    result = run("migrate", DATABASE_URL=empty)
    assert (result.returncode, result.stdout) == (
        0,
        f"applied schema.sql, version {head_version()}\n",
    )
    again = run("migrate", DATABASE_URL=empty)
    assert (again.returncode, again.stdout) == (0, f"the schema has version {head_version()}\n")


def test_role_that_cannot_compare_is_told(empty: str) -> None:
    apply_known(empty, "0001")
    with opened(empty) as database, database.engine().connect() as connection:
        connection.exec_driver_sql("CREATE ROLE nobody_of_this_test")
        try:
            connection.exec_driver_sql("SET ROLE nobody_of_this_test")
            cursor = connection.connection.cursor()
            from models.migration.status import inspect

            state = inspect(cursor)
        finally:
            connection.rollback()
    assert (state.status, state.differences) == (Status.UNKNOWN, ())


# ---------------------------------------------------------------- while serving


@pytest.mark.parametrize(
    ("statement", "database", "code"),
    [
        ("UPDATE alembic_version SET version_num = '0001'", "behind", "SCHEMA_BEHIND"),
        ("UPDATE alembic_version SET version_num = '9001'", "ahead", "SCHEMA_AHEAD"),
        ("DROP TABLE alembic_version", "unknown", "SCHEMA_UNKNOWN"),
    ],
)
def test_readiness_is_503_once_the_schema_is_of_another_version(
    fresh: Database, statement: str, database: str, code: str
) -> None:
    with client_of(fresh) as client:
        assert fetch(client, "/api/health/ready").status == 200
        execute(url_of(fresh), statement)
        answer = fetch(client, "/api/health/ready")
    assert answer.status == 503
    found = answer.json
    message = found.pop("message")
    assert found == {"status": "unavailable", "database": database, "code": code}
    assert message.startswith("The database cannot be used: its schema has ")


def test_serve_upgrades_the_embedded_database() -> None:
    from models.embedded import server as embedded

    with temporary_folder() as folder:
        with embedded.start(folder / "postgres") as server:
            apply_known(server.url, "0001")
        behind = run("user", "list", DATA_DIR=str(folder))
        assert behind.returncode == 1
        assert "its schema has version 0001" in behind.stderr
        serving = start_serving(DATA_DIR=str(folder))
        code, _, errors = serving.stop()
    assert code == 0
    assert "INFO cacaotrace migrated the database to version 0002" in errors
    assert f"INFO cacaotrace migrated the database to version {head_version()}" in errors
