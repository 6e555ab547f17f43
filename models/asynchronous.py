"""Read-only connections on the event loop: psycopg2's asynchronous mode, no thread between.

Each statement is prepared on a connection when that connection first runs it, and executed by name
from then on. A connection that fails is closed and replaced; a statement that the server no longer
knows (DEALLOCATE, DISCARD, a changed table) is prepared again. Refuses to write: every session is
read-only, in UTC.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections import OrderedDict, deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import Any

import psycopg2
from psycopg2 import errorcodes, extensions
from sqlalchemy import URL
from sqlalchemy.dialects.postgresql import psycopg2 as dialects

log = logging.getLogger("cacaotrace.sql")

DIALECT = dialects.dialect()  # type: ignore[no-untyped-call]
PARAMETER = re.compile(r"\$(\d+)")


CONNECT_SECONDS = 5
RETRY_SECONDS = 2
MAX_PREPARED = 200
# Characters of a statement that PostgreSQL is asked to remember.
MAX_PREPARED_LENGTH = 50_000
# What a statement may take: PostgreSQL gives up first, and we do where it does not answer at all.
STATEMENT_SECONDS, HUNG_SECONDS = 15, 20
READING = (
    f"-c timezone=UTC -c default_transaction_read_only=on -c statement_timeout={STATEMENT_SECONDS}s"
)
# Bytes that the kernel takes of a statement at once, by far.
SOCKET_BUFFER = 16_384
# The statement's plan is gone or stale; the statement itself is fine.
FORGOTTEN = (
    errorcodes.INVALID_SQL_STATEMENT_NAME,
    errorcodes.FEATURE_NOT_SUPPORTED,
    errorcodes.DUPLICATE_PREPARED_STATEMENT,
)


@dataclass(frozen=True)
class Statement:
    """A statement with $1, $2, ... for parameters; equal texts are one statement, in any process."""

    text: str
    parameters: int

    @cached_property
    def name(self) -> str:
        """The name it is prepared under, made of its text."""
        return "cacaotrace_" + blake2b(self.text.encode(), digest_size=12).hexdigest()

    @cached_property
    def execute(self) -> str:
        """EXECUTE name (%s, %s, ...), for psycopg2 to fill in."""
        places = ", ".join(["%s"] * self.parameters)
        return f"EXECUTE {self.name}({places})" if places else f"EXECUTE {self.name}"

    @cached_property
    def unprepared(self) -> str:
        """The statement itself with %(p1)s, %(p2)s, ... for parameters."""
        return PARAMETER.sub(lambda match: f"%(p{match[1]})s", self.text.replace("%", "%%"))


class Unanswered(Exception):
    """No connection became free, or the server did not answer, in time."""


class Connection:
    """One connection of one event loop; one statement at a time."""

    def __init__(self, dsn: str, prepare: bool) -> None:
        self._dsn = dsn
        self._prepare = prepare
        self._prepared: OrderedDict[str, None] = OrderedDict()
        self._waiter: asyncio.Future[None] | None = None
        self._raw: Any = None
        self._cursor: Any = None
        self._loop = asyncio.get_running_loop()
        self._fd = -1

    async def open(self) -> None:
        """Connect; raises psycopg2.OperationalError, or TimeoutError after five seconds."""
        self._raw = psycopg2.connect(self._dsn, async_=1)
        try:
            await asyncio.wait_for(self._handshake(), CONNECT_SECONDS)
        except BaseException:
            self.close()
            raise
        extensions.register_type(extensions.BYTES, self._raw)
        self._cursor = self._raw.cursor()
        self._fd = self._raw.fileno()
        self._loop.add_reader(self._fd, self._ready)

    async def _handshake(self) -> None:
        while (state := self._raw.poll()) != extensions.POLL_OK:
            waiter = self._loop.create_future()
            fd = self._raw.fileno()
            reading = state == extensions.POLL_READ
            add, remove = (
                (self._loop.add_reader, self._loop.remove_reader)
                if reading
                else (self._loop.add_writer, self._loop.remove_writer)
            )
            add(fd, _resolve, waiter)
            try:
                await waiter
            finally:
                remove(fd)

    @property
    def closed(self) -> bool:
        return self._raw is None or bool(self._raw.closed)

    def close(self) -> None:
        """Close, whatever is under way; the server ends the statement when it notices."""
        self._forget_socket()
        if self._raw is not None:
            self._raw.close()
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_exception(psycopg2.OperationalError("the connection was closed"))

    def _forget_socket(self) -> None:
        if self._fd >= 0 and not self._loop.is_closed():
            self._loop.remove_reader(self._fd)
            self._loop.remove_writer(self._fd)
        self._fd = -1

    async def fetch(self, statement: Statement, values: Sequence[object]) -> bytes:
        """The one value of a statement's one row; raises psycopg2.Error."""
        if not self._prepare or len(statement.text) > MAX_PREPARED_LENGTH:
            named = {f"p{place}": value for place, value in enumerate(values, start=1)}
            await self._run(statement.unprepared, named)
            return self._value()
        try:
            if statement.name not in self._prepared:
                await self._prepare_once(statement)
            await self._run(statement.execute, values)
        except psycopg2.Error as error:
            if error.pgcode not in FORGOTTEN:
                raise
            self._prepared.clear()
            await self._run("DEALLOCATE ALL")
            await self._prepare_once(statement)
            await self._run(statement.execute, values)
        return self._value()

    async def _prepare_once(self, statement: Statement) -> None:
        await self._run(f"PREPARE {statement.name} AS {statement.text}")
        self._prepared[statement.name] = None
        if len(self._prepared) > MAX_PREPARED:
            oldest, _ = self._prepared.popitem(last=False)
            await self._run(f"DEALLOCATE {oldest}")

    def _value(self) -> bytes:
        value: bytes = self._cursor.fetchone()[0]
        return value

    def _run(self, text: str, values: Any = None) -> asyncio.Future[None]:
        self._cursor.execute(text, values)
        if log.isEnabledFor(logging.DEBUG):
            log.debug("%s", text)
        waiter = self._waiter = self._loop.create_future()
        if len(self._cursor.query) > SOCKET_BUFFER:
            self._loop.add_writer(self._fd, self._writable)
        return waiter

    def _writable(self) -> None:
        """A statement that may not have fitted into the socket's buffer at once."""
        if self._ready() != extensions.POLL_WRITE and self._fd >= 0:
            self._loop.remove_writer(self._fd)

    def _ready(self) -> int:
        try:
            state: int = self._raw.poll()
        except psycopg2.Error as error:
            self._finish(error)
            return extensions.POLL_ERROR
        if state == extensions.POLL_OK:
            self._finish(None)
        return state

    def _finish(self, error: psycopg2.Error | None) -> None:
        waiter, self._waiter = self._waiter, None
        if error is not None and self._raw.closed:
            self._forget_socket()
        if waiter is not None and not waiter.done():
            if error is None:
                waiter.set_result(None)
            else:
                waiter.set_exception(error)


