"""Concurrent requests do not wait for each other's SQL, and receive their own answers."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from models.database.engines import Database
from tests.http.conftest import serving
from tests.http.mutations.documents import CREATE_BATCH, USE
from tests.http.queries.test_statements import AUDIT, PROVENANCE
from tests.requests import contents, encode, payload_of, rows, without_cost, written

Address = tuple[str, int]
CLIENTS = 16
WAIT = 20


def exchange(address: Address, method: str, path: str, body: bytes | None = None) -> Any:
    """Return the JSON of an answer with status 200."""
    connection = HTTPConnection(*address, timeout=WAIT)
    try:
        connection.request(method, path, body, {"content-type": "application/json"})
        response = connection.getresponse()
        assert response.status == 200
        return json.load(response)
    finally:
        connection.close()


def ask_server(address: Address, query: str, **variables: Any) -> Any:
    body = encode({"query": query, "variables": variables})
    return without_cost(exchange(address, "POST", "/graphql", body))


@contextmanager
def locked(database: Database, table: str) -> Iterator[None]:
    """Lock this table against readers within the block."""
    with database.engine().connect() as connection:
        connection.execute(text(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE"))
        yield
        connection.rollback()


def wait_for_blocked(database: Database, count: int) -> None:
    """Return once this many sessions of the database wait for a lock."""
    query = """SELECT count(*) FROM pg_stat_activity
               WHERE datname = current_database() AND wait_event_type = 'Lock'"""
    deadline = time.monotonic() + WAIT
    while rows(database, query) != [(count,)]:
        assert time.monotonic() < deadline
        time.sleep(0.005)


# ---------------------------------------------------------------- the event loop is free


def test_blocked_query_does_not_hold_up_others(served: Address, own_world: Database) -> None:
    with ThreadPoolExecutor(1) as pool:
        with locked(own_world, "products"):
            slow: Future[Any] = pool.submit(ask_server, served, "{ products { totalCount } }")
            wait_for_blocked(own_world, 1)
            assert exchange(served, "GET", "/api/health") == {"status": "OK"}
            assert exchange(served, "GET", "/api/health/ready")["status"] == "ok"
            assert ask_server(served, "{ suppliers { totalCount } }") == {
                "data": {"suppliers": {"totalCount": 2}}
            }
            assert not slow.done()
        assert slow.result(WAIT) == {"data": {"products": {"totalCount": 3}}}


def test_slow_queries_overlap(served: Address, own_world: Database) -> None:
    with ThreadPoolExecutor(4) as pool:
        with locked(own_world, "products"):
            query = "{ products { totalCount } }"
            slow = [pool.submit(ask_server, served, query) for _ in range(4)]
            wait_for_blocked(own_world, 4)
        for answer in slow:
            assert answer.result(WAIT) == {"data": {"products": {"totalCount": 3}}}


def test_blocked_mutation_does_not_hold_up_queries(served: Address, own_world: Database) -> None:
    mutation = 'mutation { updateProduct(input: {productId: 1, name: "X"}) { product { name } } }'
    with ThreadPoolExecutor(1) as pool, own_world.engine().connect() as other:
        other.execute(text("SELECT 1 FROM products WHERE product_id = 1 FOR UPDATE"))
        slow = pool.submit(ask_server, served, mutation)
        wait_for_blocked(own_world, 1)
        query = "{ product(by: {productId: 1}) { name } }"
        assert ask_server(served, query) == {"data": {"product": {"name": "Noir Café 70%"}}}
        other.rollback()
        assert slow.result(WAIT) == {"data": {"updateProduct": {"product": {"name": "X"}}}}


def test_client_that_leaves_does_not_leave_a_lock(served: Address, own_world: Database) -> None:
    mutation = 'mutation { updateProduct(input: {productId: 1, name: "X"}) { product { name } } }'
    with own_world.engine().connect() as other:
        other.execute(text("SELECT 1 FROM products WHERE product_id = 1 FOR UPDATE"))
        leaving = HTTPConnection(*served)
        headers = {"content-type": "application/json"}
        leaving.request("POST", "/graphql", encode({"query": mutation}), headers)
        wait_for_blocked(own_world, 1)
        leaving.close()
        other.rollback()
    again = mutation.replace('"X"', '"Y"')
    assert ask_server(served, again) == {"data": {"updateProduct": {"product": {"name": "Y"}}}}
    assert rows(own_world, "SELECT name FROM products WHERE product_id = 1") == [("Y",)]


def test_readers_that_leave_do_not_use_up_the_connections(
    served: Address, own_world: Database
) -> None:
    headers = {"content-type": "application/json"}
    with locked(own_world, "products"):
        leaving = [HTTPConnection(*served) for _ in range(8)]
        for connection in leaving:
            body = encode({"query": "{ products { totalCount } }"})
            connection.request("POST", "/graphql", body, headers)
        # The others wait for a place of their client.
        wait_for_blocked(own_world, 4)
        for connection in leaving:
            connection.close()
    for _ in range(20):
        answer = ask_server(served, "{ products { totalCount } }")
        assert answer == {"data": {"products": {"totalCount": 3}}}


# ---------------------------------------------------------------- answers are one's own


@pytest.fixture(scope="module")
def sample_server(sample: Database) -> Iterator[Address]:
    with serving(sample) as address:
        yield address


def test_clients_beside_each_other_get_their_own_answers(
    sample_server: Address, sample: Database
) -> None:
    names: dict[int, str] = {
        int(key): name
        for key, name in rows(sample, "SELECT product_id, name FROM products ORDER BY 1 LIMIT 64")
    }
    suppliers: dict[int, str] = {
        int(key): name
        for key, name in rows(
            sample,
            """SELECT cacao_batch_id, name FROM cacao_batches JOIN suppliers USING (supplier_id)
               ORDER BY 1 LIMIT 64""",
        )
    }
    together = Barrier(CLIENTS)

    def run(number: int) -> None:
        together.wait()
        for step in range(12):
            key = list(names)[(number * 7 + step * 3) % len(names)]
            batch = list(suppliers)[(number * 5 + step) % len(suppliers)]
            bar = ask_server(sample_server, PROVENANCE, id=key)["data"]["product"]
            assert bar["name"] == names[key]
            lot = ask_server(sample_server, AUDIT, id=batch)["data"]["cacaoBatch"]
            assert lot["supplier"]["name"] == suppliers[batch]
            alias = f"a{number}_{step}"
            counted = ask_server(
                sample_server, f"{{ {alias}: products(first: {step}) {{ nodes {{ id }} }} }}"
            )
            assert len(counted["data"][alias]["nodes"]) == step

    with ThreadPoolExecutor(CLIENTS) as pool:
        for done in [pool.submit(run, number) for number in range(CLIENTS)]:
            done.result(WAIT * 2)


def test_errors_beside_answers_stay_with_their_request(sample_server: Address) -> None:
    together = Barrier(8)

    def run(number: int) -> list[str]:
        together.wait()
        size = -1 if number % 2 else number
        return [*ask_server(sample_server, f"{{ products(first: {size}) {{ nodes {{ id }} }} }}")]

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(run, range(8))) == [["data"], ["errors"]] * 4


# ---------------------------------------------------------------- writers beside each other


def draw(client: TestClient, together: Barrier, given: dict[str, Any]) -> list[str]:
    """Return the codes of the user errors of one use of a batch; all clients send at once."""
    together.wait()
    payload = payload_of(client, USE, **given)
    return [error["code"] for error in payload["userErrors"]]


def test_writers_never_draw_more_than_a_batch_holds(
    writable_client: TestClient, own_world: Database
) -> None:
    lot = {"supplierId": 1, "quantityKg": "100", "harvestDate": "2026-01-01"}
    batch = written(writable_client, CREATE_BATCH, **lot)["cacaoBatch"]["cacaoBatchId"]
    outputs = [
        written(writable_client, CREATE_BATCH, **lot)["cacaoBatch"]["cacaoBatchId"]
        for _ in range(5)
    ]
    uses: list[dict[str, Any]] = [{"productId": key} for key in (1, 2, 3)]
    uses += [{"outputBatchId": key} for key in outputs]
    together = Barrier(len(uses))
    with ThreadPoolExecutor(len(uses)) as pool:
        futures = [
            pool.submit(
                draw, writable_client, together, {"cacaoBatchId": batch, "quantityKg": "30", **use}
            )
            for use in uses
        ]
        codes = sorted(future.result(WAIT) for future in futures)
    assert codes == [[]] * 3 + [["OVERDRAWN"]] * 5
    drawn = f"""SELECT sum(quantity_kg)::text FROM (
      SELECT quantity_kg FROM product_cacao_batch WHERE cacao_batch_id = {batch}
      UNION ALL SELECT quantity_kg FROM cacao_batch_input WHERE input_batch_id = {batch}) t"""
    assert rows(own_world, drawn) == [("90.000",)]


def test_shrinking_and_drawing_at_once_never_overdraws(
    writable_client: TestClient, own_world: Database
) -> None:
    mutation = """mutation { updateCacaoBatch(input: {cacaoBatchId: 2, quantityKg: "450"}) {
      userErrors { field message code } } }"""
    together = Barrier(2)

    def shrink() -> list[str]:
        together.wait()
        answer = writable_client.post("/graphql", json={"query": mutation}).json()
        return [error["code"] for error in answer["data"]["updateCacaoBatch"]["userErrors"]]

    with ThreadPoolExecutor(2) as pool:
        given = {"cacaoBatchId": 2, "productId": 3, "quantityKg": "60"}
        drawing, shrinking = (
            pool.submit(draw, writable_client, together, given),
            pool.submit(shrink),
        )
        codes = [drawing.result(WAIT), shrinking.result(WAIT)]
    assert sorted(codes) == [[], ["OVERDRAWN"]]


def test_opposite_edges_at_once_make_no_cycle(
    writable_client: TestClient, own_world: Database
) -> None:
    lot = {"supplierId": 1, "quantityKg": "10", "stage": "LIQUOR"}
    one, two = (
        written(writable_client, CREATE_BATCH, **lot)["cacaoBatch"]["cacaoBatchId"] for _ in "ab"
    )
    together = Barrier(2)
    with ThreadPoolExecutor(2) as pool:
        futures = [
            pool.submit(
                draw,
                writable_client,
                together,
                {"cacaoBatchId": source, "outputBatchId": target, "quantityKg": "1"},
            )
            for source, target in ((one, two), (two, one))
        ]
        assert sorted(future.result(WAIT) for future in futures) == [[], ["CYCLIC_LINEAGE"]]


def rename(*products: int) -> str:
    """Return a mutation that names these products X, one after another."""
    fields = (
        f'p{key}: updateProduct(input: {{productId: {key}, name: "X"}}) {{ userErrors {{ code }} }}'
        for key in products
    )
    return f"mutation {{ {' '.join(fields)} }}"


def test_deadlock_is_tried_again_and_both_writers_succeed(
    writable_client: TestClient, own_world: Database
) -> None:
    with own_world.engine().connect() as other, ThreadPoolExecutor(1) as pool:
        other.execute(text("SELECT 1 FROM products WHERE product_id = 2 FOR UPDATE"))
        future = pool.submit(writable_client.post, "/graphql", json={"query": rename(1, 2)})
        wait_for_blocked(own_world, 1)
        # The API's session has waited longer, so it is the one that looks for a deadlock first.
        other.execute(text("UPDATE products SET description = 'Y' WHERE product_id = 1"))
        other.commit()
        answer = without_cost(future.result(WAIT).json())
    assert answer == {"data": {"p1": {"userErrors": []}, "p2": {"userErrors": []}}}
    query = "SELECT name, description = 'Y' FROM products WHERE product_id < 3 ORDER BY product_id"
    assert rows(own_world, query) == [("X", True), ("X", None)]


@pytest.mark.parametrize("state", ["40001", "40P01"])
@pytest.mark.parametrize(("meetings", "codes"), [(3, []), (4, ["CONFLICT"])])
def test_writer_that_meets_others_is_tried_again_a_few_times(
    writable_client: TestClient, own_world: Database, state: str, meetings: int, codes: list[str]
) -> None:
    """A sequence counts the attempts, since it is not rolled back."""
    before = contents(own_world)
    with stumbling(own_world, f"nextval('stumbles') <= {meetings}", state):
        answer = writable_client.post("/graphql", json={"query": rename(1)}).json()
        attempts = rows(own_world, "SELECT last_value FROM stumbles")
    assert attempts == [(4,)]
    errors = [error["code"] for error in answer["data"]["p1"]["userErrors"]]
    assert errors == codes
    assert (contents(own_world) == before) == bool(codes)


@pytest.mark.parametrize("state", ["40001", "40P01"])
def test_commit_that_meets_others_is_tried_again_and_then_unavailable(
    writable_client: TestClient, own_world: Database, state: str
) -> None:
    before = contents(own_world)
    with stumbling(own_world, "nextval('stumbles') > 0", state, deferred=True):
        refused = writable_client.post("/graphql", json={"query": rename(1)})
        attempts = rows(own_world, "SELECT last_value FROM stumbles")
    assert attempts == [(4,)]
    assert refused.status_code == 503
    assert refused.headers["retry-after"]
    assert refused.json()["data"] is None
    assert contents(own_world) == before


@contextmanager
def stumbling(
    database: Database, condition: str, state: str, *, deferred: bool = False
) -> Iterator[None]:
    """Within the block, changes of products fail with this SQLSTATE where the condition holds."""
    when = "CONSTRAINT TRIGGER stumble AFTER" if deferred else "TRIGGER stumble BEFORE"
    deferrable = "DEFERRABLE INITIALLY DEFERRED" if deferred else ""
    begin = f"""
        CREATE SEQUENCE stumbles;
        CREATE FUNCTION stumble() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
          IF {condition} THEN RAISE 'stumbled' USING ERRCODE = '{state}'; END IF;
          RETURN NEW; END $$;
        CREATE {when} UPDATE ON products {deferrable} FOR EACH ROW EXECUTE FUNCTION stumble()"""
    end = "DROP TRIGGER stumble ON products; DROP FUNCTION stumble; DROP SEQUENCE stumbles"
    with database.engine().begin() as connection:
        connection.exec_driver_sql(begin)
    try:
        yield
    finally:
        with database.engine().begin() as connection:
            connection.exec_driver_sql(end)
