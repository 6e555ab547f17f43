"""One operation is one statement; an invalid request sends none."""

import pytest
from starlette.testclient import TestClient

from models.database.engines import Database
from tests.conftest import client_of, opened
from tests.recorder import recording, wiretap
from tests.requests import ask, global_id, refusal, request

PROVENANCE = """
query Provenance($id: Int!) { product(by: {productId: $id}) { name batchNumber
  manufacturer { name location }
  cacaoBatches(first: 20) { nodes { harvestDate quantityKg certification supplier { name location } } }
  transactions(first: 20) { nodes { timestamp event details } } } }"""

PAGE = """
query Page($after: String) { products(first: 50, after: $after) { nodes { name batchNumber
  manufacturer { name location }
  cacaoBatches(first: 20) { nodes { harvestDate quantityKg certification supplier { name location } } }
  transactions(first: 20) { nodes { timestamp event details } } } pageInfo { endCursor hasNextPage } } }"""

AUDIT = """
query Audit($id: Int!) { cacaoBatch(by: {cacaoBatchId: $id}) { supplier { name location }
  products(first: 100) { nodes { name manufacturer { name }
    transactions(first: 20) { nodes { timestamp event details } } } } } }"""

FIVE_LEVELS = """
query ($id: Int!) { product(by: {productId: $id}) { name
  cacaoBatches(first: 5) { nodes { stage
    inputs(first: 5) { nodes { stage
      inputs(first: 5) { nodes { stage
        inputs(first: 5) { nodes { stage
          supplier { name plots { nodes { name } } } } } } } } } } } } }"""

TEN_ALIASES = """
query ($id: Int!) {
  a: product(by: {productId: $id}) { ...bar }  b: product(by: {productId: 2}) { ...bar }
  c: products(first: 2) { nodes { ...bar } }   d: products(last: 2) { nodes { ...bar } }
  e: cacaoBatch(by: {cacaoBatchId: 1}) { ...lot }  f: cacaoBatches(first: 1) { nodes { ...lot } }
  g: supplier(by: {supplierId: 1}) { ...party }  h: suppliers { nodes { ...party } }
  i: manufacturers { nodes { ... on Manufacturer { name } } }
  j: transactions(first: 3) { nodes { event product { ...bar } } }
}
fragment bar on Product { name cacaoBatches(first: 2) { edges { quantityKg node { ...lot } } } }
fragment lot on CacaoBatch { stage quantityKg supplier { ...party } }
fragment party on Supplier { name location ... on Node { id } }"""

COUNTED_EVERYWHERE = """
{ products(first: 2) { totalCount pageInfo { ...all } nodes {
    transactions(last: 1) { totalCount pageInfo { ...all } edges { cursor } }
    cacaoBatches { totalCount pageInfo { ...all } nodes {
      inputs { totalCount pageInfo { ...all } }
      plots { totalCount pageInfo { ...all } } } } } } }
fragment all on PageInfo { hasNextPage hasPreviousPage startCursor endCursor }"""

NODES = """
query ($one: ID!, $many: [ID!]!) {
  node(id: $one) { __typename id ... on Product { name transactions { nodes { event } } } }
  nodes(ids: $many) { id ... on CacaoBatch { stage products { nodes { name } } }
    ... on Supplier { name } } }"""

CACHED = "query ($id: Int!) { product(by: {productId: $id}) { name } }"

INTROSPECTION = (
    '{ __schema { queryType { name } types { name } } __type(name: "Product") { name } }'
)


