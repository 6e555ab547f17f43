"""The small world of tests/world.py: one to read, and a copy for each test that writes."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from starlette.testclient import TestClient
from uvicorn import Config, Server

from graph.admission.limits import Limits
from models.database.engines import Database
from serving.app import create_app
from serving.settings import Settings
from tests import world
from tests.conftest import Cluster, client_of, free_port, opened
from tests.database_pool import DatabasePool
from tests.requests import contents


@pytest.fixture(scope="session")
def world_template(cluster: Cluster, schema_template: str) -> str:
    """Provide the URL of a template database with the world."""
    url = cluster.create(schema_template)
    with opened(url) as database:
        world.renew(database)
    return url


@pytest.fixture(scope="session")
def world_to_read(cluster: Cluster, world_template: str) -> Iterator[Database]:
    """Provide the world, shared by the whole run: tests do not write to it."""
    with opened(cluster.create(world_template)) as database:
        yield database


@pytest.fixture(scope="session")
def reader(world_to_read: Database) -> Iterator[TestClient]:
    """Provide a read-only client of the application on the shared world."""
    with client_of(world_to_read) as client:
        yield client


@pytest.fixture(scope="session")
def unlimited_reader(world_to_read: Database) -> Iterator[TestClient]:
    """Provide the same, where documents may have thousands of aliases."""
    with client_of(world_to_read, Limits(aliases=10_000, objects=1_000)) as client:
        yield client


@pytest.fixture(scope="session")
def world_pool(cluster: Cluster, world_template: str) -> DatabasePool:
    """Databases with the world in them, to write to."""
    return DatabasePool(cluster, world_template)


@pytest.fixture
def own_world(world_pool: DatabasePool) -> Iterator[Database]:
    """Provide a world of this test's own, to write to."""
    with world_pool.database() as url, opened(url) as database:
        yield database


@pytest.fixture
def writable_client(own_world: Database) -> Iterator[TestClient]:
    """Provide a writing client of the application on a world of this test's own."""
    with client_of(own_world) as client:
        yield client


@pytest.fixture(scope="module")
def protected_world(cluster: Cluster, world_template: str) -> Iterator[Database]:
    """Provide a world of this module's own, which no request of the module may change."""
    url = cluster.create(world_template)
    with opened(url) as database:
        yield database
    cluster.drop(url)


@pytest.fixture(scope="module")
def protected_client(protected_world: Database) -> Iterator[TestClient]:
    """Provide a client with the right to write to the protected world."""
    with client_of(protected_world) as client:
        yield client


@pytest.fixture
def assert_unchanged(protected_world: Database) -> Iterator[None]:
    """Assert after the test that no table of the protected world has changed."""
    before = contents(protected_world)
    yield
    assert contents(protected_world) == before


@contextmanager
def serving(database: Database) -> Iterator[tuple[str, int]]:
    """Host and port of the application on this database, served by uvicorn in a thread."""
    app = create_app(Settings(dev_role="admin"), database)
    port = free_port()
    server = Server(Config(app, host="127.0.0.1", port=port, log_config=None))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.005)
        yield "127.0.0.1", port
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture
def served(own_world: Database) -> Iterator[tuple[str, int]]:
    """Host and port of a server of this test's own world."""
    with serving(own_world) as address:
        yield address
