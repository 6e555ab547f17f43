"""Truncated impacts, and origins for a role that may not see shares."""

import base64
import json
from typing import Any
from unittest.mock import patch

import pytest
from starlette.testclient import TestClient

from models.database.engines import Database
from serving.app import create_app
from serving.settings import Settings
from tests.conftest import client_of, local
from tests.http.lineage.test_impact import impact, table
from tests.requests import ask, cursor, global_id, request

# ---------------------------------------------------------------- truncated

OUTPUTS = """SET session_replication_role = replica;
INSERT INTO suppliers (supplier_id, name, location) VALUES (1, 'S', 'L');
INSERT INTO cacao_batches (cacao_batch_id, supplier_id, quantity, stage)
  SELECT n, 1, 1000000, 'liquor' FROM generate_series(1, {last}) n;
INSERT INTO cacao_batch_input (output_batch_id, input_batch_id, quantity_kg)
  SELECT n, 1, 1 FROM generate_series(2, {last}) n;
INSERT INTO products (product_id, name) VALUES (1, 'P');
INSERT INTO product_cacao_batch (product_id, cacao_batch_id, quantity_kg) VALUES (1, {last}, 1)"""
COUNTED = """{ cacaoBatch(by: {cacaoBatchId: 1}) {
  impact { affected lotCount productCount quantityKg truncated }
  trace(direction: FORWARD) { lotCount truncated } } }"""


@pytest.mark.parametrize(("outputs", "truncated"), [(100_000, False), (100_001, True)])
def test_as_many_outputs_as_are_read_are_not_truncated(
    fresh: Database, outputs: int, truncated: bool
) -> None:
    with fresh.engine().begin() as connection:
        for statement in OUTPUTS.format(last=outputs + 1).split(";"):
            connection.exec_driver_sql(statement)
    with client_of(fresh) as client:
        found = ask(client, COUNTED)["cacaoBatch"]
    assert found["trace"] == {"lotCount": 100_000, "truncated": truncated}
    impact = found["impact"]
    assert (impact["lotCount"], impact["truncated"]) == (100_000, truncated)
    if not truncated:
        assert (impact["productCount"], impact["quantityKg"]) == (1, "1.000")
    else:
        assert impact["quantityKg"] is None


def test_a_truncated_impact_states_no_mass_and_denies_nothing(reader: TestClient) -> None:
    with patch("models.lineage.reach.MAX_TRACED_LOTS", 0):
        found = impact(reader, 2)
        rows = table(reader, "/trace/2/impact.csv")
    assert found == {
        "affected": True,
        "lotCount": 0,
        "productCount": 0,
        "manufacturerCount": 0,
        "quantityKg": None,
        "truncated": True,
        "products": {"nodes": []},
        "manufacturers": {"nodes": []},
    }
    assert [row["finding"] for row in rows] == [
        "incomplete: more was made from it than is read; what follows is a part"
    ]


def test_a_truncated_impact_lists_the_products_it_read_without_their_masses(
    reader: TestClient,
) -> None:
    with patch("models.lineage.reach.MAX_TRACED_LOTS", 0):
        found = impact(reader, 1)
        rows = table(reader, "/trace/1/impact.csv")
    assert (found["productCount"], found["quantityKg"], found["truncated"]) == (1, None, True)
    assert found["products"]["nodes"] == [
        {"depth": 1, "quantityKg": None, "product": {"productId": 1}}
    ]
    assert [(row["finding"][:10], row["product_id"], row["quantity_kg"]) for row in rows] == [
        ("incomplete", "", ""),
        ("product", "1", ""),
    ]


def test_several_lots_that_are_read_together_leave_each_other_the_room(reader: TestClient) -> None:
    ids = [global_id("CacaoBatch", number) for number in (1, 2, 3)]
    query = """query ($ids: [ID!]!) { nodes(ids: $ids) { ... on CacaoBatch {
      impact { lotCount truncated } } } }"""
    # Lots 3 and 4 are made of 1 and 2, and lot 4 of 3.
    with patch("models.lineage.reach.MAX_TRACED_LOTS", 1):
        found = ask(reader, query, ids=ids)["nodes"]
    assert found == [
        {"impact": {"lotCount": 2, "truncated": False}},
        {"impact": {"lotCount": 2, "truncated": False}},
        {"impact": {"lotCount": 1, "truncated": False}},
    ]


