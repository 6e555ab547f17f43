"""The embedded PostgreSQL: kept between runs, one owner at a time, recovered after any signal."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psycopg2
import pytest
from psycopg2.extras import wait_select

from models.embedded import server as embedded
from models.embedded.server import AlreadyInUse, EmbeddedError
from tests.bounds import wait_for, within
from tests.conftest import FAST, ROOT, temporary_folder


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Provide a data folder that the tests of this module start and stop one after another."""
    with temporary_folder() as parent:
        yield parent / "postgres"
        # A killed owner's PostgreSQL is replaced by this one, which stops.
        embedded.start(parent / "postgres", FAST).stop()


def ask(url: str, statement: str) -> object:
    connection = psycopg2.connect(url)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
            row = cursor.fetchone() if cursor.description else None
            return row and row[0]
    finally:
        connection.close()


def start_elsewhere(folder: Path) -> "subprocess.Popen[bytes]":
    """Run the server from another process, and return once it answers."""
    program = """
        import sys, time
        from pathlib import Path
        from models.embedded import server as embedded
        server = embedded.start(Path(sys.argv[1]))
        print(server.url, flush=True)
        time.sleep(600)
        """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program), str(folder)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith(b"postgresql://")
    return process


def kill(process: "subprocess.Popen[bytes]") -> None:
    process.kill()
    process.communicate()


def pid_of_postgres(folder: Path) -> int:
    record = json.loads(folder.with_name("postgres.lock").read_text())
    return int(record["postgres"])


def is_alive(pid: int) -> bool:
    """Whether the process runs; a zombie counts as dead."""
    with suppress(OSError):
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_data_stays_between_starts(folder: Path) -> None:
    with embedded.start(folder, FAST) as server:
        ask(server.url, "CREATE TABLE kept AS SELECT 42 AS answer")
    with embedded.start(folder, FAST) as server:
        assert ask(server.url, "SELECT answer FROM kept") == 42


def test_database_sorts_by_code_point_and_speaks_utf8(folder: Path) -> None:
    with embedded.start(folder, FAST) as server:
        assert ask(server.url, "SELECT current_database()::text") == "cacaotrace"
        assert ask(server.url, "SHOW server_encoding") == "UTF8"
        locale = "SELECT datlocprovider::text || ' ' || datlocale FROM pg_database WHERE datname = 'cacaotrace'"
        assert ask(server.url, locale) == "b C.UTF-8"
        assert ask(server.url, "SELECT lower('ÉCORCE')") == "écorce"


def test_settings_keep_what_was_committed_and_open_no_port(folder: Path) -> None:
    with embedded.start(folder) as server:
        for name, value in (
            ("listen_addresses", ""),
            ("synchronous_commit", "on"),
            ("fsync", "on"),
            ("full_page_writes", "on"),
            ("jit", "off"),
            ("shared_buffers", "256MB"),
            ("max_connections", "100"),
        ):
            assert ask(server.url, f"SHOW {name}") == value, name


def test_stop_leaves_no_process_and_nothing_to_recover(folder: Path) -> None:
    with embedded.start(folder, FAST):
        postgres = pid_of_postgres(folder)
        assert is_alive(postgres)

    assert not is_alive(postgres)
    assert not (folder / "postmaster.pid").exists()
    last = folder.with_name("postgres.log").read_text().splitlines()[-1]
    assert last.endswith("database system is shut down")


SECRET = "Geheimrezept 17"
FAILING = (
    f"SELECT '{SECRET}'::int",
    f"SELECT '{SECRET}' FROM nowhere",
    f"SELECT '{SECRET}",
    f"INSERT INTO secrets VALUES ('{SECRET}')",
    f"INSERT INTO secrets VALUES ('{SECRET} 2', -1)",
    f"DO $$ BEGIN RAISE EXCEPTION 'not {SECRET}' USING DETAIL = '{SECRET}', HINT = '{SECRET}'; END $$",
    f"DO $$ BEGIN RAISE WARNING 'not {SECRET}'; END $$",
    f"SET statement_timeout = 1; SELECT '{SECRET}', pg_sleep(60)",
    f"SELECT '{SECRET}', pg_terminate_backend(pg_backend_pid())",
)


