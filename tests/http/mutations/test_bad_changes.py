"""Changes that break a rule of the domain: one user error with a code and a field, no write."""

import random
import string

import pytest
from starlette.testclient import TestClient

from tests.http.mutations.documents import (
    CREATE_BATCH,
    CREATE_MANUFACTURER,
    CREATE_PRODUCT,
    CREATE_SUPPLIER,
    RECORD,
    UPDATE_BATCH,
    UPDATE_MANUFACTURER,
    UPDATE_PRODUCT,
    UPDATE_SUPPLIER,
    USE,
)
from tests.requests import ask, global_id, mutation_code, payload_of, request, user_error
from tests.world import GTIN

pytestmark = pytest.mark.usefixtures("assert_unchanged")

BAR = {"name": "Bar", "manufacturerId": "1", "batchNumber": "L9"}
BEANS = {"supplierId": "1", "quantityKg": "10", "harvestDate": "2026-01-01"}
EVENT = {"event": "shipped", "productId": "1"}
PARTY = {"name": "A", "location": "B"}

# What no row of this type has, in every spelling of a reference.
MISSING = ["999", "0", "2147483647", "2147483648", "9" * 18]


# ---------------------------------------------------------------- references


@pytest.mark.parametrize("key", MISSING)
@pytest.mark.parametrize(
    ("mutation", "given", "member", "type_"),
    [
        (CREATE_PRODUCT, BAR, "manufacturerId", "Manufacturer"),
        (UPDATE_PRODUCT, {"productId": "1"}, "manufacturerId", "Manufacturer"),
        (UPDATE_PRODUCT, {"name": "X"}, "productId", "Product"),
        (CREATE_BATCH, BEANS, "supplierId", "Supplier"),
        (UPDATE_BATCH, {"certification": "X"}, "cacaoBatchId", "CacaoBatch"),
        (UPDATE_SUPPLIER, {"name": "X"}, "supplierId", "Supplier"),
        (UPDATE_MANUFACTURER, {"name": "X"}, "manufacturerId", "Manufacturer"),
        (USE, {"quantityKg": "1", "productId": "3"}, "cacaoBatchId", "CacaoBatch"),
        (USE, {"quantityKg": "1", "cacaoBatchId": "1"}, "productId", "Product"),
        (USE, {"quantityKg": "1", "cacaoBatchId": "1"}, "outputBatchId", "CacaoBatch"),
        (RECORD, {"event": "x"}, "productId", "Product"),
        (RECORD, {"event": "x"}, "cacaoBatchId", "CacaoBatch"),
    ],
)
def test_orphan_reference_is_not_found(
    protected_client: TestClient,
    mutation: str,
    given: dict[str, str],
    member: str,
    type_: str,
    key: str,
) -> None:
    expected = (["input", member], "NOT_FOUND")
    assert user_error(protected_client, mutation, **{**given, member: key}) == expected
    assert (
        user_error(protected_client, mutation, **{**given, member: global_id(type_, int(key))})
        == expected
    )


@pytest.mark.parametrize(
    "reference", ["", "x", "-1", "1.0", "Product:1", "9" * 19, global_id("Supplier", 1)]
)
def test_reference_that_is_no_id_of_the_type_is_invalid(
    protected_client: TestClient, reference: str
) -> None:
    found = user_error(protected_client, UPDATE_PRODUCT, productId=reference, name="X")
    assert found == (["input", "productId"], "INVALID")


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({}, "product"),
        ({"product": "1", "cacaoBatch": "1"}, "product"),
        ({"productId": "1", "cacaoBatchId": "1"}, "productId"),
    ],
)
def test_event_belongs_to_exactly_one_subject(
    protected_client: TestClient, given: dict[str, str], field: str
) -> None:
    found = user_error(protected_client, RECORD, event="x", **given)
    assert found == (["input", field], "INVALID")


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({}, "product"),
        ({"product": "3", "outputBatch": "4"}, "product"),
        ({"productId": "3", "outputBatchId": "4"}, "productId"),
    ],
)
def test_use_goes_into_exactly_one_lot(
    protected_client: TestClient, given: dict[str, str], field: str
) -> None:
    found = user_error(protected_client, USE, cacaoBatchId="1", quantityKg="1", **given)
    assert found == (["input", field], "INVALID")


