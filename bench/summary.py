"""Medians over the rounds of a run, and the ratios that they make."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from statistics import median

from bench.measure import Cell


@dataclass(frozen=True)
class Median:
    """The medians of one peer's cells of one query at one number of clients."""

    peer: str
    query: str
    clients: int
    rate: float
    p50_ms: float
    p99_ms: float
    bytes: float
    server_us: float
    postgres_us: float
    rss_mb: float
    busiest: float


@dataclass(frozen=True)
class Host:
    """How quiet the machine was: calibration in ms, CPU that others used and that was stolen."""

    calibration_ms: float
    calibration_worst_ms: float
    foreign: float
    foreign_worst: float
    stolen: float


def medians(cells: Iterable[Cell]) -> list[Median]:
    """In the order in which the cells first came."""
    groups: dict[tuple[str, int, str], list[Cell]] = {}
    for cell in cells:
        groups.setdefault((cell.query, cell.clients, cell.peer), []).append(cell)
    return [
        Median(
            peer,
            query,
            clients,
            rate=median(c.rate for c in group),
            p50_ms=median(c.p50_ms for c in group),
            p99_ms=median(c.p99_ms for c in group),
            bytes=median(c.bytes for c in group),
            server_us=median(c.server_us for c in group),
            postgres_us=median(c.postgres_us for c in group),
            rss_mb=median(c.rss_mb for c in group),
            busiest=median(c.busiest for c in group),
        )
        for (query, clients, peer), group in groups.items()
    ]


def ratio(
    cells: Sequence[Cell],
    query: str,
    clients: int,
    one: str,
    other: str,
    figure: Callable[[Cell], float] = attrgetter("rate"),
) -> float | None:
    """How many times the rate, or another figure, of `other` is that of `one`: the median of the
    rounds' own ratios.

    A round's two figures come from the same minute, so a slow phase of the host cancels out.
    """
    figures = {
        (cell.peer, cell.round): figure(cell)
        for cell in cells
        if cell.query == query and cell.clients == clients
    }
    found = [
        own / figures[other, number]
        for (peer, number), own in figures.items()
        if peer == one and figures.get((other, number))
    ]
    return median(found) if found else None


def host(cells: Sequence[Cell]) -> Host:
    """Of all measurements together."""
    loops, foreign = [c.calibration_ms for c in cells], [c.foreign for c in cells]
    return Host(
        median(loops), max(loops), median(foreign), max(foreign), median(c.stolen for c in cells)
    )
