"""The explanation of a request: for developers, never in production."""

from pathlib import Path

from starlette.testclient import TestClient

from graph.endpoints.graphql import application
from models.database.engines import Database
from tests.conftest import local

QUERY = "{ product(by: {productId: 1}) { name cacaoBatches(first: 0) { nodes { stage } } } }"
EXPLAIN = {"x-explain": "1"}


def test_explain_names_way_plan_sql_and_cost(client: TestClient) -> None:
    plain = client.post("/graphql", json={"query": QUERY}).json()
    answer = client.post("/graphql", json={"query": QUERY}, headers=EXPLAIN).json()
    explained = answer["extensions"]["explain"]
    assert answer["data"] == plain["data"]
    assert (explained["way"], explained["why"]) == ("through", "every root field is a planned read")
    assert explained["sql"].startswith("SELECT ")
    assert explained["cost"]["total"] > explained["cost"]["startup"] >= 0
    product = explained["plan"]["fields"]["product"]
    assert product["kind"] == "Lookup"
    assert product["shape"]["fields"]["cacaoBatches"]["limit"] == 0
    assert explained["planCache"]["hits"] >= 1


def test_explain_says_why_an_answer_was_completed(client: TestClient) -> None:
    query = "{ __schema { queryType { name } } products(first: 1) { nodes { id } } }"
    answer = client.post("/graphql", json={"query": query}, headers=EXPLAIN).json()
    assert answer["extensions"]["explain"]["way"] == "completed"


def test_explain_of_a_mutation_is_empty_and_writes_once(writer: TestClient) -> None:
    query = """mutation { createSupplier(input: {name: "Once", location: "Here"}) {
        userErrors { code } } }"""
    answer = writer.post("/graphql", json={"query": query}, headers=EXPLAIN).json()
    assert answer["extensions"]["explain"] == {}
    counted = '{ suppliers(filter: {name: {eq: "Once"}}) { totalCount } }'
    found = writer.post("/graphql", json={"query": counted}).json()
    assert found["data"]["suppliers"]["totalCount"] == 1


def test_explain_is_off_for_a_given_database(sample: Database, tmp_path: Path) -> None:
    app = application(sample, web=tmp_path)
    with local(app) as outside:
        answer = outside.post("/graphql", json={"query": QUERY}, headers=EXPLAIN).json()
    assert list(answer["extensions"]) == ["cost"]
