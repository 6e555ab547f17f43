"""The statement of findings: it ends on circles, finds each, and computes no more than a page."""

import random

import networkx as nx
import pytest

from models.findings import BRANCHES, Scope, Window, listing_of
from tests.db.findings.sound import Auditor

LOTS = 14


def draw(rng: random.Random, auditor: Auditor) -> "nx.DiGraph[int]":
    """Lots 11 to 24, some without a date, with random flows."""
    days = [rng.choice(("null", "'2026-01-01'", "'2026-02-01'")) for _ in range(LOTS)]
    lots = ", ".join(f"({11 + n}, 1, {day}, 100, 'liquor')" for n, day in enumerate(days))
    columns = "cacao_batch_id, supplier_id, production_date, quantity, stage"
    auditor.write(f"insert into cacao_batches ({columns}) values {lots}")
    pairs = [(a, b) for a in range(11, 11 + LOTS) for b in range(11, 11 + LOTS) if a != b]
    edges = rng.sample(pairs, rng.randint(5, 24))
    values = ", ".join(f"({took}, {gave}, 1)" for gave, took in edges)
    auditor.write(f"insert into cacao_batch_input values {values}")
    graph: nx.DiGraph[int] = nx.DiGraph()
    graph.add_edges_from(edges)
    return graph


@pytest.mark.parametrize("seed", range(40))
def test_every_circle_is_found_at_an_edge_of_it(auditor: Auditor, seed: int) -> None:
    graph = draw(random.Random(seed), auditor)
    found = auditor.find(rules=["lineage_cycle"])
    for finding in found:
        gave, took = finding["input_batch_id"], finding["cacao_batch_id"]
        assert nx.has_path(graph, took, gave)
        assert graph.has_edge(gave, took)
    # Without the edges that are told of, nothing goes round.
    graph.remove_edges_from([(f["input_batch_id"], f["cacao_batch_id"]) for f in found])
    assert nx.is_directed_acyclic_graph(graph)


@pytest.mark.parametrize("upstream", ["true", "false"])
def test_circles_end(auditor: Auditor, upstream: str) -> None:
    """Every rule ends on circles of two and of three lots, one of them on hold."""
    auditor.write(
        "insert into cacao_batch_input values (1, 4, 1), (2, 3, 1), (1, 3, 1);"
        " insert into holds (cacao_batch_id, reason, placed_at) values (1, 'mould', '2026-01-01')"
    )
    found = auditor.find()
    told = {f["rule"] for f in found}
    assert {"lineage_cycle", "use_after_hold", "overdraw", "yield_too_high"} <= told
    for scope in (Scope("Product", "1", upstream), Scope("CacaoBatch", "3", upstream)):
        assert {f["rule"] for f in auditor.find(scope)} <= told


@pytest.mark.parametrize("backward", [False, True])
def test_page_that_is_full_begins_no_further_rule(auditor: Auditor, backward: bool) -> None:
    auditor.write("update cacao_batches set certification = 'None', quantity = 1")
    plain = listing_of(BRANCHES, Scope(), Window(limit="2", backward=backward))
    auditor._cursor.execute(f"explain (analyze, costs off, timing off, summary off) {plain}")
    plan = [row[0] for row in auditor._cursor.fetchall()]
    # What is counted of a rule is its own entry of the statement.
    entries = {
        line.split()[1]: plan[place + 1]
        for place, line in enumerate(plan)
        if line.strip().startswith("CTE f") and line.split()[1][1:].isdigit()
    }
    assert len(entries) == len(BRANCHES)
    found = auditor.find(Scope(), Window(limit="2", backward=backward))
    reached = {f["rule"] for f in found}
    assert len(found) == 2
    for number, branch in enumerate(reversed(BRANCHES) if backward else BRANCHES, start=1):
        idle = "never executed" in entries[f"f{number}"] or "rows=0" in entries[f"f{number}"]
        assert idle == (branch.rule.code not in reached), branch.place


def test_statement_of_a_product_looks_up_by_index_alone(auditor: Auditor) -> None:
    """No shared table is scanned, whatever the planner's statistics."""
    auditor._cursor.execute("set local enable_seqscan = off")
    auditor._cursor.execute(f"explain {listing_of(BRANCHES, Scope('Product', '1'))}")
    plan = [row[0] for row in auditor._cursor.fetchall()]
    # The queue of the ledger is short, and has no index, so that writers do not wait.
    assert [line for line in plan if "Seq Scan on" in line and "ledger_queue" not in line] == []
