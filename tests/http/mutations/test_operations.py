"""Several mutations in one operation: in order, and in one commit or none."""

import pytest
from psycopg2.errors import RestrictViolation
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError
from starlette.testclient import TestClient

from models.database.engines import Database
from serving.app import create_app
from serving.settings import Settings
from tests.conftest import client_of, local, opened
from tests.recorder import recording, wiretap
from tests.requests import ask, contents, encode, request, rows, send

IN_ORDER = """mutation {
  maker: createManufacturer(input: {name: "Pacari", location: "Quito", country: "EC"}) {
    manufacturer { manufacturerId } userErrors { code } }
  bar: createProduct(input: {name: "Raw", manufacturerId: 3, batchNumber: "R1"}) {
    product { productId manufacturer { name } } userErrors { code } }
  use: useCacaoBatch(input: {productId: 4, cacaoBatchId: 2, quantityKg: 5}) {
    product { cacaoBatches { edges { quantityKg } } } userErrors { code } }
  event: recordTransaction(input: {productId: 4, event: "moulded"}) {
    transaction { product { name cacaoBatches { totalCount } transactions { totalCount } } }
    userErrors { code } }
}"""

ONE_FAILS = """mutation ($kg: Decimal!) {
  a: createSupplier(input: {name: "A", location: "B"}) { supplier { supplierId } userErrors { code } }
  b: useCacaoBatch(input: {productId: 3, cacaoBatchId: 1, quantityKg: $kg}) {
    product { name } userErrors { code } }
  c: updateProduct(input: {productId: 1, name: "C"}) { product { name } userErrors { code } }
}"""

NOTHING = "mutation { updateProduct(input: {productId: 1}) { userErrors { code } } }"


def test_later_mutations_see_the_rows_of_earlier_ones(writable_client: TestClient) -> None:
    data = ask(writable_client, IN_ORDER)
    assert list(data) == ["maker", "bar", "use", "event"]
    assert data == {
        "maker": {"manufacturer": {"manufacturerId": 3}, "userErrors": []},
        "bar": {"product": {"productId": 4, "manufacturer": {"name": "Pacari"}}, "userErrors": []},
        "use": {
            "product": {"cacaoBatches": {"edges": [{"quantityKg": "5.000"}]}},
            "userErrors": [],
        },
        "event": {
            "transaction": {
                "product": {
                    "name": "Raw",
                    "cacaoBatches": {"totalCount": 1},
                    "transactions": {"totalCount": 1},
                }
            },
            "userErrors": [],
        },
    }


def test_earlier_payloads_do_not_see_later_rows(writable_client: TestClient) -> None:
    data = ask(
        writable_client,
        """mutation {
          a: updateProduct(input: {productId: 1, name: "One"}) { product { name } }
          b: updateProduct(input: {productId: 1, name: "Two"}) { product { name } } }""",
    )
    assert data == {"a": {"product": {"name": "One"}}, "b": {"product": {"name": "Two"}}}


def test_operation_is_one_commit(own_world: Database) -> None:
    url = own_world.engine().url.render_as_string(hide_password=False)
    with wiretap(url) as tap, opened(tap.url) as database, client_of(database) as client:
        ask(client, NOTHING)
        tap.queries.clear()
        ask(client, IN_ORDER)
    assert [query for query in tap.queries if query in ("COMMIT", "ROLLBACK")] == ["COMMIT"]
    assert rows(own_world, "SELECT count(*) FROM manufacturers") == [(3,)]


def test_failed_operation_never_commits(own_world: Database) -> None:
    url = own_world.engine().url.render_as_string(hide_password=False)
    with wiretap(url) as tap, opened(tap.url) as database, client_of(database) as client:
        ask(client, NOTHING)
        tap.queries.clear()
        request(client, ONE_FAILS, {"kg": "5000"})
    assert [query for query in tap.queries if query in ("COMMIT", "ROLLBACK")] == ["ROLLBACK"]


def test_one_user_error_takes_the_whole_operation_along(
    writable_client: TestClient, own_world: Database
) -> None:
    before = contents(own_world)
    answer = request(writable_client, ONE_FAILS, {"kg": "5000"})
    assert answer.status == 200
    assert answer.json["data"] == {
        "a": None,
        "b": {"product": None, "userErrors": [{"code": "OVERDRAWN"}]},
        "c": None,
    }
    assert [(error["path"], error["extensions"]["code"]) for error in answer.errors] == [
        (["a"], "ROLLED_BACK"),
        (["c"], "ROLLED_BACK"),
    ]
    assert contents(own_world) == before


def test_one_refused_input_takes_the_whole_operation_along(
    writable_client: TestClient, own_world: Database
) -> None:
    before = contents(own_world)
    mutation = """mutation ($name: String!) {
      a: createSupplier(input: {name: "A", location: "B"}) { supplier { supplierId } }
      b: createSupplier(input: {name: $name, location: "B"}) { supplier { supplierId } } }"""
    answer = request(writable_client, mutation, {"name": "a\0b"})
    assert answer.json["data"] == {"a": None, "b": None}
    assert [(error["path"], error["extensions"]["code"]) for error in answer.errors] == [
        (["b"], "BAD_USER_INPUT"),
        (["a"], "ROLLED_BACK"),
    ]
    assert contents(own_world) == before


