"""Read-only connections on the event loop: psycopg2's asynchronous mode, no thread between.

Each statement is prepared on a connection when that connection first runs it, and executed by name
from then on. A connection that fails is closed and replaced; a statement that the server no longer
knows (DEALLOCATE, DISCARD, a changed table) is prepared again. Sessions never write: each is
read-only, in UTC.
"""

from __future__ import annotations

import asyncio
import logging
import re
import select
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import Any

import psycopg2
from psycopg2 import errorcodes, extensions
from sqlalchemy import URL
from sqlalchemy.dialects.postgresql import psycopg2 as dialects

from models.database.addresses import Addresses

log = logging.getLogger("cacaotrace.sql")

DIALECT = dialects.dialect()  # type: ignore[no-untyped-call]
PARAMETER = re.compile(r"\$(\d+)")


CONNECT_SECONDS = 5
LOOK_SECONDS = 0.5
MAX_PREPARED = 200
# Characters of a statement that PostgreSQL is asked to remember.
MAX_PREPARED_LENGTH = 50_000
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
    """A statement with $1, $2, ... for parameters; equal texts are one statement, in any process.

    `by_value`: how it is best run depends on the values so much that it is planned for them each time.
    """

    text: str
    parameters: int
    by_value: bool = False

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


class AsyncConnection:
    """One connection of one event loop; one statement at a time."""

    def __init__(self, prepare: bool) -> None:
        self._prepare = prepare
        self._prepared: OrderedDict[str, None] = OrderedDict()
        self._waiter: asyncio.Future[None] | None = None
        self._raw: Any = None
        self._cursor: Any = None
        self._loop = asyncio.get_running_loop()
        self._fd = -1

    async def open(self, addresses: Addresses) -> None:
        """Connect; raises psycopg2.OperationalError, or TimeoutError after five seconds."""
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                self._raw = psycopg2.connect(await addresses.dsn(), async_=1)
                await _established(self._raw, self._loop)
        except BaseException:
            self.close()
            raise
        extensions.register_type(extensions.BYTES, self._raw)
        self._cursor = self._raw.cursor()
        self._fd = self._raw.fileno()
        self._loop.add_reader(self._fd, self._ready)

    @property
    def closed(self) -> bool:
        return self._raw is None or bool(self._raw.closed)

    def look(self) -> None:
        """See what the event loop may not have told: uvloop is silent about a connection that was reset."""
        if self._fd >= 0:
            self._ready()

    def lost(self) -> bool:
        """Whether there is no server at the other end, as the last error told; then it is closed.

        psycopg2 does not call a connection closed that was cut: libpq has given its socket back, and
        who left it with the event loop would take the next one's of that number away from it.
        """
        if not self.closed:
            if self._raw.get_transaction_status() != extensions.TRANSACTION_STATUS_UNKNOWN:
                return False
            self._forget_socket()
            self._raw.close()
        return True

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
        """Return the one value of a statement's one row; raises psycopg2.Error."""
        unprepared = statement.by_value or len(statement.text) > MAX_PREPARED_LENGTH
        if unprepared or not self._prepare:
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

    async def begin(self) -> None:
        """Begin a transaction whose statements all see one snapshot; it only reads."""
        await self._run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")

    async def commit(self) -> None:
        await self._run("COMMIT")

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
        """Send a statement that may not have fitted into the socket's buffer at once."""
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
        if error is not None and self.lost():
            self._forget_socket()
        if waiter is not None and not waiter.done():
            if error is None:
                waiter.set_result(None)
            else:
                waiter.set_exception(error)


async def _established(raw: Any, loop: asyncio.AbstractEventLoop) -> None:
    """Wait until a new connection is established; raises psycopg2.OperationalError."""
    while (state := raw.poll()) != extensions.POLL_OK:
        waiter = loop.create_future()
        fd = raw.fileno()
        reading = state == extensions.POLL_READ
        add, remove = (
            (loop.add_reader, loop.remove_reader)
            if reading
            else (loop.add_writer, loop.remove_writer)
        )
        add(fd, _resolve, waiter)
        try:
            while not waiter.done() and not _has_news(fd, reading):
                await asyncio.wait([waiter], timeout=LOOK_SECONDS)
        finally:
            remove(fd)


def _has_news(fd: int, reading: bool) -> bool:
    """Whether a socket can be read from or written to, or has failed."""
    news = select.poll()
    news.register(fd, select.POLLIN if reading else select.POLLOUT)
    return bool(news.poll(0))


def _resolve(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


def dsn_of(url: URL, settings: str) -> str:
    """Return the libpq connection string of a SQLAlchemy URL, with these settings of the session."""
    _, given = DIALECT.create_connect_args(url)  # type: ignore[no-untyped-call]
    parts = {**given, **session_of(given.get("options", ""), settings)}
    dsn: str = extensions.make_dsn(**parts)
    return dsn


def session_of(options: str, ours: str) -> dict[str, str]:
    """Return the options of every session: UTC, UTF-8 and the application's name, after the URL's own options."""
    return {
        "options": f"{options} {ours}".strip(),
        "client_encoding": "UTF8",
        "application_name": "cacaotrace",
    }
