"""The costs of a worker: new documents, memory, start, and authentication."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from random import Random
from statistics import median
from time import time_ns

from bench import load
from bench.blocks import describe_block, in_blocks
from bench.environment import (
    CLIENTS,
    WORKERS,
    Case,
    Environment,
    answered,
    body_of,
    in_turn,
    named_query,
    pairs,
)
from bench.gates import GateRow
from bench.measure import Failed, write_bodies
from bench.processes import rss_mb
from bench.queries import PROJECT, QUERY_NAMES
from bench.servers import Server
from models.api_key import create_api_key, revoke_api_key
from models.database.engines import Database

COLD_MS, RSS_MB, FLAT_MB, WORKER_START_SECONDS = 5, 120, 5, 1.5
STEPS = 10


def fresh(server: Server, query: str, key: int, number: int) -> bytes:
    """Return the request of a query in a document that no other number makes."""
    known, alias = PROJECT.texts[query], f"{{ d{number}: "
    text = known.replace("{ ", alias, 1)
    body = server.body(query, key)
    new = body.replace(known.encode(), text.encode())
    assert new != body
    return new


# ---------------------------------------------------------------- documents never seen


def cold(environment: Environment) -> Iterator[GateRow]:
    """One client, one worker: documents never seen, and the same ones again, on rows just read."""
    with environment.serving("cold", workers=1) as server:
        for query in ("provenance", "page"):
            yield unseen(environment, server, query)


def unseen(environment: Environment, server: Server, query: str) -> GateRow:
    """How much longer a document takes that was not seen."""
    keys = list(environment.bed.keys.drawn(query, "cold", environment.plan.documents))
    known = [server.body(query, key) for key in keys]
    new = [fresh(server, query, key, number) for number, key in enumerate(keys)]
    timed = in_blocks(server, environment.bed, {"known": known, "new": new, "seen": new})
    new_ms, seen_ms = timed["new"].p50_ms, timed["seen"].p50_ms
    what, note = (
        f"{query} in a document never seen, beyond",
        describe_block(timed["new"], timed["seen"]),
    )
    return GateRow(what, new_ms - seen_ms, "ms", COLD_MS, note)


# ---------------------------------------------------------------- memory


def memory(environment: Environment) -> Iterator[GateRow]:
    """Resident memory of fresh workers under mixed requests, then under documents never seen."""
    requests = environment.plan.requests
    step, distinct = requests // STEPS, requests // 25
    with environment.serving("memory") as server:
        yield resident(server, "RSS of a worker that has just started")
        for number in range(1, STEPS + 1):
            load.ask(server.port, mixed(environment, server, number, step, distinct), CLIENTS)
            row = resident(server, f"RSS after {number * step:,} mixed requests")
            yield row
        load.ask(server.port, never_seen(environment, server, distinct, requests // 10), CLIENTS)
        after = resident(server, f"RSS after {requests // 10:,} distinct documents")
        yield after
        yield GateRow("what these added", after.figure - row.figure, "MB", FLAT_MB)


def resident(server: Server, what: str) -> GateRow:
    """Return the largest worker, beside the other ones."""
    largest, *others = rss_mb(server.process)[:WORKERS]
    note = "".join(f"and {other:.1f}" for other in others)
    return GateRow(what, largest, "MB", RSS_MB, note)


def mixed(
    environment: Environment, server: Server, step: int, count: int, distinct: int
) -> Iterator[bytes]:
    """Yield the four queries with random keys, every second one as one of so many documents."""
    random = Random(step)
    keys = {
        query: environment.bed.keys.drawn(query, f"mixed {step}", count) for query in QUERY_NAMES
    }
    for _ in range(count):
        number = random.randrange(2 * distinct)
        query = QUERY_NAMES[number % len(QUERY_NAMES)]
        key = next(keys[query])
        seen = number >= distinct
        yield server.body(query, key) if seen else fresh(server, query, key, number)


def never_seen(environment: Environment, server: Server, begin: int, count: int) -> Iterator[bytes]:
    """Documents numbered from `begin` on, of the four queries in turn."""
    keys = {query: environment.bed.keys.drawn(query, "distinct", count) for query in QUERY_NAMES}
    for place in range(count):
        query = QUERY_NAMES[place % len(QUERY_NAMES)]
        yield fresh(server, query, next(keys[query]), begin + place)


# ---------------------------------------------------------------- its start


def start_worker(environment: Environment) -> Iterator[GateRow]:
    """From the command to the first answer, with one worker."""
    seconds = []
    for _ in range(environment.plan.starts):
        with environment.serving("start", workers=1) as server:
            seconds.append(server.seconds)
    note = f"of {', '.join(f'{each:.2f}' for each in sorted(seconds))}"
    yield GateRow(
        "from the command to the first answer", median(seconds), "s", WORKER_START_SECONDS, note
    )


# ---------------------------------------------------------------- authentication


def token(environment: Environment) -> Iterator[GateRow]:
    """Return the requests a second with an API key and without one, measured in turn."""
    with environment.serving("token") as server, api_key(environment.bed.url) as key:
        known = replace(named_query(server, "key"), token=key)
        whom = answered(known, body_of("{ viewer { apiKey } }", {}))["viewer"]
        if whom["apiKey"] is None:
            raise Failed(f"the API key is nobody's: {whom}")
        folder, keys = environment.folder / "bodies", environment.bed.keys
        cases = [
            Case(at, environment.bed, query, write_bodies(at, keys, query, folder))
            for query in ("provenance", "tiny")
            for at in (known, named_query(server, "nobody"))
        ]
        cells = in_turn(cases, CLIENTS, environment.plan)
    for query, times, own, other in pairs(cells, "key", "nobody", "rate"):
        note = f"{own.rate:,.0f} and {other.rate:,.0f} requests/s; CPU us of the server "
        note += f"{own.server_us:,.0f} and {other.server_us:,.0f}"
        yield GateRow(f"{query}, with an API key to without", times, "x", note=note)


@contextmanager
def api_key(url: str) -> Iterator[str]:
    """Provide an API key of an auditor, which is revoked with the `with` block."""
    with closing(Database(url)) as database:
        with database.session("bench") as session:
            number, key = create_api_key(session, f"bench {time_ns()}", "auditor", 1)
            session.commit()
        try:
            yield key
        finally:
            with database.session("bench") as session:
                revoke_api_key(session, number)
                session.commit()