def test_same_operation_without_the_failure_is_written(
    writable_client: TestClient, own_world: Database
) -> None:
    data = ask(writable_client, ONE_FAILS, kg="5")
    assert data["a"]["userErrors"] == data["b"]["userErrors"] == data["c"]["userErrors"] == []
    assert rows(own_world, "SELECT count(*) FROM suppliers") == [(3,)]
    assert rows(own_world, "SELECT name FROM products WHERE product_id = 1") == [("C",)]


def test_later_mutation_cannot_refer_to_what_failed(
    writable_client: TestClient, own_world: Database
) -> None:
    before = contents(own_world)
    mutation = """mutation {
      a: createManufacturer(input: {name: " ", location: "B"}) { userErrors { code } }
      b: createProduct(input: {name: "X", manufacturerId: 3, batchNumber: "X"}) {
        userErrors { code } } }"""
    data = ask(writable_client, mutation)
    assert data == {
        "a": {"userErrors": [{"code": "INVALID"}]},
        "b": {"userErrors": [{"code": "NOT_FOUND"}]},
    }
    assert contents(own_world) == before


def test_skipped_mutation_is_not_run(writable_client: TestClient, own_world: Database) -> None:
    before = contents(own_world)
    mutation = """mutation ($no: Boolean!) {
      __typename
      createSupplier(input: {name: "A", location: "B"}) @include(if: $no) { supplier { name } } }"""
    assert ask(writable_client, mutation, no=False) == {"__typename": "Mutation"}
    assert contents(own_world) == before


def test_only_the_named_operation_is_run(writable_client: TestClient, own_world: Database) -> None:
    document = """
      mutation a { createSupplier(input: {name: "A", location: "X"}) { supplier { name } } }
      mutation b { createSupplier(input: {name: "B", location: "X"}) { supplier { name } } }"""
    answer = send(writable_client, encode({"query": document, "operationName": "b"}))
    assert answer.json == {"data": {"createSupplier": {"supplier": {"name": "B"}}}}
    assert rows(own_world, "SELECT name FROM suppliers WHERE supplier_id > 2") == [("B",)]


# ---------------------------------------------------------------- events are append-only


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE transactions SET event = 'x' WHERE transaction_id = 1",
        "DELETE FROM transactions WHERE transaction_id = 1",
        "TRUNCATE transactions",
        "TRUNCATE products CASCADE",
    ],
)
def test_recorded_transactions_cannot_be_changed(own_world: Database, statement: str) -> None:
    before = contents(own_world)
    with own_world.engine().connect() as connection:
        with pytest.raises(IntegrityError) as caught:
            connection.execute(text(statement))
        assert isinstance(caught.value.orig, RestrictViolation)
    assert contents(own_world) == before


def test_schema_offers_no_mutation_that_changes_a_transaction(writable_client: TestClient) -> None:
    data = ask(writable_client, '{ __type(name: "Mutation") { fields { name } } }')
    names = [field["name"] for field in data["__type"]["fields"]]
    assert [name for name in names if "ransaction" in name] == ["recordTransaction"]
    assert [name for name in names if name.startswith(("delete", "remove"))] == []


# ---------------------------------------------------------------- who has not signed in


def test_public_writes_nothing(own_world: Database) -> None:
    before = contents(own_world)
    app = create_app(Settings(), own_world)
    with local(app) as client, recording(own_world) as statements:
        answer = request(client, ONE_FAILS, {"kg": "1"})
    assert answer.status == 200
    assert "data" not in answer.json
    assert {*answer.codes} == {"UNAUTHENTICATED"}
    assert [error["path"] for error in answer.json["errors"]][:3] == [["a"], ["b"], ["c"]]
    assert statements == []
    assert contents(own_world) == before


def test_public_writes_nothing_by_the_rest_endpoint(own_world: Database) -> None:
    before = contents(own_world)
    body = encode({"name": "A", "manufacturer_id": 1, "batch_number": "B"})
    with local(create_app(Settings(), own_world)) as client:
        answer = send(client, body, "/api/products")
    told = "`Mutation.createProduct` is for operator, admin: sign in."
    assert (answer.status, answer.json) == (401, {"error": told})
    assert answer.headers["www-authenticate"] == "Bearer"
    assert contents(own_world) == before


def test_public_reads(own_world: Database) -> None:
    with local(create_app(Settings(), own_world)) as client:
        assert ask(client, "{ products { totalCount } }") == {"products": {"totalCount": 3}}


def test_query_cannot_write(own_world: Database) -> None:
    with own_world.reader() as connection, pytest.raises(DBAPIError, match="read-only transaction"):
        connection.execute(text("INSERT INTO suppliers (name, location) VALUES ('a', 'b')"))