def test_log_is_for_its_owner_and_has_no_values(folder: Path) -> None:
    journal = folder.with_name("postgres.log")
    journal.touch()
    journal.chmod(0o644)
    with embedded.start(folder, FAST) as server:
        assert journal.stat().st_mode & 0o777 == 0o600
        ask(server.url, "CREATE TABLE secrets (name text PRIMARY KEY, n int CHECK (n > 0))")
        ask(server.url, f"INSERT INTO secrets VALUES ('{SECRET}')")
        for statement in FAILING:
            with suppress(psycopg2.Error):
                ask(server.url, statement)
        # Of a backend that crashes, PostgreSQL's details tell what it was running.
        with pytest.raises(psycopg2.OperationalError):
            crash_while(server.url, f"SELECT '{SECRET}', pg_sleep(60)")
        wait_for(lambda: "was terminated by signal 9" in journal.read_text())
        wait_for_answer(server.url, "DROP TABLE IF EXISTS secrets")
        written = journal.read_text()
    for part in (SECRET, "Geheim", "secrets", "SELECT", "STATEMENT", "DETAIL"):
        assert part not in written


def crash_while(url: str, statement: str) -> None:
    """Kill the backend that runs a statement; raises what the client gets."""
    connection = psycopg2.connect(url, async_=1)
    try:
        wait_select(connection)
        connection.cursor().execute(statement)
        pid = connection.get_backend_pid()
        running = (
            f"SELECT state FROM pg_stat_activity WHERE pid = {pid} AND query LIKE '%pg_sleep%'"
        )
        while ask(url, running) != "active":
            time.sleep(0.01)
        os.kill(pid, signal.SIGKILL)
        wait_select(connection)
    finally:
        connection.close()


def test_new_log_is_for_its_owner_alone() -> None:
    with temporary_folder() as parent, embedded.start(parent / "postgres", FAST):
        assert (parent / "postgres.log").stat().st_mode & 0o777 == 0o600


def test_folder_in_use_is_refused_with_the_pid_and_the_server_stays(folder: Path) -> None:
    owner = start_elsewhere(folder)
    try:
        with pytest.raises(AlreadyInUse) as refused:
            embedded.start(folder, FAST)
        message = f"the database in {folder} is already in use by pid {owner.pid}"
        assert str(refused.value) == message
        assert ask(refused.value.url, "SELECT 1") == 1
    finally:
        kill(owner)


def test_connect_or_start_uses_the_running_server_and_leaves_it(folder: Path) -> None:
    owner = start_elsewhere(folder)
    try:
        with embedded.connect_or_start(folder) as url:
            postmaster = pid_of_postgres(folder)
            assert ask(url, "SELECT 1") == 1
        assert is_alive(postmaster)
    finally:
        kill(owner)


def test_connect_or_start_stops_what_it_started(folder: Path) -> None:
    with embedded.connect_or_start(folder) as url:
        postgres = pid_of_postgres(folder)
        assert ask(url, "SELECT 1") == 1

    assert not is_alive(postgres)


def test_postgres_that_outlived_its_owner_is_replaced(folder: Path) -> None:
    owner = start_elsewhere(folder)
    survivor = pid_of_postgres(folder)
    kill(owner)
    assert is_alive(survivor)

    with embedded.start(folder, FAST) as server:
        assert ask(server.url, "SELECT 1") == 1
        assert pid_of_postgres(folder) != survivor
        assert not is_alive(survivor)


@pytest.mark.parametrize("content", ["", "12", "garbage\n", "{pid}\n/elsewhere\n1\n5432\n"])
def test_stale_pid_file_does_not_stop_a_start(folder: Path, content: str) -> None:
    """Also where its pid is another program's by now: here it is this test's own."""
    owner = start_elsewhere(folder)
    postmaster = pid_of_postgres(folder)
    ask(embedded_url(folder), "CREATE TABLE IF NOT EXISTS committed (n int)")
    ask(embedded_url(folder), "INSERT INTO committed VALUES (1)")
    os.kill(postmaster, signal.SIGKILL)
    kill(owner)
    (folder / "postmaster.pid").write_text(content.format(pid=os.getpid()))

    with embedded.start(folder, FAST) as server:
        assert ask(server.url, "SELECT count(*) > 0 FROM committed") is True


def embedded_url(folder: Path) -> str:
    return str(json.loads(folder.with_name("postgres.lock").read_text())["url"])


