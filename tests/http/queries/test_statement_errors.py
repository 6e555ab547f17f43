"""A failing statement is an internal error, not an unavailable database; cursors stay valid."""

import re
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from models.database.engines import Database
from tests.conftest import client_of
from tests.requests import Answer, ask, request
from tests.writing import run_sql

WORLD = """
insert into suppliers (name) values ('S');
insert into cacao_batches (supplier_id, harvest_date, quantity) values (1, '2025-10-01', 10), (1, '2025-10-02', 10);
insert into cacao_batch_input (output_batch_id, input_batch_id, quantity_kg) values (2, 1, 5);
insert into products (name) values ('P');
insert into product_cacao_batch (product_id, cacao_batch_id, quantity_kg) values (1, 2, 1)"""
# As a database of an earlier version may be: nothing refuses NaN.
BROKEN = """
alter table cacao_batches drop constraint cacao_batches_quantity_exact;
alter table cacao_batch_input drop constraint cacao_batch_input_quantity_kg_exact;
set local session_replication_role = replica;
update cacao_batches set quantity = 'NaN' where cacao_batch_id = 1;
update cacao_batch_input set quantity_kg = 'NaN'"""
UNSUPPORTED = """
create or replace function search_key(value text) returns text language plpgsql immutable strict as $$
begin raise 'not this' using errcode = 'feature_not_supported'; end $$"""
FAULTS = [
    (BROKEN, "{ cacaoBatch(by: {cacaoBatchId: 1}) { impact { quantityKg } } }"),
    (BROKEN, "{ cacaoBatch(by: {cacaoBatchId: 2}) { origins { nodes { quantityKg } } } }"),
    (BROKEN, "{ product(by: {productId: 1}) { trace { lotCount } } }"),
    (UNSUPPORTED, '{ products(filter: {name: {contains: "P"}}) { totalCount } }'),
    (UNSUPPORTED, '{ viewer { role } products(filter: {name: {contains: "P"}}) { totalCount } }'),
    (
        BROKEN,
        """mutation { updateProduct(input: {productId: 1, name: "X"}) {
            product { trace { lotCount } } } }""",
    ),
]


@pytest.fixture
def small(fresh: Database) -> Database:
    run_sql(fresh, WORLD)
    return fresh


@pytest.fixture
def client(small: Database) -> Iterator[TestClient]:
    with client_of(small) as client:
        yield client


def is_masked(answer: Answer, caplog: pytest.LogCaptureFixture) -> bool:
    (error,) = answer.errors
    correlation = error["extensions"]["correlationId"]
    logged = [r.getMessage() for r in caplog.records if r.name == "cacaotrace.errors"]
    return (
        answer.codes == ["INTERNAL_SERVER_ERROR"]
        and error["message"] == f"Internal error, reference {correlation}."
        and logged == [f"internal error {correlation}"]
    )


@pytest.mark.parametrize(("broken", "query"), FAULTS)
def test_error_of_a_statement_is_an_internal_error_that_is_logged(
    small: Database,
    client: TestClient,
    caplog: pytest.LogCaptureFixture,
    broken: str,
    query: str,
) -> None:
    run_sql(small, broken)
    answer = request(client, query)
    # A mutation was executed: its field is null in a response that is otherwise well-formed.
    assert answer.status == (200 if query.startswith("mutation") else 500)
    assert is_masked(answer, caplog)
    assert "retry-after" not in answer.headers
    # Other requests succeed.
    assert ask(client, "{ suppliers { totalCount } }") == {"suppliers": {"totalCount": 1}}


EDGES_OF_TIME = """
insert into products (name, production_date) values ('A', '0001-01-01'), ('B', '9999-12-31'), ('C', null);
insert into transactions (product_id, event, "timestamp", record_time) values
  (1, 'a', '0001-01-01 00:00+00', '0001-01-01 00:00+00'), (1, 'b', '9999-12-31 23:59:59.999999+00', now()),
  (1, 'c', '2026-01-01 00:00:00.5+00', now());
insert into cacao_batches (harvest_date, quantity) values
  ('0001-01-01', 0.001), ('9999-12-31', 99999999999.999), ('2025-01-01', 1.50000)"""


@pytest.mark.parametrize(
    ("field", "order"),
    [
        ("products", "PRODUCTION_DATE"),
        ("products", "COCOA_PERCENT"),
        ("transactions", "TIMESTAMP"),
        ("cacaoBatches", "HARVEST_DATE"),
        ("cacaoBatches", "QUANTITY_KG"),
        ("cacaoBatches", "STAGE"),
    ],
)
@pytest.mark.parametrize("direction", ["ASC", "DESC"])
def test_every_cursor_of_ours_is_read(
    small: Database, client: TestClient, field: str, order: str, direction: str
) -> None:
    run_sql(small, EDGES_OF_TIME.replace(":", "\\:"))
    page = f"orderBy: [{{field: {order}, direction: {direction}}}]"
    whole = ask(client, f"{{ {field}({page}) {{ edges {{ cursor node {{ id }} }} }} }}")[field]
    found, after = [], "null"
    for _ in whole["edges"]:
        query = f"{{ {field}(first: 1, after: {after}, {page}) {{ edges {{ cursor node {{ id }} }} }} }}"
        (edge,) = ask(client, query)[field]["edges"]
        found.append(edge)
        after = f'"{edge["cursor"]}"'
    assert found == whole["edges"]
    assert len(found) >= 3
    assert all(re.fullmatch("[A-Za-z0-9+/=]+", edge["cursor"]) for edge in found)
