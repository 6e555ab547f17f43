"""The connections of one event loop: opened, handed out last in, first out, and watched.

A caller that waits longer than the pool's timeout gets DatabaseUnavailable. A connection with an answer under
way is never handed out.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress

from models.database.addresses import Addresses
from models.database.asynchronous import LOOK_SECONDS, AsyncConnection
from models.database.connection_limiter import DatabaseUnavailable
from models.database.running_loop import RunningLoop
from models.database.timeouts import Timeouts


class ConnectionQueue:
    """At most `size` connections, and the callers that wait for one.

    `free` are the idle connections. `busy` are those in use, with the time since which they are.
    """

    def __init__(self, dsn: str, size: int, *, prepare: bool, timeouts: Timeouts) -> None:
        self._addresses = Addresses(dsn)
        self._prepare = prepare
        self._wait_seconds = timeouts.pool
        self._busy_seconds = timeouts.request
        self.free: deque[AsyncConnection] = deque()
        self.busy: dict[AsyncConnection, float] = {}
        self._unopened = size
        self._waiters: deque[asyncio.Future[AsyncConnection | None]] = deque()
        self._closed = False
        self.home = RunningLoop()
        self._loop = self.home.loop
        self._watch()

    async def take(self) -> AsyncConnection:
        """Return a free connection or a new one; raises DatabaseUnavailable if none is free in time."""
        if self.free:
            return self.free.pop()
        if self._unopened:
            self._unopened -= 1
            return await self._open()
        waiter: asyncio.Future[AsyncConnection | None] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        try:
            # Not wait_for: before Python 3.12 it loses a cancellation that meets an answer.
            async with asyncio.timeout(self._wait_seconds):
                handed_over = await waiter
        except BaseException as error:
            if waiter.done() and not waiter.cancelled():
                # The connection was handed over in the same turn of the loop in which the wait ended.
                self._hand_over(waiter.result())
            with suppress(ValueError):
                self._waiters.remove(waiter)
            if isinstance(error, TimeoutError):
                raise DatabaseUnavailable("no database connection was free in time") from None
            raise
        return handed_over if handed_over is not None else await self._open()

    async def _open(self) -> AsyncConnection:
        """Return a new connection, in the place that the caller took for it."""
        connection = AsyncConnection(self._prepare)
        try:
            await connection.open(self._addresses)
        except BaseException:
            self._hand_over(None)
            raise
        return connection

    def give_back(self, connection: AsyncConnection) -> None:
        """Take a connection back after its use; a closed one makes room for another."""
        del self.busy[connection]
        if self._closed:
            connection.close()
        self._hand_over(None if connection.closed else connection)

    def _hand_over(self, connection: AsyncConnection | None) -> None:
        """Give the first waiter a connection, or the right to open one."""
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(connection)
                return
        if connection is None:
            self._unopened += 1
        else:
            self.free.append(connection)

    def drop_free(self) -> None:
        """Close the idle connections."""
        while self.free:
            self.free.pop().close()
            self._unopened += 1

    def _watch(self) -> None:
        """Close connections that were cut or did not answer in time, which ends their callers' wait."""
        if self._closed or self._loop.is_closed():
            return
        overdue = self._loop.time() - self._busy_seconds
        for connection in [c for c, since in self.busy.items() if since < overdue]:
            connection.close()
        for connection in list(self.busy):
            connection.look()
        for connection in list(self.free):
            connection.look()
            if connection.closed:
                self.free.remove(connection)
                self._unopened += 1
        self._watcher = self._loop.call_later(LOOK_SECONDS, self._watch)

    def close(self) -> None:
        """Close what is free now, and what is in use when it is given back."""
        self._closed = True
        if not self._loop.is_closed():
            self._watcher.cancel()
        self.drop_free()
