"""Accept connections evenly among worker processes that listen on one socket.

libuv accepts all waiting connections at once, so that one of two idle workers may get eight of eight.
An `Acceptor` accepts one at a time, and a worker that holds connections waits YIELD_SECONDS first.
"""

import asyncio
import logging
import socket
from collections.abc import Callable
from typing import Any

import uvloop

log = logging.getLogger("cacaotrace.accepting")

# Seconds that a worker with open connections waits before it accepts; libuv's clock is no finer.
YIELD_SECONDS = 0.001
# A worker accepts one more connection at a time for each so many that it holds.
CONNECTIONS_PER_EXTRA_ACCEPT = 8
# Seconds without accepting after the process has run out of file descriptors.
EXHAUSTED_SECONDS = 1


class FairLoop(uvloop.Loop):
    """A uvloop event loop whose servers on an existing socket accept evenly."""

    async def create_server(self, protocol_factory: Any, *arguments: Any, **options: Any) -> Any:
        """Return an Acceptor on `sock`; without `sock`, or with TLS, uvloop's own server."""
        listener = options.get("sock")
        if listener is None or options.get("ssl") is not None:
            return await super().create_server(protocol_factory, *arguments, **options)
        return Acceptor(self, listener, protocol_factory)


class Acceptor:
    """The part of an asyncio server that uvicorn uses, accepting from one socket."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        listener: socket.socket,
        protocol_factory: Callable[[], asyncio.Protocol],
    ) -> None:
        listener.setblocking(False)
        self.sockets = [listener]
        self._loop = loop
        self._listener = listener
        self._fd = listener.fileno()
        self._protocol_factory = protocol_factory
        self._connecting: set[asyncio.Task[Any]] = set()
        # asyncio reports no closed connection here: `_count` checks each transport.
        self._held: set[Any] = set()
        self._open = True
        loop.add_reader(self._fd, self._on_readable)

    def _on_readable(self) -> None:
        """Accept after a pause in which workers with fewer connections may accept."""
        self._loop.remove_reader(self._fd)
        wait = YIELD_SECONDS if self._count() else 0
        self._loop.call_later(wait, self._take)

    def _count(self) -> int:
        self._held = {transport for transport in self._held if not transport.is_closing()}
        return len(self._held) + len(self._connecting)

    def _take(self) -> None:
        if not self._open:
            return
        try:
            for _ in range(1 + self._count() // CONNECTIONS_PER_EXTRA_ACCEPT):
                connection, _ = self._listener.accept()
                connection.setblocking(False)
                self._connect(connection)
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            # Another worker accepted it, or the client closed it.
            pass
        except OSError as error:
            log.error("cannot accept a connection: %s", error.strerror)
            self._loop.call_later(EXHAUSTED_SECONDS, self._listen)
            return
        self._listen()

    def _listen(self) -> None:
        if self._open:
            self._loop.add_reader(self._fd, self._on_readable)

    def _connect(self, connection: socket.socket) -> None:
        connecting = self._loop.create_task(
            self._loop.connect_accepted_socket(self._protocol_factory, connection)
        )
        self._connecting.add(connecting)
        connecting.add_done_callback(self._connected)

    def _connected(self, connecting: "asyncio.Task[Any]") -> None:
        self._connecting.discard(connecting)
        if not connecting.cancelled() and connecting.exception() is None:
            transport, _ = connecting.result()
            self._held.add(transport)

    def close(self) -> None:
        """Stop accepting."""
        self._open = False
        self._loop.remove_reader(self._fd)

    async def wait_closed(self) -> None:
        """Return at once: `close` leaves nothing pending."""
