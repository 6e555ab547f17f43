"""A start waits for its database: within a bound, until a signal, and without a lock left over."""

import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Event
from typing import Any

import psycopg2
import pytest
from sqlalchemy import make_url

from models.database.waiting import within
from models.migration.status import Status
from serving import cli
from serving.settings import Settings
from tests import fork_server
from tests.bounds import wait_for
from tests.conftest import (
    ROOT,
    free_port,
    opened,
    process_environment,
    run,
    start_serving,
    temporary_folder,
)
from tests.fork_server import Process
from tests.http.serving.test_serving import COUNT, ask

PGBOUNCER = shutil.which("pgbouncer", path=os.pathsep.join((os.defpath, "/usr/sbin", "/sbin")))
POOLER = """
[databases]
* = host={host} port={port} {account}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 3
ignore_startup_parameters = options,extra_float_digits
logfile = {folder}/log
"""
# What a start of an earlier version held in its session.
EARLIER, OURS = "hashtext('cacaotrace schema')", "hashtext('cacaotrace schema.sql')"


def asked(url: str, statement: str) -> Any:
    """Return the one value of a statement's one row."""
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return (cursor.fetchone() or (None,))[0]


def locks(url: str, *, granted: bool = True) -> int:
    """How many advisory locks of this database are held, or waited for."""
    held = "" if granted else "NOT "
    return int(
        asked(
            url,
            "SELECT count(*) FROM pg_locks JOIN pg_database d ON d.oid = database"
            f" WHERE locktype = 'advisory' AND datname = current_database() AND {held}granted",
        )
    )


@contextmanager
def holding(url: str, key: str) -> Iterator[None]:
    """While inside, another session holds this advisory lock."""
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_advisory_lock({key})")
        yield


def starting(url: str) -> Process:
    return fork_server.start(["serve"], process_environment(DATABASE_URL=url, PORT="0"))


# ---------------------------------------------------------------- behind a pooler


@pytest.fixture
def pooler(empty: str) -> Iterator[str]:
    """Provide the URL of an empty database behind PgBouncer in transaction mode."""
    if PGBOUNCER is None:
        pytest.skip("PgBouncer is not installed")
    url = make_url(empty)
    host = str(url.query.get("host") or url.host or "127.0.0.1")
    account = f"user={url.username}" + (f" password={url.password}" if url.password else "")
    listen = free_port()
    with temporary_folder() as folder:
        folder.chmod(0o777)
        parts = {"host": host, "port": url.port or 5432, "account": account, "listen": listen}
        written = folder / "pgbouncer.ini"
        written.write_text(POOLER.format(folder=folder, **parts))
        command = [PGBOUNCER, str(written)]
        if os.geteuid() == 0:
            # It does not run as root; the socket of the database may be its owner's alone.
            owner = Path(host).stat().st_uid if host.startswith("/") else 65534
            command[1:1] = ["-u", pwd.getpwuid(owner or 65534).pw_name]
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        pooled = f"postgresql://{url.username}@127.0.0.1:{listen}/{url.database}"
        try:
            wait_for(lambda: answers(listen))
            assert asked(pooled, "SELECT 1") == 1
            yield pooled
        finally:
            process.terminate()
            process.wait(30)


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_start_behind_a_pooler_leaves_no_lock(pooler: str, empty: str) -> None:
    for url in (pooler, pooler, empty, pooler):
        result = run("user", "list", DATABASE_URL=url)
        assert (result.returncode, result.stdout.count("Traceback")) == (0, 0), result.stderr
        assert locks(empty) == 0
    assert asked(empty, "SELECT to_regclass('products') IS NOT NULL") is True


def test_server_behind_a_pooler_answers_and_starts_again(pooler: str, empty: str) -> None:
    for _ in range(2):
        serving = start_serving(DATABASE_URL=pooler, PREPARED_STATEMENTS="off")
        assert ask(serving.url, COUNT) == {"data": {"products": {"totalCount": 0}}}
        code, _, errors = serving.stop()
        assert code == 0
        assert "ERROR" not in errors
        wait_for(lambda: locks(empty) == 0)


# ---------------------------------------------------------------- locks of others


def test_lock_of_an_earlier_start_does_not_delay_a_start(empty: str) -> None:
    with holding(empty, EARLIER):
        first = run("user", "list", DATABASE_URL=empty)
        assert first.returncode == 0, first.stderr
    with holding(empty, OURS):
        # Where there is a schema, no lock is needed.
        again = run("user", "list", DATABASE_URL=empty)
        assert again.returncode == 0, again.stderr


def test_who_waits_too_long_for_another_start_gives_up(empty: str) -> None:
    with opened(empty) as database, holding(empty, OURS):
        with pytest.raises(psycopg2.errors.LockNotAvailable):
            database.apply_schema(0.1)
        assert locks(empty) == 1
    assert locks(empty) == 0
    assert asked(empty, "SELECT to_regclass('products') IS NULL") is True


def test_of_several_starts_at_once_one_applies_the_schema(empty: str) -> None:
    with opened(empty) as database, ThreadPoolExecutor(3) as threads:
        with holding(empty, OURS):
            applying = [threads.submit(database.apply_schema, 600) for _ in range(3)]
            wait_for(lambda: locks(empty, granted=False) == 3)
        assert sorted(each.result(600) for each in applying) == [False, False, True]
        assert locks(empty) == 0
        assert database.inspect_schema().status is Status.CURRENT


def test_start_that_takes_too_long_is_one_line(empty: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "START_SECONDS", 0.2)
    url = empty.replace("postgres@", "postgres:secret@")
    with (
        holding(empty, OURS),
        pytest.raises(cli.StartError, match=r"did not answer within 0\.2 s") as refused,
        cli.opened_database(Settings(database_url=url)),
    ):
        raise AssertionError
    assert "secret" not in str(refused.value)
    wait_for(lambda: locks(empty) == 0)


# ---------------------------------------------------------------- signals


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signal_ends_a_start_that_waits_for_a_lock(empty: str, number: signal.Signals) -> None:
    with holding(empty, OURS):
        process = starting(empty)
        wait_for(lambda: locks(empty, granted=False) == 1)
        process.send_signal(number)
        output, errors = process.communicate(timeout=60)
    # It would be 1, and a line, where the wait had ended by itself.
    assert (process.returncode, output, errors) == (0, "", "")
    assert asked(empty, "SELECT to_regclass('products') IS NULL") is True


def test_signal_ends_a_start_whose_database_says_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        process = starting(f"postgresql://u@127.0.0.1:{listener.getsockname()[1]}/x")
        accepted, _ = listener.accept()
        process.send_signal(signal.SIGTERM)
        output, errors = process.communicate(timeout=60)
        accepted.close()
    assert (process.returncode, output, errors) == (0, "", "")


def test_what_takes_too_long_is_left_behind() -> None:
    ended = Event()
    with pytest.raises(TimeoutError):
        within(0.01, ended.wait)
    ended.set()
    assert within(None, lambda: 42) == 42
    with pytest.raises(ValueError, match="invalid literal"):
        within(60, lambda: int("x"))


# ---------------------------------------------------------------- the code


def test_no_lock_of_ours_belongs_to_a_session() -> None:
    taken = re.compile(r"pg_(?:try_)?advisory_(?:lock|unlock)")
    sources = [
        path
        for pattern in ("*.py", "*.sql")
        for path in ROOT.rglob(pattern)
        if path.relative_to(ROOT).parts[0] not in ("tests", "web", ".venv", ".data")
    ]
    assert len(sources) > 100
    assert [path for path in sources if taken.search(path.read_text(encoding="utf-8"))] == []
