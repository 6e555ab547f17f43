"""How worker processes that listen on one socket share its connections: about as many for each.

libuv's own way takes all that wait at once, so that one of two idle workers may get eight connections
of eight. Here a worker takes one at a time, and one that has some already lets the others go first.
"""

import asyncio
import logging
import socket
from collections.abc import Callable
from typing import Any

import uvloop

log = logging.getLogger("cacaotrace.accepting")

# What a worker that has connections leaves to the others, in seconds: the clock of libuv is no finer.
COURTESY_SECONDS = 0.001
# Connections held for one more that is taken at a time, lest a crowd wait at the door.
CROWD = 8
# How long no connection is taken where there is no descriptor left for it.
EXHAUSTED_SECONDS = 1


class FairLoop(uvloop.Loop):
    """uvloop's, but for servers on a socket that is given."""

    async def create_server(self, protocol_factory: Any, *given: Any, **more: Any) -> Any:
        """A server on `sock` that shares with other processes; else uvloop's own."""
        listener = more.get("sock")
        if listener is None or more.get("ssl") is not None:
            return await super().create_server(protocol_factory, *given, **more)
        return Acceptor(self, listener, protocol_factory)


class Acceptor:
    """Takes connections from a socket; as much of an asyncio server as uvicorn needs."""

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
        # Nothing tells when a connection is done: each is asked whenever they are counted.
        self._held: set[Any] = set()
        self._open = True
        loop.add_reader(self._fd, self._knock)

    def _knock(self) -> None:
        """Somebody is at the door, of every worker."""
        self._loop.remove_reader(self._fd)
        wait = COURTESY_SECONDS if self._count() else 0
        self._loop.call_later(wait, self._take)

    def _count(self) -> int:
        self._held = {transport for transport in self._held if not transport.is_closing()}
        return len(self._held) + len(self._connecting)

    def _take(self) -> None:
        if not self._open:
            return
        try:
            for _ in range(1 + self._count() // CROWD):
                connection, _ = self._listener.accept()
                connection.setblocking(False)
                self._connect(connection)
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            # Another worker took it, or the client is gone.
            pass
        except OSError as error:
            log.error("no connection can be taken: %s", error.strerror)
            self._loop.call_later(EXHAUSTED_SECONDS, self._listen)
            return
        self._listen()

    def _listen(self) -> None:
        if self._open:
            self._loop.add_reader(self._fd, self._knock)

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
        """Take no more."""
        self._open = False
        self._loop.remove_reader(self._fd)

    async def wait_closed(self) -> None:
        """Nothing is left to wait for."""
