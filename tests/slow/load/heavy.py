"""Readers alone, then beside one client that sends ten heavy requests at a time: python -m tests.slow.load.heavy.

(a) searches for two letters in 100,000 products, (b) lineages of 10,000 lots with ten inputs each; each
document under as many aliases as its price lets pass. Exit code 1 where the readers' p99 grows to more
than three times, or one of their requests fails.
"""

import argparse
import asyncio
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from statistics import median
from typing import Any

from bench.client import Client, framed
from models import sample_data
from models.database.engines import Database
from models.embedded import server as embedded
from tests.conftest import ROOT, Serving, temporary_folder
from tests.slow.faults.environment import serve
from tests.slow.load.valid import PRODUCTS, Valid, address, body, figures_of

AT_ONCE, ALIASES, MOST = 10, 45, 3.0
PRODUCT = """query ($id: Int!) { product(by: {productId: $id}) { productId name batchNumber
  manufacturer { name } cacaoBatches(first: 10) { nodes { stage supplier { name } } } } }"""
PAGE = "query ($first: Int!) { products(first: $first) { nodes { productId name } } }"
MORE_PRODUCTS, LOTS, INPUTS, FIRST_LOT = 100_000, 10_000, 10, 1_000_000
# Each lot is made of the ten before it: the last one reaches all of them.
FILL = f"""
set session_replication_role = replica;
insert into products (name, description, manufacturer_id, batch_number)
  select 'Bar ' || md5(i::text), 'A bar', 1, 'H' || i from generate_series(1, {{products}}) i;
insert into cacao_batches (cacao_batch_id, supplier_id, harvest_date, quantity, lot_number)
  select {FIRST_LOT} + i, 1, '2026-01-01', 1000000, 'H' || i from generate_series(1, {{lots}}) i;
insert into cacao_batch_input (output_batch_id, input_batch_id, quantity_kg)
  select {FIRST_LOT} + o, {FIRST_LOT} + o - n, 1 + (o * n) % 97
  from generate_series(1, {{lots}}) o cross join generate_series(1, {INPUTS}) n where o > n;
"""
Make = Callable[[int], bytes]
NUMBERS = count()


def fill(database: Database, products: int = MORE_PRODUCTS, lots: int = LOTS) -> None:
    """Fill in the sample data, and as many products and lots more."""
    sample_data.fill(database)
    with closing(database.engine().raw_connection()) as raw, closing(raw.cursor()) as cursor:
        cursor.execute(FILL.format(products=products, lots=lots))
        raw.commit()
    with database.engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM (ANALYZE)")


def searches(aliases: int) -> bytes:
    """Return counts of the products whose name contains two letters."""
    fields = " ".join(
        f's{next(NUMBERS)}: products(filter: {{name: {{contains: "zq"}}}}) {{ totalCount }}'
        for _ in range(aliases)
    )
    return document(fields)


def origins(aliases: int, last: int = FIRST_LOT + LOTS) -> bytes:
    """Return counts of the origins of lots that reach nearly all others."""
    fields = " ".join(
        f"o{next(NUMBERS)}: cacaoBatch(by: {{cacaoBatchId: {last - n}}}) {{ origins {{ totalCount }} }}"
        for n in range(aliases)
    )
    return document(fields)


def document(fields: str) -> bytes:
    return framed(json.dumps({"query": f"{{ {fields} }}"}).encode())


ATTACKS: dict[str, Make] = {"searches": searches, "origins": origins}


class Reader(Valid):
    """A client that reads what anybody may."""

    def _next(self) -> bytes:
        self._turn += 1
        product, kind = self._chance.randrange(1, PRODUCTS), self._chance.random()
        if kind < 0.75:
            self._kind, self._expected = "product", f'"productId":{product},'.encode()
            return body(PRODUCT, {"id": product})
        if kind < 0.9:
            self._kind, self._expected = "page", b'"productId":20,'
            return body(PAGE, {"first": 20})
        alias = f"p{self._number}x{self._turn}x{random.randrange(10**6)}"
        self._kind, self._expected = "new", f'"{alias}":{{"productId":{product}}}'.encode()
        return body(f"{{ {alias}: product(by: {{productId: {product}}}) {{ productId }} }}", {})


