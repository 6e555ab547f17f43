"""Lookups and relations of the small world: exact values, in both directions and in exact order."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from models.database.engines import Database
from tests.recorder import recording
from tests.requests import ask, global_id, request
from tests.world import GTIN, LONG

BAR_1 = {
    "__typename": "Product",
    "id": global_id("Product", 1),
    "productId": 1,
    "name": "Noir Café 70%",
    "description": "Dark",
    "gtin": GTIN,
    "batchNumber": "L1",
    "cocoaPercent": "70.0",
    "productionDate": "2026-03-01",
}
BAR = "{ __typename id productId name description gtin batchNumber cocoaPercent productionDate }"


# ---------------------------------------------------------------- lookups


@pytest.mark.parametrize(
    "by",
    [
        "{productId: 1}",
        f'{{id: "{global_id("Product", 1)}"}}',
        '{gtinLot: {gtin: "4006381333931", batchNumber: "L1"}}',
        f'{{gtinLot: {{gtin: "{GTIN}", batchNumber: "L1"}}}}',
    ],
)
def test_product_is_found_by_each_key(reader: TestClient, by: str) -> None:
    assert ask(reader, f"{{ product(by: {by}) {BAR} }}") == {"product": BAR_1}


def test_product_is_found_by_a_key_in_variables(reader: TestClient) -> None:
    query = f"query ($by: ProductBy!) {{ product(by: $by) {BAR} }}"
    lot = {"gtin": "4006381333931", "batchNumber": "L1"}
    for by in ({"productId": 1}, {"id": global_id("Product", 1)}, {"gtinLot": lot}):
        assert ask(reader, query, by=by) == {"product": BAR_1}


@pytest.mark.parametrize("by", ["{cacaoBatchId: 3}", f'{{id: "{global_id("CacaoBatch", 3)}"}}'])
def test_cacao_batch_is_found_by_each_key(reader: TestClient, by: str) -> None:
    query = f"""{{ cacaoBatch(by: {by}) {{ id cacaoBatchId lotNumber stage harvestDate productionDate
      quantityKg certification }} }}"""
    assert ask(reader, query)["cacaoBatch"] == {
        "id": global_id("CacaoBatch", 3),
        "cacaoBatchId": 3,
        "lotNumber": "K3",
        "stage": "LIQUOR",
        "harvestDate": None,
        "productionDate": "2025-12-01",
        "quantityKg": "800.000",
        "certification": "Fairtrade",
    }


@pytest.mark.parametrize(
    "by", ["{supplierId: 1}", f'{{id: "{global_id("Supplier", 1)}"}}', '{externalId: "CI-0001"}']
)
def test_supplier_is_found_by_each_key(reader: TestClient, by: str) -> None:
    query = (
        f"{{ supplier(by: {by}) {{ supplierId name location country contactPerson externalId }} }}"
    )
    assert ask(reader, query)["supplier"] == {
        "supplierId": 1,
        "name": "ECOOKIM",
        "location": "Abidjan",
        "country": "CI",
        "contactPerson": "Awa Koné",
        "externalId": "CI-0001",
    }


@pytest.mark.parametrize("by", ["{manufacturerId: 2}", f'{{id: "{global_id("Manufacturer", 2)}"}}'])
def test_manufacturer_is_found_by_each_key(reader: TestClient, by: str) -> None:
    query = f"{{ manufacturer(by: {by}) {{ manufacturerId name location country }} }}"
    expected = {"manufacturerId": 2, "name": "Domori", "location": "None", "country": None}
    assert ask(reader, query) == {"manufacturer": expected}


@pytest.mark.parametrize(
    ("type_", "key", "field", "value"),
    [
        ("Product", 3, "name", "Ærø \\ 100"),
        ("CacaoBatch", 4, "quantityKg", "600.125"),
        ("Supplier", 2, "name", "Kuapa Kokoo"),
        ("Manufacturer", 1, "name", "Bonnat"),
        ("Transaction", 5, "event", "tempered"),
        ("Plot", 2, "areaHa", "6.2500"),
        ("Certificate", 2, "number", "FT-9"),
        ("DueDiligenceStatement", 1, "referenceNumber", "25CI0001"),
    ],
)
def test_every_node_is_found_by_its_global_id(
    reader: TestClient, type_: str, key: int, field: str, value: str
) -> None:
    query = f"query ($id: ID!) {{ node(id: $id) {{ __typename id ... on {type_} {{ {field} }} }} }}"
    id = global_id(type_, key)
    expected = {"__typename": type_, "id": id, field: value}
    assert ask(reader, query, id=id) == {"node": expected}


def test_nodes_keep_their_order_and_leave_null_where_there_is_none(reader: TestClient) -> None:
    keys = [("Supplier", 2), ("Product", 1), ("Product", 99), ("Supplier", 2), ("Plot", 1)]
    ids = [global_id(*key) for key in keys]
    query = """query ($ids: [ID!]!) { nodes(ids: $ids) { id
      ... on Supplier { name } ... on Plot { name areaHa } ...bar } }
      fragment bar on Product { cocoaPercent }"""
    assert ask(reader, query, ids=ids)["nodes"] == [
        {"id": ids[0], "name": "Kuapa Kokoo"},
        {"id": ids[1], "cocoaPercent": "70.0"},
        None,
        {"id": ids[0], "name": "Kuapa Kokoo"},
        {"id": ids[4], "name": "P1", "areaHa": "3.5000"},
    ]


def test_no_ids_are_no_nodes(reader: TestClient) -> None:
    assert ask(reader, "{ nodes(ids: []) { id } }") == {"nodes": []}


def test_one_id_is_coerced_to_a_list(reader: TestClient) -> None:
    query = f'{{ nodes(ids: "{global_id("Product", 1)}") {{ id }} }}'
    assert ask(reader, query) == {"nodes": [{"id": global_id("Product", 1)}]}


def test_a_hundred_nodes_are_answered(reader: TestClient) -> None:
    ids = [global_id("Product", 1 + number % 3) for number in range(100)]
    data = ask(reader, "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=ids)
    assert [node["id"] for node in data["nodes"]] == ids


# ---------------------------------------------------------------- relations, each in both directions


def values_at(client: TestClient, path: str, leaf: str) -> Any:
    """Return the values at the end of a path; a step that ends in [] is a connection."""
    query = leaf
    for step in reversed(path.split(" > ")):
        inner = f"nodes {{ {query} }}" if step.endswith("[]") else query
        query = f"{step.removesuffix('[]')} {{ {inner} }}"
    return collect(ask(client, f"{{ {query} }}"), leaf)


def collect(value: Any, leaf: str) -> list[Any]:
    """Every value under this key, in document order."""
    if isinstance(value, list):
        return [found for item in value for found in collect(item, leaf)]
    if isinstance(value, dict):
        return [
            found
            for key, item in value.items()
            for found in ([item] if key == leaf else collect(item, leaf))
        ]
    return []


@pytest.mark.parametrize(
    ("path", "leaf", "expected"),
    [
        ("product(by: {productId: 1}) > cacaoBatches[]", "cacaoBatchId", [1, 4]),
        ("product(by: {productId: 3}) > cacaoBatches[]", "cacaoBatchId", []),
        ("cacaoBatch(by: {cacaoBatchId: 4}) > products[]", "productId", [1, 2]),
        ("cacaoBatch(by: {cacaoBatchId: 2}) > products[]", "productId", []),
        ("cacaoBatch(by: {cacaoBatchId: 3}) > inputs[]", "cacaoBatchId", [1, 2]),
        ("cacaoBatch(by: {cacaoBatchId: 3}) > outputs[]", "cacaoBatchId", [4]),
        ("cacaoBatch(by: {cacaoBatchId: 1}) > inputs[]", "cacaoBatchId", []),
        ("cacaoBatch(by: {cacaoBatchId: 1}) > outputs[] > outputs[]", "cacaoBatchId", [4]),
        ("cacaoBatch(by: {cacaoBatchId: 4}) > inputs[] > inputs[]", "cacaoBatchId", [1, 2]),
        ("cacaoBatch(by: {cacaoBatchId: 2}) > plots[]", "plotId", [2]),
        ("supplier(by: {supplierId: 1}) > plots[] > cacaoBatches[]", "cacaoBatchId", [1, 1, 2]),
        ("cacaoBatch(by: {cacaoBatchId: 3}) > supplier", "supplierId", [2]),
        ("supplier(by: {supplierId: 2}) > cacaoBatches[]", "cacaoBatchId", [3, 4]),
        ("supplier(by: {supplierId: 1}) > certificates[]", "certificateId", [1, 2]),
        ("supplier(by: {supplierId: 1}) > certificates[] > supplier", "name", ["ECOOKIM"] * 2),
        ("supplier(by: {supplierId: 1}) > plots[] > supplier", "name", ["ECOOKIM"] * 2),
        ("product(by: {productId: 2}) > manufacturer", "manufacturerId", [1]),
        ("manufacturer(by: {manufacturerId: 1}) > products[]", "productId", [1, 2]),
        ("manufacturer(by: {manufacturerId: 2}) > products[]", "productId", []),
        ("product(by: {productId: 1}) > transactions[]", "transactionId", [1, 2]),
        ("cacaoBatch(by: {cacaoBatchId: 1}) > transactions[]", "transactionId", [3]),
        ("transactions[] > product", "productId", [1, 1, 2]),
        ("transactions[] > cacaoBatch", "cacaoBatchId", [1, 4]),
        ("product(by: {productId: 1}) > statements[]", "statementId", [1, 2]),
        ("product(by: {productId: 1}) > statements[] > products[]", "productId", [1, 1]),
        ("cacaoBatch(by: {cacaoBatchId: 1}) > statements[]", "statementId", [1]),
        ("cacaoBatch(by: {cacaoBatchId: 1}) > statements[] > cacaoBatches[]", "cacaoBatchId", [1]),
    ],
)
def test_path_leads_to_exactly_these(
    reader: TestClient, world_to_read: Database, path: str, leaf: str, expected: list[Any]
) -> None:
    with recording(world_to_read) as statements:
        # A null to-one relation ends a path: it has no value.
        found = [value for value in values_at(reader, path, leaf) if value is not None]
    assert found == expected
    assert len(statements) == 1


@pytest.mark.parametrize(
    ("root", "field", "expected"),
    [
        ("product(by: {productId: 1})", "cacaoBatches", ["50.500", "100.000"]),
        ("product(by: {productId: 2})", "cacaoBatches", [None]),
        ("cacaoBatch(by: {cacaoBatchId: 4})", "products", ["100.000", None]),
        ("cacaoBatch(by: {cacaoBatchId: 3})", "inputs", ["700.000", "400.125"]),
        ("cacaoBatch(by: {cacaoBatchId: 2})", "outputs", ["400.125"]),
        ("cacaoBatch(by: {cacaoBatchId: 1})", "plots", ["600.000", None]),
    ],
)
def test_edges_carry_kilograms(
    reader: TestClient, root: str, field: str, expected: list[str | None]
) -> None:
    data = ask(reader, f"{{ root: {root} {{ {field} {{ edges {{ quantityKg }} }} }} }}")
    assert [edge["quantityKg"] for edge in data["root"][field]["edges"]] == expected


def test_edge_and_node_have_kilograms_of_their_own(reader: TestClient) -> None:
    query = """{ product(by: {productId: 1}) { cacaoBatches(last: 1) {
      edges { quantityKg cursor node { quantityKg } } nodes { quantityKg } } } }"""
    page = ask(reader, query)["product"]["cacaoBatches"]
    assert page["edges"][0]["quantityKg"] == "100.000"
    assert page["edges"][0]["node"] == {"quantityKg": "600.125"}
    assert page["nodes"] == [{"quantityKg": "600.125"}]


# ---------------------------------------------------------------- values


def test_manufacturer_may_be_null(reader: TestClient) -> None:
    query = "{ products { nodes { manufacturer { name products { totalCount } } } } }"
    made = {"manufacturer": {"name": "Bonnat", "products": {"totalCount": 2}}}
    assert ask(reader, query)["products"]["nodes"] == [made, made, {"manufacturer": None}]


def test_timestamps_are_utc_with_all_their_microseconds(reader: TestClient) -> None:
    data = ask(reader, "{ transactions { nodes { timestamp recordTime } } }")
    assert [node["timestamp"] for node in data["transactions"]["nodes"]] == [
        "2026-03-02T08:00:00.123456+00:00",
        "2026-03-02T08:00:00.123456+00:00",
        "2025-10-03T00:00:00+00:00",
        "2026-04-01T12:30:00+00:00",
        "2026-01-11T00:00:00+00:00",
    ]
    assert data["transactions"]["nodes"][3]["recordTime"] == "2026-04-01T12:30:00.5+00:00"


def test_json_comes_back_as_it_is(reader: TestClient) -> None:
    data = ask(
        reader,
        "{ transactions { nodes { details } } suppliers { nodes { plots { nodes { geometry } } } } }",
    )
    assert [node["details"] for node in data["transactions"]["nodes"]] == [
        {"to": "Paris", "kg": 1.5},
        None,
        [1, {"a": None}],
        "by hand",
        {},
    ]
    assert data["suppliers"]["nodes"][0]["plots"]["nodes"] == [
        {"geometry": {"type": "Point", "coordinates": [-4.03, 5.36]}},
        {"geometry": None},
    ]


def test_long_text_of_any_script_is_whole(reader: TestClient) -> None:
    data = ask(reader, "{ product(by: {productId: 3}) { name description } }")
    assert data == {"product": {"name": "Ærø \\ 100", "description": LONG}}


def test_text_is_sent_as_utf_8_and_not_escaped(reader: TestClient) -> None:
    answer = request(reader, "{ product(by: {productId: 1}) { name } }")
    assert "Noir Café 70%".encode() in answer.body


def test_certificates_and_statements_have_their_days(reader: TestClient) -> None:
    query = """{ supplier(by: {supplierId: 1}) { certificates { nodes {
      scheme number scope validFrom validTo } } }
      product(by: {productId: 1}) { statements { nodes {
        referenceNumber verificationNumber submittedOn } } } }"""
    data = ask(reader, query)
    assert data["supplier"]["certificates"]["nodes"][1] == {
        "scheme": "Fairtrade",
        "number": "FT-9",
        "scope": None,
        "validFrom": "2024-07-01",
        "validTo": "2025-06-30",
    }
    assert data["product"]["statements"]["nodes"] == [
        {"referenceNumber": "25CI0001", "verificationNumber": "V1", "submittedOn": "2026-01-15"},
        {"referenceNumber": "25CI0002", "verificationNumber": None, "submittedOn": "2026-01-15"},
    ]