# ---------------------------------------------------------------- matter adds up


@pytest.mark.parametrize("into", [{"productId": "3"}, {"outputBatchId": "4"}])
def test_batch_is_not_used_beyond_itself(
    protected_client: TestClient, into: dict[str, str]
) -> None:
    # Of 1000 kg, 700 went into batch 3 and 50.5 into product 1.
    payload = payload_of(protected_client, USE, cacaoBatchId="1", quantityKg="249.501", **into)
    assert payload["userErrors"] == [
        {
            "field": ["input", "quantityKg"],
            "message": "cacao batch 1 holds 1000.000 kg, its uses and losses add up to 1000.001 kg",
            "code": "OVERDRAWN",
        }
    ]


def test_batch_is_not_shrunk_below_its_uses(protected_client: TestClient) -> None:
    found = user_error(protected_client, UPDATE_BATCH, cacaoBatchId="1", quantityKg="750.499")
    assert found == (["input", "quantityKg"], "OVERDRAWN")


@pytest.mark.parametrize(("batch", "output"), [("1", "1"), ("3", "1"), ("4", "1"), ("4", "3")])
def test_batch_is_not_made_from_itself(
    protected_client: TestClient, batch: str, output: str
) -> None:
    found = user_error(
        protected_client, USE, cacaoBatchId=batch, quantityKg="1", outputBatchId=output
    )
    assert found == (["input", "outputBatchId"], "CYCLIC_LINEAGE")


@pytest.mark.parametrize(
    ("batch", "into"),
    [("1", {"productId": "1"}), ("4", {"productId": "2"}), ("1", {"outputBatchId": "3"})],
)
def test_use_is_recorded_once(
    protected_client: TestClient, batch: str, into: dict[str, str]
) -> None:
    found = user_error(protected_client, USE, cacaoBatchId=batch, quantityKg="1", **into)
    assert found == (["input", "cacaoBatchId"], "ALREADY_EXISTS")


# ---------------------------------------------------------------- keys


@pytest.mark.parametrize("gtin", [GTIN, "4006381333931"])
def test_gtin_and_batch_number_are_unique_together(protected_client: TestClient, gtin: str) -> None:
    expected = (["input", "batchNumber"], "ALREADY_EXISTS")
    given = {**BAR, "gtin": gtin, "batchNumber": "L2"}
    assert user_error(protected_client, CREATE_PRODUCT, **given) == expected
    assert user_error(protected_client, UPDATE_PRODUCT, productId="1", batchNumber="L2") == expected


def test_lot_number_is_unique_with_its_supplier(protected_client: TestClient) -> None:
    expected = (["input", "lotNumber"], "ALREADY_EXISTS")
    assert user_error(protected_client, CREATE_BATCH, **BEANS, lotNumber="B1") == expected
    assert user_error(protected_client, UPDATE_BATCH, cacaoBatchId="2", lotNumber="B1") == expected


def test_external_ids_are_unique(protected_client: TestClient) -> None:
    found = user_error(protected_client, CREATE_SUPPLIER, **PARTY, externalId="CI-0001")
    assert found == (["input", "externalId"], "ALREADY_EXISTS")
    found = user_error(protected_client, RECORD, **EVENT, eventId="E-1")
    assert found == (["input", "eventId"], "ALREADY_EXISTS")


# ---------------------------------------------------------------- what must have a value


@pytest.mark.parametrize("blank", ["", "  ", "\t\n"])
@pytest.mark.parametrize(
    ("mutation", "given", "member"),
    [
        (CREATE_PRODUCT, BAR, "name"),
        (CREATE_PRODUCT, BAR, "batchNumber"),
        (UPDATE_PRODUCT, {"productId": "1"}, "name"),
        (CREATE_SUPPLIER, PARTY, "name"),
        (CREATE_SUPPLIER, PARTY, "location"),
        (UPDATE_SUPPLIER, {"supplierId": "1"}, "location"),
        (CREATE_MANUFACTURER, PARTY, "name"),
        (CREATE_BATCH, BEANS, "lotNumber"),
        (RECORD, EVENT, "event"),
    ],
)
def test_blank_text_is_invalid(
    protected_client: TestClient, mutation: str, given: dict[str, str], member: str, blank: str
) -> None:
    found = user_error(protected_client, mutation, **{**given, member: blank})
    assert found == (["input", member], "INVALID")