def test_a_lot_without_inputs_is_its_own_only_origin(reader: TestClient) -> None:
    query = """{ cacaoBatch(by: {cacaoBatchId: 1}) {
      origins { totalCount nodes { share cacaoBatch { cacaoBatchId } } } } }"""
    assert ask(reader, query)["cacaoBatch"]["origins"] == {
        "totalCount": 1,
        "nodes": [{"share": "1.000000000000", "cacaoBatch": {"cacaoBatchId": 1}}],
    }


# ---------------------------------------------------------------- what a role may not see

PAGE = """query ($after: String, $before: String) { product(by: {productId: 1}) {
  origins(first: 10, after: $after, before: $before) { totalCount
    pageInfo { startCursor endCursor } edges { cursor node { cacaoBatch { cacaoBatchId } } } } } }"""


def read_cursors(page: Any) -> list[Any]:
    found = [edge["cursor"] for edge in page["edges"]]
    assert [page["pageInfo"]["startCursor"], page["pageInfo"]["endCursor"]] == [found[0], found[-1]]
    return [json.loads(base64.b64decode(cursor)) for cursor in found]


def test_origins_reveal_no_share_to_roles_without_it(own_world: Database) -> None:
    with own_world.engine().begin() as connection:
        connection.exec_driver_sql("SET session_replication_role = replica")
        # The second origin has the larger share.
        connection.exec_driver_sql(
            "UPDATE product_cacao_batch SET quantity_kg = 0.001 WHERE cacao_batch_id = 1"
        )
        connection.exec_driver_sql(
            "UPDATE cacao_batch_input SET quantity_kg = 1 WHERE input_batch_id = 1"
        )
    app = create_app(Settings(dev_role="public"), own_world)
    with local(app) as public, client_of(own_world) as staff:
        shown = ask(staff, PAGE)["product"]["origins"]
        hidden = ask(public, PAGE)["product"]["origins"]
        assert [edge["node"]["cacaoBatch"]["cacaoBatchId"] for edge in shown["edges"]] == [2, 1]
        assert [edge["node"]["cacaoBatch"]["cacaoBatchId"] for edge in hidden["edges"]] == [1, 2]
        assert hidden["totalCount"] == shown["totalCount"] == 2
        assert read_cursors(hidden) == [
            ["Product.origins_by_number", 1],
            ["Product.origins_by_number", 2],
        ]
        first = hidden["edges"][0]["cursor"]
        (rest,) = ask(public, PAGE, after=first)["product"]["origins"]["edges"]
        assert rest == hidden["edges"][1]
        # Neither a cursor that was passed on nor one that was made up probes a share.
        forged = [
            shown["edges"][0]["cursor"],
            cursor("Product.origins", -500_000_000_000, 1),
            cursor("Product.origins_by_number", -500_000_000_000, 1),
        ]
        for given in forged:
            for name in ("after", "before"):
                assert request(public, PAGE, {name: given}).codes == ["INVALID_CURSOR"]
        assert request(staff, PAGE, {"after": first}).codes == ["INVALID_CURSOR"]


EVERY = """{
  product(by: {productId: 1}) { trace { lots { edges { cursor } } flows { edges { cursor } } } }
  cacaoBatch(by: {cacaoBatchId: 1}) {
    trace(direction: FORWARD) { products { edges { cursor } } flows { edges { cursor } } }
    origins { edges { cursor } }
    impact { products { edges { cursor } } manufacturers { edges { cursor } } } }
  products(orderBy: [{field: NAME}]) { edges { cursor } }
  transactions { edges { cursor } } }"""


def cursors_in(value: Any) -> list[list[Any]]:
    if isinstance(value, dict):
        found = [json.loads(base64.b64decode(value["cursor"]))] if "cursor" in value else []
        return found + [each for item in value.values() for each in cursors_in(item)]
    return [each for item in value for each in cursors_in(item)] if isinstance(value, list) else []


def test_no_cursor_of_the_public_changes_with_what_it_may_not_see(own_world: Database) -> None:
    """Kilograms, losses and holds of a world differ: the answers to the public do not."""
    app = create_app(Settings(dev_role="public"), own_world)
    with local(app) as public:
        before = request(public, EVERY)
        assert len(cursors_in(before.json["data"])) > 20
        with own_world.engine().begin() as connection:
            for statement in (
                "UPDATE product_cacao_batch SET quantity_kg = 0.5 + cacao_batch_id",
                "UPDATE cacao_batch_input SET quantity_kg = 1 + input_batch_id",
                "INSERT INTO losses (cacao_batch_id, quantity_kg, reason) VALUES (1, 3, 'theft')",
                "INSERT INTO holds (cacao_batch_id, reason) VALUES (1, 'r')",
            ):
                connection.exec_driver_sql(statement)
        assert request(public, EVERY).json == before.json
