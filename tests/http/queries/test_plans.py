"""No standard query scans a large table.

On 30,000 products, where PostgreSQL already prefers an index to a scan for anything but a large part
of a table; the same statements run on millions.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from graphql import OperationDefinitionNode, parse
from graphql.execution.values import VariableValues, get_variable_values
from sqlalchemy import text

from graph.auth.permissions import Permissions
from graph.auth.roles import ADMIN
from graph.planner.build import Builder
from graph.planner.reader import StatementCache
from graph.schema import schema
from models import sample_data
from models.database.engines import Database
from tests.conftest import Cluster, opened
from tests.http.queries.test_statements import AUDIT, PAGE, PROVENANCE

PRODUCTS = 30_000
BIG = {"products", "transactions", "product_cacao_batch", "cacao_batches", "cacao_batch_input"}

SEARCHES = {
    "by name": '{ products(first: 20, filter: {name: {contains: "arriba nac"}}) { nodes { name } } }',
    "by GTIN": '{ products(filter: {gtin: {eq: "04006381333931"}}) { nodes { name } } }',
    "by batch number": '{ products(filter: {batchNumber: {eq: "L26076A"}}) { nodes { name } } }',
    "ordered by name": "{ products(last: 20, orderBy: [{field: NAME}]) { nodes { name } } }",
    "a maker's": "{ manufacturer(by: {manufacturerId: 7}) { products(first: 20) { nodes { name } } } }",
    "last events": "{ transactions(last: 20, orderBy: [{field: TIMESTAMP}]) { nodes { event } } }",
    "lineage": """{ cacaoBatch(by: {cacaoBatchId: 9}) { outputs { nodes { outputs { nodes {
        products { nodes { name } } } } } } } }""",
}
STANDARD: dict[str, tuple[str, dict[str, Any]]] = {
    "provenance": (PROVENANCE, {"id": 1}),
    "page": (PAGE, {}),
    "audit": (AUDIT, {"id": 1}),
    **{name: (query, {}) for name, query in SEARCHES.items()},
}


@pytest.fixture(scope="module")
def big(cluster: Cluster, schema_template: str) -> Iterator[Database]:
    url = cluster.create(schema_template)
    with opened(url) as database:
        sample_data.fill(database, sample_data.SampleSize.for_products(PRODUCTS))
        yield database
    cluster.drop(url)


def explain(database: Database, query: str, variables: dict[str, Any]) -> dict[str, Any]:
    (operation,) = parse(query).definitions
    assert isinstance(operation, OperationDefinitionNode)
    coerced = get_variable_values(schema._schema, operation.variable_definitions or (), variables)
    assert isinstance(coerced, VariableValues)
    template = Builder(schema._schema, Permissions()).plan(operation, {}, coerced, ADMIN)
    compiled = StatementCache().compiled(template.operation)
    bound = compiled.bound(template.fill(coerced.coerced))
    with database.engine().connect() as connection:
        connection.execute(text("SET LOCAL plan_cache_mode = force_generic_plan"))
        statement = f"EXPLAIN (FORMAT JSON) {compiled.statement.unprepared}"
        plan = connection.exec_driver_sql(statement, bound).scalar_one()
    explained: dict[str, Any] = (json.loads(plan) if isinstance(plan, str) else plan)[0]
    return explained


def scans(node: Any) -> Iterator[str]:
    """Yield the tables that a plan reads sequentially."""
    if isinstance(node, dict):
        if node.get("Node Type") == "Seq Scan":
            yield node["Relation Name"]
        node = list(node.values())
    if isinstance(node, list):
        for item in node:
            yield from scans(item)


@pytest.mark.parametrize("name", STANDARD)
def test_standard_query_scans_no_big_table(big: Database, name: str) -> None:
    query, variables = STANDARD[name]
    assert BIG & set(scans(explain(big, query, variables))) == set()


def test_guard_sees_a_scan(big: Database) -> None:
    query = '{ products(filter: {description: {eq: "x"}}) { nodes { name } } }'
    assert "products" in set(scans(explain(big, query, {})))
