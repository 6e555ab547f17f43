"""Hostile clients, each of another kind and with another address.

python -m tests.slow.load.hostile PORT CLIENTS SECONDS RESULT
"""

import asyncio
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from itertools import count
from pathlib import Path

from bench.client import HEAD, framed
from tests.slow.load.valid import address

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
NUMBERS = count()
LORIS = 20


def document(text: str) -> bytes:
    return framed(json.dumps({"query": text}).encode())


def long_and_wrong() -> bytes:
    """As many fields as pass the limits, and one that does not exist, at the end of 90 KB."""
    fields = " ".join(f"f{n}: name" for n in range(95))
    padding = "#" + "x" * 80_000
    text = f"{{ products {{ nodes {{ {fields} wrong{next(NUMBERS)} }} }} }}\n{padding}"
    return document(text)


def many_tokens() -> bytes:
    """Fields, each once per fragment, in as many tokens as are read."""
    fragments = " ".join(
        f"fragment f{n} on Product {{ name description batchNumber gtin productId "
        "manufacturer { name location country } }"
        for n in range(150)
    )
    spreads = " ".join(f"...f{n}" for n in range(150))
    return document(f"{{ products {{ nodes {{ {spreads} x{next(NUMBERS)} }} }} }} {fragments}")


def many_arguments() -> bytes:
    """Return a filter of as many conditions as may be."""
    conditions = ", ".join(f'{{name: {{contains: "{n} {next(NUMBERS)}"}}}}' for n in range(180))
    return document(f"{{ products(filter: {{or: [{conditions}]}}) {{ totalCount }} }}")


def deep() -> bytes:
    depth = 28
    inner = "inputs(first: 1) { nodes { " * (depth // 2)
    return document(
        f"{{ cacaoBatches(first: {1 + next(NUMBERS) % 100}) {{ nodes {{ {inner} stage "
        + "} } " * (depth // 2)
        + "} } }"
    )


def nested_json() -> bytes:
    return framed(b'{"query":' + b"[" * 90_000)


def invalid_json() -> bytes:
    return framed(b'{"query": "{ __typename }", "variables": {' + b'"a": 1, ' * 10_000)


def costly() -> bytes:
    """Pages within pages: as much as one request may cost."""
    number = next(NUMBERS)
    return document(
        f"{{ p{number}: products(first: 100) {{ nodes {{ name cacaoBatches(first: 20) {{ nodes {{ "
        "stage inputs(first: 5) { nodes { stage supplier { name } } } } } "
        "transactions(first: 20) { nodes { event timestamp } } } } }"
    )


def counted() -> bytes:
    return document(
        f'{{ products(filter: {{name: {{contains: "{random.random()}"}}}}) {{ totalCount }} }}'
    )


REQUESTS: tuple[Callable[[], bytes], ...] = (
    long_and_wrong,
    many_tokens,
    many_arguments,
    deep,
    nested_json,
    invalid_json,
    costly,
    costly,
    costly,
    counted,
)


class Hostile:
    """So many clients; what the server made of them is counted, not judged."""

    def __init__(self, port: int, until: float) -> None:
        self._port, self._until = port, until
        self.counts: Counter[str] = Counter()

    def going_on(self) -> bool:
        return time.perf_counter() < self._until

    async def connect(self, number: int) -> Streams:
        return await asyncio.open_connection(
            "127.0.0.1", self._port, local_addr=(address(2, number), 0)
        )

    async def ask(self, number: int, make: Callable[[], bytes]) -> None:
        """Send the same kind of request, one after another."""
        reader, writer = await self.connect(number)
        try:
            while self.going_on():
                writer.write(make())
                head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 40)
                self.counts[f"{make.__name__} {head[9:12].decode()}"] += 1
                length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
                await asyncio.wait_for(reader.readexactly(int(length or 0)), 40)
                if b"connection: close" in head.lower():
                    return
        finally:
            writer.close()

    async def huge_body(self, number: int) -> None:
        """Send a hundred megabytes, as fast as they are taken."""
        _, writer = await self.connect(number)
        try:
            writer.write(HEAD + b"Content-Length: 100000000\r\n\r\n")
            for _ in range(1000):
                writer.write(b" " * 100_000)
                await writer.drain()
                self.counts["huge_body 100 KB"] += 1
                if not self.going_on():
                    return
        finally:
            writer.close()

    async def loris(self, number: int) -> None:
        """Many connections on which a head never ends."""
        streams = [await self.connect(number) for _ in range(LORIS)]
        try:
            for _, writer in streams:
                writer.write(HEAD)
            while self.going_on():
                for _, writer in streams:
                    writer.write(b"X-A: b\r\n")
                    await writer.drain()
                self.counts["loris"] += LORIS
                await asyncio.sleep(0.5)
        finally:
            for _, writer in streams:
                writer.close()

    async def drop(self, number: int) -> None:
        """Open a connection, send half a request, and close it."""
        _, writer = await self.connect(number)
        writer.write(costly()[: random.randrange(1, 400)])
        self.counts["dropped"] += 1
        writer.transport.abort()
        await asyncio.sleep(0.002)

    async def go_on(self, act: Callable[[int], Awaitable[None]], number: int) -> None:
        while self.going_on():
            # uvloop says RuntimeError of a connection that the server has closed.
            with suppress(OSError, EOFError, RuntimeError, ValueError):
                await act(number)
            await asyncio.sleep(0.001)


async def run(port: int, clients: int, seconds: float) -> dict[str, object]:
    """Return what was sent, and the statuses."""
    hostile = Hostile(port, time.perf_counter() + seconds)
    acts: list[Callable[[int], Awaitable[None]]] = [
        hostile.huge_body,
        hostile.loris,
        hostile.drop,
        *(partial(hostile.ask, make=make) for make in REQUESTS),
    ]
    tasks = [asyncio.create_task(hostile.go_on(acts[n % len(acts)], n)) for n in range(clients)]
    # The client does not wait for a late answer.
    _, late = await asyncio.wait(tasks, timeout=seconds + 1)
    for task in late:
        task.cancel()
    await asyncio.gather(*late, return_exceptions=True)
    return dict(sorted(hostile.counts.items()))


if __name__ == "__main__":
    import uvloop

    figures = uvloop.run(run(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
    Path(sys.argv[4]).write_text(json.dumps(figures), "utf-8")
