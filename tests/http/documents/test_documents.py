"""GraphQL documents: aliases, fragments, directives, variables, and their order."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from models.database.engines import Database
from tests.recorder import recording
from tests.requests import ask, encode, global_id, send

LONG_ALIAS = "a" * 64 + "_one"
OTHER_ALIAS = "a" * 64 + "_two"


def test_aliases_longer_than_a_postgres_name_stay_apart(reader: TestClient) -> None:
    query = f"""{{ {LONG_ALIAS}: products(first: 1) {{ nodes {{
        {LONG_ALIAS}: name {OTHER_ALIAS}: productId }} }}
      {OTHER_ALIAS}: products(first: 1) {{ {LONG_ALIAS}: totalCount
        {OTHER_ALIAS}: pageInfo {{ {LONG_ALIAS}: hasNextPage {OTHER_ALIAS}: hasPreviousPage }} }} }}"""
    assert ask(reader, query) == {
        LONG_ALIAS: {"nodes": [{LONG_ALIAS: "Noir Café 70%", OTHER_ALIAS: 1}]},
        OTHER_ALIAS: {
            LONG_ALIAS: 3,
            OTHER_ALIAS: {LONG_ALIAS: True, OTHER_ALIAS: False},
        },
    }


@pytest.mark.parametrize("number", [63, 64, 65, 2_000])
def test_alias_of_any_length_is_kept(reader: TestClient, number: int) -> None:
    alias = "x" * number
    data = ask(reader, f"{{ products(last: 1) {{ nodes {{ {alias}: productId }} }} }}")
    assert data == {"products": {"nodes": [{alias: 3}]}}


@pytest.mark.parametrize("number", [100, 101, 120, 1_600, 1_601, 1_700, 2_000])
def test_object_has_as_many_fields_as_are_asked_for(
    unlimited_reader: TestClient, world_to_read: Database, number: int
) -> None:
    fields = " ".join(f"f{index}: {('name', 'productId')[index % 2]}" for index in range(number))
    with recording(world_to_read) as statements:
        data = ask(unlimited_reader, f"{{ product(by: {{productId: 1}}) {{ {fields} }} }}")
    assert len(statements) == 1
    assert data["product"] == {
        f"f{index}": ("Noir Café 70%", 1)[index % 2] for index in range(number)
    }
    assert list(data["product"]) == [f"f{index}" for index in range(number)]


def test_page_of_objects_with_2000_fields_is_answered(unlimited_reader: TestClient) -> None:
    fields = " ".join(f"f{index}: batchNumber" for index in range(2_000))
    query = f"{{ products {{ nodes {{ {fields} }} totalCount pageInfo {{ hasNextPage }} }} }}"
    nodes = ask(unlimited_reader, query)["products"]["nodes"]
    assert [set(node.values()) for node in nodes] == [{"L1"}, {"L2"}, {None}]


def test_120_connections_of_one_object_are_one_statement(
    unlimited_reader: TestClient, world_to_read: Database
) -> None:
    fields = " ".join(f"c{index}: transactions(first: 1) {{ totalCount }}" for index in range(120))
    with recording(world_to_read) as statements:
        data = ask(unlimited_reader, f"{{ product(by: {{productId: 1}}) {{ {fields} }} }}")
    assert len(statements) == 1
    assert set(map(str, data["product"].values())) == {"{'totalCount': 2}"}


def test_one_field_under_several_aliases_has_several_pages(reader: TestClient) -> None:
    query = """{ product(by: {productId: 1}) {
      first: cacaoBatches(first: 1) { nodes { cacaoBatchId } }
      last: cacaoBatches(last: 1) { nodes { cacaoBatchId } }
      none: cacaoBatches(filter: {stage: {eq: NIBS}}) { nodes { cacaoBatchId } totalCount } } }"""
    assert ask(reader, query)["product"] == {
        "first": {"nodes": [{"cacaoBatchId": 1}]},
        "last": {"nodes": [{"cacaoBatchId": 4}]},
        "none": {"nodes": [], "totalCount": 0},
    }


def test_keys_stand_in_the_order_of_the_document(reader: TestClient) -> None:
    query = """{ z: __typename products(first: 1) { pageInfo { b: hasNextPage a: endCursor }
      totalCount edges { node { name id __typename productId } cursor } } a: __typename }"""
    data = ask(reader, query)
    assert list(data) == ["z", "products", "a"]
    assert list(data["products"]) == ["pageInfo", "totalCount", "edges"]
    assert list(data["products"]["pageInfo"]) == ["b", "a"]
    assert list(data["products"]["edges"][0]) == ["node", "cursor"]
    node = data["products"]["edges"][0]["node"]
    assert list(node) == ["name", "id", "__typename", "productId"]


def test_field_asked_for_twice_is_merged(reader: TestClient) -> None:
    query = """{ product(by: {productId: 1}) { name } ...f product(by: {productId: 1}) { gtin } }
      fragment f on Query { product(by: {productId: 1}) { manufacturer { name } ...g } }
      fragment g on Product { manufacturer { location name } name }"""
    assert list(ask(reader, query)["product"].items()) == [
        ("name", "Noir Café 70%"),
        ("manufacturer", {"name": "Bonnat", "location": "Voiron"}),
        ("gtin", "04006381333931"),
    ]


def test_typename_is_there_everywhere(reader: TestClient) -> None:
    query = """{ __typename product(by: {productId: 1}) { __typename
      cacaoBatches(first: 1) { __typename pageInfo { __typename } edges { __typename
        node { __typename supplier { __typename } } } nodes { t: __typename } }
      transactions(first: 1) { __typename edges { __typename } } } }"""
    assert ask(reader, query) == {
        "__typename": "Query",
        "product": {
            "__typename": "Product",
            "cacaoBatches": {
                "__typename": "CacaoBatchFlowConnection",
                "pageInfo": {"__typename": "PageInfo"},
                "edges": [
                    {
                        "__typename": "CacaoBatchFlowEdge",
                        "node": {
                            "__typename": "CacaoBatch",
                            "supplier": {"__typename": "Supplier"},
                        },
                    }
                ],
                "nodes": [{"t": "CacaoBatch"}],
            },
            "transactions": {
                "__typename": "TransactionConnection",
                "edges": [{"__typename": "TransactionEdge"}],
            },
        },
    }


@pytest.mark.parametrize(
    ("skip", "include"), [(a, b) for a in (True, False) for b in (True, False)]
)
def test_skip_and_include_are_obeyed(reader: TestClient, skip: bool, include: bool) -> None:
    query = """query ($skip: Boolean!, $include: Boolean!) { product(by: {productId: 1}) {
      a: name @skip(if: $skip)
      b: name @include(if: $include)
      c: name @skip(if: $skip) @include(if: $include)
      ... on Product @skip(if: $skip) { d: name }
      ...f @include(if: $include)
      f: manufacturer @include(if: $include) { name } } }
      fragment f on Product { e: name }"""
    expected = [
        *(["a"] if not skip else []),
        *(["b"] if include else []),
        *(["c"] if include and not skip else []),
        *(["d"] if not skip else []),
        *(["e", "f"] if include else []),
    ]
    assert list(ask(reader, query, skip=skip, include=include)["product"]) == expected


def test_object_without_a_field_left_is_empty(reader: TestClient) -> None:
    query = """{ product(by: {productId: 1}) { name @skip(if: true) }
      products { nodes { name @include(if: false) } }
      missing: product(by: {productId: 9}) { name @skip(if: true) } }"""
    assert ask(reader, query) == {
        "product": {},
        "products": {"nodes": [{}, {}, {}]},
        "missing": None,
    }


def test_variables_have_defaults(reader: TestClient) -> None:
    query = """query ($n: Int = 2, $o: OrderDirection! = DESC, $f: ProductFilter = {productId: {lt: 3}}) {
      products(first: $n, filter: $f, orderBy: {field: PRODUCT_ID, direction: $o}) {
        nodes { productId } } }"""

    def keys(**variables: Any) -> list[int]:
        nodes = ask(reader, query, **variables)["products"]["nodes"]
        return [node["productId"] for node in nodes]

    assert keys() == [2, 1]
    assert keys(n=1) == [2]
    assert keys(n=None, f=None, o="ASC") == [1, 2, 3]


def test_argument_of_an_absent_variable_is_left_out(reader: TestClient) -> None:
    query = """query ($first: Int, $after: String, $order: [ProductOrder!], $filter: ProductFilter) {
      products(first: $first, after: $after, orderBy: $order, filter: $filter) { totalCount } }"""
    assert ask(reader, query) == {"products": {"totalCount": 3}}
    assert ask(reader, query, first=None, after=None, order=None, filter=None) == {
        "products": {"totalCount": 3}
    }


def test_variables_inside_of_input_objects_are_read(reader: TestClient) -> None:
    query = """query ($name: String, $id: Int!, $direction: OrderDirection!) {
      products(filter: {or: [{name: {eq: $name}}, {productId: {in: [$id]}}]},
               orderBy: [{field: NAME, direction: $direction}]) { nodes { productId } } }"""
    data = ask(reader, query, name="noir cafe_lait", id=3, direction="DESC")
    assert data["products"]["nodes"] == [{"productId": 3}, {"productId": 2}]


def test_fragments_on_node_apply_to_what_they_name(reader: TestClient) -> None:
    query = """query ($ids: [ID!]!) { nodes(ids: $ids) { ...any ...bar ... on Supplier { name } } }
      fragment any on Node { key: id ... on Product { gtin } ... on Node { __typename } }
      fragment bar on Product { name ... on Node { id } }"""
    ids = [global_id("Product", 1), global_id("Supplier", 1)]
    assert ask(reader, query, ids=ids)["nodes"] == [
        {
            "key": ids[0],
            "gtin": "04006381333931",
            "__typename": "Product",
            "name": "Noir Café 70%",
            "id": ids[0],
        },
        {"key": ids[1], "__typename": "Supplier", "name": "ECOOKIM"},
    ]


def test_alias_may_be_the_name_of_another_field(reader: TestClient) -> None:
    query = """{ product(by: {productId: 1}) { name: batchNumber batchNumber: name id: productId
      productId: id manufacturer: gtin o: manufacturer { name: location } } }"""
    assert ask(reader, query)["product"] == {
        "name": "L1",
        "batchNumber": "Noir Café 70%",
        "id": 1,
        "productId": global_id("Product", 1),
        "manufacturer": "04006381333931",
        "o": {"name": "Voiron"},
    }


def test_aliases_that_sql_reserves_are_only_names(reader: TestClient) -> None:
    names = ["select", "from", "user", "o", "x1", "t1", "p0", "item0", "place__", "Quantity", "_"]
    fields = " ".join(f"{name}: productId" for name in names)
    query = f"{{ products(first: 1) {{ nodes {{ {fields} }} pageInfo {{ more: hasNextPage }} }} }}"
    data = ask(reader, query)
    assert data["products"]["nodes"] == [dict.fromkeys(names, 1)]


@pytest.mark.parametrize("prefix", ["x", "p", "t", "q", "g", "s", "e"])
def test_aliases_that_the_statement_makes_are_only_names(reader: TestClient, prefix: str) -> None:
    """A response key that is the alias of the row it stands in."""
    for number in ("", *range(1, 20)):
        name = f"{prefix}{number}"
        row = f"{{ {name}: name manufacturer {{ {name}: name }} }}"
        query = f"""{{ {name}: products(first: 1) {{ {name}: nodes {row} }}
          one: product(by: {{productId: 1}}) {row}
          page: products(first: 1) {{ nodes {row} pageInfo {{ {name}: hasNextPage }} }} }}"""
        data = ask(reader, query)
        shown = {name: "Noir Café 70%", "manufacturer": {name: "Bonnat"}}
        assert data[name] == {name: [shown]}, query
        assert data["one"] == shown, query
        assert data["page"]["nodes"] == [shown], query
        assert data["page"]["pageInfo"] == {name: True}, query


def test_only_the_named_operation_is_answered(reader: TestClient, world_to_read: Database) -> None:
    document = "query a { products { totalCount } } query b { suppliers { totalCount } }"
    with recording(world_to_read) as statements:
        answer = send(reader, encode({"query": document, "operationName": "b"}))
    assert answer.json == {"data": {"suppliers": {"totalCount": 2}}}
    assert len(statements) == 1
    assert "products" not in statements[0]
