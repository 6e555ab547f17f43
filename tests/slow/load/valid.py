"""Valid clients, which send requests without pause and check each answer.

python -m tests.slow.load.valid PORT CLIENTS SECONDS RESULT
"""

import asyncio
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from bench.client import Client, framed

PRODUCT = """query ($id: Int!) { product(by: {productId: $id}) { productId name batchNumber
  manufacturer { name } cacaoBatches(first: 10) { nodes { quantityKg supplier { name } } } } }"""
PAGE = "query ($first: Int!) { products(first: $first) { nodes { productId name } } }"
CREATE = """mutation ($input: CreateManufacturerInput!) {
  createManufacturer(input: $input) { manufacturer { name } userErrors { code } } }"""
PRODUCTS = 400
# A client waits no longer than this for an answer.
ANSWER_SECONDS = 30


def request(number: int, turn: int, chance: random.Random) -> tuple[str, bytes, bytes]:
    """Kind, request, and what its answer holds and no other's."""
    kind = chance.random()
    if kind < 0.7:
        product = chance.randrange(1, PRODUCTS)
        wanted = f'"productId":{product},'
        return "product", body(PRODUCT, {"id": product}), wanted.encode()
    if kind < 0.85:
        return "page", body(PAGE, {"first": 20}), b'"productId":20,'
    if kind < 0.95:
        # A short document that the server has not seen.
        alias, product = f"p{number}x{turn}", chance.randrange(1, PRODUCTS)
        text = f"{{ {alias}: product(by: {{productId: {product}}}) {{ productId }} }}"
        return "new", body(text, {}), f'"{alias}":{{"productId":{product}}}'.encode()
    name = f"load {number} {turn} {chance.random()}"
    given = {"name": name, "location": "Ghent", "idempotencyKey": name}
    return "write", body(CREATE, {"input": given}), f'"manufacturer":{{"name":"{name}"}}'.encode()


def address(group: int, number: int) -> str:
    """Return a client's own: Linux gives all of 127.0.0.0/8 to the loopback."""
    return f"127.0.{group}.{number + 1}" if sys.platform == "linux" else "127.0.0.1"


def body(text: str, variables: dict[str, object]) -> bytes:
    return framed(json.dumps({"query": text, "variables": variables}).encode())


class Valid(Client):
    """A client that makes each request when it sends it, and knows what the answer must hold."""

    def __init__(self, number: int, until: float) -> None:
        super().__init__(iter(()), until)
        self._number = number
        self._chance = random.Random(number)
        self._turn = 0
        self.counts: Counter[str] = Counter()
        self.failures: list[str] = []

    def _next(self) -> bytes:
        self._turn += 1
        self._kind, sent, self._expected = request(self._number, self._turn, self._chance)
        return sent

    def _check(self, received: bytearray) -> None:
        self.counts[self._kind] += 1
        good = received.startswith(b"HTTP/1.1 200") and self._expected in received
        if not good or b'"errors"' in received:
            self.failures.append(f"{self._kind}: {bytes(received[-300:])!r}")

    def _lose(self, error: Exception | None) -> None:
        self.failures.append(f"connection lost: {error}")


async def run(port: int, clients: int, seconds: float) -> dict[str, object]:
    """Rates and failures."""
    loop, start = asyncio.get_running_loop(), time.perf_counter()
    made: list[Valid] = []
    for number in range(clients):
        _, client = await loop.create_connection(
            lambda number=number: Valid(number, start + seconds),  # type: ignore[misc]
            "127.0.0.1",
            port,
            local_addr=(address(1, number), 0),
        )
        made.append(client)
    return await figures_of(made, start, seconds)


async def figures_of(made: Sequence[Valid], start: float, seconds: float) -> dict[str, object]:
    """Return the figures of these clients, once they have ended."""
    waiting = [client.finished for client in made]
    _, late = await asyncio.wait(waiting, timeout=seconds + ANSWER_SECONDS)
    durations = sorted(d for client in made for d in client.durations) or [0.0]
    return {
        "requests": len(durations),
        "rate": len(durations) / (time.perf_counter() - start),
        "p50_ms": durations[len(durations) // 2] * 1000,
        "p99_ms": durations[len(durations) * 99 // 100] * 1000,
        "slowest_ms": durations[-1] * 1000,
        "kinds": dict(sum((client.counts for client in made), Counter())),
        "failures": [f for client in made for f in client.failures] + ["no answer"] * len(late),
    }


if __name__ == "__main__":
    import uvloop

    figures = uvloop.run(run(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
    Path(sys.argv[4]).write_text(json.dumps(figures), "utf-8")