def _resolve(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


class Pool:
    """At most `size` connections of one event loop, handed out last in, first out."""

    def __init__(self, dsn: str, size: int, *, prepare: bool, wait: float) -> None:
        self._dsn = dsn
        self._prepare = prepare
        self._wait = wait
        self._free: deque[Connection] = deque()
        self._spare = size
        self._queue: deque[asyncio.Future[Connection | None]] = deque()
        self._busy: dict[Connection, float] = {}
        self._closed = False
        self.loop = asyncio.get_running_loop()
        self._watch()

    async def fetch(self, statement: Statement, values: Sequence[object]) -> bytes:
        """Run a statement; raises psycopg2.Error, or Unanswered when no connection is free in time.

        A statement that was cut off by a lost connection is sent once more: it only reads.
        """
        connection = self._free.pop() if self._free else await self._take()
        started = self._busy[connection] = self.loop.time()
        try:
            return await connection.fetch(statement, values)
        except psycopg2.Error as error:
            if not connection.closed and not isinstance(error, psycopg2.InterfaceError):
                raise
            connection.close()
            lost = error
        except BaseException:
            # Cancelled with a statement under way: its answer must not reach anyone else.
            connection.close()
            raise
        finally:
            del self._busy[connection]
            self._give(connection)
        return await self._fetch_anew(statement, values, started, lost)

    async def _fetch_anew(
        self, statement: Statement, values: Sequence[object], started: float, lost: psycopg2.Error
    ) -> bytes:
        """Once more on a new connection, where the first was lost at once, not by this statement."""
        if self.loop.time() - started > RETRY_SECONDS:
            raise Unanswered("the connection was lost under the statement") from lost
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
        """Every second: close what has not answered for too long, whoever waits is told."""
        if self._closed or self.loop.is_closed():
            return
        overdue = self.loop.time() - HUNG_SECONDS
        for connection in [c for c, since in self._busy.items() if since < overdue]:
            connection.close()
        self._watcher = self.loop.call_later(1, self._watch)

    async def _take(self) -> Connection:
        if self._free:
            return self._free.pop()
        if self._spare:
            self._spare -= 1
            return await self._open()
        waiter: asyncio.Future[Connection | None] = asyncio.get_running_loop().create_future()
        self._queue.append(waiter)
        try:
            given = await asyncio.wait_for(waiter, self._wait)
        except BaseException as error:
            if waiter.done() and not waiter.cancelled():
                # It was handed over in the very turn in which we gave up.
                self._pass_on(waiter.result())
            with suppress(ValueError):
                self._queue.remove(waiter)
            if isinstance(error, TimeoutError):
                raise Unanswered("no database connection was free in time") from None
            raise
        return given if given is not None else await self._open()

    async def _open(self) -> Connection:
        """A new connection, in the place that the caller took for it."""
        connection = Connection(self._dsn, self._prepare)
        try:
            await connection.open()
        except BaseException:
            self._pass_on(None)
            raise
        return connection

    def _give(self, connection: Connection) -> None:
        if self._closed:
            connection.close()
        self._pass_on(None if connection.closed else connection)

    def _pass_on(self, connection: Connection | None) -> None:
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


def dsn_of(url: URL) -> str:
    """The libpq connection string of a SQLAlchemy URL, with the settings of a reading session."""
    _, given = DIALECT.create_connect_args(url)  # type: ignore[no-untyped-call]
    parts = {**given, **session_of(given.get("options", ""), READING)}
    dsn: str = extensions.make_dsn(**parts)
    return dsn


def session_of(options: str, ours: str) -> dict[str, str]:
    """What every session of ours is: in UTC and UTF-8, under our name, after the URL's own options."""
    return {
        "options": f"{options} {ours}".strip(),
        "client_encoding": "UTF8",
        "application_name": "cacaotrace",
    }
