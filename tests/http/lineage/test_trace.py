"""A trace lists each lot and edge once, in a constant number of statements of one snapshot."""

from typing import Any
from unittest.mock import patch

import pytest
from starlette.testclient import TestClient

from models.database.asynchronous import AsyncConnection
from models.database.engines import Database
from tests.conftest import client_of
from tests.recorder import recording
from tests.requests import ask, code_of, cursor, refusal, rows

BACK = """query ($id: Int!, $depth: Int, $stages: [Stage!], $asOf: DateTime) {
  product(by: {productId: $id}) { trace(maxDepth: $depth, stages: $stages, asOf: $asOf) {
    lotCount flowCount productCount depth truncated
    lots { nodes { depth cacaoBatch { cacaoBatchId supplier { name certificates { totalCount } } } } }
    flows { nodes { from { cacaoBatchId } to { cacaoBatchId } product { productId } quantityKg } }
    products { totalCount } } } }"""
FORWARD = """query ($id: Int!, $depth: Int) { cacaoBatch(by: {cacaoBatchId: $id}) {
  trace(direction: FORWARD, maxDepth: $depth) {
    lotCount flowCount productCount depth truncated
    lots { nodes { depth cacaoBatch { cacaoBatchId } } }
    flows { nodes { from { cacaoBatchId } to { cacaoBatchId } product { productId } quantityKg } }
    products { nodes { depth product { productId name } } } } } }"""
PAGES = """query ($first: Int, $after: String, $last: Int, $before: String) {
  product(by: {productId: 1}) { trace { lots(first: $first, after: $after, last: $last, before: $before) {
    totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    edges { cursor node { cacaoBatch { cacaoBatchId } } } } } } }"""


def lots_of(trace: Any) -> list[tuple[int, int]]:
    return [(one["depth"], one["cacaoBatch"]["cacaoBatchId"]) for one in trace["lots"]["nodes"]]


def flows_of(trace: Any) -> list[tuple[int, int | None, int | None, str | None]]:
    """Each flow: its source, its target, kilograms."""
    return [
        (
            one["from"]["cacaoBatchId"],
            one["to"] and one["to"]["cacaoBatchId"],
            one["product"] and one["product"]["productId"],
            one["quantityKg"],
        )
        for one in trace["flows"]["nodes"]
    ]


def back(client: TestClient, id: int, **arguments: Any) -> Any:
    return ask(client, BACK, id=id, **arguments)["product"]["trace"]


def forward(client: TestClient, id: int, **arguments: Any) -> Any:
    return ask(client, FORWARD, id=id, **arguments)["cacaoBatch"]["trace"]


def test_trace_back_lists_each_lot_once_with_its_shortest_depth(reader: TestClient) -> None:
    trace = back(reader, 1)
    # Batch 1 went into the product directly, and by way of 3 and 4.
    assert lots_of(trace) == [(1, 1), (1, 4), (2, 3), (3, 2)]
    assert flows_of(trace) == [
        (1, None, 1, "50.500"),
        (4, None, 1, "100.000"),
        (3, 4, None, "650.000"),
        (1, 3, None, "700.000"),
        (2, 3, None, "400.125"),
    ]
    facts = {name: trace[name] for name in ("lotCount", "flowCount", "productCount", "depth")}
    assert facts == {"lotCount": 4, "flowCount": 5, "productCount": 0, "depth": 3}
    assert trace["truncated"] is False
    assert trace["products"] == {"totalCount": 0}
    assert trace["lots"]["nodes"][0]["cacaoBatch"]["supplier"] == {
        "name": "ECOOKIM",
        "certificates": {"totalCount": 2},
    }


def test_trace_forward_lists_products_too(reader: TestClient) -> None:
    trace = forward(reader, 1)
    assert lots_of(trace) == [(1, 3), (2, 4)]
    assert [(p["depth"], p["product"]["productId"]) for p in trace["products"]["nodes"]] == [
        (1, 1),
        (3, 2),
    ]
    assert flows_of(trace) == [
        (1, 3, None, "700.000"),
        (1, None, 1, "50.500"),
        (3, 4, None, "650.000"),
        (4, None, 1, "100.000"),
        (4, None, 2, None),
    ]
    assert (trace["flowCount"], trace["productCount"], trace["depth"]) == (5, 2, 3)


