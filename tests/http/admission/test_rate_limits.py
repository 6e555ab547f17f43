"""The rate limit: 429 with Retry-After at every endpoint, without SQL, and recovery."""

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from starlette.testclient import TestClient

from graph.admission.limits import Limits
from graph.admission.rate_limit import MAX_CLIENTS, RateLimiter, TokenBuckets
from graph.answer import Request
from graph.context import Viewer
from graph.execution.engine import Engine
from models.database.engines import Database
from serving.app import create_app
from serving.settings import Settings
from tests.bounds import within
from tests.conftest import local
from tests.recorder import recording
from tests.requests import GRAPHQL, JSON, Answer, contents, encode, fetch, send
from tests.unit.admission.test_rate_limit import Clock

# A page of a hundred is 101; to plan it the first time is 500, 400 for its objects, and 430 for its
# length. How long the database takes depends on the machine, and costs nothing here.
LIMITS = Limits(cost=1_000, cost_burst=1_700, cost_per_second=1_000, cost_of_second=0)
PAGE = "{ products(first: 100) { nodes { name } } }"
CREATE = """mutation { createSupplier(input: {name: "Spent", location: "B", allowDuplicate: true}) {
  userErrors { code } } }"""


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Provide the clock of every bucket, which only a test advances."""
    clock = Clock()
    monkeypatch.setattr(TokenBuckets.__init__, "__defaults__", (clock, MAX_CLIENTS))
    return clock


@contextmanager
def client_with(
    database: Database, address: str = "192.0.2.1", limits: Limits = LIMITS
) -> Iterator[TestClient]:
    app = create_app(Settings(dev_role="public", limits=limits), database)
    with local(app, raise_server_exceptions=False, client=(address, 1)) as client:
        yield client


@pytest.fixture
def counted(world_to_read: Database) -> Iterator[TestClient]:
    """Provide a client of a server with a rate limit."""
    with client_with(world_to_read) as client:
        yield client


def exhaust(client: TestClient) -> Answer:
    """Return the first answer with status 429."""
    for _ in range(30):
        answer = send(client, encode({"query": PAGE}))
        if answer.status != 200:
            return answer
    raise AssertionError("nothing was refused")


def test_client_past_its_limit_gets_a_retry_after(
    counted: TestClient, world_to_read: Database, clock: Clock
) -> None:
    assert send(counted, encode({"query": PAGE})).status == 200
    refused = exhaust(counted)
    assert (refused.status, refused.codes) == (429, ["RATE_LIMITED"])
    assert refused.headers["retry-after"] == "1"
    assert refused.cost == {"requested": 101, "maximum": 1_000}
    assert "data" not in refused.json
    with recording(world_to_read) as statements:
        assert send(counted, encode({"query": PAGE})).status == 429
    assert statements == []
    clock.now += int(refused.headers["retry-after"])
    assert send(counted, encode({"query": PAGE})).status == 200


@pytest.mark.parametrize("accept", [JSON, GRAPHQL])
def test_429_at_every_endpoint(world_to_read: Database, accept: str) -> None:
    slow = replace(LIMITS, cost_per_second=10)
    with client_with(world_to_read, limits=slow) as counted, recording(world_to_read) as statements:
        exhaust(counted)
        statements.clear()
        replies = [
            send(counted, encode({"query": PAGE}), accept=accept),
            fetch(counted, f"/graphql?query={PAGE}", accept=accept),
            fetch(counted, "/api/products?limit=100"),
        ]
    assert [reply.status for reply in replies] == [429] * 3
    assert all(1 < int(reply.headers["retry-after"]) <= 170 for reply in replies)
    assert replies[1].headers["cache-control"] == "no-store"
    assert "Rate limit exceeded; retry in " in json.loads(replies[2].body)["error"]
    assert statements == []


def test_mutation_past_the_budget_writes_nothing(own_world: Database) -> None:
    limits = Limits(
        cost=1_000, cost_burst=len(CREATE) * 10 + 930, cost_per_second=1, cost_of_second=0
    )
    app = create_app(Settings(dev_role="operator", limits=limits), own_world)
    with local(app) as client:
        replies = [send(client, encode({"query": CREATE})) for _ in range(25)]
        body = {"name": "B", "manufacturer_id": 1, "batch_number": "B9"}
        before = contents(own_world)
        rest = send(client, encode(body), "/api/products")
        assert contents(own_world) == before
    written = [reply.status for reply in replies].count(200)
    assert 15 < written < 20
    assert [reply.status for reply in replies] == [200] * written + [429] * (25 - written)
    assert contents(own_world)["suppliers"][0] == 2 + written
    # It costs 51 and, once, what its text takes: more than what is left.
    assert rest.status == 429
    assert int(rest.headers["retry-after"]) > 1


def test_new_documents_are_charged_by_their_length(counted: TestClient) -> None:
    invalid = "{ nope }" + " " * 40
    codes = [send(counted, encode({"query": invalid + " " * n})).codes for n in range(10)]
    assert codes[:2] == [["GRAPHQL_VALIDATION_FAILED"]] * 2
    assert codes[-1] == ["RATE_LIMITED"]


def test_new_documents_and_plans_are_charged_by_their_size(
    counted: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    spent: list[int] = []
    monkeypatch.setattr(
        RateLimiter, "take", lambda _rate_limiter, _viewer, work: spent.append(work)
    )
    page = "products(first: 0) { nodes { name } }"
    query = f"query {{ {' '.join(f'p{n}: {page}' for n in range(20))} }}"
    for _ in range(2):
        assert send(counted, encode({"query": query})).status == 200
    # Each page is a connection and a list.
    assert spent == [len(query) * 10, 500, 20 * 2 * 200]


@pytest.mark.parametrize("kind", ["query", "mutation"])
def test_large_variables_are_charged_before_they_are_understood(
    world_to_read: Database, kind: str
) -> None:
    limits = Limits(cost=1_000, cost_burst=100_000, cost_per_second=1, cost_of_second=0)
    query = """query ($f: [ProductFilter!]!) { products(filter: {or: $f}) { totalCount } }"""
    if kind == "mutation":
        query = """mutation ($f: [ProductFilter!]!) { createManufacturer(input: {name: "A",
          location: "B"}) { manufacturer { products(filter: {or: $f}) { totalCount } } } }"""
    body = encode({"query": query, "variables": {"f": [{}] * 9_000 + [1]}})
    with client_with(world_to_read, limits=limits) as client:
        codes = [send(client, body).codes[0] for _ in range(6)]
        started = time.process_time()
        refused = [send(client, body).codes for _ in range(20)]
        taken = time.process_time() - started
    assert codes == ["BAD_USER_INPUT"] * 2 + ["RATE_LIMITED"] * 4
    assert refused == [["RATE_LIMITED"]] * 20
    assert taken < within(1)


def test_short_variables_are_not_charged(world_to_read: Database) -> None:
    limits = Limits(cost=1_000, cost_burst=5_000, cost_per_second=1, cost_of_second=0)
    query = "query ($n: [Int!]) { products(filter: {productId: {in: $n}}) { nodes { name } } }"
    body = encode({"query": query, "variables": {"n": list(range(300))}})
    assert len(body) < 2_000
    with client_with(world_to_read, limits=limits) as client:
        assert {send(client, body).status for _ in range(50)} == {200}


def test_networks_are_counted_apart_and_addresses_of_one_together(world_to_read: Database) -> None:
    app = create_app(Settings(dev_role="public", limits=LIMITS), world_to_read)

    def status(address: str) -> int:
        client = local(app, client=(address, 1))
        return send(client, encode({"query": PAGE})).status

    with local(app, client=("2001:db8:1:2::1", 1)) as client:
        exhaust(client)
        assert status("2001:db8:1:2:3::4") == 429
        assert status("2001:db8:1:3::1") == 200


def test_signed_in_client_is_counted_by_name(world_to_read: Database) -> None:
    async def run() -> list[str]:
        engine = Engine(world_to_read, limits=LIMITS)
        anna = [Viewer("viewer", "user:anna", address=f"192.0.2.{n}") for n in range(30)]
        for viewer in anna:
            await engine.answer(Request(PAGE), viewer)
        others = [
            Viewer("viewer", "user:ben", address="192.0.2.1"),
            Viewer("public", address="192.0.2.1"),
        ]
        answers = [await engine.answer(Request(PAGE), viewer) for viewer in (anna[0], *others)]
        world_to_read.pool().close()
        return ["refused" if answer.errors else "answered" for answer in answers]

    assert asyncio.run(run()) == ["refused", "answered", "answered"]


def test_entity_tag_does_not_tell_what_is_left(counted: TestClient) -> None:
    first = fetch(counted, f"/graphql?query={PAGE}", accept=JSON)
    again = fetch(counted, f"/graphql?query={PAGE}", accept=JSON)
    assert first.headers["etag"] == again.headers["etag"]
    known = fetch(
        counted, f"/graphql?query={PAGE}", accept=JSON, if_none_match=first.headers["etag"]
    )
    assert known.status == 304


def test_development_has_no_rate_limit(reader: TestClient) -> None:
    statuses = [send(reader, encode({"query": PAGE})).status for _ in range(1_100)]
    assert set(statuses) == {200}
