import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import uvloop

from bench.client import Client, converse, framed, run, whole_length

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"


def test_a_response_is_whole_by_its_length() -> None:
    assert whole_length(ANSWER) == len(ANSWER)
    assert whole_length(ANSWER[:20]) is None


def test_a_response_without_length_is_refused() -> None:
    with pytest.raises(ValueError, match="length"):
        whole_length(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")


@asynccontextmanager
async def answering(status: bytes) -> AsyncIterator[tuple[int, list[bytes]]]:
    """Provide the port of a server that answers with this status, and what it got."""
    seen: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n") if not reader.at_eof() else b"":
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            seen.append(await reader.readexactly(length))
            # In two pieces, as large answers come.
            answer = ANSWER.replace(b"200 OK", status)
            writer.write(answer[:30])
            await writer.drain()
            await asyncio.sleep(0.001)
            writer.write(answer[30:])

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        except asyncio.IncompleteReadError:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], seen
    finally:
        server.close()
        await server.wait_closed()


async def loaded(status: bytes) -> tuple[dict[str, float], list[bytes]]:
    """Return what the client found at a server that answers with this status, and what that one got."""
    async with answering(status) as (port, seen):
        return await run(port, [framed(b"one"), framed(b"three")], 2, 0.1), seen


async def asked_once(bodies: list[bytes], clients: int) -> tuple[list[Client], list[bytes]]:
    """Return the clients that asked these once, and what the server got."""
    async with answering(b"200 OK") as (port, seen):
        return await converse(port, map(framed, bodies), clients), seen


def test_the_client_sends_the_bodies_in_turn_and_counts_the_answers() -> None:
    figures, seen = uvloop.run(loaded(b"200 OK"))
    assert figures["errors"] == 0
    assert figures["requests"] == len(seen)
    assert figures["bytes"] == len(ANSWER) * len(seen)
    assert seen[:4] in ([b"one", b"three"] * 2, [b"one", b"three", b"three", b"one"])
    assert 0 < figures["p50_ms"] <= figures["p99_ms"]


def test_another_status_is_an_error() -> None:
    figures, seen = uvloop.run(loaded(b"500 No"))
    assert figures["errors"] == len(seen) == figures["requests"]


def test_requests_that_end_are_each_sent_once() -> None:
    bodies = [b"one", b"two", b"three", b"four", b"five"]
    clients, seen = uvloop.run(asked_once(bodies, 2))
    assert sorted(seen) == sorted(bodies)
    assert sum(len(client.durations) for client in clients) == 5
    assert [client.errors for client in clients] == [0, 0]


def test_a_token_is_sent_ahead_of_the_body() -> None:
    assert b"\r\nAuthorization: Bearer secret\r\n" in framed(b"one", "secret")
    assert framed(b"one", "secret").endswith(b"Content-Length: 3\r\n\r\none")
    assert b"Authorization" not in framed(b"one")
