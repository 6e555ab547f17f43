"""Pages: orders with nulls and ties, cursors both ways, and the PageInfo at both ends."""

from itertools import pairwise
from typing import Any

import pytest
from starlette.testclient import TestClient

from models.database.engines import Database
from tests.conftest import client_of
from tests.recorder import recording
from tests.requests import ask

FACTS = "pageInfo { hasNextPage hasPreviousPage startCursor endCursor }"
PRODUCTS = f"""query ($first: Int, $after: String, $last: Int, $before: String,
    $order: [ProductOrder!], $filter: ProductFilter) {{
  products(first: $first, after: $after, last: $last, before: $before, orderBy: $order,
           filter: $filter) {{
    edges {{ cursor node {{ productId }} }} nodes {{ productId }} totalCount {FACTS} }} }}"""


def products(client: TestClient, **arguments: Any) -> dict[str, Any]:
    page: dict[str, Any] = ask(client, PRODUCTS, **arguments)["products"]
    assert [edge["node"] for edge in page["edges"]] == page["nodes"]
    cursors = [edge["cursor"] for edge in page["edges"]]
    assert page["pageInfo"]["startCursor"] == (cursors[0] if cursors else None)
    assert page["pageInfo"]["endCursor"] == (cursors[-1] if cursors else None)
    return page


def keys(page: dict[str, Any]) -> list[int]:
    return [node["productId"] for node in page["nodes"]]


def neighbors(page: dict[str, Any]) -> tuple[bool, bool]:
    """Whether the page has a previous and a next page."""
    return page["pageInfo"]["hasPreviousPage"], page["pageInfo"]["hasNextPage"]


# ---------------------------------------------------------------- orders


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (None, [1, 2, 3]),
        ([], [1, 2, 3]),
        ([("PRODUCT_ID", "DESC")], [3, 2, 1]),
        # by code point: capitals first, then small letters, then what lies beyond ASCII
        ([("NAME", "ASC")], [1, 2, 3]),
        ([("NAME", "DESC")], [3, 2, 1]),
        # nulls last when ascending, first when descending
        ([("COCOA_PERCENT", "ASC")], [2, 1, 3]),
        ([("COCOA_PERCENT", "DESC")], [3, 1, 2]),
        ([("PRODUCTION_DATE", "ASC")], [3, 1, 2]),
        ([("PRODUCTION_DATE", "DESC")], [2, 1, 3]),
        # 1 and 2 share a GTIN: ties are broken by number, in the direction of the last term
        ([("GTIN", "ASC")], [1, 2, 3]),
        ([("GTIN", "DESC")], [3, 2, 1]),
        ([("GTIN", "ASC"), ("BATCH_NUMBER", "DESC")], [2, 1, 3]),
        ([("GTIN", "DESC"), ("BATCH_NUMBER", "ASC")], [3, 1, 2]),
        ([("GTIN", "ASC"), ("GTIN", "DESC")], [1, 2, 3]),
        ([("GTIN", "DESC"), ("PRODUCT_ID", "ASC")], [3, 1, 2]),
    ],
)
def test_order_decides_every_place_both_ways(
    reader: TestClient, order: list[tuple[str, str]] | None, expected: list[int]
) -> None:
    terms = None
    if order is not None:
        terms = [{"field": field, "direction": direction} for field, direction in order]
    assert keys(products(reader, order=terms)) == expected
    assert keys(products(reader, order=terms, last=100)) == expected
    assert forward(reader, order=terms) == [[key] for key in expected]
    assert backward(reader, order=terms) == [[key] for key in reversed(expected)]


def forward(client: TestClient, size: int = 1, **arguments: Any) -> list[list[int]]:
    """Return the keys of each page from the start to the end."""
    page = products(client, first=size, **arguments)
    found = [keys(page)]
    while page["pageInfo"]["hasNextPage"]:
        page = products(client, first=size, after=page["pageInfo"]["endCursor"], **arguments)
        assert page["pageInfo"]["hasPreviousPage"] is True
        found.append(keys(page))
    return found


