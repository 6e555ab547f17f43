"""What the ledger costs, and how fast its proofs are: `python -m bench.ledger`.

Appends with the ledger on beside plain inserts, in turn, by 1 and by 16 writers, each event a commit; then an
import of 1,000,000 events, proofs among them, and the verification of all of them on one core. It starts a
PostgreSQL of its own, with the settings of the embedded database.
"""

import argparse
import asyncio
import csv
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from statistics import median

import psycopg2

from audit.database_verification import verify_database
from exchange.csv.importing import import_csv
from graph.admission.limits import Limits
from graph.answer import Request
from graph.context import Viewer
from graph.execution.engine import Engine
from ledger.integrator import integrate
from ledger.log_config import LogConfig
from ledger.signed_note import make_key
from models.database.engines import Database
from models.embedded import server as embedded

_PRODUCTS = 1_000
# Plain: what an insert did before there was a ledger.
_PLAIN = """
drop trigger recorded_insert on transactions;
create trigger recorded_insert after insert on transactions referencing new table as changed
  for each statement execute function record_change('transaction_id')"""
INSERT = """insert into transactions (product_id, event, details, event_id) values (%s, 'shipped', %s, %s)"""
INTEGRATOR = """
import sys, time
from pathlib import Path
from ledger.log_config import LogConfig
from ledger.integrator_thread import IntegratorThread
from models.database.engines import Database
IntegratorThread(Database(sys.argv[1]), LogConfig("cacaotrace", Path(sys.argv[2]), Path(sys.argv[3]))).start()
time.sleep(10_000)
"""
PROOF = "query ($id: ID!) { node(id: $id) { ... on Transaction { proof { status sequence leaf hashes rootHash checkpoint } } } }"
CONSISTENCY = "query ($from: BigInt!) { ledger { consistency(fromSize: $from) { hashes firstRoot secondRoot } } }"


def details(number: int) -> str:
    return json.dumps(
        {
            "place": "Rotterdam",
            "destination": {"place": "Zürich", "country": "CH"},
            "document": {"type": "CMR", "number": f"CMR-{number:07}"},
            "temperature_c": 14 + number % 40 / 10,
            "pallets": number % 12 + 1,
        }
    )


# ---------------------------------------------------------------- appends


def append(url: str, writers: int, seconds: float) -> float:
    """Events a second that so many writers append, one a commit."""
    counts = [0] * writers
    end = time.monotonic() + seconds

    def write(writer: int) -> None:
        with closing(psycopg2.connect(url)) as connection:
            connection.autocommit = True
            cursor = connection.cursor()
            seed = f"{random.getrandbits(64):x}"
            while time.monotonic() < end:
                number = counts[writer]
                values = (1 + number % _PRODUCTS, details(number), f"{seed}.{writer}.{number}")
                cursor.execute(INSERT, values)
                counts[writer] += 1

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / seconds


@contextmanager
def integrating(url: str, folder: Path) -> Iterator[None]:
    """Provide a process that integrates, as a server does."""
    arguments = [url, str(folder / "ledger.key"), str(folder / "ledger.checkpoints")]
    process = subprocess.Popen([sys.executable, "-c", INTEGRATOR, *arguments])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def measure_appends(ledger: str, plain: str, folder: Path, rounds: int, seconds: float) -> None:
    for writers in (1, 16):
        rates: dict[str, list[float]] = {"plain": [], "ledger": []}
        with integrating(ledger, folder):
            time.sleep(2)
            for number in range(rounds):
                order = ["plain", "ledger"] if number % 2 else ["ledger", "plain"]
                for name in order:
                    rates[name].append(
                        append(ledger if name == "ledger" else plain, writers, seconds)
                    )
                    settle(ledger)
        ratio = median(a / b for a, b in zip(rates["ledger"], rates["plain"], strict=True))
        print(
            f"{writers} writers: plain {median(rates['plain']):,.0f}/s, with the ledger"
            f" {median(rates['ledger']):,.0f}/s, ratio {ratio:.2f}"
            f" (each round: {', '.join(f'{a / b:.2f}' for a, b in zip(rates['ledger'], rates['plain'], strict=True))})"
        )


def settle(url: str) -> None:
    """Until nothing waits, so that no round pays for another."""
    with closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        while True:
            cursor.execute("select count(*) from ledger_queue")
            if cursor.fetchone() == (0,):
                return
            time.sleep(0.1)


# ---------------------------------------------------------------- a million events


