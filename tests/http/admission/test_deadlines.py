"""A request whose database is slow ends in time with 503, and the next one succeeds."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from sqlalchemy import make_url, text
from starlette.testclient import TestClient

from graph.admission.limits import Limits
from models.database.engines import Database
from models.database.timeouts import Timeouts
from serving.app import create_app
from serving.settings import Settings
from tests.bounds import within
from tests.conftest import local
from tests.http.admission.test_concurrency import locked
from tests.requests import Answer, encode, fetch, rows, send

SECONDS = 3
LIMITS = Limits(request_seconds=SECONDS, pool_seconds=1)
# As long as PostgreSQL does not give up by itself, and so that it does.
LONG_TIMEOUTS, HASTY = Timeouts(60, 60), Timeouts(SECONDS, 1)
READ = "{ products { totalCount } }"
UPDATE = """mutation { updateProduct(input: {productId: "1", name: "Late"}) {
  product { name } userErrors { code } } }"""


@contextmanager
def client_with(world: Database, timeouts: Timeouts, pool_size: int = 2) -> Iterator[TestClient]:
    url = make_url(world._writes.url.render_as_string(hide_password=False)).set(
        drivername="postgresql"
    )
    database = Database(url.render_as_string(hide_password=False), pool_size, timeouts=timeouts)
    app = create_app(Settings(dev_role="operator", limits=LIMITS), database)
    try:
        with local(app, raise_server_exceptions=False) as client:
            yield client
    finally:
        database.close()


def timed(client: TestClient, query: str) -> tuple[Answer, float]:
    started = time.monotonic()
    answer = send(client, encode({"query": query}))
    return answer, time.monotonic() - started


@pytest.mark.parametrize("timeouts", [LONG_TIMEOUTS, HASTY])
@pytest.mark.parametrize("query", [READ, UPDATE])
def test_request_that_waits_for_a_lock_ends_in_time(
    own_world: Database, timeouts: Timeouts, query: str
) -> None:
    with client_with(own_world, timeouts) as client:
        assert send(client, encode({"query": READ})).status == 200
        with locked(own_world, "products"):
            answer, took = timed(client, query)
        assert (answer.status, answer.codes) == (503, ["SERVICE_UNAVAILABLE"])
        assert int(answer.headers["retry-after"]) >= 1
        assert 0.5 < took < within(SECONDS + 0.5)
        # The statement under way meets an open lock now; what it does is not kept.
        assert send(client, encode({"query": READ})).json == {
            "data": {"products": {"totalCount": 3}}
        }
    settle(own_world)
    assert rows(own_world, "SELECT name FROM products WHERE product_id = 1") == [("Noir Café 70%",)]


def settle(world: Database) -> None:
    """Wait until no other session runs a statement."""
    query = """SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
      AND pid <> pg_backend_pid() AND state <> 'idle'"""
    deadline = time.monotonic() + within(20)
    while rows(world, query) != [(0,)]:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_query_that_takes_too_long_is_no_outage(
    own_world: Database, caplog: pytest.LogCaptureFixture
) -> None:
    with client_with(own_world, Timeouts(1, SECONDS)) as client:
        assert send(client, encode({"query": READ})).status == 200
        with locked(own_world, "products"):
            answer = send(client, encode({"query": READ}))
    assert (answer.status, answer.codes) == (503, ["SERVICE_UNAVAILABLE"])
    assert answer.json["errors"][0]["message"] == "The query took too long."
    (record,) = [record for record in caplog.records if record.name == "cacaotrace.errors"]
    assert record.levelname == "WARNING"
    assert record.getMessage().endswith(": QueryCanceled: 57014")


def test_rest_ends_in_time(own_world: Database) -> None:
    with client_with(own_world, LONG_TIMEOUTS) as client, locked(own_world, "products"):
        started = time.monotonic()
        answer = fetch(client, "/api/products")
    assert (answer.status, answer.headers["retry-after"]) == (503, "1")
    assert time.monotonic() - started < within(SECONDS + 0.5)


@pytest.mark.parametrize("timeouts", [LONG_TIMEOUTS, HASTY])
def test_requests_that_find_no_connection_end_in_time(
    own_world: Database, timeouts: Timeouts
) -> None:
    with client_with(own_world, timeouts) as client, ThreadPoolExecutor(8) as pool:
        with locked(own_world, "products"):
            replies = list(pool.map(lambda _: timed(client, READ), range(8)))
        # Where connections are not waited for, half of the client's requests find none of its own.
        refused = {503} if timeouts is LONG_TIMEOUTS else {429, 503}
        assert {answer.status for answer, _ in replies} == refused
        assert max(took for _, took in replies) < within(SECONDS + 0.5)
        again = list(pool.map(lambda _: timed(client, READ), range(8)))
    assert {answer.status for answer, _ in again} == {200}


def test_abandoned_writers_give_their_connections_back(own_world: Database) -> None:
    with client_with(own_world, LONG_TIMEOUTS, pool_size=1) as client:
        for _ in range(3):
            with locked(own_world, "products"):
                assert timed(client, UPDATE)[0].status == 503
        answer = send(client, encode({"query": UPDATE}))
    assert answer.json["data"]["updateProduct"]["product"] == {"name": "Late"}


def test_sessions_have_the_time_limits_of_the_settings(own_world: Database) -> None:
    shown = "SELECT current_setting('statement_timeout'), current_setting('lock_timeout')"
    url = make_url(own_world._writes.url).set(drivername="postgresql")
    database = Database(url.render_as_string(hide_password=False), timeouts=Timeouts(10, 1))
    with database.reader() as reading:
        assert tuple(reading.execute(text(shown)).one()) == ("8s", "0")
    with database.session() as session:
        assert tuple(session.execute(text(shown)).one()) == ("8s", "6s")
    database.close()
