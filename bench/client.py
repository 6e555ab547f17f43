"""A load generator for machines without wrk: python -m bench.client PORT BODIES CLIENTS SECONDS RESULT [TOKEN].

Raw sockets on one event loop, keep-alive, one request under way on each.
"""

import asyncio
import json
import math
import sys
import time
from collections.abc import Iterator
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import cast

HEAD = b"POST /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"


def framed(body: bytes, token: str = "") -> bytes:
    """Return the bytes of a request with this body and this bearer token."""
    bearer = f"Authorization: Bearer {token}\r\n".encode() if token else b""
    return HEAD + bearer + b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


def whole_length(received: bytes | bytearray) -> int | None:
    """How long the response is that begins here; None where its head is not there yet.

    Raises ValueError for one without Content-Length.
    """
    end = received.find(b"\r\n\r\n")
    if end < 0:
        return None
    for line in bytes(received[:end]).split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            return end + 4 + int(value)
    raise ValueError("the response does not say its length")


class Client(asyncio.Protocol):
    """One connection; sends the next request when the answer to the last one is whole.

    It ends at `until`, or where no request is left.
    """

    def __init__(self, requests: Iterator[bytes], until: float) -> None:
        self._requests = requests
        self._until = until
        self._received = bytearray()
        self._length: int | None = None
        self._sent = 0.0
        self.durations: list[float] = []
        self.bytes = 0
        self.errors = 0
        self.finished = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's is one without being a subclass.
        self._transport = cast(asyncio.Transport, transport)
        self._send()

    def _send(self) -> None:
        request = self._next()
        self._sent = time.perf_counter()
        if request is None:
            self._until = self._sent
            self._transport.close()
        else:
            self._transport.write(request)

    def _next(self) -> bytes | None:
        return next(self._requests, None)

    def data_received(self, data: bytes) -> None:
        self._received += data
        if self._length is None:
            self._length = whole_length(self._received)
        if self._length is not None and len(self._received) >= self._length:
            self._answered()

    def _answered(self) -> None:
        now = time.perf_counter()
        self.durations.append(now - self._sent)
        self._check(self._received)
        self._received.clear()
        self._length = None
        if now < self._until:
            self._send()
        else:
            self._transport.close()

    def _check(self, received: bytearray) -> None:
        self.bytes += len(received)
        self.errors += not received.startswith(b"HTTP/1.1 200")

    def connection_lost(self, exc: Exception | None) -> None:
        if time.perf_counter() < self._until or exc is not None:
            self._lose(exc)
        if not self.finished.done():
            self.finished.set_result(None)

    def _lose(self, _error: Exception | None) -> None:
        self.errors += 1


async def converse(
    port: int, requests: Iterator[bytes], clients: int, until: float = math.inf
) -> list[Client]:
    """So many connections that share the requests; each has ended."""
    loop, made = asyncio.get_running_loop(), partial(Client, requests, until)
    connections = [
        (await loop.create_connection(made, "127.0.0.1", port))[1] for _ in range(clients)
    ]
    await asyncio.gather(*(client.finished for client in connections))
    return connections


async def run(port: int, requests: list[bytes], clients: int, seconds: float) -> dict[str, float]:
    """Return the figures of bench.load.Load but for the CPU."""
    start = time.perf_counter()
    connections = await converse(port, cycle(requests), clients, start + seconds)
    durations = sorted(d for client in connections for d in client.durations) or [0.0]
    return {
        "requests": sum(len(client.durations) for client in connections),
        "seconds": time.perf_counter() - start,
        "bytes": sum(client.bytes for client in connections),
        "p50_ms": durations[len(durations) // 2] * 1000,
        "p99_ms": durations[len(durations) * 99 // 100] * 1000,
        "errors": sum(client.errors for client in connections),
    }


def main(port: str, bodies: str, clients: str, seconds: str, result: str, token: str = "") -> None:
    import uvloop

    requests = [framed(line, token) for line in Path(bodies).read_bytes().splitlines()]
    figures = uvloop.run(run(int(port), requests, int(clients), float(seconds)))
    Path(result).write_text(json.dumps(figures), "utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