def test_lot_from_which_nothing_was_made_has_an_empty_trace(writable_client: TestClient) -> None:
    written = ask(
        writable_client,
        """mutation { createCacaoBatch(input: {supplierId: 1, stage: BEANS, quantityKg: 1,
          harvestDate: "2026-01-01"}) { cacaoBatch { trace(direction: FORWARD) {
            lotCount depth lots { nodes { depth } } } origins { nodes { share quantityKg } }
            impact { affected productCount } } userErrors { code } } }""",
    )
    assert written["createCacaoBatch"]["cacaoBatch"] == {
        "trace": {"lotCount": 0, "depth": 0, "lots": {"nodes": []}},
        "origins": {"nodes": [{"share": "1.000000000000", "quantityKg": "1.000"}]},
        "impact": {"affected": False, "productCount": 0},
    }


def test_max_depth_ends_a_walk(reader: TestClient) -> None:
    trace = back(reader, 1, depth=2)
    assert lots_of(trace) == [(1, 1), (1, 4), (2, 3)]
    # What batch 3 took is a third step, even where it leads to a lot that is listed.
    assert [flow[:3] for flow in flows_of(trace)] == [(1, None, 1), (4, None, 1), (3, 4, None)]
    assert trace["truncated"] is False
    assert lots_of(back(reader, 1, depth=0)) == []
    assert flows_of(forward(reader, 1, depth=1)) == flows_of(forward(reader, 1))[:2]
    assert lots_of(back(reader, 1, depth=1000)) == lots_of(back(reader, 1))


def test_stages_list_what_the_walk_passed_through(reader: TestClient) -> None:
    trace = back(reader, 1, stages=["BEANS"])
    assert lots_of(trace) == [(1, 1), (3, 2)]
    assert [flow[:3] for flow in flows_of(trace)] == [(1, None, 1), (1, 3, None), (2, 3, None)]
    assert (trace["lotCount"], trace["flowCount"], trace["depth"]) == (2, 3, 3)


def test_as_of_walks_along_what_was_recorded_by_then(own_world: Database) -> None:
    with own_world.engine().begin() as connection:
        connection.exec_driver_sql("UPDATE product_cacao_batch SET record_time = '2026-03-01Z'")
        connection.exec_driver_sql("UPDATE cacao_batch_input SET record_time = '2026-01-10Z'")
        connection.exec_driver_sql(
            "UPDATE cacao_batch_input SET record_time = '2026-05-01Z' WHERE input_batch_id = 2"
        )
    with client_of(own_world) as client:
        seen = {
            day: [lot for _, lot in lots_of(back(client, 1, asOf=f"2026-{day}T00:00:00Z"))]
            for day in ("02-28", "03-01", "04-30", "05-01")
        }
    assert seen == {"02-28": [], "03-01": [1, 4, 3], "04-30": [1, 4, 3], "05-01": [1, 4, 3, 2]}


def test_pages_go_both_ways(reader: TestClient) -> None:
    def page(**arguments: Any) -> tuple[list[int], Any]:
        shown = ask(reader, PAGES, **arguments)["product"]["trace"]["lots"]
        assert shown["totalCount"] == 4
        lots = [edge["node"]["cacaoBatch"]["cacaoBatchId"] for edge in shown["edges"]]
        cursors = [edge["cursor"] for edge in shown["edges"]]
        info = shown["pageInfo"]
        assert [info["startCursor"], info["endCursor"]] == [*cursors[:1], *cursors[-1:]]
        return lots, info

    first, info = page(first=2)
    assert (first, info["hasPreviousPage"], info["hasNextPage"]) == ([1, 4], False, True)
    second, info = page(first=2, after=info["endCursor"])
    assert (second, info["hasPreviousPage"], info["hasNextPage"]) == ([3, 2], True, False)
    ahead, info = page(last=1, before=info["startCursor"])
    assert (ahead, info["hasPreviousPage"], info["hasNextPage"]) == ([4], True, True)
    assert page(last=10)[0] == [1, 4, 3, 2]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ("trace(maxDepth: -1) { depth }", "INVALID_PAGE"),
        ("trace { lots(first: 10001) { totalCount } }", "INVALID_PAGE"),
        ('trace { lots(after: "nonsense") { totalCount } }', "INVALID_CURSOR"),
        (
            f'trace {{ lots(after: "{cursor("Trace.flows", 1, 1)}") {{ totalCount }} }}',
            "INVALID_CURSOR",
        ),
        (
            f'trace {{ lots(after: "{cursor("Trace.lots", 1)}") {{ totalCount }} }}',
            "INVALID_CURSOR",
        ),
        ("trace { lots { nodes { cacaoBatch { trace { depth } } } } }", "DOCUMENT_TOO_LARGE"),
        ("origins { nodes { cacaoBatch { origins { totalCount } } } }", "DOCUMENT_TOO_LARGE"),
    ],
)
def test_what_cannot_be_answered_sends_no_statement(
    reader: TestClient, world_to_read: Database, arguments: str, code: str
) -> None:
    with recording(world_to_read) as statements:
        found = code_of(reader, f"{{ product(by: {{productId: 1}}) {{ {arguments} }} }}")
    assert found == code
    assert statements == []


