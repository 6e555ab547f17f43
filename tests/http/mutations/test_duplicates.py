"""A mutation that would create an equal second object fails unless the client allows it."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from starlette.testclient import TestClient

from models.database.engines import Database
from tests.http.mutations.documents import CREATE_PRODUCT, CREATE_SUPPLIER
from tests.requests import contents, payload_of, rows, user_error, written

CREATE_MANUFACTURER = """mutation ($input: CreateManufacturerInput!) {
  createManufacturer(input: $input) { manufacturer { name } userErrors { field message code } } }"""
DUPLICATE = (["input", "name"], "DUPLICATE")
KUAPA = {"name": "Kuapa Kokoo", "location": "Kumasi"}
BAR: dict[str, Any] = {"name": "Bar", "manufacturerId": "1", "batchNumber": "L9"}


@pytest.mark.parametrize(
    ("mutation", "given"),
    [
        (CREATE_SUPPLIER, KUAPA),
        (CREATE_SUPPLIER, {**KUAPA, "country": "CI", "contactPerson": "x"}),
        # Without an identifier, the one that is there is meant.
        (CREATE_SUPPLIER, {**KUAPA, "externalId": "GH-1"}),
        (CREATE_MANUFACTURER, {"name": "Bonnat", "location": "Voiron"}),
        (CREATE_MANUFACTURER, {"name": "Domori", "location": "None", "country": "IT"}),
    ],
)
def test_equal_second_is_refused_and_made_if_it_is_meant(
    writable_client: TestClient, own_world: Database, mutation: str, given: dict[str, Any]
) -> None:
    before = contents(own_world)
    assert user_error(writable_client, mutation, **given) == DUPLICATE
    assert user_error(writable_client, mutation, **given, allowDuplicate=False) == DUPLICATE
    assert contents(own_world) == before
    (made,) = written(writable_client, mutation, **given, allowDuplicate=True).values()
    assert made["name"] == given["name"]


def test_message_says_which_one_is_there(writable_client: TestClient) -> None:
    (error,) = payload_of(writable_client, CREATE_SUPPLIER, **KUAPA)["userErrors"]
    assert error["message"] == (
        "Supplier 2 has the same name, location. Use it, or set allowDuplicate to make another one."
    )


@pytest.mark.parametrize(
    "given",
    [
        {"name": "Kuapa Kokoo", "location": "Accra"},
        # The one that is there is known by an identifier.
        {"name": "ECOOKIM", "location": "Abidjan"},
        {"name": "ECOOKIM", "location": "Abidjan", "externalId": "CI-0009"},
    ],
)
def test_other_suppliers_are_made(writable_client: TestClient, given: dict[str, Any]) -> None:
    assert written(writable_client, CREATE_SUPPLIER, **given)["supplier"]["supplierId"] == 3


def test_identifier_that_could_be_of_several_makes_another(writable_client: TestClient) -> None:
    written(writable_client, CREATE_SUPPLIER, **KUAPA, allowDuplicate=True)
    assert written(writable_client, CREATE_SUPPLIER, **KUAPA, externalId="GH-1")["supplier"]
    assert user_error(writable_client, CREATE_SUPPLIER, **KUAPA) == DUPLICATE


def test_identifier_that_is_taken_is_a_key(writable_client: TestClient) -> None:
    given = {"name": "Other", "location": "There", "externalId": "CI-0001"}
    found = user_error(writable_client, CREATE_SUPPLIER, **given, allowDuplicate=True)
    assert found == (["input", "externalId"], "ALREADY_EXISTS")


@pytest.mark.parametrize("more", [{}, {"cocoaPercent": "70.5"}, {"description": "x"}])
def test_product_without_a_gtin_is_known_by_what_it_is(
    writable_client: TestClient, own_world: Database, more: dict[str, str]
) -> None:
    written(writable_client, CREATE_PRODUCT, **BAR | more)
    before = contents(own_world)
    assert user_error(writable_client, CREATE_PRODUCT, **BAR | more) == DUPLICATE
    assert contents(own_world) == before
    assert written(writable_client, CREATE_PRODUCT, **BAR | more, allowDuplicate=True)["product"]


@pytest.mark.parametrize(
    "other",
    [
        {"cocoaPercent": "70"},
        {"batchNumber": "L10"},
        {"manufacturerId": "2"},
        {"name": "Bar 2"},
        {"gtin": "4006381333931"},
    ],
)
def test_other_product_is_made(writable_client: TestClient, other: dict[str, str]) -> None:
    written(writable_client, CREATE_PRODUCT, **BAR)
    assert written(writable_client, CREATE_PRODUCT, **BAR | other)["product"]


def test_repeat_with_a_key_answers_the_same(writable_client: TestClient) -> None:
    given = {"name": "New", "location": "There", "idempotencyKey": "k"}
    assert written(writable_client, CREATE_SUPPLIER, **given) == written(
        writable_client, CREATE_SUPPLIER, **given
    )


def test_equal_ones_at_once_are_one(writable_client: TestClient, own_world: Database) -> None:
    together = Barrier(4)

    def send(_: int) -> list[str]:
        together.wait()
        payload = payload_of(writable_client, CREATE_SUPPLIER, name="New", location="There")
        return [error["code"] for error in payload["userErrors"]]

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(send, range(4))) == [[], *[["DUPLICATE"]] * 3]
    assert rows(own_world, "SELECT count(*) FROM suppliers WHERE name = 'New'") == [(1,)]


def test_first_design_makes_a_product_at_each_request(writable_client: TestClient) -> None:
    given = {"name": "Bar", "description": "", "manufacturer_id": 1, "batch_number": "L9"}
    for _ in range(2):
        assert writable_client.post("/api/products", json=given).status_code == 201