def test_provenance_is_one_statement(reader: TestClient, world_to_read: Database) -> None:
    with recording(world_to_read) as statements:
        data = ask(reader, PROVENANCE, id=1)
    assert len(statements) == 1
    assert data["product"] == {
        "name": "Noir Café 70%",
        "batchNumber": "L1",
        "manufacturer": {"name": "Bonnat", "location": "Voiron"},
        "cacaoBatches": {
            "nodes": [
                {
                    "harvestDate": "2025-10-01",
                    "quantityKg": "1000.000",
                    "certification": "Fairtrade",
                    "supplier": {"name": "ECOOKIM", "location": "Abidjan"},
                },
                {
                    "harvestDate": None,
                    "quantityKg": "600.125",
                    "certification": None,
                    "supplier": {"name": "Kuapa Kokoo", "location": "Kumasi"},
                },
            ]
        },
        "transactions": {
            "nodes": [
                {
                    "timestamp": "2026-03-02T08:00:00.123456+00:00",
                    "event": "shipped",
                    "details": {"kg": 1.5, "to": "Paris"},
                },
                {
                    "timestamp": "2026-03-02T08:00:00.123456+00:00",
                    "event": "received",
                    "details": None,
                },
            ]
        },
    }


def test_page_is_one_statement(client: TestClient, sample: Database) -> None:
    with recording(sample) as statements:
        data = ask(client, PAGE, after=None)
    assert len(statements) == 1
    assert len(data["products"]["nodes"]) == 50
    assert data["products"]["pageInfo"]["hasNextPage"] is True
    assert all(node["cacaoBatches"]["nodes"] for node in data["products"]["nodes"])


def test_following_page_is_one_statement(client: TestClient, sample: Database) -> None:
    end = ask(client, PAGE, after=None)["products"]["pageInfo"]["endCursor"]
    with recording(sample) as statements:
        data = ask(client, PAGE, after=end)
    assert len(statements) == 1
    assert len(data["products"]["nodes"]) == 50


def test_audit_is_one_statement(reader: TestClient, world_to_read: Database) -> None:
    with recording(world_to_read) as statements:
        data = ask(reader, AUDIT, id=4)
    assert len(statements) == 1
    assert data["cacaoBatch"]["supplier"] == {"name": "Kuapa Kokoo", "location": "Kumasi"}
    assert [node["name"] for node in data["cacaoBatch"]["products"]["nodes"]] == [
        "Noir Café 70%",
        "noir cafe_lait",
    ]


def test_five_levels_are_one_statement(reader: TestClient, world_to_read: Database) -> None:
    with recording(world_to_read) as statements:
        data = ask(reader, FIVE_LEVELS, id=2)
    assert len(statements) == 1
    (couverture,) = data["product"]["cacaoBatches"]["nodes"]
    (liquor,) = couverture["inputs"]["nodes"]
    assert [beans["stage"] for beans in liquor["inputs"]["nodes"]] == ["BEANS", "BEANS"]
    assert liquor["inputs"]["nodes"][0]["inputs"] == {"nodes": []}


def test_five_levels_of_the_sample_reach_plots_in_one_statement(
    client: TestClient, sample: Database
) -> None:
    query = """{ products(first: 5) { nodes { cacaoBatches(first: 5) { nodes {
      inputs(first: 5) { nodes { inputs(first: 5) { nodes { inputs(first: 5) { nodes {
        supplier { plots(first: 1) { nodes { name country areaHa } } } } } } } } } } } } } }"""
    with recording(sample) as statements:
        data = ask(client, query)
    assert len(statements) == 1
    assert '"areaHa"' in str(data).replace("'", '"')


def test_ten_aliased_root_fields_with_fragments_are_one_statement(
    reader: TestClient, world_to_read: Database
) -> None:
    with recording(world_to_read) as statements:
        data = ask(reader, TEN_ALIASES, id=1)
    assert len(statements) == 1
    assert list(data) == list("abcdefghij")
    assert data["a"] == data["c"]["nodes"][0]
    assert data["g"] == {"name": "ECOOKIM", "location": "Abidjan", "id": global_id("Supplier", 1)}


def test_counts_and_page_info_everywhere_are_one_statement(
    reader: TestClient, world_to_read: Database
) -> None:
    with recording(world_to_read) as statements:
        data = ask(reader, COUNTED_EVERYWHERE)
    assert len(statements) == 1
    assert data["products"]["totalCount"] == 3
    assert [node["transactions"]["totalCount"] for node in data["products"]["nodes"]] == [2, 1]


