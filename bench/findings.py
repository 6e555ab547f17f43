"""How long findings take: `python -m bench.findings`, on 1,000,000 products with all behind them.

Those of one product over GraphQL, the statement and its way back included; of a supplier; a page of
everything, by one rule and by all; and the command that streams all, with its memory. The database
takes some minutes to make, with a leaf of the ledger for each event.
"""

import argparse
import asyncio
import os
import random
import resource
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from bench.database import ROOT, opened_bench
from graph.admission.limits import Limits
from graph.answer import Request
from graph.context import Viewer
from graph.execution.engine import Engine
from models.database.engines import Database
from models.database.timeouts import Timeouts

_SHOWN = "nodes { rule severity message evidence product { name } cacaoBatch { lotNumber } }"
_PAGE = f"totalCount pageInfo {{ hasNextPage endCursor }} {_SHOWN}"
OF_ONE = {
    "a product": f"product(by: {{productId: $id}}) {{ auditFindings {{ {_SHOWN} }} }}",
    "a product, counted": f"product(by: {{productId: $id}}) {{ auditFindings {{ {_PAGE} }} }}",
    "a supplier": f"supplier(by: {{supplierId: $id}}) {{ auditFindings {{ {_SHOWN} }} }}",
}
OF_ALL = {
    "a page of everything, by one rule": f"auditFindings(filter: {{rule: {{eq: OVERDRAW}}}}) {{ {_SHOWN} }}",
    "a page of everything": f"auditFindings {{ {_SHOWN} }}",
}
SECONDS = 120


async def measure_findings(engine: Engine, query: str, keys: list[int]) -> list[float]:
    """Seconds of each request, by number of a product or a supplier."""
    seconds = []
    for key in keys:
        start = perf_counter()
        answer = await engine.answer(Request(query, {"id": key}), Viewer("auditor"))
        seconds.append(perf_counter() - start)
        assert answer.through is not None, answer.errors
    return seconds


def describe_times(name: str, seconds: list[float]) -> str:
    worst = sorted(seconds)[int(len(seconds) * 0.99)]
    return f"  {name}: first {seconds[0]:.3f} s, median {median(seconds):.3f} s, p99 {worst:.3f} s"


async def measure_all(database: Database, products: int, rounds: int) -> None:
    engine = Engine(database, limits=Limits(cost=10**9, request_seconds=SECONDS))
    rng = random.Random(1)
    for name, selection in OF_ONE.items():
        most = products // 50 if "supplier" in name else products
        keys = [rng.randint(1, most) for _ in range(rounds)]
        print(
            describe_times(
                name, await measure_findings(engine, f"query ($id: Int!) {{ {selection} }}", keys)
            )
        )
    for name, selection in OF_ALL.items():
        print(describe_times(name, await measure_findings(engine, f"{{ {selection} }}", [0, 0, 0])))


def server(url: str, *arguments: str, output: Any = None) -> None:
    """Run a command of the server on this database."""
    environment = {**os.environ, "DATABASE_URL": url}
    command = [sys.executable, "server.py", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=output, check=False)
    assert done.returncode in (0, 1)


def stream_all(url: str, folder: Path) -> None:
    """Run the command; return its seconds and the peak memory of its process."""
    start = perf_counter()
    with (folder / "findings.csv").open("w+", encoding="utf-8") as output:
        server(url, "audit", "findings", output=output)
        output.seek(0)
        found = sum(1 for _ in output) - 1
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"  audit findings: {found:,} in {perf_counter() - start:.1f} s, {memory:.0f} MB at most")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--products", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--data", type=Path, help="a folder to keep the database in")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="cacaotrace-findings-") as folder,
        opened_bench(options.data or Path(folder), options.products) as bed,
        closing(Database(bed.url, timeouts=Timeouts(SECONDS))) as database,
    ):
        server(bed.url, "ledger", "integrate")
        print(f"findings of {options.products:,} products:")
        asyncio.run(measure_all(database, options.products, options.rounds))
        stream_all(bed.url, Path(folder))


if __name__ == "__main__":
    main()
