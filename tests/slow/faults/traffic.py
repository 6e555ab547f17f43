"""Readers and writers that send requests without pause and check each answer.

A writer repeats a write under one idempotency key until it is acknowledged.
"""

import json
import random
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from http.client import HTTPConnection, HTTPException
from typing import Any

READ = """query ($a: Int!, $b: Int!) {
  a: product(by: {productId: $a}) { productId batchNumber }
  b: cacaoBatch(by: {cacaoBatchId: $b}) { cacaoBatchId supplier { supplierId } } }"""
WRITE = """mutation ($one: CreateManufacturerInput!, $two: CreateManufacturerInput!) {
  one: createManufacturer(input: $one) { manufacturer { name } userErrors { code } }
  two: createManufacturer(input: $two) { manufacturer { name } userErrors { code } } }"""
TIMEOUTS = 60
PAUSE = 0.005


@dataclass
class Count:
    """What became of the requests: each is sent, and then one of the others."""

    sent: int = 0
    answered: int = 0
    refused: int = 0
    """503 with Retry-After, or CONFLICT: send it again, nothing was written."""
    lost: int = 0
    wrong: int = 0

    def since(self, earlier: "Count") -> "Count":
        names = vars(self)
        return Count(**{name: names[name] - vars(earlier)[name] for name in names})


@dataclass
class World:
    """What the database holds that nobody changes meanwhile: key -> what belongs to it."""

    products: dict[int, str]
    suppliers: dict[int, int]


@dataclass
class Traffic:
    """So many readers and writers against one server."""

    port: int
    world: World
    readers: int = 6
    writers: int = 4
    count: Count = field(default_factory=Count)
    complaints: list[str] = field(default_factory=list)
    acknowledged: list[str] = field(default_factory=list)
    """Names of pairs whose write was answered with success."""
    tried: list[str] = field(default_factory=list)
    readiness: list[tuple[float, float, int]] = field(default_factory=list)
    """When it was asked and had answered, and the status; 0 where nobody answered."""

    def __post_init__(self) -> None:
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._threads = [
            *(threading.Thread(target=self._read, args=(n,)) for n in range(self.readers)),
            *(threading.Thread(target=self._write, args=(n,)) for n in range(self.writers)),
            threading.Thread(target=self._watch_readiness),
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Let every request under way end; writes that were not acknowledged are given up."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(2 * TIMEOUTS)
            assert not thread.is_alive()

    def so_far(self) -> Count:
        with self._lock:
            return replace(self.count)

    def _read(self, number: int) -> None:
        with closing(Client(self.port)) as client:
            self._read_on(client, number)

    def _read_on(self, client: "Client", number: int) -> None:
        chance, turn = random.Random(number), 0
        while not self._stopping.is_set():
            turn += 1
            product = chance.choice(list(self.world.products))
            batch = chance.choice(list(self.world.suppliers))
            # Every fourth document is one that the server has not seen.
            names = (f"a{number}_{turn}", f"b{number}_{turn}") if turn % 4 == 0 else ("a", "b")
            text = READ.replace("a: p", f"{names[0]}: p").replace("b: c", f"{names[1]}: c")
            expected = {
                names[0]: {"productId": product, "batchNumber": self.world.products[product]},
                names[1]: {
                    "cacaoBatchId": batch,
                    "supplier": {"supplierId": self.world.suppliers[batch]},
                },
            }
            self._exchange(client, text, {"a": product, "b": batch}, expected)
            time.sleep(PAUSE)

    def _write(self, number: int) -> None:
        with closing(Client(self.port)) as client:
            self._write_on(client, number)

    def _write_on(self, client: "Client", number: int) -> None:
        turn = 0
        while not self._stopping.is_set():
            turn += 1
            name = f"fault {id(self)} {number} {turn}"
            pair = (("one", f"{name} a"), ("two", f"{name} b"))
            inputs = {
                alias: {"name": made, "location": "Ghent", "idempotencyKey": made}
                for alias, made in pair
            }
            expected = {
                alias: {"manufacturer": {"name": made}, "userErrors": []} for alias, made in pair
            }
            self.tried.append(name)
            while not self._stopping.is_set():
                if self._exchange(client, WRITE, inputs, expected):
                    self.acknowledged.append(name)
                    break
                time.sleep(0.1)
            time.sleep(PAUSE)

    def _exchange(
        self, client: "Client", text: str, variables: dict[str, Any], expected: dict[str, Any]
    ) -> bool:
        """Whether the request was answered, rightly."""
        became, complaint = "answered", ""
        try:
            status, retry_after, answer = client.ask(text, variables)
            if refused(status, retry_after, answer):
                became = "refused"
            elif status != 200 or answer.get("data") != expected or "errors" in answer:
                became, complaint = "wrong", f"{status} {answer} instead of {expected}"
        except (OSError, HTTPException, ValueError) as error:
            became, complaint = "lost", f"lost: {type(error).__name__} {error}"
        with self._lock:
            self.count.sent += 1
            setattr(self.count, became, getattr(self.count, became) + 1)
            if complaint:
                self.complaints.append(complaint)
        return became == "answered"

    def _watch_readiness(self) -> None:
        while not self._stopping.wait(0.1):
            asked = time.monotonic()
            status = readiness(self.port)
            self.readiness.append((asked, time.monotonic(), status))


class Client:
    """One connection that is kept, and opened anew where it was lost."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._connection: HTTPConnection | None = None

    def ask(self, text: str, variables: dict[str, Any]) -> tuple[int, str | None, dict[str, Any]]:
        """Status, Retry-After and JSON; raises OSError or HTTPException where there is no answer."""
        if self._connection is None:
            self._connection = HTTPConnection("127.0.0.1", self._port, timeout=TIMEOUTS)
        body = json.dumps({"query": text, "variables": variables}).encode()
        try:
            self._connection.request("POST", "/graphql", body, {"content-type": "application/json"})
            response = self._connection.getresponse()
            answer = json.loads(response.read())
        except (OSError, HTTPException):
            self.close()
            raise
        assert isinstance(answer, dict)
        return response.status, response.getheader("retry-after"), answer

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None


def refused(status: int, retry_after: str | None, answer: dict[str, Any]) -> bool:
    """Whether an answer says that the same request may succeed later."""
    if status == 503:
        return bool(retry_after) and answer.get("data") is None
    payloads = [payload for payload in (answer.get("data") or {}).values() if payload is not None]
    conflict = {"manufacturer": None, "userErrors": [{"code": "CONFLICT"}]}
    return bool(payloads) and all(payload == conflict for payload in payloads)


def readiness(port: int) -> int:
    """Return the status of /api/health/ready; 0 where nobody answers."""
    with closing(HTTPConnection("127.0.0.1", port, timeout=TIMEOUTS)) as connection:
        try:
            connection.request("GET", "/api/health/ready")
            return connection.getresponse().status
        except (OSError, HTTPException):
            return 0


def names_of(pairs: list[str]) -> Iterator[str]:
    """Yield the two rows of each pair."""
    for name in pairs:
        yield f"{name} a"
        yield f"{name} b"
