"""What a database of 1,000,000 products costs, each figure beside its gate: `python -m bench.scale`.

Filled once in a folder that is kept. Exit code 1 where a gate is missed.
"""

import argparse
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import psycopg2

from bench import load, size, worker
from bench.database import ROOT, opened_bench
from bench.environment import Environment, LoadPlan
from bench.gates import GateRow, verdict
from bench.measure import Failed
from bench.processes import calibrate, end_when_told
from bench.servers import NoStart, ServerRefused
from models.embedded.server import EmbeddedError

_LEAST = 500
Section = Callable[[Environment], Iterator[GateRow]]
SECTIONS: Mapping[str, Section] = {
    "latency": size.latency,
    "pages": size.pages,
    "filters": size.filters,
    "cold": worker.cold,
    "memory": worker.memory,
    "start": worker.start_worker,
    "token": worker.token,
}
FAULTS = (
    *(EmbeddedError, Failed, load.LoadFailed, NoStart, ServerRefused),
    *(OSError, psycopg2.Error, subprocess.CalledProcessError),
)


def _parse(argv: Sequence[str]) -> tuple[LoadPlan, Path, Sequence[str]]:
    """Return the plan, the folder of everything made, and the sections."""
    parser = argparse.ArgumentParser("python -m bench.scale", description=__doc__)
    add = parser.add_argument
    add("--products", type=int, default=1_000_000, help="of the large database")
    add("--small", type=int, default=1_000, help="of the one it is compared with")
    add("--seconds", type=float, default=1, help="how long a measurement under load lasts")
    add("--rounds", type=int, default=15, help="how many of them, in turn")
    add("--requests", type=int, default=100_000, help="of the mixed load; others in proportion")
    add("--only", nargs="+", choices=SECTIONS, default=list(SECTIONS), help="which sections")
    add("--data", type=Path, default=ROOT / ".data" / "bench", help="folder of everything made")
    args = parser.parse_args(argv)
    if min(args.products, args.small, args.requests) < _LEAST:
        parser.error(f"nothing is measured of less than {_LEAST} products or requests")
    if args.small >= args.products:
        parser.error("the database that the large one is compared with has to be smaller")
    plan = LoadPlan(args.products, args.small, args.seconds, args.rounds, args.requests)
    return plan, args.data.resolve(), args.only


def run(plan: LoadPlan, folder: Path, names: Sequence[str]) -> list[GateRow]:
    """Return the figures of these sections, each printed as soon as it is known."""
    folder.mkdir(parents=True, exist_ok=True)
    rows: list[GateRow] = []
    with opened_bench(folder, plan.products) as bed:
        print(f"{plan.products:,} products; load by {load.generator()}; {describe_ratio()}")
        for name in names:
            print(f"\n{name}: {SECTIONS[name].__doc__}", flush=True)
            for row in SECTIONS[name](Environment(bed, folder, plan)):
                print(row.line(), flush=True)
                rows.append(row)
    return rows


def describe_ratio() -> str:
    """How fast the machine is now."""
    return f"calibration loop {calibrate():.1f} ms"


def main(argv: Sequence[str]) -> int:
    plan, folder, names = _parse(argv)
    end_when_told()
    try:
        rows = run(plan, folder, names)
    except FAULTS as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    print(f"\n{describe_ratio()}\n{verdict(rows)}")
    return int(any(row.missed for row in rows))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
