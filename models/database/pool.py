"""Read-only statements on the connections of one event loop, sent again where a connection was lost.

A caller never waits without an end: see connection_queue.py.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TypeAlias

import psycopg2
from psycopg2 import errorcodes

from models.database.asynchronous import FORGOTTEN, AsyncConnection, Statement
from models.database.connection_limiter import DatabaseUnavailable
from models.database.connection_queue import ConnectionQueue
from models.database.timeouts import Timeouts

# A connection that is lost later than this was lost by the statement itself, probably.
RETRY_SECONDS = 2
# A statement that was forgotten fails in a transaction, and all that follows with it.
BROKEN = (*FORGOTTEN, errorcodes.IN_FAILED_SQL_TRANSACTION)
Fetch: TypeAlias = Callable[[Statement, Sequence[object]], Awaitable[bytes]]


class Meter:
    """The seconds in which connections worked for one request."""

    __slots__ = ("seconds",)

    def __init__(self) -> None:
        self.seconds = 0.0


class Pool:
    """Fetches statements, one or several in one snapshot, on at most `size` connections."""

    def __init__(self, dsn: str, size: int, *, prepare: bool, timeouts: Timeouts) -> None:
        self._connections = ConnectionQueue(dsn, size, prepare=prepare, timeouts=timeouts)
        self.loop = self._connections.home.loop

    def is_here(self) -> bool:
        """Return whether its event loop is the one that runs here."""
        return self._connections.home.is_here()

    async def fetch(
        self, statement: Statement, values: Sequence[object], meter: Meter | None = None
    ) -> bytes:
        """Run a statement and return its answer.

        Sends a statement once more if the connection was lost: it only reads. `meter` counts the time until
        PostgreSQL answered, or until the wait ended. Raises psycopg2.Error, or DatabaseUnavailable if no
        connection is free in time.
        """
        connections = self._connections
        connection = connections.free.pop() if connections.free else await connections.take()
        started = connections.busy[connection] = self.loop.time()
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
            # Cancelled with a statement under way: no other caller may get its answer.
            self._count(meter, started)
            connection.close()
            raise
        finally:
            connections.give_back(connection)
        return await self._fetch_again(statement, values, started, lost)

    def _count(self, meter: Meter | None, started: float) -> None:
        if meter is not None:
            meter.seconds += self.loop.time() - started

    async def _fetch_again(
        self, statement: Statement, values: Sequence[object], started: float, lost: psycopg2.Error
    ) -> bytes:
        """Fetch on a new connection, unless the first was lost late, which is the statement's own doing."""
        if self.loop.time() - started > RETRY_SECONDS:
            raise DatabaseUnavailable("the connection was lost under the statement") from lost
        self._connections.drop_free()
        connection = await self._connections.take()
        self._connections.busy[connection] = self.loop.time()
        try:
            return await connection.fetch(statement, values)
        except BaseException:
            connection.close()
            raise
        finally:
            self._connections.give_back(connection)

    async def fetch_together(
        self, run: Callable[[Fetch], Awaitable[bytes]], meter: Meter | None = None
    ) -> bytes:
        """Return what `run` makes of the statements it fetches, all of them in one read-only snapshot.

        Runs it once more on a new connection if the connection was lost, or had forgotten a statement.
        """
        made = await self._run_in_snapshot(run, meter)
        if made is None:
            self._connections.drop_free()
            made = await self._run_in_snapshot(run, meter, again=True)
        if made is None:
            raise DatabaseUnavailable("the connection was lost twice")
        return made

    async def _run_in_snapshot(
        self,
        run: Callable[[Fetch], Awaitable[bytes]],
        meter: Meter | None,
        *,
        again: bool = False,
    ) -> bytes | None:
        """Return what `run` makes, or None if it may run again. `again`: no error is the connection's."""
        connection = await self._connections.take()
        started = self._connections.busy[connection] = self.loop.time()
        try:
            await connection.begin()
            made = await run(partial(self._fetch_one, connection, meter))
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
            # The transaction ends with the connection.
            connection.close()
            raise
        finally:
            self._connections.give_back(connection)

    async def _fetch_one(
        self,
        connection: AsyncConnection,
        meter: Meter | None,
        statement: Statement,
        values: Sequence[object],
    ) -> bytes:
        """Fetch one statement of several; computing between them is not the connection's time."""
        started = self.loop.time()
        try:
            return await connection.fetch(statement, values)
        finally:
            if not connection.closed:
                self._count(meter, started)

    def close(self) -> None:
        """Close what is free now, and what is in use when it is given back."""
        self._connections.close()