@pytest.mark.parametrize(
    ("mutation", "given", "member"),
    [
        (UPDATE_PRODUCT, {"productId": "1"}, "name"),
        (UPDATE_PRODUCT, {"productId": "1"}, "batchNumber"),
        (UPDATE_PRODUCT, {"productId": "1"}, "manufacturerId"),
        (UPDATE_SUPPLIER, {"supplierId": "1"}, "location"),
        (UPDATE_MANUFACTURER, {"manufacturerId": "1"}, "name"),
        (UPDATE_BATCH, {"cacaoBatchId": "1"}, "quantityKg"),
        (UPDATE_BATCH, {"cacaoBatchId": "1"}, "harvestDate"),
    ],
)
def test_required_attribute_is_not_cleared(
    protected_client: TestClient, mutation: str, given: dict[str, str], member: str
) -> None:
    found = user_error(protected_client, mutation, **given, **{member: None})
    assert found == (["input", member], "INVALID")


def test_beans_need_a_harvest_date(protected_client: TestClient) -> None:
    found = user_error(protected_client, CREATE_BATCH, supplierId="1", quantityKg="1")
    assert found == (["input", "harvestDate"], "INVALID")


def test_production_does_not_precede_the_harvest(protected_client: TestClient) -> None:
    expected = (["input", "productionDate"], "INVALID")
    assert (
        user_error(protected_client, CREATE_BATCH, **BEANS, productionDate="2025-12-31") == expected
    )
    found = user_error(
        protected_client, UPDATE_BATCH, cacaoBatchId="1", productionDate="2025-09-30"
    )
    assert found == expected


# ---------------------------------------------------------------- texts that no index can hold


def noise(length: int) -> str:
    """Text that does not compress."""
    return "".join(random.Random(1).choices(string.ascii_letters, k=length))


@pytest.mark.parametrize(
    ("mutation", "given", "member"),
    [
        (CREATE_PRODUCT, BAR, "name"),
        (CREATE_PRODUCT, BAR, "batchNumber"),
        (CREATE_SUPPLIER, PARTY, "externalId"),
        (CREATE_BATCH, BEANS, "certification"),
        (RECORD, EVENT, "event"),
    ],
)
def test_text_longer_than_an_index_holds_is_invalid(
    protected_client: TestClient, mutation: str, given: dict[str, str], member: str
) -> None:
    found = user_error(protected_client, mutation, **{**given, member: noise(50_000)})
    assert found == (["input", member], "INVALID")


def test_idempotency_key_has_at_most_200_characters(protected_client: TestClient) -> None:
    found = user_error(protected_client, RECORD, **EVENT, idempotencyKey="k" * 201)
    assert found == (["input", "idempotencyKey"], "INVALID")


# ---------------------------------------------------------------- what is asked back


def test_bad_page_in_the_payload_writes_nothing(protected_client: TestClient) -> None:
    mutation = """mutation ($input: CreateProductInput!) { createProduct(input: $input) {
      product { cacaoBatches(first: -1) { totalCount } } } }"""
    assert mutation_code(protected_client, mutation, **BAR) == "INVALID_PAGE"


def test_bad_cursor_in_the_payload_names_its_path(protected_client: TestClient) -> None:
    mutation = """mutation ($input: UpdateProductInput!) { change: updateProduct(input: $input) {
      product { lots: cacaoBatches(after: "x") { totalCount } } } }"""
    answer = request(protected_client, mutation, {"input": {"productId": "1", "name": "X"}})
    assert answer.codes == ["INVALID_CURSOR"]
    assert answer.errors[0]["path"] == ["change", "product", "lots"]
    assert list(answer.json) == ["errors"]


def test_objects_are_null_beside_a_user_error(protected_client: TestClient) -> None:
    mutation = """mutation { useCacaoBatch(input: {cacaoBatchId: 1, quantityKg: 5000, productId: 3}) {
      __typename made: product { name } cacaoBatch { quantityKg } userErrors { __typename code } } }"""
    assert ask(protected_client, mutation)["useCacaoBatch"] == {
        "__typename": "UseCacaoBatchPayload",
        "made": None,
        "cacaoBatch": None,
        "userErrors": [{"__typename": "UserError", "code": "OVERDRAWN"}],
    }
