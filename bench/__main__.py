"""python -m bench: install, fill, start, agree, measure in turn, report. `make bench` runs it."""

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

import psycopg2

from bench import floor, install, load, plot, report
from bench.agreement import Disagreement, check_agreement
from bench.database import ROOT, Bed, opened_bench
from bench.measure import Cell, Failed, count_statements, measure, write_bodies
from bench.processes import end_when_told
from bench.queries import QUERY_NAMES
from bench.servers import NoStart, Peer, Server, ServerRefused, node_peers, python_peers, running
from models.embedded.server import EmbeddedError


@dataclass(frozen=True)
class _Plan:
    """What is measured; `rounds` by number of clients.

    Many short rounds: which worker accepts a client is chance, and slow phases of a host are short.
    """

    products: int
    seconds: float
    warm: float
    rounds: dict[int, int]
    queries: tuple[str, ...]
    workers: int
    agreements: int


FULL = _Plan(1_000_000, 2, 2, {8: 10, 1: 3, 32: 3}, QUERY_NAMES, 2, 25)
QUICK = _Plan(20_000, 2, 1, {8: 1}, QUERY_NAMES, 2, 5)


def _parse(argv: Sequence[str]) -> tuple[_Plan, argparse.Namespace]:
    """Return the plan and where things go."""
    parser = argparse.ArgumentParser("python -m bench", description=__doc__)
    add = parser.add_argument
    add("--quick", action="store_true", help="20,000 products, one round: two minutes")
    add("--products", type=int, help="how many products the database holds")
    add("--seconds", type=float, help="how long a measurement lasts")
    add("--rounds", type=int, help="how many rounds, for every number of clients")
    add("--clients", type=int, nargs="+", help="how many clients at once (8 1 32)")
    add("--queries", nargs="+", choices=QUERY_NAMES, help="which queries")
    add("--peers", nargs="+", help="which peers beside the project")
    add("--workers", type=int, help="processes of each server (2)")
    add("--data", type=Path, default=ROOT / ".data" / "bench", help="folder of everything made")
    add("--plot", type=Path, help="where the plot goes (DATA/results.svg)")
    args = parser.parse_args(argv)
    base = QUICK if args.quick else FULL
    rounds = base.rounds
    if args.clients or args.rounds:
        chosen = args.clients or list(rounds)
        rounds = {clients: args.rounds or rounds.get(clients, 1) for clients in chosen}
    return _Plan(
        args.products or base.products,
        args.seconds or base.seconds,
        base.warm,
        rounds,
        tuple(args.queries or base.queries),
        args.workers or base.workers,
        base.agreements,
    ), args


def chosen_peers(folder: Path, wanted: Sequence[str] | None) -> list[Peer]:
    """Return the project first, then what can run here and was asked for."""
    peers = python_peers()
    node, version = install.install_node(folder)
    if node is not None:
        peers += node_peers(node, folder, version, install.POSTGRAPHILE_NEEDS)
    return [p for p in peers if p.name == "project" or wanted is None or p.name in wanted]


def environment(bed: Bed, packages: Path) -> dict[str, str]:
    """Of every server: the database, and packages beyond the project's."""
    return {**bed.environment, "PYTHONPATH": str(packages)}


def measured(plan: _Plan, servers: Sequence[Server], bed: Bed, folder: Path) -> Iterator[Cell]:
    """Every cell: in each round, for each query and number of clients, each server in turn."""
    bodies = {
        (server.peer.name, query): write_bodies(server, bed.keys, query, folder / "bodies")
        for server in servers
        for query in plan.queries
    }
    for server in servers:
        for query in plan.queries:
            load.run(server.port, bodies[server.peer.name, query], 8, plan.warm)
    prepare_floor(bed)
    for number in range(max(plan.rounds.values())):
        for query in plan.queries:
            for clients in (c for c, rounds in plan.rounds.items() if number < rounds):
                for server in servers:
                    path = bodies[server.peer.name, query]
                    yield measure(server, bed, path, clients, (query, number), plan.seconds)
                yield floor.measure_floor(query, bed, clients, number, plan.seconds)


def prepare_floor(bed: Bed) -> None:
    with closing(psycopg2.connect(bed.url)) as connection, connection.cursor() as cursor:
        cursor.execute(floor.PLACES)
        connection.commit()


def run(plan: _Plan, args: argparse.Namespace) -> None:
    folder: Path = args.data.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    packages, peers = install.install_python(folder), chosen_peers(folder, args.peers)
    print(f"{plan.products:,} products; load by {load.generator()}; {plan.workers} workers each")
    titles = {peer.name: peer.title for peer in peers} | {"pgbench": "pgbench, prepared"}
    with (
        opened_bench(folder, plan.products) as bed,
        running(peers, environment(bed, packages), plan.workers, folder / "logs") as servers,
    ):
        compared = check_agreement(servers, bed.keys, plan.agreements)
        print(f"{compared} answers agree with the project's")
        statements = {
            (server.peer.name, query): count_statements(server, bed, query)
            for server in servers
            for query in plan.queries
            if bed.counts
        }
        cells: list[Cell] = []
        for cell in measured(plan, servers, bed, folder):
            cells.append(cell)
            show(cell, titles)
    print(report.markdown_table(cells, titles, statements))
    keep(plan, args, cells, titles, statements)


def show(cell: Cell, titles: dict[str, str]) -> None:
    print(
        f"  {cell.query:<10} {cell.clients:>2} clients  {titles[cell.peer]:<26} "
        f"{cell.rate:>8,.0f}/s  p99 {cell.p99_ms:7.2f} ms  "
        f"{cell.server_us:6,.0f} + {cell.postgres_us:5,.0f} us  {cell.busiest:4.0%}",
        flush=True,
    )


def keep(
    plan: _Plan,
    args: argparse.Namespace,
    cells: Sequence[Cell],
    titles: dict[str, str],
    statements: dict[tuple[str, str], float],
) -> None:
    """Write the results as JSON beside the data, and the plot."""
    folder: Path = args.data.resolve()
    machine = f"{os.cpu_count()} cores shared by server, PostgreSQL and load"
    document = {
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "machine": {"cores": os.cpu_count(), "python": platform.python_version()},
        "plan": asdict(plan),
        "titles": titles,
        "statements": [
            {"peer": peer, "query": query, "count": count}
            for (peer, query), count in statements.items()
        ],
        "cells": [asdict(cell) for cell in cells],
    }
    (folder / "results.json").write_text(json.dumps(document, indent=1), "utf-8")
    clients = next(iter(plan.rounds))
    note = f"{clients} clients, {plan.workers} workers, {machine}; {plan.products:,} products"
    target: Path = args.plot or folder / "results.svg"
    target.write_text(plot.draw_plot(cells, titles, clients, note), "utf-8")
    print(f"\nresults: {folder / 'results.json'}, {target}")


def main(argv: Sequence[str]) -> int:
    plan, args = _parse(argv)
    end_when_told()
    try:
        run(plan, args)
    except (Disagreement, EmbeddedError, Failed, load.LoadFailed, NoStart, ServerRefused) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
