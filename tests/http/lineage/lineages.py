"""Graphs of lots, random ones and the deep one, in a database and in networkx."""

import csv
import random
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from io import StringIO
from pathlib import Path

import networkx as nx
import pytest

from models.database.engines import Database

GENEALOGY = Path(__file__).parents[4] / "shared" / "data" / "genealogy"
HELD_GRAMS = 90_000_000_000
ROUND_GRAMS = 1_000_000

Edge = tuple[int, int, int]
"""The lot that took, the lot that gave, grams."""


@dataclass(frozen=True)
class Lots:
    """Lots from `first` to `last`, each edge from a lower number to a higher one."""

    first: int
    last: int
    edges: list[Edge]

    def graph(self) -> "nx.DiGraph[int]":
        """Edges lead from the source of a flow to its target."""
        graph: nx.DiGraph[int] = nx.DiGraph()
        graph.add_nodes_from(range(self.first, self.last + 1))
        graph.add_weighted_edges_from([(gave, took, grams) for took, gave, grams in self.edges])
        return graph


def draw(rng: random.Random, first: int, size: int) -> Lots:
    """Return a random DAG of so many lots with at most 20 inputs each, of near and of far ones.

    Of a large one each lot took the same in all, so that exact fractions of it stay short.
    """
    fan, reach = rng.choice((1, 2, 4, 8, 20)), rng.choice((5, 30, size))
    edges: list[Edge] = []
    for took in range(first + 1, first + size):
        if rng.random() < 0.2:
            continue
        nearest = max(first, took - reach)
        most = min(fan, took - nearest)
        gave = rng.sample(range(nearest, took), rng.randint(1, most))
        if size <= 60:
            weights = [rng.randint(1, 9_999_999) for _ in gave]
        else:
            cuts = sorted(rng.sample(range(1, ROUND_GRAMS), len(gave) - 1))
            ends = [*cuts, ROUND_GRAMS]
            weights = [end - start for start, end in zip([0, *cuts], ends, strict=True)]
        edges += [(took, lot, grams) for lot, grams in zip(gave, weights, strict=True)]
    return Lots(first, first + size - 1, edges)


def draw_many(seed: int, count: int) -> Iterator[Lots]:
    """Random DAGs, four of 5,000 lots and the others of two to 600, one behind the other."""
    rng, first = random.Random(seed), 1
    for number in range(count):
        size = 5_000 if number < 4 else int(2 * 300 ** rng.random())
        yield draw(rng, first, size)
        first += size


def deep(first: int) -> Lots:
    """Return the deep graph under numbers from `first` on, kilograms at random; skips where it is not."""
    if not GENEALOGY.exists():
        pytest.skip("the deep graph is not on this machine")
    rng = random.Random(3)
    with (GENEALOGY / "deep_edges.csv").open(encoding="utf-8") as lines:
        pairs = [(int(r["output_lot_id"]), int(r["input_lot_id"])) for r in csv.DictReader(lines)]
    with (GENEALOGY / "deep_lots.csv").open(encoding="utf-8") as lines:
        last = max(int(row["lot_id"]) for row in csv.DictReader(lines))
    edges = [(t + first - 1, g + first - 1, rng.randint(1, 9_999_999)) for t, g in pairs]
    return Lots(first, first + last - 1, edges)


def load(database: Database, lots: Iterable[Lots]) -> None:
    """Write lots and edges past the triggers, and of each graph a product of its two last lots."""
    graphs = list(lots)
    held = f"{HELD_GRAMS / 1000:.3f}"
    with closing(database.engine().raw_connection()) as raw, closing(raw.cursor()) as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("INSERT INTO suppliers (name, location) VALUES ('S', 'L')")
        cursor.execute("INSERT INTO manufacturers (name, location) VALUES ('M', 'L'), ('N', 'L')")
        copies = {
            "cacao_batches (cacao_batch_id, supplier_id, harvest_date, quantity)": (
                f"{lot}\t1\t2026-01-01\t{held}"
                for one in graphs
                for lot in range(one.first, one.last + 1)
            ),
            "cacao_batch_input (output_batch_id, input_batch_id, quantity_kg)": (
                f"{took}\t{gave}\t{grams / 1000:.3f}"
                for one in graphs
                for took, gave, grams in one.edges
            ),
            "products (product_id, name, manufacturer_id)": (
                f"{number}\tP{number}\t{1 + number % 2}" for number, _ in enumerate(graphs, start=1)
            ),
            "product_cacao_batch (product_id, cacao_batch_id, quantity_kg)": (
                f"{number}\t{lot}\t{grams}"
                for number, one in enumerate(graphs, start=1)
                for lot, grams in ((one.last, 3), (one.last - 1, 5))
            ),
        }
        for table, lines in copies.items():
            cursor.copy_expert(f"COPY {table} FROM STDIN", StringIO("\n".join(lines) + "\n"))
        cursor.execute("SET session_replication_role = DEFAULT")
        raw.commit()
        cursor.execute("ANALYZE")
        raw.commit()


# ---------------------------------------------------------------- what networkx says


def shares(graph: "nx.DiGraph[int]", lot: int) -> dict[int, Fraction]:
    """Return the sources of a lot with their exact shares."""
    part = {lot: Fraction(1)}
    found = {}
    within = graph.subgraph({lot, *nx.ancestors(graph, lot)})
    for one in reversed(list(nx.topological_sort(within))):
        gave = {giver: within.edges[giver, one]["weight"] for giver in within.predecessors(one)}
        if not gave:
            found[one] = part[one]
        whole = sum(gave.values())
        for giver, grams in gave.items():
            part[giver] = part.get(giver, Fraction(0)) + part[one] * Fraction(grams, whole)
    return found


def concentrations(graph: "nx.DiGraph[int]", lot: int) -> dict[int, Fraction]:
    """Return the exact part of each lot that was made from a lot which comes from it."""
    reached = {lot, *nx.descendants(graph, lot)}
    found: dict[int, Fraction] = {}
    for one in nx.topological_sort(graph.subgraph(reached)):
        gave = {giver: graph.edges[giver, one]["weight"] for giver in graph.predecessors(one)}
        within = [found[giver] * grams for giver, grams in gave.items() if giver in found]
        found[one] = Fraction(1) if one == lot else sum(within, Fraction(0)) / sum(gave.values())
    return found


def largest_remainders(parts: dict[int, Fraction], units: int) -> dict[int, int]:
    """Parts in whole units which add up: by exact fractions, of equal remainders the lower number."""
    scaled = {key: part * units for key, part in parts.items()}
    made = {key: int(value) for key, value in scaled.items()}
    left = round(sum(scaled.values(), Fraction(0))) - sum(made.values())
    order = sorted(scaled, key=lambda key: (made[key] - scaled[key], key))
    return made | {key: made[key] + 1 for key in order[:left]}