class Attacker(Client):
    """One of the connections of the client that asks for much: the most that is let pass, again and again."""

    def __init__(self, make: Make, until: float) -> None:
        super().__init__(iter(()), until)
        self._make, self._aliases = make, ALIASES
        self.counts: Counter[str] = Counter()

    def _next(self) -> bytes:
        return self._make(self._aliases)

    def _check(self, received: bytearray) -> None:
        code = received.partition(b'"code":"')[2].partition(b'"')[0].decode()
        self.counts[f"{received[9:12].decode()} {code}".strip()] += 1
        if code == "COST_LIMIT_EXCEEDED":
            self._aliases = max(1, self._aliases // 2)

    def _lose(self, _error: Exception | None) -> None:
        self.counts["lost"] += 1


async def read(port: int, clients: int, seconds: float) -> dict[str, Any]:
    """Return the figures of so many readers, each of an address of its own."""
    start, loop = time.perf_counter(), asyncio.get_running_loop()
    made = [
        await loop.create_connection(
            lambda number=number: Reader(number, start + seconds),  # type: ignore[misc]
            *("127.0.0.1", port),
            local_addr=(address(1, number), 0),
        )
        for number in range(clients)
    ]
    return await figures_of([client for _, client in made], start, seconds)


async def attack(port: int, name: str, number: int, seconds: float) -> dict[str, int]:
    """Return what became of the requests of one client, which has spent nothing before."""
    until, loop = time.perf_counter() + seconds, asyncio.get_running_loop()
    made = [
        await loop.create_connection(
            lambda: Attacker(ATTACKS[name], until),
            *("127.0.0.1", port),
            local_addr=(address(2, number), 0),
        )
        for _ in range(AT_ONCE)
    ]
    await asyncio.wait([client.finished for _, client in made], timeout=seconds)
    for transport, _ in made:
        transport.abort()
    return dict(sum((client.counts for _, client in made), Counter[str]()))


# ---------------------------------------------------------------- measuring


def spawn(result: Path, *arguments: object) -> "subprocess.Popen[bytes]":
    """Run this module in a process of its own, which writes what it found into a file."""
    words = [sys.executable, "-m", "tests.slow.load.heavy", "--result", str(result)]
    return subprocess.Popen([*words, *map(str, arguments)], cwd=ROOT)


def measured(port: int, clients: int, seconds: float, attacked: str = "") -> dict[str, Any]:
    """Return the figures of the readers, and of the attacker beside them, if there is one."""
    with tempfile.TemporaryDirectory() as folder:
        reading, attacking = Path(folder) / "read", Path(folder) / "attack"
        beside = None
        if attacked:
            beside = spawn(attacking, "--attack", attacked, port, next(NUMBERS), seconds + 1)
            time.sleep(0.5)
        try:
            assert spawn(reading, "--read", port, clients, seconds).wait(seconds + 120) == 0
            figures: dict[str, Any] = json.loads(reading.read_text("utf-8"))
            if beside is not None:
                assert beside.wait(60) == 0
                figures["attacker"] = json.loads(attacking.read_text("utf-8"))
        finally:
            if beside is not None:
                beside.kill()
                beside.wait()
        return figures


def show(name: str, figures: dict[str, Any]) -> None:
    failures = figures["failures"]
    print(
        f"{name:16} {figures['rate']:7.0f}/s  p50 {figures['p50_ms']:6.1f} ms  p99"
        f" {figures['p99_ms']:6.1f} ms  slowest {figures['slowest_ms']:5.0f} ms  failed"
        f" {len(failures)} of {figures['requests']}  attacker {figures.get('attacker', {})}",
        flush=True,
    )
    for failure in failures[:3]:
        print("  ", failure)


@contextmanager
def heavy_environment(products: int, lots: int, **values: str) -> Iterator[Serving]:
    """Provide a server in production whose database has enough to make requests heavy."""
    with temporary_folder() as folder, embedded.start(folder / "postgres") as server:
        with closing(Database(server.url)) as database:
            database.apply_schema()
            fill(database, products, lots)
        serving = serve(folder, DATABASE_URL=server.url, PROFILE="production", **values)
        try:
            yield serving
        finally:
            serving.process.terminate()
            serving.process.wait(60)


def compare(clients: int, seconds: float, rounds: int, **values: str) -> tuple[float, int]:
    """How many times their p99 alone the readers' p99 is beside an attacker, at worst; their failures."""
    ratios, failed = [], 0
    with heavy_environment(MORE_PRODUCTS, LOTS, **values) as serving:
        port = int(serving.url.rpartition(":")[2])
        measured(port, clients, 2)
        for name in ATTACKS:
            alone, beside = [], []
            for _ in range(rounds):
                alone.append(measured(port, clients, seconds))
                show("alone", alone[-1])
                beside.append(measured(port, clients, seconds, name))
                show(f"beside {name}", beside[-1])
            failed += sum(len(one["failures"]) for one in (*alone, *beside))
            p99 = [median(one["p99_ms"] for one in each) for each in (beside, alone)]
            ratios.append(p99[0] / p99[1])
            print(f"{name}: p99 is {ratios[-1]:.2f} times its undisturbed value", flush=True)
    return max(ratios), failed


def main() -> int:
    parser = argparse.ArgumentParser("tests.slow.load.heavy")
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--workers", default="2")
    parser.add_argument("--set", nargs="*", default=[], metavar="NAME=VALUE")
    given = parser.parse_args()
    values = dict(one.split("=", 1) for one in given.set) | {"WORKERS": given.workers}
    worst, failed = compare(given.clients, given.seconds, given.rounds, **values)
    print(
        f"the readers' p99 is at most {worst:.2f} times as long; {failed} of their requests failed"
    )
    return int(worst > MOST or failed > 0)


def child(result: str, act: str, *given: str) -> None:
    import uvloop

    if act == "--read":
        found: dict[str, Any] = uvloop.run(read(int(given[0]), int(given[1]), float(given[2])))
    else:
        found = uvloop.run(attack(int(given[1]), given[0], int(given[2]), float(given[3])))
    Path(result).write_text(json.dumps(found), "utf-8")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--result"]:
        child(*sys.argv[2:])
    else:
        sys.exit(main())
