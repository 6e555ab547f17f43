"""Circles of uses: found in memory, and rejected within a file and across files."""

import random

import networkx as nx
import pytest

from exchange.csv.merging.cycles import LotEdge, find_cycles
from tests.db.csv.conftest import Loader

BY_ID = "cacao_batch_id,output_batch_id,quantity_kg\n"


@pytest.fixture
def lots(load: Loader) -> Loader:
    load("suppliers", "name,location\nA,X\n")
    load(
        "cacao-batches",
        "supplier_id,lot_number,quantity,stage\n" + "".join(f"1,L{n},100,nibs\n" for n in range(6)),
    )
    return load


def stored(load: Loader) -> list[tuple[int, int]]:
    return [
        (source, output)
        for source, output in load.rows(
            "select input_batch_id, output_batch_id from cacao_batch_input order by 1, 2"
        )
    ]


def test_row_that_closes_a_circle_in_its_file_is_refused(lots: Loader) -> None:
    content = BY_ID + "1,2,1\n2,3,1\n4,5,1\n3,1,1\n"
    report = lots("uses", content)
    assert (report.inserted, report.rejected_by_code) == (3, {"CYCLIC_LINEAGE": 1})
    (rejection,) = report.first_rejections
    assert (rejection.line, rejection.reason) == (
        5,
        "cacao batch 3 was itself made from cacao batch 1, by line 2, 3",
    )
    assert stored(lots) == [(1, 2), (2, 3), (4, 5)]
    assert lots("uses", content).rejected_by_code == {"CYCLIC_LINEAGE": 1}


def test_row_that_closes_a_circle_with_what_is_stored_is_refused(lots: Loader) -> None:
    lots("uses", BY_ID + "1,2,1\n2,3,1\n")
    report = lots("uses", BY_ID + "3,1,1\n2,1,1\n1,3,1\n")
    assert (report.inserted, [each.line for each in report.first_rejections]) == (1, [2, 3])
    assert report.first_rejections[0].reason == (
        "cacao batch 3 was itself made from cacao batch 1, by stored uses"
    )
    assert stored(lots) == [(1, 2), (1, 3), (2, 3)]


def test_circle_of_stored_and_new_edges_names_both(lots: Loader) -> None:
    lots("uses", BY_ID + "2,3,1\n4,1,1\n")
    report = lots("uses", BY_ID + "1,2,1\n3,4,1\n")
    assert report.first_rejections[0].reason == (
        "cacao batch 3 was itself made from cacao batch 4, by line 2 and stored uses"
    )


def test_every_row_of_a_pair_that_closes_a_circle_is_refused(lots: Loader) -> None:
    report = lots("uses", BY_ID + "1,2,1\n2,1,1\n2,1,2\n")
    assert (report.inserted, report.rejected_by_code) == (1, {"CYCLIC_LINEAGE": 2})


def test_two_lots_named_by_number_make_no_circle(lots: Loader) -> None:
    report = lots("uses", "lot_number,output_lot_number,quantity_kg\nL0,L1,1\nL1,L0,1\n")
    assert (report.inserted, report.rejected_by_code) == (1, {"CYCLIC_LINEAGE": 1})


def test_refused_row_does_not_take_kilograms(lots: Loader) -> None:
    lots("products", "name\nP\n")
    header = "cacao_batch_id,output_batch_id,product_id,quantity_kg\n"
    report = lots("uses", header + "1,2,,1\n2,1,,100\n2,,1,100\n")
    assert (report.inserted, report.rejected_by_code) == (2, {"CYCLIC_LINEAGE": 1})


def test_circle_that_corrupt_data_has_refuses_no_row_beside_it(lots: Loader) -> None:
    lots.execute(
        "insert into cacao_batch_input (output_batch_id, input_batch_id, quantity_kg)"
        " values (2, 1, 1), (1, 2, 1)"
    )
    report = lots("uses", BY_ID + "3,1,1\n2,4,1\n1,3,1\n")
    assert (report.inserted, [each.line for each in report.first_rejections]) == (2, [4])


@pytest.mark.parametrize("seed", range(40))
def test_circles_are_those_that_one_edge_after_the_other_would_close(seed: int) -> None:
    chance = random.Random(seed)
    lots, known = chance.randrange(3, 14), chance.randrange(0, 6)
    pairs = [
        (chance.randrange(lots), chance.randrange(lots)) for _ in range(chance.randrange(2, 40))
    ]
    edges: list[LotEdge] = [
        (max(0, place + 1 - known), *pair)
        for place, pair in enumerate(dict.fromkeys(each for each in pairs if each[0] != each[1]))
    ]
    graph: nx.DiGraph[int] = nx.DiGraph()
    refused: list[int] = []
    graph.add_nodes_from(range(lots))
    for line, start, end in edges:
        if nx.has_path(graph, end, start):
            refused += [line] if line else []
        else:
            graph.add_edge(start, end)
    assert [each.line for each in find_cycles(edges)] == refused


@pytest.mark.parametrize("step", [1, -1])
def test_long_chain_is_closed_by_its_last_edge(step: int) -> None:
    count = 50_000
    edges: list[LotEdge] = [(line, line, line + 1) for line in range(1, count)][::step]
    edges = [(line, start, end) for line, (_, start, end) in enumerate(edges, 1)]
    assert list(find_cycles(edges)) == []
    (circle,) = find_cycles([*edges, (count, count, 1)])
    assert (circle.line, len(circle.lines), circle.stored) == (count, count - 1, False)
