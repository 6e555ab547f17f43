"""Each mutation: its payload, the rows it writes, and no other change."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from models.database.engines import Database
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
from tests.recorder import recording
from tests.requests import ask, contents, global_id, rows, written
from tests.world import GTIN


def changed(database: Database, before: dict[str, tuple[int, str]]) -> dict[str, int]:
    """Return the tables whose contents have changed, with the number of rows added."""
    after = contents(database)
    return {name: after[name][0] - before[name][0] for name in after if after[name] != before[name]}


# ---------------------------------------------------------------- parties


def test_create_manufacturer(writable_client: TestClient, own_world: Database) -> None:
    before = contents(own_world)
    payload = written(
        writable_client, CREATE_MANUFACTURER, name="Åkesson's", location="London", country="GB"
    )
    expected = {"manufacturerId": 3, "name": "Åkesson's", "location": "London", "country": "GB"}
    assert payload == {"manufacturer": expected}
    assert changed(own_world, before) == {"manufacturers": 1}
    assert rows(own_world, "SELECT * FROM manufacturers WHERE manufacturer_id = 3") == [
        (3, "Åkesson's", "London", "GB")
    ]


def test_create_manufacturer_of_unknown_country(
    writable_client: TestClient, own_world: Database
) -> None:
    payload = written(writable_client, CREATE_MANUFACTURER, name="A", location="B", country=None)
    assert payload["manufacturer"]["country"] is None
    assert rows(own_world, "SELECT country FROM manufacturers WHERE manufacturer_id = 3") == [
        (None,)
    ]


def test_update_manufacturer_changes_only_what_is_given(
    writable_client: TestClient, own_world: Database
) -> None:
    before = contents(own_world)
    payload = written(
        writable_client, UPDATE_MANUFACTURER, manufacturerId="1", location="Voiron, Isère"
    )
    expected = {"manufacturerId": 1, "name": "Bonnat", "location": "Voiron, Isère", "country": "FR"}
    assert payload == {"manufacturer": expected}
    assert changed(own_world, before) == {"manufacturers": 0}
    assert rows(own_world, "SELECT * FROM manufacturers ORDER BY 1") == [
        (1, "Bonnat", "Voiron, Isère", "FR"),
        (2, "Domori", "None", None),
    ]


def test_create_supplier(writable_client: TestClient, own_world: Database) -> None:
    before = contents(own_world)
    given = {
        "name": "3A",
        "location": "Daloa",
        "country": "CI",
        "contactPerson": "Adjoua",
        "externalId": "CI-0002",
    }
    assert written(writable_client, CREATE_SUPPLIER, **given) == {
        "supplier": {"supplierId": 3, **given}
    }
    assert changed(own_world, before) == {"suppliers": 1}
    assert rows(own_world, "SELECT * FROM suppliers WHERE supplier_id = 3") == [
        (3, "3A", "Daloa", "Adjoua", "CI", "CI-0002")
    ]


def test_suppliers_may_share_a_name(writable_client: TestClient, own_world: Database) -> None:
    for _ in range(2):
        given = {"name": "ECOOKIM", "location": "Abidjan", "allowDuplicate": True}
        written(writable_client, CREATE_SUPPLIER, **given)
    assert rows(own_world, "SELECT count(*) FROM suppliers WHERE name = 'ECOOKIM'") == [(3,)]


def test_update_supplier_clears_what_is_null(
    writable_client: TestClient, own_world: Database
) -> None:
    before = contents(own_world)
    payload = written(
        writable_client,
        UPDATE_SUPPLIER,
        supplierId=global_id("Supplier", 1),
        contactPerson=None,
        country=None,
    )
    assert payload["supplier"] == {
        "supplierId": 1,
        "name": "ECOOKIM",
        "location": "Abidjan",
        "country": None,
        "contactPerson": None,
        "externalId": "CI-0001",
    }
    assert changed(own_world, before) == {"suppliers": 0}
    assert rows(own_world, "SELECT * FROM suppliers WHERE supplier_id = 1") == [
        (1, "ECOOKIM", "Abidjan", None, None, "CI-0001")
    ]


# ---------------------------------------------------------------- batches


def test_create_cacao_batch_of_beans(writable_client: TestClient, own_world: Database) -> None:
    before = contents(own_world)
    payload = written(
        writable_client, CREATE_BATCH, supplierId="2", quantityKg="1250.5", harvestDate="2026-02-28"
    )
    assert payload["cacaoBatch"] == {
        "cacaoBatchId": 5,
        "supplier": {"supplierId": 2},
        "quantityKg": "1250.500",
        "stage": "BEANS",
        "harvestDate": "2026-02-28",
        "productionDate": None,
        "certification": None,
        "lotNumber": None,
    }
    assert changed(own_world, before) == {"cacao_batches": 1}


def test_create_cacao_batch_of_anything_later(
    writable_client: TestClient, own_world: Database
) -> None:
    given = {
        "quantityKg": "0.001",
        "stage": "POWDER",
        "harvestDate": "2025-12-31",
        "productionDate": "2025-12-31",
        "certification": "Bio",
        "lotNumber": "P-1",
    }
    payload = written(writable_client, CREATE_BATCH, supplierId=1, **given)
    expected = {"cacaoBatchId": 5, "supplier": {"supplierId": 1}, **given}
    assert payload == {"cacaoBatch": expected}
    assert rows(
        own_world, "SELECT quantity::text, stage FROM cacao_batches WHERE cacao_batch_id = 5"
    ) == [("0.001", "powder")]


@pytest.mark.parametrize(
    ("kg", "kept"),
    [(7, "7.000"), (0.1, "0.100"), ("1e3", "1000.000"), ("99999999999.999", "99999999999.999")],
)
def test_quantity_is_kept_exactly(writable_client: TestClient, kg: object, kept: str) -> None:
    payload = written(
        writable_client, CREATE_BATCH, supplierId=1, quantityKg=kg, harvestDate="2026-01-01"
    )
    assert payload["cacaoBatch"]["quantityKg"] == kept


def test_literal_quantity_is_kept_exactly(writable_client: TestClient) -> None:
    data = ask(
        writable_client,
        """mutation { createCacaoBatch(input: {supplierId: 1, quantityKg: 12345678901.123,
             stage: LIQUOR}) { cacaoBatch { quantityKg } userErrors { code } } }""",
    )
    assert data["createCacaoBatch"] == {
        "cacaoBatch": {"quantityKg": "12345678901.123"},
        "userErrors": [],
    }


def test_update_cacao_batch_to_exactly_its_uses(
    writable_client: TestClient, own_world: Database
) -> None:
    before = contents(own_world)
    payload = written(
        writable_client, UPDATE_BATCH, cacaoBatchId="1", quantityKg="750.5", lotNumber="B1a"
    )
    assert payload["cacaoBatch"] == {
        "cacaoBatchId": 1,
        "supplier": {"supplierId": 1},
        "quantityKg": "750.500",
        "stage": "BEANS",
        "harvestDate": "2025-10-01",
        "productionDate": None,
        "certification": "Fairtrade",
        "lotNumber": "B1a",
    }
    assert changed(own_world, before) == {"cacao_batches": 0}


def test_update_without_a_member_changes_nothing(
    writable_client: TestClient, own_world: Database
) -> None:
    before = contents(own_world)
    payload = written(writable_client, UPDATE_BATCH, cacaoBatchId="1")
    assert payload["cacaoBatch"]["quantityKg"] == "1000.000"
    assert contents(own_world) == before


def test_use_batch_in_a_product(writable_client: TestClient, own_world: Database) -> None:
    before = contents(own_world)
    payload = written(writable_client, USE, cacaoBatchId="1", productId="3", quantityKg="249.5")
    assert payload == {
        "cacaoBatch": {"id": global_id("CacaoBatch", 1)},
        "product": {"id": global_id("Product", 3)},
        "outputBatch": None,
    }
    assert changed(own_world, before) == {"product_cacao_batch": 1}
    assert rows(
        own_world,
        "SELECT cacao_batch_id, quantity_kg::text FROM product_cacao_batch WHERE product_id = 3",
    ) == [(1, "249.500")]


def test_use_batch_in_a_batch(writable_client: TestClient, own_world: Database) -> None:
    before = contents(own_world)
    payload = written(writable_client, USE, cacaoBatchId="2", outputBatchId="4", quantityKg=100.375)
    assert payload == {
        "cacaoBatch": {"id": global_id("CacaoBatch", 2)},
        "product": None,
        "outputBatch": {"id": global_id("CacaoBatch", 4)},
    }
    assert changed(own_world, before) == {"cacao_batch_input": 1}
    assert rows(
        own_world,
        """SELECT output_batch_id, quantity_kg::text FROM cacao_batch_input
           WHERE input_batch_id = 2 ORDER BY 1""",
    ) == [(3, "400.125"), (4, "100.375")]


# ---------------------------------------------------------------- products


def test_create_product(writable_client: TestClient, own_world: Database) -> None:
    before = contents(own_world)
    given = {
        "name": "Lait 40% 🍫",
        "description": "Line one\nline two",
        "batchNumber": "L3",
        "gtin": "4006381333931",
        "cocoaPercent": "40",
        "productionDate": "2026-03-05",
    }
    payload = written(writable_client, CREATE_PRODUCT, manufacturerId=2, **given)
    assert payload["product"] == {
        "productId": 4,
        **given,
        "manufacturer": {"manufacturerId": 2},
        "gtin": GTIN,
        "cocoaPercent": "40.0",
    }
    assert changed(own_world, before) == {"products": 1}


def test_update_product_sets_and_clears(writable_client: TestClient, own_world: Database) -> None:
    before = contents(own_world)
    payload = written(
        writable_client, UPDATE_PRODUCT, productId=1, manufacturerId=2, description=None, gtin=None
    )
    assert payload["product"] == {
        "productId": 1,
        "name": "Noir Café 70%",
        "description": None,
        "manufacturer": {"manufacturerId": 2},
        "batchNumber": "L1",
        "gtin": None,
        "cocoaPercent": "70.0",
        "productionDate": "2026-03-01",
    }
    assert changed(own_world, before) == {"products": 0}


# ---------------------------------------------------------------- transactions


@pytest.mark.parametrize(
    "details", [None, {}, [], "text", 0, True, {"b": [1, {"a": None}], "ä": "🍫"}, {"kg": 1.25}]
)
def test_record_transaction_keeps_details(
    writable_client: TestClient, own_world: Database, details: Any
) -> None:
    before = contents(own_world)
    payload = written(
        writable_client,
        RECORD,
        event="shipped",
        cacaoBatchId=2,
        timestamp="2026-05-01T12:00:00.000001+02:00",
        details=details,
        eventId="E-2",
    )
    assert payload["transaction"] == {
        "transactionId": 6,
        "timestamp": "2026-05-01T10:00:00.000001+00:00",
        "event": "shipped",
        "details": details,
        "eventId": "E-2",
        "product": None,
        "cacaoBatch": {"cacaoBatchId": 2},
    }
    assert changed(own_world, before) == {"transactions": 1}


def test_details_that_are_null_are_no_value(
    writable_client: TestClient, own_world: Database
) -> None:
    written(writable_client, RECORD, event="x", productId=1, details=None)
    assert rows(own_world, "SELECT details IS NULL FROM transactions WHERE transaction_id = 6") == [
        (True,)
    ]


@pytest.mark.parametrize("given", [{}, {"timestamp": None}])
def test_transaction_without_a_time_happens_now(
    writable_client: TestClient, given: dict[str, None]
) -> None:
    payload = written(writable_client, RECORD, event="x", productId=1, **given)
    happened = datetime.fromisoformat(payload["transaction"]["timestamp"])
    assert abs(datetime.now(UTC) - happened) < timedelta(minutes=1)
    assert payload["transaction"]["timestamp"].endswith("+00:00")


# ---------------------------------------------------------------- payloads


def test_payload_is_selected_to_any_depth_after_the_write(
    writable_client: TestClient, own_world: Database
) -> None:
    mutation = """mutation { useCacaoBatch(input: {cacaoBatchId: 4, productId: 3, quantityKg: "1"}) {
      __typename
      ...lot
      product { __typename uses: cacaoBatches(first: 5) { totalCount edges { kg: quantityKg node {
        inputs { nodes { inputs(last: 1) { nodes { lotNumber supplier { name } } } } } } } } }
      userErrors { message } } }
      fragment lot on UseCacaoBatchPayload { cacaoBatch { products { nodes { productId } } } }"""
    with recording(own_world) as statements:
        data = ask(writable_client, mutation)
    assert data["useCacaoBatch"] == {
        "__typename": "UseCacaoBatchPayload",
        "cacaoBatch": {
            "products": {"nodes": [{"productId": 1}, {"productId": 2}, {"productId": 3}]}
        },
        "product": {
            "__typename": "Product",
            "uses": {
                "totalCount": 1,
                "edges": [
                    {
                        "kg": "1.000",
                        "node": {
                            "inputs": {
                                "nodes": [
                                    {
                                        "inputs": {
                                            "nodes": [
                                                {"lotNumber": "B2", "supplier": {"name": "ECOOKIM"}}
                                            ]
                                        }
                                    }
                                ]
                            }
                        },
                    }
                ],
            },
        },
        "userErrors": [],
    }
    assert len([text for text in statements if "row_to_json" in text]) == 1


def test_payload_of_user_errors_alone_reads_nothing(
    writable_client: TestClient, own_world: Database
) -> None:
    mutation = (
        """mutation { updateProduct(input: {productId: 1, name: "X"}) { userErrors { code } } }"""
    )
    with recording(own_world) as statements:
        assert ask(writable_client, mutation) == {"updateProduct": {"userErrors": []}}
    assert [text for text in statements if "row_to_json" in text] == []
    assert rows(own_world, "SELECT name FROM products WHERE product_id = 1") == [("X",)]
