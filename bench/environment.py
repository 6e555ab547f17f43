"""The environment of a section of bench.scale: the database, the servers, and how much is measured."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from operator import attrgetter
from pathlib import Path
from typing import Any

from bench import load
from bench.answers import data_of
from bench.database import Bed
from bench.measure import Cell, Failed, measure, write_lines
from bench.servers import Server, python_peers, running
from bench.summary import Median, medians, ratio

WORKERS, CLIENTS = 2, 8


@dataclass(frozen=True)
class LoadPlan:
    """How much is measured: `seconds` and `rounds` of each load, `requests` of the mixed one."""

    products: int
    small: int
    seconds: float
    rounds: int
    requests: int

    @property
    def values(self) -> int:
        """With how many values each search is made."""
        return max(5, self.requests // 2_500)

    @property
    def pages(self) -> int:
        """How often a page is asked."""
        return max(20, self.requests // 50)

    @property
    def starts(self) -> int:
        """How many times a worker is started."""
        return min(5, self.rounds)

    @property
    def documents(self) -> int:
        """How many documents never seen are timed, of each kind."""
        return max(20, self.requests // 200)


@dataclass(frozen=True)
class Environment:
    """The large database, the folder of all that is made, and the plan."""

    bed: Bed
    folder: Path
    plan: LoadPlan

    @contextmanager
    def serving(
        self, name: str, bed: Bed | None = None, workers: int = WORKERS
    ) -> Iterator[Server]:
        """Provide a server of this name, just started, on the large database or another."""
        project = replace(python_peers()[0], name=name)
        environment = (bed or self.bed).environment
        with running([project], environment, workers, self.folder / "logs") as servers:
            yield servers[0]

    def write(self, name: str, bodies: Sequence[bytes]) -> Path:
        """Return the file of these requests."""
        return write_lines(self.folder / "bodies" / name, bodies)


@dataclass(frozen=True)
class Case:
    """A load that is measured beside others: its requests, of a server on a database."""

    server: Server
    bed: Bed
    query: str
    bodies: Path


def named_query(server: Server, name: str) -> Server:
    """Return the same server, under another name in the figures."""
    return replace(server, peer=replace(server.peer, name=name))


def in_turn(cases: Sequence[Case], clients: int, plan: LoadPlan) -> list[Cell]:
    """Every case in every round, after each was asked by several clients: both workers know it."""
    for case in cases:
        server = case.server
        load.run(server.port, case.bodies, CLIENTS, plan.seconds, server.token)
    return [
        measure(case.server, case.bed, case.bodies, clients, (case.query, number), plan.seconds)
        for number in range(plan.rounds)
        for case in cases
    ]


def pairs(
    cells: Sequence[Cell], one: str, other: str, figure: str
) -> Iterator[tuple[str, float, Median, Median]]:
    """Each query with how many times the figure of `other` is that of `one`, and both medians."""
    found = {(row.query, row.peer): row for row in medians(cells)}
    for query in dict.fromkeys(row.query for row in found.values()):
        clients = found[query, one].clients
        times = ratio(cells, query, clients, one, other, attrgetter(figure))
        if times is None:
            raise Failed(f"{query}: {other} has no {figure}")
        yield query, times, found[query, one], found[query, other]


def body_of(text: str, variables: dict[str, Any]) -> bytes:
    """Return the POST body of a document, one line."""
    document = {"query": text, "variables": variables}
    return json.dumps(document, separators=(",", ":")).encode()


def answered(server: Server, body: bytes) -> dict[str, Any]:
    """Return the data of the answer; raises Failed where there is none."""
    try:
        return data_of(server.post(body))
    except ValueError as error:
        raise Failed(f"{body.decode()}: {error}") from error
