"""Columns that rows of the first design lack are null at every endpoint."""

import pytest
from starlette.testclient import TestClient

from models.database.engines import Database
from tests.requests import ask, fetch
from tests.writing import run_sql

GAPS = """
insert into manufacturers (name) values ('Nowhere');
insert into suppliers (name) values ('Somebody');
insert into products (name, manufacturer_id) values ('Bar', 3);
insert into cacao_batches (supplier_id, harvest_date, quantity) values
  (null, '2025-10-01', 10), (3, '2025-10-01', 10);
insert into cacao_batch_input (output_batch_id, input_batch_id, quantity_kg) values (6, 5, 1);
insert into product_cacao_batch (product_id, cacao_batch_id, quantity_kg) values (4, 6, 2.5);
insert into transactions (event) values ('lost')"""


@pytest.fixture
def gaps(writable_client: TestClient, own_world: Database) -> TestClient:
    run_sql(own_world, GAPS)
    return writable_client


def test_gaps_read_as_null(gaps: TestClient) -> None:
    document = """{
      cacaoBatch(by: {cacaoBatchId: 5}) { quantityKg supplier { name } }
      other: cacaoBatch(by: {cacaoBatchId: 6}) { supplier { name location } }
      product(by: {productId: 4}) { manufacturer { name location }
        cacaoBatches { edges { quantityKg } } trace { lots { nodes { cacaoBatch { supplier { name } } } } } }
      transactions(last: 1) { nodes { event product { name } cacaoBatch { stage } } }
      cacaoBatches(filter: {supplier: {name: {eq: "Somebody"}}}) { totalCount } }"""
    assert ask(gaps, document) == {
        "cacaoBatch": {"quantityKg": "10.000", "supplier": None},
        "other": {"supplier": {"name": "Somebody", "location": None}},
        "product": {
            "manufacturer": {"name": "Nowhere", "location": None},
            "cacaoBatches": {"edges": [{"quantityKg": "2.500"}]},
            "trace": {
                "lots": {
                    "nodes": [
                        {"cacaoBatch": {"supplier": {"name": "Somebody"}}},
                        {"cacaoBatch": {"supplier": None}},
                    ]
                }
            },
        },
        "transactions": {"nodes": [{"event": "lost", "product": None, "cacaoBatch": None}]},
        "cacaoBatches": {"totalCount": 1},
    }


def test_drawing_and_list_of_an_impact_show_gaps(gaps: TestClient) -> None:
    drawing = fetch(gaps, "/trace/UHJvZHVjdDo0.svg")
    assert drawing.status == 200
    assert b"Nowhere" in drawing.body
    assert b"None" not in drawing.body
    listed = fetch(gaps, "/trace/5/impact.csv").body.decode("utf-8-sig").splitlines()
    assert listed[1] == "product,4,Bar,,,,Nowhere,,,2,2.500,"
