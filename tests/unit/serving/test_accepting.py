"""Two event loops that listen on one socket share its connections."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import cast

import pytest

from serving.fair_accepting import FairLoop


class Echo(asyncio.Protocol):
    """Answers with what it gets, and is counted."""

    def __init__(self, made: "list[Echo]") -> None:
        made.append(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's is one without being a subclass.
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)


@contextmanager
def accepting(listener: socket.socket, made: "list[Echo]") -> Iterator[None]:
    """Provide a loop in a thread that takes connections."""
    loop = FairLoop()
    started, stop = threading.Event(), asyncio.Event()

    async def serve() -> None:
        server = await loop.create_server(lambda: Echo(made), sock=listener)
        started.set()
        await stop.wait()
        server.close()
        await server.wait_closed()
        for echo in made:
            echo.transport.abort()
        await asyncio.sleep(0.05)

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    assert started.wait(10)
    try:
        yield
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with closing(socket.create_server(("127.0.0.1", 0), backlog=200)) as made:
        yield made


@pytest.mark.parametrize("count", [8, 100])
def test_connections_are_shared_and_each_is_answered(listener: socket.socket, count: int) -> None:
    first: list[Echo] = []
    second: list[Echo] = []
    with ExitStack() as stack:
        # They are waiting when the loops start, and come one after another to both.
        clients = [
            stack.enter_context(closing(socket.create_connection(listener.getsockname(), 10)))
            for _ in range(count)
        ]
        stack.enter_context(accepting(listener, first))
        shared = stack.enter_context(closing(listener.dup()))
        stack.enter_context(accepting(shared, second))
        more = [
            stack.enter_context(closing(socket.create_connection(listener.getsockname(), 10)))
            for _ in range(count)
        ]
        for number, client in enumerate([*clients, *more]):
            client.sendall(b"%d" % number)
        for number, client in enumerate([*clients, *more]):
            assert client.recv(100) == b"%d" % number
    assert len(first) + len(second) == 2 * count
    assert len(second) >= count // 4


def test_server_of_its_own_address_is_as_ever() -> None:
    async def serve() -> None:
        made: list[Echo] = []
        server = await asyncio.get_running_loop().create_server(lambda: Echo(made), "127.0.0.1", 0)
        host, port = server.sockets[0].getsockname()
        _, writer = await asyncio.open_connection(host, port)
        writer.close()
        await writer.wait_closed()
        server.close()
        await server.wait_closed()

    with asyncio.Runner(loop_factory=FairLoop) as runner:
        runner.run(serve())