def backward(client: TestClient, size: int = 1, **arguments: Any) -> list[list[int]]:
    """Return the keys of each page from the end to the start."""
    page = products(client, last=size, **arguments)
    found = [keys(page)]
    while page["pageInfo"]["hasPreviousPage"]:
        page = products(client, last=size, before=page["pageInfo"]["startCursor"], **arguments)
        assert page["pageInfo"]["hasNextPage"] is True
        found.append(keys(page))
    return found


def test_direction_is_ascending_unless_it_is_given(reader: TestClient) -> None:
    assert keys(products(reader, order=[{"field": "COCOA_PERCENT"}])) == [2, 1, 3]


def test_one_term_is_coerced_to_a_list(reader: TestClient) -> None:
    assert keys(products(reader, order={"field": "PRODUCT_ID", "direction": "DESC"})) == [3, 2, 1]


# ---------------------------------------------------------------- places


@pytest.mark.parametrize(
    ("arguments", "expected", "around"),
    [
        ({}, [1, 2, 3], (False, False)),
        ({"first": 3}, [1, 2, 3], (False, False)),
        ({"first": 2}, [1, 2], (False, True)),
        ({"first": 0}, [], (False, True)),
        ({"last": 3}, [1, 2, 3], (False, False)),
        ({"last": 2}, [2, 3], (True, False)),
        ({"last": 0}, [], (True, False)),
        ({"after": 1}, [2, 3], (True, False)),
        ({"after": 1, "first": 1}, [2], (True, True)),
        ({"after": 1, "last": 1}, [3], (True, False)),
        ({"after": 3}, [], (True, False)),
        ({"before": 3}, [1, 2], (False, True)),
        ({"before": 3, "last": 1}, [2], (True, True)),
        ({"before": 3, "first": 1}, [1], (False, True)),
        ({"before": 1}, [], (False, True)),
        ({"after": 1, "before": 3}, [2], (True, True)),
        ({"after": 1, "before": 2}, [], (True, True)),
    ],
)
def test_page_knows_what_lies_around_it(
    reader: TestClient,
    arguments: dict[str, int],
    expected: list[int],
    around: tuple[bool, bool],
) -> None:
    cursors = {edge["node"]["productId"]: edge["cursor"] for edge in products(reader)["edges"]}
    arguments = {
        name: cursors[value] if name in ("after", "before") else value
        for name, value in arguments.items()
    }
    page = products(reader, **arguments)
    assert keys(page) == expected
    assert neighbors(page) == around
    assert page["totalCount"] == 3


def test_place_is_known_without_the_rows(reader: TestClient) -> None:
    query = "{ products(first: 1) { pageInfo { hasNextPage hasPreviousPage } } }"
    assert ask(reader, query) == {
        "products": {"pageInfo": {"hasNextPage": True, "hasPreviousPage": False}}
    }


def test_filter_applies_to_pages_counts_and_places(reader: TestClient) -> None:
    with_gtin = {"gtin": {"isNull": False}}
    page = products(reader, filter=with_gtin, first=1)
    assert (keys(page), neighbors(page), page["totalCount"]) == ([1], (False, True), 2)
    page = products(reader, filter=with_gtin, first=1, after=page["pageInfo"]["endCursor"])
    assert (keys(page), neighbors(page), page["totalCount"]) == ([2], (True, False), 2)
    page = products(reader, filter={"gtin": {"isNull": False}, "productId": {"gt": 9}})
    assert (keys(page), neighbors(page), page["totalCount"]) == ([], (False, False), 0)


def test_empty_table_is_an_empty_page(fresh: Database) -> None:
    with client_of(fresh) as client:
        page = products(client, first=5)
    assert page == {
        "edges": [],
        "nodes": [],
        "totalCount": 0,
        "pageInfo": {
            "hasNextPage": False,
            "hasPreviousPage": False,
            "startCursor": None,
            "endCursor": None,
        },
    }


def test_page_has_20_entries_by_default_and_100_at_most(client: TestClient) -> None:
    query = "{ a: products { nodes { id } } b: products(first: 100) { nodes { id } } }"
    data = ask(client, query)
    assert [len(data[key]["nodes"]) for key in "ab"] == [20, 100]


# ---------------------------------------------------------------- pages beneath each parent