def test_node_and_nodes_are_one_statement(reader: TestClient, world_to_read: Database) -> None:
    many = [global_id(*key) for key in (("Supplier", 2), ("CacaoBatch", 4), ("Supplier", 9))]
    with recording(world_to_read) as statements:
        data = ask(reader, NODES, one=global_id("Product", 2), many=many)
    assert len(statements) == 1
    assert data["node"]["transactions"] == {"nodes": [{"event": "shipped"}]}
    assert data["nodes"] == [
        {"id": many[0], "name": "Kuapa Kokoo"},
        {
            "id": many[1],
            "stage": "COUVERTURE",
            "products": {"nodes": [{"name": "Noir Café 70%"}, {"name": "noir cafe_lait"}]},
        },
        None,
    ]


def test_count_is_not_computed_unless_it_is_selected(
    reader: TestClient, world_to_read: Database
) -> None:
    with recording(world_to_read) as statements:
        ask(reader, "{ products { nodes { name } } }")
        ask(reader, "{ products { nodes { name } totalCount } }")
    assert ["count(" in statement.lower() for statement in statements] == [False, True]


def test_introspection_sends_no_statement(reader: TestClient, world_to_read: Database) -> None:
    with recording(world_to_read) as statements:
        data = ask(reader, INTROSPECTION)
    assert statements == []
    assert data["__type"] == {"name": "Product"}


def test_introspection_beside_a_field_adds_no_statement(
    reader: TestClient, world_to_read: Database
) -> None:
    with recording(world_to_read) as statements:
        data = ask(reader, "{ __typename __schema { queryType { name } } products { totalCount } }")
    assert len(statements) == 1
    assert data["__typename"] == "Query"


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ('{ products(after: "nonsense") { totalCount } }', "INVALID_CURSOR"),
        ("{ ok: products { totalCount } products(first: -1) { totalCount } }", "INVALID_PAGE"),
        ("{ products { nodes { cacaoBatches(first: 101) { totalCount } } } }", "INVALID_PAGE"),
        ('{ node(id: "nonsense") { id } }', "INVALID_ID"),
        ("{ products { nope } }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ products { ", "GRAPHQL_PARSE_FAILED"),
        ("query ($a: Int!) { product(by: {productId: $a}) { name } }", "BAD_USER_INPUT"),
    ],
)
def test_refused_request_sends_no_statement(
    reader: TestClient, world_to_read: Database, query: str, code: str
) -> None:
    with recording(world_to_read) as statements:
        error = refusal(reader, query)
    assert statements == []
    assert error["extensions"]["code"] == code


def test_skipped_fields_send_no_statement(reader: TestClient, world_to_read: Database) -> None:
    with recording(world_to_read) as statements:
        data = ask(
            reader, "query ($no: Boolean!) { products @include(if: $no) { totalCount } }", no=False
        )
    assert statements == []
    assert data == {}


def test_statement_differs_by_nothing_but_its_values(
    reader: TestClient, world_to_read: Database
) -> None:
    with recording(world_to_read) as statements:
        ask(reader, CACHED, id=1)
        ask(reader, CACHED, id=2)
    first, second = statements
    assert first == second


def test_query_is_one_round_trip_on_the_wire(world_to_read: Database) -> None:
    url = world_to_read.engine().url.render_as_string(hide_password=False)
    with wiretap(url) as tap, opened(tap.url) as database, client_of(database) as client:
        ask(client, PROVENANCE, id=1)
        tap.queries.clear()
        for _ in range(3):
            ask(client, PROVENANCE, id=1)
    assert len(tap.queries) == 3
    assert all(query.startswith(("SELECT ", "EXECUTE ")) for query in tap.queries)


def test_refused_query_is_silent_on_the_wire(world_to_read: Database) -> None:
    url = world_to_read.engine().url.render_as_string(hide_password=False)
    with wiretap(url) as tap, opened(tap.url) as database, client_of(database) as client:
        ask(client, PROVENANCE, id=1)
        tap.queries.clear()
        request(client, PROVENANCE, {"id": "one"})
    assert tap.queries == []
