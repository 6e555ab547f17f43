"""What one client may spend, and hold of the server at a time; the queues of slow work.

A request pays its price before it runs. What it took of the database's time and of the computing
thread's beyond that, its client pays afterwards, by the second.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Hashable
from contextlib import asynccontextmanager
from time import thread_time
from typing import TypeVar

from graph.admission.client_limiter import ClientLimiter
from graph.admission.limits import Limits
from graph.admission.planning_executor import FairExecutor
from graph.admission.rate_limit import RateLimiter, client_network, client_of
from graph.context import Viewer
from models.database.connection_limiter import ConnectionLimiter
from models.database.engines import Database
from models.database.pool import Meter

_T = TypeVar("_T")

# One client may hold a quarter of the connections, half where clients are not counted; work that computes
# between statements, half of them.
_SHARE, SHARE_UNCOUNTED, COMPUTING = 4, 2, 2
# Bytes of which the event loop computes in a moment.
LITTLE_TO_COMPUTE = 10_000
# Seconds a second that the computing thread may work while others are being answered, and the seconds
# beyond that after which no client waits longer.
_DUTY, DEBT = 0.5, 0.5


class Admission:
    """Admits the requests of one engine."""

    def __init__(self, database: Database, limits: Limits, answered: Callable[[], int]) -> None:
        self.rate_limiter = RateLimiter(limits)
        size = database.pool_size
        part = _SHARE if limits.cost_per_second else SHARE_UNCOUNTED
        share = min(size, limits.client_connections or max(1, size // part))
        self._wait = database.timeouts.pool
        self.reads = ClientLimiter(share, self._wait)
        self.writes = ClientLimiter(share, self._wait)
        # Threads that compress large answers.
        self.compressions = ClientLimiter(share, self._wait)
        self._planning = FairExecutor(answered, limits.request_seconds)
        self._computing = FairExecutor(
            answered, limits.request_seconds, "computing", duty=_DUTY, debt=DEBT
        )
        self._assemblies: ConnectionLimiter | None = None
        self._most_assemblies = max(1, size // COMPUTING)

    def subject(self, key: Hashable) -> asyncio.Lock:
        """To be held while one thing is understood, which others may ask for at the same time."""
        return self._planning.subject(key)

    async def plan(self, viewer: Viewer, work: Callable[[], _T], *, short: bool = False) -> _T:
        """Return what `work` returns or raises, beside the event loop, when it is this client's turn."""
        return await self._planning.run(_place_of(viewer), work, short=short)

    async def compute(self, viewer: Viewer, work: Callable[[], _T], *, size: int) -> _T:
        """Return the same for what is made of so many bytes of rows; its time is charged for."""
        took = 0.0

        def timed() -> _T:
            nonlocal took
            began = thread_time()
            try:
                return work()
            finally:
                took = thread_time() - began

        try:
            short = size < LITTLE_TO_COMPUTE
            return await self._computing.run(_place_of(viewer), timed, short=short)
        finally:
            self.rate_limiter.settle(client_of(viewer), took)

    def assemblies(self) -> ConnectionLimiter:
        """Places of requests that compute between their statements, on the running event loop."""
        slots = self._assemblies
        if slots is None or not slots.is_here():
            slots = self._assemblies = ConnectionLimiter(self._most_assemblies, self._wait)
        return slots


class Execution(Meter):
    """One request that reads: its connection's seconds, and its turns at what it computes."""

    __slots__ = ("_admission", "_viewer", "paid")

    def __init__(self, admission: Admission, viewer: Viewer, paid: int) -> None:
        self.seconds = 0.0
        self._admission = admission
        self._viewer = viewer
        self.paid = paid

    @asynccontextmanager
    async def assembling(self) -> AsyncIterator[None]:
        """While inside, a place of those that compute between statements is held."""
        slots = self._admission.assemblies()
        await slots.take()
        try:
            yield
        finally:
            slots.give()

    async def compute(self, work: Callable[[], _T], size: int) -> _T:
        """Return what `work` makes of so many bytes of rows."""
        return await self._admission.compute(self._viewer, work, size=size)

    def reach(self, cost: int) -> None:
        """Pay for what the database found, before more is done; raises RequestError where that cannot be."""
        refused = self._admission.rate_limiter.admit(self._viewer, cost, self.paid)
        if refused is not None:
            raise refused
        self.paid += cost


class WritePlace:
    """One operation's place among its client's writes, and among all that write."""

    def __init__(self, admission: Admission, database: Database, viewer: Viewer, paid: int) -> None:
        self._admission = admission
        self._database = database
        self._client = client_of(viewer)
        self._paid = paid
        self._slots: ConnectionLimiter | None = None
        self._since = 0.0

    async def take(self) -> None:
        """Wait for a connection on the event loop: in threads, writers would hold up all others.

        Raises RateLimited where the client has too many, DatabaseUnavailable where all are in use for long.
        """
        if self._slots is not None:
            return
        writes, slots = self._admission.writes, self._database.writers()
        await writes.enter(self._client)
        try:
            await slots.take()
        except BaseException:
            writes.leave(self._client)
            raise
        self._slots, self._since = slots, slots.loop.time()

    def give(self, *, charged: bool) -> None:
        """Let the next one write; the client pays for the time beyond what the operation paid."""
        slots, self._slots = self._slots, None
        if slots is None:
            return
        slots.give()
        self._admission.writes.leave(self._client)
        if charged:
            seconds = slots.loop.time() - self._since
            self._admission.rate_limiter.settle(self._client, seconds, self._paid)


def _place_of(viewer: Viewer) -> str:
    return f"{viewer.actor} {client_network(viewer.address)}"
