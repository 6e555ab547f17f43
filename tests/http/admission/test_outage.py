"""An unavailable database: the status, the recovery, and no partial write."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from models.database.engines import Database
from tests.bounds import within
from tests.conftest import client_of, opened
from tests.http.admission.test_concurrency import wait_for_blocked
from tests.recorder import recording
from tests.requests import GRAPHQL, ask, contents, encode, fetch, request, send

NOWHERE = "postgresql://somebody:secret@127.0.0.1:1/nothing"
WRITE = 'mutation { updateProduct(input: {productId: 1, name: "X"}) { product { name } } }'


@pytest.fixture
def stranded() -> Iterator[TestClient]:
    """Provide a client of an application whose database is unreachable."""
    with opened(NOWHERE) as database, client_of(database) as client:
        yield client


def cut_connections(database: Database) -> None:
    """End every other session of this database, as a restart of the server does."""
    with database.engine().connect() as connection:
        connection.execute(
            text(
                """SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
                   WHERE datname = current_database() AND pid <> pg_backend_pid()"""
            )
        )
        connection.commit()


# ---------------------------------------------------------------- gone


def test_liveness_needs_no_database(stranded: TestClient) -> None:
    answer = fetch(stranded, "/api/health")
    assert (answer.status, answer.json) == (200, {"status": "OK"})


def test_readiness_is_503_without_a_database(stranded: TestClient) -> None:
    answer = fetch(stranded, "/api/health/ready")
    assert answer.status == 503
    assert answer.json == {"status": "unavailable", "database": "unreachable"}
    assert answer.headers["retry-after"]


def test_readiness_asks_the_database(reader: TestClient, world_to_read: Database) -> None:
    with recording(world_to_read) as statements:
        answer = fetch(reader, "/api/health/ready")
    assert (answer.status, answer.json) == (200, {"status": "ok", "database": "ok"})
    assert len(statements) == 1


@pytest.mark.parametrize("accept", ["application/json", GRAPHQL])
def test_query_is_503_without_a_database(stranded: TestClient, accept: str) -> None:
    answer = request(stranded, "{ products { totalCount } }", accept=accept)
    assert (answer.status, answer.codes) == (503, ["SERVICE_UNAVAILABLE"])
    assert answer.json["data"] is None
    assert answer.headers["retry-after"]
    assert b"secret" not in answer.body


def test_mutation_says_that_the_database_is_gone(stranded: TestClient) -> None:
    answer = request(stranded, WRITE)
    assert (answer.status, answer.codes) == (503, ["SERVICE_UNAVAILABLE"])
    assert answer.json["data"] is None
    assert answer.headers["retry-after"]
    assert b"secret" not in answer.body


def test_rest_is_503_without_a_database(stranded: TestClient) -> None:
    assert fetch(stranded, "/api/products").status == 503
    body = encode({"name": "A", "manufacturer_id": 1, "batch_number": "B"})
    assert send(stranded, body, "/api/products").status == 503


def test_introspection_needs_no_database(stranded: TestClient) -> None:
    data = ask(stranded, '{ __type(name: "Product") { name } }')
    assert data == {"__type": {"name": "Product"}}


# ---------------------------------------------------------------- cut off, and back


def test_requests_survive_a_restart_of_the_database(
    writable_client: TestClient, own_world: Database
) -> None:
    ask(writable_client, "{ products { totalCount } }")
    ask(writable_client, WRITE)
    cut_connections(own_world)
    assert ask(writable_client, "{ products { totalCount } }") == {"products": {"totalCount": 3}}
    cut_connections(own_world)
    assert ask(writable_client, WRITE) == {"updateProduct": {"product": {"name": "X"}}}
    cut_connections(own_world)
    assert fetch(writable_client, "/api/health/ready").status == 200


def test_query_that_is_cut_off_is_sent_again(
    writable_client: TestClient, own_world: Database
) -> None:
    with own_world.engine().connect() as other, ThreadPoolExecutor(1) as pool:
        other.execute(text("LOCK TABLE products IN ACCESS EXCLUSIVE MODE"))
        answer = pool.submit(ask, writable_client, "{ products { totalCount } }")
        wait_for_blocked(own_world, 1)
        other.execute(
            text(
                """SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
                   WHERE datname = current_database() AND wait_event_type = 'Lock'"""
            )
        )
        other.rollback()
        assert answer.result(20) == {"products": {"totalCount": 3}}


def test_mutation_that_is_cut_off_writes_nothing(
    writable_client: TestClient, own_world: Database
) -> None:
    before = contents(own_world)
    with own_world.engine().connect() as other, ThreadPoolExecutor(1) as pool:
        other.execute(text("SELECT 1 FROM products WHERE product_id = 1 FOR UPDATE"))
        answer = pool.submit(request, writable_client, WRITE)
        wait_for_blocked(own_world, 1)
        other.execute(
            text(
                """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                   WHERE datname = current_database() AND wait_event_type = 'Lock'"""
            )
        )
        cut = answer.result(20)
        other.rollback()
    assert (cut.status, cut.codes) == (503, ["SERVICE_UNAVAILABLE"])
    assert cut.json["data"] is None
    assert contents(own_world) == before
    assert ask(writable_client, WRITE) == {"updateProduct": {"product": {"name": "X"}}}


def test_many_requests_at_once_wait_for_a_connection(
    writable_client: TestClient, own_world: Database
) -> None:
    started = time.monotonic()
    with ThreadPoolExecutor(32) as pool:
        answers = list(
            pool.map(lambda _: ask(writable_client, "{ products { totalCount } }"), range(64))
        )
    assert answers == [{"products": {"totalCount": 3}}] * 64
    assert time.monotonic() - started < within(10)
