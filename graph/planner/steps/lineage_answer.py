"""The answer of all lineages of an operation, from two statements more.

The first of them reads the edges that all marked rows reach, the second the objects of the pages. The
JSON text that PostgreSQL wrote is not parsed: the lineages' texts replace the marks in it.
"""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from graph.planner.compilation.operation import compile_objects
from graph.planner.parameters import Param
from graph.planner.query import StatementRun, StatementSteps
from graph.planner.steps.lineage import (
    ComputedConnection,
    EntryEdges,
    Lineage,
    ListEntry,
    members_of,
)
from graph.planner.steps.lineage_json import ComputedLineage, ComputedPage, Texts, lineage_json
from models.database.asynchronous import Statement
from models.lineage.answers import Asked
from models.lineage.network import Network
from models.lineage.pages import LineageResult, window
from models.lineage.reach import edge_arguments, statement_of

EDGE_NUMBERS_PER_COST = 20
"""Numbers in the answer of the edges' statement, two or three for each edge, that cost 1."""

Starts = list[dict[int, None]]
"""The primary keys of the marked rows of each lineage, in order of appearance."""
Computed = dict[tuple[int, int], ComputedLineage]
"""Lineages by their number and the primary key of the row."""


class LineageAnswer:
    """Computes the lineages of one operation."""

    def __init__(self, lineages: Sequence[Lineage], hidden: tuple[str, ...]) -> None:
        self._lineages = lineages
        self._reaches = [lineage.reach() for lineage in lineages]
        self._edges = Statement(*statement_of(self._reaches))
        every = (m for lineage in lineages for _, one in lineage.lists() for m in members_of(one))
        self._members = [*{member.keys: member for member in every}.values()]
        objects = [(member.shape, member.keys) for member in self._members]
        self._objects = compile_objects(objects, hidden) if objects else None

    def run(self, values: list[Any], mark: str, data: bytes) -> StatementSteps:
        """Yield the statement of the edges and that of the objects; return the completed data."""
        numbers = "|".join(str(lineage.number) for lineage in self._lineages)
        pattern = re.compile(rf'"{mark}:({numbers}):(\d+)"'.encode())
        starts: dict[int, dict[int, None]] = {one.number: {} for one in self._lineages}
        for number, key in pattern.findall(data):
            starts[int(number)][int(key)] = None
        if not any(starts.values()):
            return data
        walks = [*self._walks([*starts.values()], values)]
        edges = yield StatementRun(self._edges, walks, cost_of_edges)
        computed = self._compute(json.loads(edges), [*starts.values()], values)
        texts: Texts = {}
        if self._objects is not None:
            for param, keys in self._keys(computed).items():
                values[param.index] = keys
            answer = yield StatementRun(self._objects.statement, self._objects.arguments(values))
            objects = json.loads(answer)
            for place, member in enumerate(self._members):
                keys = values[member.keys.index]
                texts[member.keys] = dict(zip(keys, objects[f"m{place}"], strict=True))
        written = {place: lineage_json(one, texts).encode() for place, one in computed.items()}
        return pattern.sub(lambda match: written[int(match[1]), int(match[2])], data)

    def _walks(self, starts: Starts, values: Sequence[Any]) -> Iterator[object]:
        """Yield the arguments of the edges' statement."""
        for lineage, reach, keys in zip(self._lineages, self._reaches, starts, strict=True):
            yield from edge_arguments(
                reach,
                [*keys],
                value_at(lineage.max_depth, values),
                value_at(lineage.as_of, values),
            )

    def _compute(self, edges: list[Any], starts: Starts, values: Sequence[Any]) -> Computed:
        computed = {}
        for lineage, columns, keys in zip(self._lineages, edges, starts, strict=True):
            network = Network.of(columns)
            for key in keys:
                asked = Asked(
                    start=key,
                    of_product=lineage.entity == "Product",
                    back=lineage.back,
                    max_depth=value_at(lineage.max_depth, values),
                    stages=lineage.stages,
                )
                answer = lineage.answer(network, asked)
                pages = {place: page_of(one, answer, values) for place, one in lineage.lists()}
                computed[lineage.number, key] = ComputedLineage(lineage, answer, pages)
        return computed

    def _keys(self, computed: Computed) -> dict[Param, list[int]]:
        """Return the keys of each member on all pages, each key once."""
        keys: dict[Param, dict[int, None]] = {member.keys: {} for member in self._members}
        for one in computed.values():
            for place, selected in one.lineage.lists():
                for member in members_of(selected):
                    for entry in one.pages[place].entries:
                        if entry[member.name] is not None:
                            keys[member.keys][entry[member.name]] = None
        return {param: [*each] for param, each in keys.items()}


def cost_of_edges(answer: bytes) -> int:
    """Return the cost of an answer of the edges' statement, by the numbers in it."""
    return answer.count(b",") // EDGE_NUMBERS_PER_COST


def value_at(param: Param | int | None, values: Sequence[Any]) -> Any:
    """Return the value of a parameter, or the number itself."""
    return values[param.index] if isinstance(param, Param) else param


def page_of(one: ComputedConnection, answer: LineageResult, values: Sequence[Any]) -> ComputedPage:
    """Return the page of a list that its arguments select."""
    listed = answer.listings[one.name]()
    limit, after, before = (value_at(each, values) for each in (one.limit, one.after, one.before))
    page = window(listed.keys, limit, one.backward, after, before)
    shows_entries = any(isinstance(value, (ListEntry, EntryEdges)) for _, value in one.fields)
    entries = [listed.show(key) for key in page.keys] if shows_entries else []
    return ComputedPage(one, listed, page, entries)
