"""Traces, shares and impacts equal those of networkx, on 200 random graphs and on a deep one."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from statistics import median
from time import perf_counter
from typing import Any

import networkx as nx
import pytest
from starlette.testclient import TestClient

from graph.admission.limits import DEFAULTS
from models.database.engines import Database
from models.lineage.shares import WHOLE, decimal, divide, rounded
from tests.bounds import within
from tests.conftest import Cluster, client_of, opened
from tests.http.lineage.lineages import (
    HELD_GRAMS,
    Lots,
    concentrations,
    deep,
    draw_many,
    largest_remainders,
    load,
    shares,
)
from tests.recorder import recording_loop
from tests.requests import ask

GRAPHS, CHUNKS = 200, 10
BACK = """query ($id: Int!) { cacaoBatch(by: {cacaoBatchId: $id}) {
  trace { lotCount flowCount truncated
    lots(first: 10000) { nodes { depth cacaoBatch { cacaoBatchId } } } }
  origins(first: 10000) { nodes { share quantityKg cacaoBatch { cacaoBatchId } } } } }"""
FLOWS = """query ($id: Int!, $after: String) { cacaoBatch(by: {cacaoBatchId: $id}) { trace {
  flows(first: 10000, after: $after) { pageInfo { hasNextPage endCursor }
    nodes { from { cacaoBatchId } to { cacaoBatchId } quantityKg } } } } }"""
FORWARD = """query ($id: Int!) { cacaoBatch(by: {cacaoBatchId: $id}) {
  trace(direction: FORWARD) { lots(first: 10000) { nodes { depth cacaoBatch { cacaoBatchId } } } }
  impact { affected lotCount quantityKg products { nodes { quantityKg product { productId } } }
    manufacturers { nodes { productCount quantityKg manufacturer { manufacturerId } } } } } }"""
PRODUCT = """query ($id: Int!) { product(by: {productId: $id}) {
  trace { lots(first: 10000) { nodes { depth cacaoBatch { cacaoBatchId } } } }
  origins(first: 10000) { nodes { share quantityKg cacaoBatch { cacaoBatchId } } } } }"""


@dataclass(frozen=True)
class World:
    """The graphs, the deep one last if it is available, and a client."""

    graphs: list[Lots]
    client: TestClient


@pytest.fixture(scope="module")
def database(cluster: Cluster, schema_template: str) -> Iterator[Database]:
    url = cluster.create(schema_template)
    with opened(url) as database:
        yield database
    cluster.drop(url)


@pytest.fixture(scope="module")
def world(database: Database) -> Iterator[World]:
    graphs = list(draw_many(7, GRAPHS))
    load(database, graphs)
    with client_of(database, replace(DEFAULTS, cost=10**9)) as client:
        yield World(graphs, client)


def depths_of(listing: Any) -> dict[int, int]:
    nodes = listing["nodes"]
    found = {node["cacaoBatch"]["cacaoBatchId"]: node["depth"] for node in nodes}
    assert len(found) == len(nodes)
    assert list(found.items()) == sorted(found.items(), key=lambda item: (item[1], item[0]))
    return found


def distances(graph: "nx.DiGraph[int]", lot: int) -> dict[int, int]:
    """Shortest distances from a lot to all others that it reaches."""
    found = dict(nx.single_source_shortest_path_length(graph, lot))
    del found[lot]
    return found


def check_origins(nodes: list[Any], expected: dict[int, Fraction], grams: int) -> None:
    lots = [node["cacaoBatch"]["cacaoBatchId"] for node in nodes]
    units = largest_remainders(expected, 10**12)
    assert lots == sorted(units, key=lambda lot: (-units[lot], lot))
    assert [node["share"] for node in nodes] == [decimal(units[lot], 12) for lot in lots]
    masses = largest_remainders(expected, grams)
    assert [node["quantityKg"] for node in nodes] == [decimal(masses[lot], 3) for lot in lots]
    assert sum(Decimal(node["share"]) for node in nodes) == 1
    assert sum(Decimal(node["quantityKg"]) for node in nodes) == Decimal(grams) / 1000


def check_back(world: World, lots: Lots, graph: "nx.DiGraph[int]", lot: int) -> None:
    data = ask(world.client, BACK, id=lot)["cacaoBatch"]
    expected = distances(graph.reverse(copy=False), lot)
    assert set(expected) == nx.ancestors(graph, lot)
    assert depths_of(data["trace"]["lots"]) == expected
    flows = {(gave, took): grams for took, gave, grams in lots.edges if took in {lot, *expected}}
    assert (data["trace"]["lotCount"], data["trace"]["flowCount"]) == (len(expected), len(flows))
    assert data["trace"]["truncated"] is False
    check_origins(data["origins"]["nodes"], shares(graph, lot), HELD_GRAMS)
    assert read_flows(world.client, lot) == flows


def read_flows(client: TestClient, lot: int) -> dict[tuple[int, int], int]:
    found: dict[tuple[int, int], int] = {}
    after = None
    while True:
        page = ask(client, FLOWS, id=lot, after=after)["cacaoBatch"]["trace"]["flows"]
        for node in page["nodes"]:
            ends = node["from"]["cacaoBatchId"], node["to"]["cacaoBatchId"]
            assert ends not in found
            found[ends] = int(Decimal(node["quantityKg"]) * 1000)
        if not page["pageInfo"]["hasNextPage"]:
            return found
        after = page["pageInfo"]["endCursor"]


def check_forward(world: World, lots: Lots, graph: "nx.DiGraph[int]", lot: int) -> None:
    data = ask(world.client, FORWARD, id=lot)["cacaoBatch"]
    expected = distances(graph, lot)
    assert set(expected) == nx.descendants(graph, lot)
    assert depths_of(data["trace"]["lots"]) == expected
    parts = concentrations(graph, lot)
    number = world.graphs.index(lots) + 1
    mass = 3_000 * parts.get(lots.last, Fraction(0)) + 5_000 * parts.get(lots.last - 1, Fraction(0))
    impact = data["impact"]
    assert impact["lotCount"] == len(expected)
    if mass == 0:
        assert (impact["products"]["nodes"], impact["quantityKg"]) == ([], "0.000")
        assert impact["affected"] is bool(expected)
        return
    kilograms = decimal(int(mass + Fraction(1, 2)), 3)
    assert impact["products"]["nodes"] == [
        {"quantityKg": kilograms, "product": {"productId": number}}
    ]
    assert impact["manufacturers"]["nodes"] == [
        {
            "productCount": 1,
            "quantityKg": kilograms,
            "manufacturer": {"manufacturerId": 1 + number % 2},
        }
    ]


def check_product(world: World, lots: Lots, graph: "nx.DiGraph[int]") -> None:
    number = world.graphs.index(lots) + 1
    data = ask(world.client, PRODUCT, id=number)["product"]
    graph = graph.copy()
    graph.add_weighted_edges_from([(lots.last, 0, 3_000), (lots.last - 1, 0, 5_000)])
    assert depths_of(data["trace"]["lots"]) == distances(graph.reverse(copy=False), 0)
    check_origins(data["origins"]["nodes"], shares(graph, 0), 8_000)


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_random_graphs_are_traced_as_networkx_traces_them(world: World, chunk: int) -> None:
    for number, lots in enumerate(world.graphs):
        if number % CHUNKS == chunk:
            graph = lots.graph()
            rng = random.Random(number)
            for lot in {lots.last, rng.randint(lots.first, lots.last)}:
                check_back(world, lots, graph, lot)
            for lot in {lots.first, rng.randint(lots.first, lots.last)}:
                check_forward(world, lots, graph, lot)
            check_product(world, lots, graph)


# ---------------------------------------------------------------- the deep graph


@pytest.fixture(scope="module")
def deep_world(cluster: Cluster, schema_template: str) -> Iterator[World]:
    lots = deep(1)
    url = cluster.create(schema_template)
    with opened(url) as database:
        load(database, [lots])
        with client_of(database) as client:
            yield World([lots], client)
    cluster.drop(url)


def test_the_deep_graph_is_traced_as_networkx_traces_it(deep_world: World) -> None:
    (lots,) = deep_world.graphs
    graph = lots.graph()
    check_back(deep_world, lots, graph, lots.last)
    check_forward(deep_world, lots, graph, lots.first)
    check_product(deep_world, lots, graph)


def test_the_deep_graph_is_traced_in_time(deep_world: World) -> None:
    (lots,) = deep_world.graphs
    query = """query ($id: Int!) { cacaoBatch(by: {cacaoBatchId: $id}) { trace {
      lotCount depth lots(first: 10000) { nodes { depth cacaoBatch { cacaoBatchId } } } } } }"""
    seconds = []
    for _ in range(5):
        start = perf_counter()
        trace = ask(deep_world.client, query, id=lots.last)["cacaoBatch"]["trace"]
        seconds.append(perf_counter() - start)
    assert len(trace["lots"]["nodes"]) == trace["lotCount"]
    assert median(seconds) < within(0.3)


def test_statements_are_as_many_for_the_deepest_lot_as_for_the_first(deep_world: World) -> None:
    (lots,) = deep_world.graphs
    query = """query ($id: Int!) { cacaoBatch(by: {cacaoBatchId: $id}) {
      trace { lots(first: 10000) { nodes { cacaoBatch { supplier { name } inputs(first: 1) {
        nodes { supplier { name certificates { nodes { number } } } } } } } } }
      origins { nodes { cacaoBatch { supplier { name } } } } } }"""
    counts = []
    for lot in (lots.last, lots.last // 2, lots.first):
        statements: list[str] = []
        with recording_loop(statements):
            ask(deep_world.client, query, id=lot)
        counts.append(len(statements))
    # BEGIN, rows, edges, objects, COMMIT.
    assert counts == [5, 5, 5]


# ---------------------------------------------------------------- numbers that add up


def test_thirds_add_up_to_one_and_the_lower_number_takes_what_is_left() -> None:
    parts = dict(zip((30, 10, 20), divide(WHOLE, [1, 1, 1]), strict=True))
    assert rounded(parts, 10**12) == {30: 333333333333, 10: 333333333334, 20: 333333333333}
    assert rounded(parts, 2) == {30: 0, 10: 1, 20: 1}


def test_decimals_have_their_places() -> None:
    assert [decimal(units, 3) for units in (0, 5, 1_000, 1_234_567, None)] == [
        "0.000",
        "0.005",
        "1.000",
        "1234.567",
        None,
    ]
