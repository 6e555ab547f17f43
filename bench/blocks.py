"""Requests of several kinds to one server, by one client, a block of each in turn.

So that a slow phase of the host is of all kinds, and CPU time is still known of each.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from bench import load
from bench.database import Bed
from bench.processes import Usage
from bench.servers import Server

# A worker remembers more documents than these: what is asked in a block is known in the next one.
BLOCK = 10


@dataclass
class Timed:
    """Milliseconds of each request, and CPU seconds of all."""

    times: list[float] = field(default_factory=list)
    server: float = 0.0
    postgres: float = 0.0

    @property
    def p50_ms(self) -> float:
        return median(self.times)

    def cpu(self) -> tuple[float, float]:
        """CPU milliseconds a request, of the server and of PostgreSQL."""
        return self.server * 1000 / len(self.times), self.postgres * 1000 / len(self.times)


def in_blocks(server: Server, bed: Bed, kinds: Mapping[str, Sequence[bytes]]) -> dict[str, Timed]:
    """Return the times of all requests, of which there are as many of each kind."""
    timed = {name: Timed() for name in kinds}
    for start in range(0, max(map(len, kinds.values())), BLOCK):
        for name, bodies in kinds.items():
            before = Usage.read(server.process, bed.process)
            timed[name].times += load.ask(server.port, bodies[start : start + BLOCK])
            used = Usage.read(server.process, bed.process).since(before)
            timed[name].server += used.server
            timed[name].postgres += used.postgres
    return timed


def block_ratio(one: Timed, other: Timed) -> float:
    """How many times the median of `other` is that of `one`: the median of the blocks' own ratios."""
    return median(
        median(one.times[at : at + BLOCK]) / median(other.times[at : at + BLOCK])
        for at in range(0, len(one.times), BLOCK)
    )


def describe_block(one: Timed, other: Timed) -> str:
    """Both medians, and the CPU time behind them."""
    (server, postgres), (others_server, others_postgres) = one.cpu(), other.cpu()
    return (
        f"{one.p50_ms:.2f} ms and {other.p50_ms:.2f}; CPU of the server {server:.2f} ms and "
        f"{others_server:.2f}, of PostgreSQL {postgres:.2f} and {others_postgres:.2f}"
    )
