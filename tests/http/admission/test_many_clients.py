"""Each of 64 concurrent clients receives its own answers, even when connections are lost."""

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from models.database.engines import Database
from models.database.timeouts import Timeouts
from tests.conftest import client_of
from tests.http.conftest import serving
from tests.requests import Answer, ask, encode, request, rows, send
from tests.slow.faults.traffic import World, refused

CLIENTS, SECONDS = 64, 8.0
CREATE = """mutation ($input: CreateManufacturerInput!) {
  createManufacturer(input: $input) { manufacturer { name } userErrors { code } } }"""


@pytest.fixture
def known(sample_copy: Database) -> World:
    """Provide the queries of the readers, and the expected answers."""
    products = rows(sample_copy, "SELECT product_id, batch_number FROM products LIMIT 100")
    batches = rows(sample_copy, "SELECT cacao_batch_id, supplier_id FROM cacao_batches LIMIT 100")
    return World({row[0]: row[1] for row in products}, {row[0]: row[1] for row in batches})


class ManyClients:
    """Clients that send requests until the time is up, and check each answer."""

    def __init__(self, address: tuple[str, int], known: World) -> None:
        self.address, self.known = address, known
        self.until = time.monotonic() + SECONDS
        self.counts: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.written: list[str] = []

    def run(self, number: int) -> None:
        chance = random.Random(number)
        connection = HTTPConnection(*self.address, timeout=60)
        try:
            turn = 0
            while time.monotonic() < self.until:
                turn += 1
                if number % 8 == 0:
                    self._write(connection, f"crowd {number} {turn}")
                else:
                    self._read(connection, f"a{number}_{turn}", turn, chance)
        except Exception as error:  # noqa: BLE001 - told by the test
            self.wrong.append(repr(error))
        finally:
            connection.close()

    def _read(
        self, connection: HTTPConnection, alias: str, turn: int, chance: random.Random
    ) -> None:
        product = chance.choice(list(self.known.products))
        batch = chance.choice(list(self.known.suppliers))
        # A document of its own, or one that all send, with variables of its own.
        alias = alias if turn % 3 == 0 else "same"
        document = (
            f"query ($p: Int!, $b: Int!) {{ {alias}: product(by: {{productId: $p}}) {{ productId batchNumber }} "
            "batch: cacaoBatch(by: {cacaoBatchId: $b}) { cacaoBatchId supplier { supplierId } } }"
        )
        expected = {
            alias: {"productId": product, "batchNumber": self.known.products[product]},
            "batch": {
                "cacaoBatchId": batch,
                "supplier": {"supplierId": self.known.suppliers[batch]},
            },
        }
        self._exchange(connection, document, {"p": product, "b": batch}, expected)

    def _write(self, connection: HTTPConnection, name: str) -> None:
        given = {"input": {"name": name, "location": "Ghent", "idempotencyKey": name}}
        expected = {"createManufacturer": {"manufacturer": {"name": name}, "userErrors": []}}
        if self._exchange(connection, CREATE, given, expected):
            self.written.append(name)

    def _exchange(
        self, connection: HTTPConnection, document: str, variables: Any, expected: Any
    ) -> bool:
        body = encode({"query": document, "variables": variables})
        connection.request("POST", "/graphql", body, {"content-type": "application/json"})
        response = connection.getresponse()
        answer = Answer(response.status, dict(response.getheaders()), response.read()).json
        if response.status == 200 and answer.get("data") == expected and "errors" not in answer:
            self.counts["answered"] += 1
            return True
        if refused(response.status, response.getheader("retry-after"), answer):
            self.counts["refused"] += 1
        else:
            self.wrong.append(f"{response.status} {answer} instead of {expected}")
        return False


def test_no_answer_ever_belongs_to_another_request(sample_copy: Database, known: World) -> None:
    with serving(sample_copy) as address:
        crowd = ManyClients(address, known)
        threads = [threading.Thread(target=crowd.run, args=(number,)) for number in range(CLIENTS)]
        for thread in threads:
            thread.start()
        while time.monotonic() < crowd.until:
            time.sleep(0.3)
            with sample_copy.engine().connect() as connection:
                connection.execute(
                    text(
                        """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                           WHERE datname = current_database() AND pid <> pg_backend_pid()
                           AND random() < 0.3"""
                    )
                )
        for thread in threads:
            thread.join(90)
            assert not thread.is_alive()
    assert crowd.wrong[:3] == []
    assert crowd.counts["answered"] > CLIENTS
    with sample_copy.engine().connect() as connection:
        found = set(connection.execute(text("SELECT name FROM manufacturers")).scalars())
    assert set(crowd.written) <= found


# ---------------------------------------------------------------- more than there are connections for


@pytest.fixture
def narrow(own_world: Database) -> Iterator[TestClient]:
    """Provide a client of a server with two connections for reads and two for writes, which waits a second."""
    database = Database(own_world.engine().url.render_as_string(False), 2, timeouts=Timeouts(15, 1))
    try:
        with client_of(database) as client:
            yield client
    finally:
        database.close()


@pytest.mark.parametrize(
    ("locked", "document"),
    [
        ("LOCK TABLE products IN ACCESS EXCLUSIVE MODE", "{ products { totalCount } }"),
        (
            "SELECT 1 FROM products WHERE product_id = 1 FOR UPDATE",
            'mutation { updateProduct(input: {productId: 1, name: "X"}) { product { name } } }',
        ),
    ],
)
def test_requests_of_one_client_without_a_connection_are_refused_in_time(
    narrow: TestClient, own_world: Database, locked: str, document: str
) -> None:
    answers: list[Answer] = []
    body = encode({"query": document})

    def run() -> None:
        answers.append(send(narrow, body))

    threads = [threading.Thread(target=run) for _ in range(CLIENTS)]
    with own_world.engine().connect() as other:
        other.execute(text(locked))
        began = time.monotonic()
        for thread in threads:
            thread.start()
        # One of them waits for the lock, until that takes too long; the others for their client's place.
        while len(answers) < CLIENTS - 1:
            assert time.monotonic() - began < 20
            time.sleep(0.05)
        other.rollback()
    for thread in threads:
        thread.join(60)
    refused = [answer for answer in answers if answer.status == 429]
    assert len(refused) == CLIENTS - 1
    assert all(answer.headers["retry-after"] == "1" for answer in refused)
    assert all(answer.codes == ["RATE_LIMITED"] for answer in refused)
    assert request(narrow, "{ products { totalCount } }").status == 200
    assert ask(narrow, "{ suppliers { totalCount } }")
