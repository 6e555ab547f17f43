"""Fixtures of all tests: a temporary PostgreSQL, and databases cloned from templates.

The server is the embedded one without durability, or TEST_DATABASE_URL: a server on which that
role may create databases. Names carry the pid, so that runs beside each other do not clash.
"""

import gc
import itertools
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import hypothesis
import psycopg2
import pytest
from sqlalchemy import make_url
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from graph.admission.limits import DEFAULTS, Limits
from models import sample_data
from models.database.engines import Database
from models.database.timeouts import Timeouts
from models.embedded import server as embedded
from serving.app import create_app
from serving.settings import LIMITS, Settings
from tests import fork_server
from tests.bounds import within
from tests.database_pool import DatabasePool
from tests.direct_client import DirectClient
from tests.fork_server import Process

# No test depends on how fast the machine is.
hypothesis.settings.register_profile("default", deadline=None)
hypothesis.settings.load_profile("default")

ROOT = Path(__file__).parents[1]
FAST = {
    **embedded.SETTINGS,
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum": "off",
}


def pytest_collection_finish() -> None:
    """Exclude what was imported from garbage collection: it lives until the end."""
    gc.collect()
    gc.freeze()


@dataclass
class Cluster:
    """A PostgreSQL server on which databases are made and dropped."""

    url: str
    strategy: str = ""
    _names: Iterator[str] = field(
        default_factory=lambda: (f"cacaotrace_test_{os.getpid()}_{n}" for n in itertools.count())
    )
    _made: list[str] = field(default_factory=list)

    def create(self, template: str = "", options: str = "") -> str:
        """Return the URL of a new database: a clone of `template`, another URL of ours, or empty."""
        name = next(self._names)
        source = make_url(template).database if template else "template0"
        self._run(f"CREATE DATABASE {name} TEMPLATE {source}{self.strategy} {options}")
        self._made.append(name)
        url = make_url(self.url).set(database=name)
        return url.render_as_string(hide_password=False)

    def drop(self, url: str) -> None:
        name = make_url(url).database
        self._run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        self._made = [made for made in self._made if made != name]

    def drop_all(self) -> None:
        for name in self._made:
            self._run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def _run(self, statement: str) -> None:
        connection = psycopg2.connect(self.url)
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement)
        finally:
            connection.close()


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Provide a folder that is removed with what is in it."""
    folder = Path(tempfile.mkdtemp(prefix="cacaotrace-test-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """Provide the server of this run."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        cluster = Cluster(given.replace("postgres://", "postgresql://", 1))
        yield cluster
        cluster.drop_all()
        return
    with temporary_folder() as folder:
        # PgBouncer connects as another user than root.
        folder.chmod(0o711)
        with embedded.start(folder / "postgres", FAST) as server:
            yield Cluster(server.url, " STRATEGY FILE_COPY")


# A test that is about a deadline sets one; elsewhere a busy machine must not meet the server's own.
UNHURRIED = Timeouts(within(DEFAULTS.request_seconds), within(DEFAULTS.pool_seconds))
UNHURRIED_LIMITS = replace(
    DEFAULTS, request_seconds=round(UNHURRIED.request), pool_seconds=round(UNHURRIED.pool)
)


@contextmanager
def opened(url: str) -> Iterator[Database]:
    """Provide a Database of `url`, closed afterwards."""
    database = Database(url, timeouts=UNHURRIED)
    try:
        yield database
    finally:
        database.close()


@pytest.fixture(scope="session")
def schema_template(cluster: Cluster) -> str:
    """Provide the URL of a template database with the schema and no rows."""
    url = cluster.create()
    with opened(url) as database:
        assert database.apply_schema()
    return url


@pytest.fixture(scope="session")
def sample_template(cluster: Cluster, schema_template: str) -> str:
    """Provide the URL of a template database with the sample data in its default size."""
    url = cluster.create(schema_template)
    with opened(url) as database:
        sample_data.fill(database)
    return url


@pytest.fixture
def empty(cluster: Cluster) -> Iterator[str]:
    """Provide the URL of a database without even the schema."""
    url = cluster.create()
    yield url
    cluster.drop(url)


@pytest.fixture(scope="session")
def fresh_pool(cluster: Cluster, schema_template: str) -> DatabasePool:
    """Databases with the schema and no rows."""
    return DatabasePool(cluster, schema_template)


@pytest.fixture
def fresh(fresh_pool: DatabasePool) -> Iterator[Database]:
    """Provide a database of this test's own, with the schema and no rows."""
    with fresh_pool.database() as url, opened(url) as database:
        yield database