def test_interrupted_creation_is_begun_anew() -> None:
    with temporary_folder() as parent:
        unfinished = parent / "postgres.new"
        unfinished.mkdir()
        (unfinished / "PG_VERSION").write_text("18\n")

        with embedded.start(parent / "postgres", FAST) as server:
            assert ask(server.url, "SELECT 1") == 1
        assert not unfinished.exists()


@pytest.mark.parametrize("name", ["x" * 120, "a, b 100%"])
def test_path_that_is_no_socket_address_works(name: str) -> None:
    with temporary_folder() as parent:
        with embedded.start(parent / name / "postgres", FAST) as server:
            assert ask(server.url, "SELECT 1") == 1
            sockets = Path(server.url.partition("host=")[2])
            assert sockets.stat().st_mode & 0o777 == 0o700
        sockets.rmdir()


def test_settings_that_postgres_refuses_are_named_in_one_line(folder: Path) -> None:
    with pytest.raises(EmbeddedError, match="shared_buffers") as refused:
        embedded.start(folder, {**FAST, "shared_buffers": "many"})

    assert "\n" not in str(refused.value)
    with embedded.start(folder, FAST) as server:
        assert ask(server.url, "SELECT 1") == 1


def test_folder_that_cannot_be_made_is_named_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(EmbeddedError, match="set DATA_DIR to another folder") as refused:
        embedded.start(tmp_path / "file" / "postgres", FAST)

    assert "\n" not in str(refused.value)


def test_second_start_is_quick(folder: Path) -> None:
    with embedded.start(folder, FAST):
        pass
    began = time.monotonic()
    with embedded.start(folder, FAST):
        assert time.monotonic() - began < within(5)


# ---------------------------------------------------------------- started again


def wait_for_answer(url: str, statement: str) -> object:
    """Return the result of the statement once the server is back."""
    deadline = time.monotonic() + within(60)
    while True:
        try:
            return ask(url, statement)
        except psycopg2.OperationalError:
            assert time.monotonic() < deadline
            time.sleep(0.05)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGQUIT])
def test_postgres_that_ends_is_started_again_at_the_same_url(
    folder: Path, number: signal.Signals
) -> None:
    with embedded.start(folder) as server:
        ask(server.url, "CREATE TABLE IF NOT EXISTS kept_on (n int)")
        ask(server.url, "INSERT INTO kept_on VALUES (1)")
        first = pid_of_postgres(folder)
        os.kill(first, number)
        while is_alive(first):
            time.sleep(0.01)

        assert wait_for_answer(server.url, "SELECT count(*) > 0 FROM kept_on") is True
        assert pid_of_postgres(folder) != first
    assert not (folder / "postmaster.pid").exists()


def test_backend_that_is_busy_does_not_hold_up_the_start_after_a_kill(folder: Path) -> None:
    """The backend notices PostgreSQL's death only when it sends a result."""
    busy = "DO $$ BEGIN LOOP NULL; END LOOP; END $$"
    with embedded.start(folder, FAST) as server:
        connection = psycopg2.connect(server.url, async_=1)
        wait_select(connection)
        connection.cursor().execute(busy)
        while ask(server.url, f"SELECT count(*) FROM pg_stat_activity WHERE query = '{busy}'") != 1:
            time.sleep(0.01)
        began = time.monotonic()
        first = pid_of_postgres(folder)
        os.kill(first, signal.SIGKILL)
        while is_alive(first):
            time.sleep(0.01)

        assert wait_for_answer(server.url, "SELECT 1") == 1
        assert time.monotonic() - began < embedded.LONGEST_PAUSE + within(20)
        connection.close()


def test_stop_while_it_is_started_again_leaves_no_process(folder: Path) -> None:
    for pause in (0.0, 0.1, 0.2, 0.4):
        with embedded.start(folder, FAST):
            os.kill(pid_of_postgres(folder), signal.SIGKILL)
            time.sleep(pause)
        # Children that outlived PostgreSQL notice it in a moment.
        deadline = time.monotonic() + within(20)
        while members_of(folder):
            assert time.monotonic() < deadline
            time.sleep(0.01)


def members_of(folder: Path) -> list[str]:
    """Return the processes whose working folder this is."""
    found = []
    for cwd in Path("/proc").glob("[0-9]*/cwd"):
        with suppress(OSError):
            if cwd.readlink() == folder:
                found.append(cwd.parent.name)
    return found
