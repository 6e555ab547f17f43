"""One measurement: load on one server for some seconds, and what the machine did meanwhile."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bench import load
from bench.database import Bed
from bench.processes import Usage, calibrate, largest_rss_mb
from bench.queries import Keys
from bench.servers import Server

BODIES = 20_000
STATEMENT_REQUESTS = 20


class Failed(Exception):
    """A server failed under load: its figures mean nothing."""


@dataclass(frozen=True)
class Cell:
    """What one run gave. CPU in microseconds a request; foreign and stolen CPU in cores.

    `busiest`: the share of the server's CPU that its busiest worker used.
    """

    peer: str
    query: str
    clients: int
    round: int
    rate: float
    p50_ms: float
    p99_ms: float
    bytes: float
    server_us: float
    postgres_us: float
    load_us: float
    rss_mb: float
    busiest: float
    foreign: float
    stolen: float
    calibration_ms: float


def measure(
    server: Server, bed: Bed, bodies: Path, clients: int, place: tuple[str, int], seconds: float
) -> Cell:
    """Load one server; `place` is the query and the round. Raises Failed if a request failed."""
    before_ms, before, start = calibrate(), Usage.read(server.process, bed.process), time.time()
    result = load.run(server.port, bodies, clients, seconds, server.token)
    wall, used = time.time() - start, Usage.read(server.process, bed.process).since(before)
    query, number = place
    if result.errors or not result.requests:
        raise Failed(f"{server.peer.title}: {result.errors} failed requests of {query}")
    micro = 1e6 / result.requests
    known = used.server + used.postgres + result.cpu_seconds
    return Cell(
        peer=server.peer.name,
        query=query,
        clients=clients,
        round=number,
        rate=result.requests / result.seconds,
        p50_ms=result.p50_ms,
        p99_ms=result.p99_ms,
        bytes=result.bytes / result.requests,
        server_us=used.server * micro,
        postgres_us=used.postgres * micro,
        load_us=result.cpu_seconds * micro,
        rss_mb=largest_rss_mb(server.process),
        busiest=used.busiest(),
        foreign=max(0.0, used.machine - known) / wall,
        stolen=used.stolen / wall,
        calibration_ms=(before_ms + calibrate()) / 2,
    )


def write_bodies(server: Server, keys: Keys, query: str, folder: Path) -> Path:
    """Return the requests of one server: the same keys for each, in its own dialect."""
    bodies = (server.body(query, key) for key in keys.drawn(query, "load", BODIES))
    return write_lines(folder / f"{server.peer.name}.{query}", bodies)


def write_lines(path: Path, bodies: Iterable[bytes]) -> Path:
    """Return the file of these requests."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.writelines(body + b"\n" for body in bodies)
    return path


def count_statements(server: Server, bed: Bed, query: str) -> float:
    """Return the SQL statements a request, as PostgreSQL counts them; nothing else may run meanwhile."""
    drawn = bed.keys.drawn(query, "statements", STATEMENT_REQUESTS)
    bodies = [server.body(query, key) for key in drawn]
    bed.forget_statements()
    for body in bodies:
        server.post(body)
    return bed.statements() / STATEMENT_REQUESTS