@pytest.fixture(scope="session")
def sample(cluster: Cluster, sample_template: str) -> Iterator[Database]:
    """Provide the sample data, shared by the whole run: tests do not write to it."""
    with opened(cluster.create(sample_template)) as database:
        yield database


@pytest.fixture
def sample_copy(cluster: Cluster, sample_template: str) -> Iterator[Database]:
    """Provide the sample data of this test's own, to write to."""
    url = cluster.create(sample_template)
    with opened(url) as database:
        yield database
    cluster.drop(url)


def local(app: ASGIApp, **given: Any) -> TestClient:
    """Return a client on this machine, which names the server by its address of the loopback."""
    return DirectClient(app, base_url="http://127.0.0.1", **given)


@contextmanager
def client_of(database: Database, limits: Limits = UNHURRIED_LIMITS) -> Iterator[TestClient]:
    """Provide a client of the whole application, in this process, with writes on."""
    app = create_app(Settings(dev_role="admin", limits=limits), database)
    with local(app, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def client(sample: Database) -> Iterator[TestClient]:
    """Provide a read-only client of the application on the shared sample data."""
    with client_of(sample) as client:
        yield client


@pytest.fixture
def writer(sample_copy: Database) -> Iterator[TestClient]:
    """Provide a writing client of the application on sample data of this test's own."""
    with client_of(sample_copy) as client:
        yield client


@dataclass
class Serving:
    """A running `server.py serve`."""

    url: str
    process: Process

    def stop(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str, str]:
        """Send the signal and wait: exit code, standard output, standard error."""
        self.process.send_signal(number)
        output, errors = self.process.communicate(timeout=within(30))
        return self.process.wait(), output, errors


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def process_environment(**values: str) -> dict[str, str]:
    """Return the environment of a subprocess: ours without the server's settings, and `values`."""
    settings = (
        "DATABASE_URL",
        "HOST",
        "PORT",
        "DATA_DIR",
        "WORKERS",
        "LOG_LEVEL",
        "LOG_FORMAT",
        "POOL_SIZE",
        "PROFILE",
        "PUBLIC_READ",
        "DEV_ROLE",
        "CORS_ORIGINS",
        "FORWARDED_ALLOW_IPS",
        "TRUSTED_DOCUMENTS",
        "TRUSTED_DOCUMENTS_ONLY",
        "PERSISTED_QUERIES",
        *("LEDGER_KEY", "LEDGER_ORIGIN", "LEDGER_CHECKPOINTS"),
        *(name for name, *_ in LIMITS.values()),
    )
    inherited = {name: value for name, value in os.environ.items() if name not in settings}
    return {**inherited, **values}


def run(*arguments: str, **values: str) -> "subprocess.CompletedProcess[str]":
    """Run `server.py` with these arguments and settings to its end."""
    process = fork_server.start(arguments, process_environment(**values))
    try:
        output, errors = process.communicate(timeout=within(60))
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    return subprocess.CompletedProcess(process.args, process.returncode or 0, output, errors)


def start_serving(**values: str) -> Serving:
    """Start `server.py serve` on a free port and return once it answers."""
    values.setdefault("REQUEST_SECONDS", str(UNHURRIED_LIMITS.request_seconds))
    values.setdefault("POOL_SECONDS", str(UNHURRIED_LIMITS.pool_seconds))
    port = values.setdefault("PORT", str(free_port()))
    process = fork_server.start(["serve"], process_environment(**values))
    serving = Serving(f"http://127.0.0.1:{port}", process)
    wait_until_up(serving)
    return serving


def wait_until_up(serving: Serving) -> None:
    deadline = time.monotonic() + within(60)
    while time.monotonic() < deadline:
        if serving.process.poll() is not None:
            output, errors = serving.process.communicate()
            raise AssertionError(f"server.py ended: {output}{errors}")
        try:
            with urlopen(f"{serving.url}/api/health", timeout=within(5)):
                return
        except (URLError, OSError):
            time.sleep(0.02)
    serving.stop(signal.SIGKILL)
    raise AssertionError("server.py did not answer")


@pytest.fixture(scope="session")
def live_server_url() -> Iterator[str]:
    """`http://127.0.0.1:PORT` of a real `server.py serve` with an embedded database of its own."""
    with temporary_folder() as folder:
        serving = start_serving(DATA_DIR=str(folder))
        yield serving.url
        serving.stop()