def test_refusal_names_the_path(reader: TestClient) -> None:
    error = refusal(
        reader, "{ product(by: {productId: 1}) { t: trace { lots(first: -1) { totalCount } } } }"
    )
    assert error["path"] == ["product", "t", "lots"]


# ---------------------------------------------------------------- statements

SNAPSHOT = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
DEEP = """query ($first: Int!) { products(first: $first) { nodes {
  trace { lots(first: 100) { nodes { cacaoBatch { supplier { certificates { nodes { number } } }
    transactions { nodes { event } } inputs { nodes { stage } } } } }
    flows(first: 100) { edges { node { from { stage } to { stage } product { name } } } } }
  origins { nodes { cacaoBatch { supplier { name } } } }
  cacaoBatches { nodes { impact { products { nodes { product { manufacturer { name } } } } } } } } } }"""


def test_any_number_of_lineages_is_three_statements_of_one_snapshot(
    client: TestClient, sample: Database
) -> None:
    counts = set()
    for first in (1, 5, 20):
        with recording(sample) as statements:
            data = ask(client, DEEP, first=first)
        assert len(data["products"]["nodes"]) == first
        assert (statements[0], statements[-1]) == (SNAPSHOT, "COMMIT")
        counts.add(len(statements))
    assert counts == {1 + 3 + 1}


def test_facts_alone_are_two_statements_and_nothing_found_is_one(
    reader: TestClient, world_to_read: Database
) -> None:
    query = "query ($id: Int!) { product(by: {productId: $id}) { trace { lotCount } } }"
    with recording(world_to_read) as statements:
        assert ask(reader, query, id=1) == {"product": {"trace": {"lotCount": 4}}}
    assert len(statements) == 1 + 2 + 1
    with recording(world_to_read) as statements:
        assert ask(reader, query, id=99) == {"product": None}
    assert len(statements) == 1 + 1 + 1


def test_trace_beside_introspection_is_completed(reader: TestClient) -> None:
    data = ask(
        reader,
        """{ __schema { queryType { name } } a: cacaoBatch(by: {cacaoBatchId: 4}) {
          t: trace { __typename d: depth lots(first: 1) { nodes { n: depth cacaoBatch { stage } } } }
          origins { nodes { share } } } }""",
    )
    assert data["a"] == {
        "t": {
            "__typename": "Trace",
            "d": 2,
            "lots": {"nodes": [{"n": 1, "cacaoBatch": {"stage": "LIQUOR"}}]},
        },
        "origins": {"nodes": [{"share": "0.636291330531"}, {"share": "0.363708669469"}]},
    }


def test_data_that_looks_like_a_mark_stays_data(
    writable_client: TestClient, own_world: Database
) -> None:
    with own_world.engine().begin() as connection:
        connection.exec_driver_sql("UPDATE products SET name = ':0:1' WHERE product_id = 1")
    data = ask(writable_client, "{ product(by: {productId: 1}) { name trace { lotCount } } }")
    assert data["product"] == {"name": ":0:1", "trace": {"lotCount": 4}}


def test_snapshot_is_begun_anew_where_the_connection_was_lost(
    writable_client: TestClient, own_world: Database
) -> None:
    before = back(writable_client, 1)
    others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
    with own_world.engine().connect() as connection:
        connection.exec_driver_sql(f"{others} AND datname = current_database()")
    assert back(writable_client, 1) == before


