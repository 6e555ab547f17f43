"""Read-only connections, handed out to whoever asks on one event loop, and looked after.

Refuses to let anyone wait without an end, or to hand out a connection with an answer under way.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import TypeAlias

import psycopg2
from psycopg2 import errorcodes

from models.database.addresses import Addresses
from models.database.asynchronous import FORGOTTEN, LOOK_SECONDS, AsyncConnection, Statement
from models.database.connection_limiter import DatabaseUnavailable
from models.database.running_loop import RunningLoop
from models.database.timeouts import Timeouts

RETRY_SECONDS = 2
# A statement that was forgotten fails in a transaction, and all that follows with it.
BROKEN = (*FORGOTTEN, errorcodes.IN_FAILED_SQL_TRANSACTION)
Fetch: TypeAlias = Callable[[Statement, Sequence[object]], Awaitable[bytes]]


class Meter:
    """What one request has used: seconds in which a connection worked for it."""

    __slots__ = ("seconds",)

    def __init__(self) -> None:
        self.seconds = 0.0


class Pool:
    """At most `size` connections of one event loop, handed out last in, first out."""

    def __init__(self, dsn: str, size: int, *, prepare: bool, timeouts: Timeouts) -> None:
        self._addresses = Addresses(dsn)
        self._prepare = prepare
        self._wait = timeouts.pool
        self._hung = timeouts.request
        self._free: deque[AsyncConnection] = deque()
        self._spare = size
        self._queue: deque[asyncio.Future[AsyncConnection | None]] = deque()
        self._busy: dict[AsyncConnection, float] = {}
        self._closed = False
        self._home = RunningLoop()
        self.loop = self._home.loop
        self._watch()

    def is_here(self) -> bool:
        """Whether its event loop is the one that runs here."""
        return self._home.is_here()

    async def fetch(
        self, statement: Statement, values: Sequence[object], meter: Meter | None = None
    ) -> bytes:
        """Run a statement; raises psycopg2.Error, or DatabaseUnavailable when no connection is free in time.

        A statement that was cut off by a lost connection is sent once more: it only reads. `meter`
        counts the time of what PostgreSQL answered, or was not waited for any longer.
        """
        connection = self._free.pop() if self._free else await self._take()
        started = self._busy[connection] = self.loop.time()
        try:
            answer = await connection.fetch(statement, values)
            if meter is not None:
                meter.seconds += self.loop.time() - started
            return answer
        except psycopg2.Error as error:
            if not connection.lost() and not isinstance(error, psycopg2.InterfaceError):
                self._count(meter, started)
                raise
            connection.close()
            lost = error
        except BaseException:
            # Cancelled with a statement under way: its answer must not reach anyone else.
            self._count(meter, started)
            connection.close()
            raise
        finally:
            del self._busy[connection]
            self._give(connection)
        return await self._fetch_anew(statement, values, started, lost)

    def _count(self, meter: Meter | None, started: float) -> None:
        if meter is not None:
            meter.seconds += self.loop.time() - started

    async def fetch_together(
        self, run: Callable[[Fetch], Awaitable[bytes]], meter: Meter | None = None
    ) -> bytes:
        """Return what `run` makes of the statements it fetches, all of them in one read-only snapshot.

        Where the connection was lost, or had forgotten a statement, it is run once more on a new one.
        """
        made = await self._together(run, meter)
        if made is None:
            self._drop_free()
            made = await self._together(run, meter, again=True)
        if made is None:
            raise DatabaseUnavailable("the connection was lost twice")
        return made

    async def _together(
        self,
        run: Callable[[Fetch], Awaitable[bytes]],
        meter: Meter | None,
        *,
        again: bool = False,
    ) -> bytes | None:
        """None where it may be run anew. What a statement is refused `again` for is its own fault."""
        connection = self._free.pop() if self._free else await self._take()
        started = self._busy[connection] = self.loop.time()
        try:
            await connection.begin()
            made = await run(partial(self._ask, connection, meter))
            await connection.commit()
            return made
        except psycopg2.Error as error:
            lost = connection.lost() or isinstance(error, psycopg2.InterfaceError)
            connection.close()
            if not lost and (again or error.pgcode not in BROKEN):
                raise
            if lost and self.loop.time() - started > RETRY_SECONDS:
                raise DatabaseUnavailable("the connection was lost under the statements") from error
            return None
        except BaseException:
            # Whatever it was, the transaction ends with the connection.
            connection.close()
            raise
        finally:
            del self._busy[connection]
            self._give(connection)

    async def _ask(
        self,
        connection: AsyncConnection,
        meter: Meter | None,
        statement: Statement,
        values: Sequence[object],
    ) -> bytes:
        """One statement of several; what is computed between them is not the connection's time."""
        started = self.loop.time()
        try:
            return await connection.fetch(statement, values)
        finally:
            if not connection.closed:
                self._count(meter, started)

    async def _fetch_anew(
        self, statement: Statement, values: Sequence[object], started: float, lost: psycopg2.Error
    ) -> bytes:
        """Once more on a new connection, where the first was lost at once, not by this statement."""
        if self.loop.time() - started > RETRY_SECONDS:
            raise DatabaseUnavailable("the connection was lost under the statement") from lost
        self._drop_free()
        connection = await self._take()
        self._busy[connection] = self.loop.time()
        try:
            return await connection.fetch(statement, values)
        except BaseException:
            connection.close()
            raise
        finally:
            del self._busy[connection]
            self._give(connection)

    def _watch(self) -> None:
        """Now and then: close what was cut or has not answered for too long, whoever waits is told."""
        if self._closed or self.loop.is_closed():
            return
        overdue = self.loop.time() - self._hung
        for connection in [c for c, since in self._busy.items() if since < overdue]:
            connection.close()
        for connection in list(self._busy):
            connection.look()
        for connection in list(self._free):
            connection.look()
            if connection.closed:
                self._free.remove(connection)
                self._spare += 1
        self._watcher = self.loop.call_later(LOOK_SECONDS, self._watch)

    async def _take(self) -> AsyncConnection:
        if self._free:
            return self._free.pop()
        if self._spare:
            self._spare -= 1
            return await self._open()
        waiter: asyncio.Future[AsyncConnection | None] = asyncio.get_running_loop().create_future()
        self._queue.append(waiter)
        try:
            # Not wait_for: before Python 3.12 it loses a cancellation that meets an answer.
            async with asyncio.timeout(self._wait):
                given = await waiter
        except BaseException as error:
            if waiter.done() and not waiter.cancelled():
                # It was handed over in the very turn in which we gave up.
                self._pass_on(waiter.result())
            with suppress(ValueError):
                self._queue.remove(waiter)
            if isinstance(error, TimeoutError):
                raise DatabaseUnavailable("no database connection was free in time") from None
            raise
        return given if given is not None else await self._open()

    async def _open(self) -> AsyncConnection:
        """Return a new connection, in the place that the caller took for it."""
        connection = AsyncConnection(self._prepare)
        try:
            await connection.open(self._addresses)
        except BaseException:
            self._pass_on(None)
            raise
        return connection

    def _give(self, connection: AsyncConnection) -> None:
        if self._closed:
            connection.close()
        self._pass_on(None if connection.closed else connection)

    def _pass_on(self, connection: AsyncConnection | None) -> None:
        """To whoever waits first: a connection, or the right to open one."""
        while self._queue:
            waiter = self._queue.popleft()
            if not waiter.done():
                waiter.set_result(connection)
                return
        if connection is None:
            self._spare += 1
        else:
            self._free.append(connection)

    def _drop_free(self) -> None:
        while self._free:
            self._free.pop().close()
            self._spare += 1

    def close(self) -> None:
        """Close what is free now, and what is in use when it is given back."""
        self._closed = True
        if not self.loop.is_closed():
            self._watcher.cancel()
        self._drop_free()