def import_events(database: Database, log_config: LogConfig, folder: Path, events: int) -> None:
    path = folder / "events.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["product_id", "timestamp", "event", "details", "event_id"])
        for number in range(events):
            moment = f"2026-{1 + number % 12:02}-{1 + number % 28:02}T{number % 24:02}:00:00Z"
            row = [1 + number % _PRODUCTS, moment, "shipped", details(number), f"E-{number}"]
            writer.writerow(row)
    start = time.perf_counter()
    report = import_csv(database, "transactions", path, mapping={}, constants={})
    print(f"imported {report.inserted:,} events in {time.perf_counter() - start:.0f} s")
    start = time.perf_counter()
    done = integrate(database, log_config)
    assert done is not None
    seconds = time.perf_counter() - start
    print(f"integrated {done.events:,} in {seconds:.0f} s: {done.events / seconds:,.0f} events/s")
    with database.engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE")


async def measure_proofs(database: Database, size: int, count: int) -> None:
    engine = Engine(database, limits=Limits(cost=10**9))

    async def ask(name: str, query: str, variables: Callable[[], dict[str, object]]) -> None:
        seconds = []
        for _ in range(count):
            given = variables()
            start = time.perf_counter()
            answer = await engine.answer(Request(query, given), Viewer("admin"))
            seconds.append(time.perf_counter() - start)
            assert answer.through is not None, answer.errors
        # The first one makes the plan.
        print(
            f"{name}: median {median(seconds) * 1000:.1f} ms,"
            f" worst {max(seconds[1:]) * 1000:.1f} ms, the first {seconds[0] * 1000:.1f} ms"
        )

    from graph.pagination import write_global_id

    await ask(
        "inclusion proof",
        PROOF,
        lambda: {"id": write_global_id("Transaction", random.randint(1, size))},
    )
    await ask("consistency proof", CONSISTENCY, lambda: {"from": random.randint(1, size)})


def cpu_of(folder: Path) -> float:
    """CPU seconds of the PostgreSQL of a folder so far, ended sessions included."""
    ticks = 0
    for pid in family(folder):
        with suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += sum(int(field) for field in fields[11:15])
    return ticks / os.sysconf("SC_CLK_TCK")


def family(folder: Path) -> list[int]:
    found = []
    for cwd in Path("/proc").glob("[0-9]*/cwd"):
        with suppress(OSError):
            if cwd.readlink() == folder:
                found.append(int(cwd.parent.name))
    return found


def measure_verification(database: Database, log_config: LogConfig, folder: Path) -> None:
    """All of it on one core: this process and PostgreSQL share it."""
    signer = log_config.signer()
    assert signer is not None
    core = max(os.sched_getaffinity(0))
    for pid in [0, *family(folder)]:
        with suppress(OSError):
            os.sched_setaffinity(pid, {core})
    for _ in range(3):
        wall, own, other = time.perf_counter(), time.process_time(), cpu_of(folder)
        done = verify_database(database, [signer.key], log_config.published)
        assert done.findings == [], done.findings
        wall = time.perf_counter() - wall
        own, other = time.process_time() - own, cpu_of(folder) - other
        print(
            f"verified {done.events:,} events: {wall:.1f} s on one core, {done.events / wall:,.0f}/s;"
            f" CPU {own + other:.1f} s (Python {own:.1f}, PostgreSQL {other:.1f}),"
            f" {done.events / (own + other):,.0f} events a CPU second"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--proofs", type=int, default=500)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cacaotrace-ledger-") as outer:
        folder = Path(outer)
        folder.chmod(0o755)
        make_key(folder / "ledger.key")
        with embedded.start(folder / "postgres") as server:
            plain = make_database(server.url, "plain")
            ledger = make_database(server.url, "ledger")
            with closing(psycopg2.connect(plain)) as connection, connection:
                connection.cursor().execute(_PLAIN)
            if options.rounds:
                measure_appends(ledger, plain, folder, options.rounds, options.seconds)
            bulk = make_database(server.url, "bulk")
            log_config = LogConfig("cacaotrace", folder / "ledger.key", folder / "bulk.checkpoints")
            with closing(Database(bulk)) as database:
                import_events(database, log_config, folder, options.events)
                asyncio.run(measure_proofs(database, options.events, options.proofs))
            with closing(Database(bulk)) as database:
                measure_verification(database, log_config, (folder / "postgres").resolve())


def make_database(url: str, name: str) -> str:
    """Return a database of this name with the schema and products."""
    with closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        connection.cursor().execute(f"create database {name} template template0")
    made = url.replace("/cacaotrace?", f"/{name}?") if "/cacaotrace?" in url else url
    assert made != url, url
    with closing(Database(made)) as database:
        database.apply_schema()
    with closing(psycopg2.connect(made)) as connection, connection:
        connection.cursor().execute(
            f"insert into products (name) select 'P' || i from generate_series(1, {_PRODUCTS}) i"
        )
    return made


if __name__ == "__main__":
    main()