def test_snapshot_is_begun_anew_where_a_statement_was_forgotten(
    writable_client: TestClient, own_world: Database
) -> None:
    before = back(writable_client, 1)
    with own_world.engine().begin() as connection:
        # A prepared plan of a changed table cannot be executed, and its transaction is over.
        trigger = connection.exec_driver_sql(
            "SELECT pg_get_triggerdef(oid) FROM pg_trigger"
            " WHERE tgname = 'made_normal' AND tgrelid = 'suppliers'::regclass"
        ).scalar_one()
        connection.exec_driver_sql("DROP TRIGGER made_normal ON suppliers")
        connection.exec_driver_sql("ALTER TABLE suppliers ALTER COLUMN name TYPE varchar(100)")
    try:
        assert back(writable_client, 1) == before
    finally:
        with own_world.engine().begin() as connection:
            connection.exec_driver_sql(
                'ALTER TABLE suppliers ALTER COLUMN name TYPE text COLLATE "C"'
            )
            connection.exec_driver_sql(trigger)


def test_trace_is_of_one_snapshot(writable_client: TestClient, own_world: Database) -> None:
    """No statement of an operation sees what is written between two of them."""
    query = "{ product(by: {productId: 1}) { trace { lots { nodes { cacaoBatch { stage } } } } } }"
    steps: list[str] = []
    fetch = AsyncConnection.fetch

    async def write_before(connection: AsyncConnection, statement: Any, values: Any) -> bytes:
        steps.append(statement.text)
        if len(steps) == 3:
            with own_world.engine().begin() as writing:
                writing.exec_driver_sql("UPDATE cacao_batches SET stage = 'nibs'")
        return await fetch(connection, statement, values)

    with patch.object(AsyncConnection, "fetch", write_before):
        trace = ask(writable_client, query)["product"]["trace"]
    assert len(steps) == 3
    stages = [node["cacaoBatch"]["stage"] for node in trace["lots"]["nodes"]]
    assert stages == ["BEANS", "COUVERTURE", "LIQUOR", "BEANS"]


def test_what_is_too_large_is_cut_off_and_says_so(reader: TestClient) -> None:
    with patch("models.lineage.reach.MAX_TRACED_LOTS", 3):
        trace = back(reader, 1)
        assert (lots_of(trace), trace["truncated"]) == ([(1, 1), (1, 4), (2, 3)], True)
        shown = ask(
            reader,
            """{ product(by: {productId: 1}) { origins { truncated nodes { share } } }
              cacaoBatch(by: {cacaoBatchId: 1}) { impact { truncated } } }""",
        )
    assert shown == {
        "product": {"origins": {"truncated": True, "nodes": [{"share": None}]}},
        "cacaoBatch": {"impact": {"truncated": False}},
    }


# ---------------------------------------------------------------- corrupt data


def test_cycles_end(own_world: Database) -> None:
    with own_world.engine().begin() as connection:
        connection.exec_driver_sql("SET session_replication_role = replica")
        connection.exec_driver_sql(
            "INSERT INTO cacao_batch_input (output_batch_id, input_batch_id, quantity_kg)"
            " VALUES (1, 4, 1), (2, 3, 1)"
        )
    with client_of(own_world) as client:
        assert lots_of(back(client, 1)) == [(1, 1), (1, 4), (2, 3), (3, 2)]
        assert back(client, 1)["flowCount"] == 7
        assert lots_of(forward(client, 1)) == [(1, 3), (2, 2), (2, 4)]
        data = ask(
            client,
            """{ product(by: {productId: 1}) { origins { totalCount } }
              cacaoBatch(by: {cacaoBatchId: 2}) { impact { affected productCount quantityKg
                products { nodes { quantityKg } } } } }""",
        )
    # No lot of a circle is a source, and no part of its mass is anyone's.
    assert data["product"] == {"origins": {"totalCount": 0}}
    unknown = [{"quantityKg": None}, {"quantityKg": None}]
    assert data["cacaoBatch"]["impact"] == {
        "affected": True,
        "productCount": 2,
        "quantityKg": None,
        "products": {"nodes": unknown},
    }
    assert rows(own_world, "SELECT count(*) FROM cacao_batch_input") == [(5,)]
