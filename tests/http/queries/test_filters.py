"""Filters over the small world: each operator, their combinations, and relations both ways."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from models.database.engines import Database
from tests.conftest import client_of
from tests.recorder import recording
from tests.requests import ask, global_id, refusal

KEYS = {
    "products": ("Product", "productId"),
    "cacaoBatches": ("CacaoBatch", "cacaoBatchId"),
    "suppliers": ("Supplier", "supplierId"),
    "manufacturers": ("Manufacturer", "manufacturerId"),
    "transactions": ("Transaction", "transactionId"),
}


def kept(client: TestClient, field: str, filter: str) -> list[int]:
    """Return the keys of what this filter literal keeps; its count agrees."""
    _, key = KEYS[field]
    page = ask(client, f"{{ {field}(filter: {filter}) {{ totalCount nodes {{ {key} }} }} }}")[field]
    assert page["totalCount"] == len(page["nodes"])
    return [node[key] for node in page["nodes"]]


@pytest.mark.parametrize(
    ("field", "filter", "expected"),
    [
        # texts: by code point, case and accents matter
        ("products", '{name: {eq: "noir cafe_lait"}}', [2]),
        ("products", '{name: {eq: "Noir cafe_lait"}}', []),
        ("products", '{name: {in: ["noir cafe_lait", "Ærø \\\\ 100", "x"]}}', [2, 3]),
        ("products", "{name: {in: []}}", []),
        ("products", '{name: {gt: "Noir Café 70%"}}', [2, 3]),
        ("products", '{name: {gte: "Noir Café 70%"}}', [1, 2, 3]),
        ("products", '{name: {lt: "noir cafe_lait"}}', [1]),
        ("products", '{name: {lte: "noir cafe_lait"}}', [1, 2]),
        ("products", '{name: {gt: "Noir", lt: "noir"}}', [1]),
        ("products", "{batchNumber: {isNull: true}}", [3]),
        ("products", "{batchNumber: {isNull: false}}", [1, 2]),
        # whole numbers
        ("products", "{productId: {eq: 2}}", [2]),
        ("products", "{productId: {in: [3, 1, 99]}}", [1, 3]),
        ("products", "{productId: {gt: 1, lte: 3}}", [2, 3]),
        ("products", "{productId: {gte: 2147483647}}", []),
        ("products", "{productId: {isNull: true}}", []),
        ("transactions", "{transactionId: {gte: 4}}", [4, 5]),
        ("transactions", "{transactionId: {lt: 2147483647, gt: 4}}", [5]),
        ("transactions", "{transactionId: {in: [1, 2]}}", [1, 2]),
        # decimals, exactly
        ("products", '{cocoaPercent: {eq: "70"}}', [1]),
        ("products", "{cocoaPercent: {eq: 70.0}}", [1]),
        ("products", "{cocoaPercent: {lt: 70}}", [2]),
        ("products", "{cocoaPercent: {in: [45.5, 70]}}", [1, 2]),
        ("products", "{cocoaPercent: {isNull: true}}", [3]),
        ("cacaoBatches", '{quantityKg: {gt: "600.1249", lt: "600.1251"}}', [4]),
        ("cacaoBatches", "{quantityKg: {gte: 800}}", [1, 3]),
        ("cacaoBatches", '{quantityKg: {lt: "99999999999999999999999999999"}}', [1, 2, 3, 4]),
        # days and moments
        ("cacaoBatches", '{harvestDate: {eq: "2025-11-01"}}', [2]),
        ("cacaoBatches", '{harvestDate: {gt: "2025-10-01"}}', [2]),
        ("cacaoBatches", '{harvestDate: {gte: "2025-10-01"}}', [1, 2]),
        ("cacaoBatches", '{harvestDate: {in: ["2025-10-01"]}}', [1]),
        ("cacaoBatches", "{harvestDate: {isNull: true}}", [3, 4]),
        ("transactions", '{timestamp: {eq: "2026-03-02T09:00:00.123456+01:00"}}', [1, 2]),
        ("transactions", '{timestamp: {lt: "2026-03-02T08:00:00.123456Z"}}', [3, 5]),
        ("transactions", '{timestamp: {gt: "2026-03-02T08:00:00.123456Z"}}', [4]),
        # codes and enums
        ("products", '{gtin: {eq: "4006381333931"}}', [1, 2]),
        ("products", '{gtin: {in: ["04006381333931"]}}', [1, 2]),
        ("products", "{gtin: {isNull: true}}", [3]),
        ("suppliers", '{country: {eq: "GH"}}', [2]),
        ("suppliers", '{country: {in: ["GH", "CI", "EC"]}}', [1, 2]),
        ("manufacturers", "{country: {isNull: true}}", [2]),
        ("cacaoBatches", "{stage: {eq: BEANS}}", [1, 2]),
        ("cacaoBatches", "{stage: {in: [LIQUOR, COUVERTURE]}}", [3, 4]),
        # nothing asked is everything
        ("products", "{}", [1, 2, 3]),
        ("products", "{name: {}}", [1, 2, 3]),
        ("products", "{name: null, and: null}", [1, 2, 3]),
    ],
)
def test_operator_keeps_exactly_these(
    reader: TestClient, field: str, filter: str, expected: list[int]
) -> None:
    assert kept(reader, field, filter) == expected


def test_global_ids_are_compared(reader: TestClient) -> None:
    two, three = global_id("Product", 2), global_id("Product", 3)
    assert kept(reader, "products", f'{{id: {{eq: "{two}"}}}}') == [2]
    assert kept(reader, "products", f'{{id: {{in: ["{three}", "{two}"]}}}}') == [2, 3]


# ---------------------------------------------------------------- combination


@pytest.mark.parametrize(
    ("filter", "expected"),
    [
        ("{and: [{productId: {gt: 1}}, {productId: {lt: 3}}]}", [2]),
        ("{or: [{productId: {eq: 1}}, {productId: {eq: 3}}]}", [1, 3]),
        ("{not: {productId: {eq: 1}}}", [2, 3]),
        # what is unknown is not what is denied: a null satisfies the negation
        ("{not: {cocoaPercent: {gt: 50}}}", [2, 3]),
        ("{not: {not: {cocoaPercent: {gt: 50}}}}", [1]),
        ("{not: {gtin: {isNull: true}}}", [1, 2]),
        ("{productId: {gt: 1}, or: [{productId: {eq: 1}}, {productId: {eq: 3}}]}", [3]),
        ("{not: {or: [{productId: {eq: 1}}, {productId: {eq: 3}}]}}", [2]),
        ("{and: [{or: [{productId: {eq: 1}}, {productId: {eq: 2}}]}, {not: {productId: {eq: 2}}}]}", [1]),
        ("{and: []}", [1, 2, 3]),
        ("{or: []}", []),
        ("{not: {}}", []),
        ("{or: [{}]}", [1, 2, 3]),
        ("{or: [{productId: {eq: 1}}, {}]}", [1, 2, 3]),
        ("{and: {productId: {eq: 1}}}", [1]),
    ],
)  # fmt: skip
def test_conditions_combine(reader: TestClient, filter: str, expected: list[int]) -> None:
    assert kept(reader, "products", filter) == expected


# ---------------------------------------------------------------- relations


@pytest.mark.parametrize(
    ("field", "filter", "expected"),
    [
        ("products", '{manufacturer: {name: {eq: "Bonnat"}}}', [1, 2]),
        ("products", "{manufacturer: {}}", [1, 2]),
        ("products", "{not: {manufacturer: {}}}", [3]),
        ("products", '{not: {manufacturer: {name: {eq: "Domori"}}}}', [1, 2, 3]),
        ("products", "{cacaoBatches: {some: {stage: {eq: BEANS}}}}", [1]),
        ("products", "{cacaoBatches: {some: {}}}", [1, 2]),
        ("products", "{cacaoBatches: {none: {}}}", [3]),
        ("products", "{cacaoBatches: {none: {stage: {eq: BEANS}}}}", [2, 3]),
        ("products", "{cacaoBatches: {every: {stage: {eq: COUVERTURE}}}}", [2, 3]),
        ("products", '{cacaoBatches: {every: {certification: {eq: "Fairtrade"}}}}', [3]),
        ("products", "{cacaoBatches: {some: {}, every: {stage: {eq: COUVERTURE}}}}", [2]),
        ("products", "{cacaoBatches: {}}", [1, 2, 3]),
        ("products", '{cacaoBatches: {some: {supplier: {country: {eq: "CI"}}}}}', [1]),
        ("products", "{cacaoBatches: {some: {inputs: {some: {inputs: {some: {}}}}}}}", [1, 2]),
        ("products", '{transactions: {none: {event: {eq: "received"}}}}', [2, 3]),
        ("products", '{transactions: {every: {event: {eq: "shipped"}}}}', [2, 3]),
        ("products", '{statements: {some: {verificationNumber: {isNull: true}}}}', [1]),
        ("cacaoBatches", "{products: {some: {manufacturer: {products: {some: {productId: {eq: 2}}}}}}}", [1, 4]),
        ("cacaoBatches", "{outputs: {none: {}}}", [4]),
        ("cacaoBatches", "{inputs: {every: {stage: {eq: BEANS}}}}", [1, 2, 3]),
        ("cacaoBatches", '{plots: {some: {areaHa: {gte: "6.25"}}}}', [1, 2]),
        ("cacaoBatches", '{supplier: {certificates: {some: {scheme: {eq: "Fairtrade"}}}}}', [1, 2]),
        ("suppliers", '{certificates: {some: {validTo: {lt: "2026-01-01"}}}}', [1]),
        ("suppliers", "{plots: {none: {}}}", [2]),
        ("manufacturers", "{products: {none: {}}}", [2]),
        ("transactions", "{product: {productId: {eq: 1}}}", [1, 2]),
        ("transactions", "{product: {}}", [1, 2, 4]),
        ("transactions", "{cacaoBatch: {stage: {eq: COUVERTURE}}}", [5]),
    ],
)  # fmt: skip
def test_relation_keeps_exactly_these(
    reader: TestClient, world_to_read: Database, field: str, filter: str, expected: list[int]
) -> None:
    with recording(world_to_read) as statements:
        assert kept(reader, field, filter) == expected
    assert len(statements) == 1


def test_nested_page_has_its_own_filter_and_count(reader: TestClient) -> None:
    query = """{ products { nodes {
      cacaoBatches(filter: {stage: {eq: COUVERTURE}}) { totalCount edges { quantityKg } }
      transactions(filter: {event: {in: ["shipped"]}}) { totalCount nodes { event } } } } }"""
    shipped = {"totalCount": 1, "nodes": [{"event": "shipped"}]}
    assert ask(reader, query)["products"]["nodes"] == [
        {"cacaoBatches": {"totalCount": 1, "edges": [{"quantityKg": "100.000"}]}, "transactions": shipped},
        {"cacaoBatches": {"totalCount": 1, "edges": [{"quantityKg": None}]}, "transactions": shipped},
        {"cacaoBatches": {"totalCount": 0, "edges": []}, "transactions": {"totalCount": 0, "nodes": []}},
    ]  # fmt: skip


# ---------------------------------------------------------------- contains


@pytest.mark.parametrize(
    ("term", "expected"),
    [
        ("noir", [1, 2]),
        ("NOIR CAFÉ", [1, 2]),
        ("cafe", [1, 2]),
        ("cafe\u0301", [1, 2]),
        ("é 70%", [1]),
        ("%", [1]),
        ("_", [2]),
        ("e_l", [2]),
        ("e%l", []),
        ("\\", [3]),
        ("\\ 1", [3]),
        ("\\\\", []),
        ("\\%", []),
        ("Ærø", [3]),
        ("aero", [3]),
        ("ÆRØ", [3]),
        ("", [1, 2, 3]),
        (" ", [1, 2, 3]),
        ("'", []),
        ('"', []),
        ("%s", []),
        ("%(p0)s", []),
        ("noir cafe_lait and more", []),
        ("x" * 10_000, []),
    ],
)
def test_contains_ignores_case_and_accents_and_knows_no_wildcards(
    reader: TestClient, term: str, expected: list[int]
) -> None:
    query = (
        "query ($t: String!) { products(filter: {name: {contains: $t}}) { nodes { productId } } }"
    )
    nodes = ask(reader, query, t=term)["products"]["nodes"]
    assert [node["productId"] for node in nodes] == expected


def test_contains_finds_nothing_in_null(reader: TestClient) -> None:
    assert kept(reader, "products", '{description: {contains: ""}}') == [1, 3]
    assert kept(reader, "products", '{description: {contains: "チョコ"}}') == []
    assert kept(reader, "products", '{description: {contains: "巧克力"}}') == [3]


def test_contains_finds_what_was_written_in_any_form(own_world: Database) -> None:
    create = """mutation ($n: String!) { createSupplier(input: {name: $n, location: "L"}) {
      supplier { supplierId } userErrors { message } } }"""
    search = """query ($t: String!) { suppliers(filter: {name: {contains: $t}}) {
      nodes { supplierId } } }"""
    pairs = [
        ("São Tomé Cooperativa", "sao tome"),
        ("STRASSE", "strasse"),
        ("Straße 5", "STRASSE 5"),
        ("ﬁne ﬂavour", "fine flavour"),
        ("İstanbul Kakao", "istanbul"),
        ("Ｆｕｌｌ", "full"),  # noqa: RUF001
    ]
    with client_of(own_world) as client:
        for name, term in pairs:
            made = ask(client, create, n=name)["createSupplier"]["supplier"]
            assert made in ask(client, search, t=term)["suppliers"]["nodes"], name


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    "filter",
    [
        "{nope: {eq: 1}}",
        "{name: {nope: 1}}",
        '{productId: {contains: "1"}}',
        '{gtin: {contains: "1"}}',
        "{manufacturer: {some: {}}}",
        "{cacaoBatches: {stage: {eq: BEANS}}}",
        "{details: {eq: 1}}",
    ],
)
def test_operator_that_a_field_has_not_is_refused(reader: TestClient, filter: str) -> None:
    error = refusal(reader, f"{{ products(filter: {filter}) {{ totalCount }} }}")
    assert error["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"


def test_filters_are_data_and_never_sql(reader: TestClient, world_to_read: Database) -> None:
    hostile: list[Any] = ["'; drop table products; --", "%(p1)s", "$1", "\\'", "{1}", "\x1b", "''"]
    query = """query ($t: String!, $in: [String!]) {
      products(filter: {or: [{name: {eq: $t}}, {name: {in: $in}}, {name: {contains: $t}}]}) {
        totalCount } }"""
    with recording(world_to_read) as statements:
        for text in hostile:
            assert ask(reader, query, t=text, **{"in": [text]}) == {"products": {"totalCount": 0}}
    assert len(set(statements)) == 1
