"""A mutation with an idempotency key may be sent twice."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from starlette.testclient import TestClient

from models.database.engines import Database
from tests.http.mutations.documents import (
    CREATE_BATCH,
    CREATE_PRODUCT,
    CREATE_SUPPLIER,
    RECORD,
    UPDATE_PRODUCT,
    USE,
)
from tests.recorder import recording
from tests.requests import ask, contents, payload_of, request, rows, user_error, written

BAR = {"name": "Bar", "manufacturerId": "1", "batchNumber": "L9"}


@pytest.mark.parametrize(
    ("mutation", "given"),
    [
        (CREATE_PRODUCT, {**BAR, "cocoaPercent": "70.5"}),
        (CREATE_SUPPLIER, {"name": "A", "location": "B", "country": None}),
        (CREATE_BATCH, {"supplierId": 1, "quantityKg": 5, "harvestDate": "2026-01-01"}),
        (USE, {"cacaoBatchId": 1, "productId": 3, "quantityKg": "1"}),
        (USE, {"cacaoBatchId": 2, "outputBatchId": 4, "quantityKg": "1"}),
        (RECORD, {"productId": 1, "event": "x", "details": {"b": 1, "a": [None]}}),
        (UPDATE_PRODUCT, {"productId": 1, "name": "New", "description": None}),
    ],
)
def test_repeat_answers_the_same_and_writes_nothing(
    writable_client: TestClient, own_world: Database, mutation: str, given: dict[str, object]
) -> None:
    first = written(writable_client, mutation, **given, idempotencyKey="key-1")
    before = contents(own_world)
    second = written(writable_client, mutation, **given, idempotencyKey="key-1")
    assert second == first
    assert contents(own_world) == before


def test_without_a_key_a_repeat_writes_again(writable_client: TestClient) -> None:
    first = written(writable_client, RECORD, productId=1, event="x")
    second = written(writable_client, RECORD, productId=1, event="x")
    assert first["transaction"]["transactionId"] == 6
    assert second["transaction"]["transactionId"] == 7


def test_order_of_members_and_of_json_keys_does_not_matter(writable_client: TestClient) -> None:
    first = written(
        writable_client,
        RECORD,
        idempotencyKey="k",
        productId=1,
        event="x",
        details={"a": 1, "b": 2},
    )
    second = written(
        writable_client,
        RECORD,
        details={"b": 2, "a": 1},
        event="x",
        productId=1,
        idempotencyKey="k",
    )
    assert second == first


@pytest.mark.parametrize(
    "other",
    [{"name": "Other"}, {"description": None}, {"cocoaPercent": "70"}, {"gtin": "4006381333931"}],
)
def test_other_input_under_a_used_key_is_refused(
    writable_client: TestClient, own_world: Database, other: dict[str, str]
) -> None:
    written(writable_client, CREATE_PRODUCT, **BAR, idempotencyKey="k")
    before = contents(own_world)
    found = user_error(writable_client, CREATE_PRODUCT, **{**BAR, **other}, idempotencyKey="k")
    assert found == (["input", "idempotencyKey"], "IDEMPOTENCY_KEY_REUSED")
    assert contents(own_world) == before


def test_other_mutation_under_a_used_key_is_refused(
    writable_client: TestClient, own_world: Database
) -> None:
    written(writable_client, CREATE_SUPPLIER, name="A", location="B", idempotencyKey="k")
    before = contents(own_world)
    manufacturer = """mutation ($input: CreateManufacturerInput!) {
      createManufacturer(input: $input) { manufacturer { name } userErrors { field code message } } }"""
    found = user_error(writable_client, manufacturer, name="A", location="B", idempotencyKey="k")
    assert found == (["input", "idempotencyKey"], "IDEMPOTENCY_KEY_REUSED")
    assert contents(own_world) == before


def test_repeat_reads_what_it_is_asked_for_now(writable_client: TestClient) -> None:
    written(writable_client, CREATE_PRODUCT, **BAR, idempotencyKey="k")
    ask(
        writable_client,
        'mutation { updateProduct(input: {productId: 4, description: "D"}) { product { id } } }',
    )
    again = """mutation ($input: CreateProductInput!) { createProduct(input: $input) {
      product { productId description } } }"""
    assert ask(writable_client, again, input={**BAR, "idempotencyKey": "k"}) == {
        "createProduct": {"product": {"productId": 4, "description": "D"}}
    }


def test_failure_does_not_use_up_the_key(writable_client: TestClient, own_world: Database) -> None:
    found = user_error(
        writable_client, CREATE_PRODUCT, **BAR | {"manufacturerId": "9"}, idempotencyKey="k"
    )
    assert found == (["input", "manufacturerId"], "NOT_FOUND")
    assert rows(own_world, "SELECT count(*) FROM idempotency_keys") == [(0,)]
    assert (
        written(writable_client, CREATE_PRODUCT, **BAR, idempotencyKey="k")["product"]["name"]
        == "Bar"
    )


def test_rollback_of_the_operation_does_not_use_up_the_key(
    writable_client: TestClient, own_world: Database
) -> None:
    mutation = """mutation ($kg: Decimal!) {
      a: createSupplier(input: {name: "A", location: "B", idempotencyKey: "k"}) { supplier { name } }
      b: useCacaoBatch(input: {cacaoBatchId: 1, productId: 3, quantityKg: $kg}) { userErrors { code } } }"""
    assert request(writable_client, mutation, {"kg": "5000"}).codes == ["ROLLED_BACK"]
    assert rows(own_world, "SELECT count(*) FROM idempotency_keys") == [(0,)]
    assert ask(writable_client, mutation, kg="5")["a"] == {"supplier": {"name": "A"}}


def test_key_holds_within_one_operation(writable_client: TestClient, own_world: Database) -> None:
    data = ask(
        writable_client,
        """mutation { a: createSupplier(input: {name: "A", location: "B", idempotencyKey: "k"}) {
             supplier { supplierId } }
           b: createSupplier(input: {name: "A", location: "B", idempotencyKey: "k"}) {
             supplier { supplierId } } }""",
    )
    assert data["a"] == data["b"]
    assert rows(own_world, "SELECT count(*) FROM suppliers WHERE name = 'A'") == [(1,)]


def test_key_of_200_characters_of_any_script_is_kept(
    writable_client: TestClient, own_world: Database
) -> None:
    key = "🍫" * 200
    first = written(writable_client, CREATE_SUPPLIER, name="A", location="B", idempotencyKey=key)
    assert (
        written(writable_client, CREATE_SUPPLIER, name="A", location="B", idempotencyKey=key)
        == first
    )
    assert rows(own_world, "SELECT length(key) FROM idempotency_keys") == [(200,)]


def test_same_key_from_several_threads_writes_once(
    writable_client: TestClient, own_world: Database
) -> None:
    together = Barrier(6)

    def send(_: int) -> dict[str, object]:
        together.wait()
        return written(writable_client, CREATE_SUPPLIER, name="A", location="B", idempotencyKey="k")

    with ThreadPoolExecutor(6) as pool:
        payloads = list(pool.map(send, range(6)))
    assert all(payload == payloads[0] for payload in payloads)
    assert rows(own_world, "SELECT count(*) FROM suppliers WHERE name = 'A'") == [(1,)]
    assert rows(own_world, "SELECT key, mutation FROM idempotency_keys") == [
        ("k", "createSupplier")
    ]


def test_same_key_with_different_inputs_at_once_is_written_once(
    writable_client: TestClient, own_world: Database
) -> None:
    together = Barrier(4)

    def send(number: int) -> list[str]:
        together.wait()
        payload = payload_of(
            writable_client, CREATE_SUPPLIER, name=f"A{number}", location="B", idempotencyKey="k"
        )
        return [error["code"] for error in payload["userErrors"]]

    with ThreadPoolExecutor(4) as pool:
        codes = sorted(pool.map(send, range(4)))
    assert codes == [[], *[["IDEMPOTENCY_KEY_REUSED"]] * 3]
    assert rows(own_world, "SELECT count(*) FROM suppliers") == [(3,)]


def test_repeat_executes_no_insert(writable_client: TestClient, own_world: Database) -> None:
    written(writable_client, CREATE_PRODUCT, **BAR, idempotencyKey="k")
    with recording(own_world) as statements:
        written(writable_client, CREATE_PRODUCT, **BAR, idempotencyKey="k")
    assert [text for text in statements if text.startswith("INSERT INTO products")] == []