def test_nested_page_is_one_of_each_parent(reader: TestClient) -> None:
    query = f"""{{ suppliers {{ nodes {{ first: cacaoBatches(first: 1) {{ nodes {{ cacaoBatchId }}
        totalCount {FACTS} }}
      last: cacaoBatches(last: 1, orderBy: {{field: QUANTITY_KG, direction: DESC}}) {{
        nodes {{ cacaoBatchId }} {FACTS} }} }} }} }}"""
    nodes = ask(reader, query)["suppliers"]["nodes"]
    assert [node["first"]["nodes"] for node in nodes] == [
        [{"cacaoBatchId": 1}],
        [{"cacaoBatchId": 3}],
    ]
    assert [node["last"]["nodes"] for node in nodes] == [
        [{"cacaoBatchId": 2}],
        [{"cacaoBatchId": 4}],
    ]
    assert [node["first"]["totalCount"] for node in nodes] == [2, 2]
    assert [neighbors(node["first"]) for node in nodes] == [(False, True)] * 2
    assert [neighbors(node["last"]) for node in nodes] == [(True, False)] * 2


def test_nested_cursor_continues_beneath_its_parent(
    reader: TestClient, world_to_read: Database
) -> None:
    query = f"""query ($after: String) {{ cacaoBatch(by: {{cacaoBatchId: 3}}) {{
      inputs(first: 1, after: $after) {{ edges {{ cursor quantityKg node {{ lotNumber }} }} {FACTS} }} }} }}"""
    first = ask(reader, query)["cacaoBatch"]["inputs"]
    with recording(world_to_read) as statements:
        second = ask(reader, query, after=first["edges"][0]["cursor"])["cacaoBatch"]["inputs"]
    assert len(statements) == 1
    assert [page["edges"][0]["node"]["lotNumber"] for page in (first, second)] == ["B1", "B2"]
    assert [page["edges"][0]["quantityKg"] for page in (first, second)] == ["700.000", "400.125"]
    assert [neighbors(first), neighbors(second)] == [(False, True), (True, False)]


def test_empty_nested_page_is_an_empty_list(reader: TestClient) -> None:
    query = f"""{{ product(by: {{productId: 3}}) {{
      cacaoBatches {{ edges {{ cursor }} nodes {{ id }} totalCount {FACTS} }}
      transactions(last: 3) {{ nodes {{ id }} }} }} }}"""
    assert ask(reader, query)["product"] == {
        "cacaoBatches": {
            "edges": [],
            "nodes": [],
            "totalCount": 0,
            "pageInfo": {
                "hasNextPage": False,
                "hasPreviousPage": False,
                "startCursor": None,
                "endCursor": None,
            },
        },
        "transactions": {"nodes": []},
    }


@pytest.mark.parametrize("field", ["NAME", "COCOA_PERCENT", "PRODUCTION_DATE", "GTIN"])
@pytest.mark.parametrize("direction", ["ASC", "DESC"])
def test_walk_over_the_sample_meets_each_product_once(
    client: TestClient, sample: Database, field: str, direction: str
) -> None:
    order = [{"field": field, "direction": direction}]
    with recording(sample) as statements:
        ahead = forward(client, size=100, order=order)
    assert len(statements) == len(ahead)
    met = [key for page in ahead for key in page]
    assert len(met) == len(set(met)) == products(client, first=0)["totalCount"]
    back = backward(client, size=100, order=order)
    assert [key for page in reversed(back) for key in page] == met


def test_rows_inserted_meanwhile_do_not_shift_a_page(own_world: Database) -> None:
    with client_of(own_world) as client:
        first = products(client, first=1, order=[{"field": "NAME"}])
        ask(
            client,
            """mutation { createProduct(input: {name: "AAA", manufacturerId: 1, batchNumber: "A"}) {
              product { productId } } }""",
        )
        after = first["pageInfo"]["endCursor"]
        second = products(client, first=2, after=after, order=[{"field": "NAME"}])
    assert (keys(first), keys(second)) == ([1], [2, 3])


def test_cursors_of_one_page_all_differ(client: TestClient) -> None:
    page = products(client, first=100, order=[{"field": "GTIN"}])
    cursors = [edge["cursor"] for edge in page["edges"]]
    assert len(set(cursors)) == 100
    assert all(one != two for one, two in pairwise(cursors))
