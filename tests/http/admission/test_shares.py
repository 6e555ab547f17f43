"""A client's requests hold a share of the connections and are charged for time; others go on.

Nothing here depends on how fast the machine is: sessions that wait for a lock are counted.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text

from graph.admission.limits import Limits
from graph.admission.rate_limit import RateLimiter
from graph.answer import Answer, Request
from graph.context import Viewer
from graph.execution.engine import Engine
from models.database.engines import Database
from models.database.timeouts import Timeouts
from serving.settings import PRODUCTION
from tests.requests import rows

POOL, SHARE, AT_ONCE = 8, 2, 10
BLOCKED = """SELECT count(*) FROM pg_stat_activity
  WHERE datname = current_database() AND wait_event_type = 'Lock'"""
HELD_UP = {
    "read": ("LOCK TABLE products IN ACCESS EXCLUSIVE MODE", "{ products { nodes { name } } }"),
    "lineage": (
        "LOCK TABLE cacao_batch_input IN ACCESS EXCLUSIVE MODE",
        "{ cacaoBatch(by: {cacaoBatchId: 4}) { trace { depth } } }",
    ),
    "write": (
        "SELECT 1 FROM products WHERE product_id = 1 FOR UPDATE",
        'mutation { updateProduct(input: {productId: 1, name: "X"}) { product { name } } }',
    ),
}
# What does not need what is locked, of each kind.
FREE = {
    "read": "{ suppliers { nodes { name } } }",
    "lineage": "{ suppliers { nodes { name } } }",
    "write": """mutation { createSupplier(input: {name: "S%d", location: "L"}) {
      supplier { name } } }""",
}
ONE_CLIENT = {
    "network": [Viewer("operator", address="192.0.2.1")],
    "network of IPv6": [Viewer("operator", address=f"2001:db8:1:2::{n}") for n in range(1, 9)],
    "name": [Viewer("operator", "user:anna", address=f"192.0.2.{n}") for n in range(1, 9)],
}


def opened(database: Database, size: int = POOL, wait: float = 1) -> Database:
    """Return the same database, with another pool size and timeout."""
    url = database.engine().url.render_as_string(hide_password=False)
    return Database(url, size, timeouts=Timeouts(30, wait))


async def ask(engine: Engine, viewer: Viewer, query: str) -> Answer:
    return await engine.answer(Request(query), viewer)


def codes(answers: list[Answer]) -> Counter[str]:
    """Return the number of answers by error code; None counts those without an error."""
    return Counter(
        str((answer.errors[0].extensions or {})["code"]) if answer.errors else ""
        for answer in answers
    )


async def until_blocked(database: Database, count: int) -> None:
    """Return once so many sessions wait for a lock."""
    while await asyncio.to_thread(rows, database, BLOCKED) != [(count,)]:
        await asyncio.sleep(0.01)


@asynccontextmanager
async def locked(database: Database, statement: str) -> AsyncIterator[None]:
    """Hold a lock by a session of the test within the block."""
    with database.engine().connect() as connection:
        connection.execute(text(statement))
        yield
        connection.rollback()


@pytest.mark.parametrize("client", ONE_CLIENT)
@pytest.mark.parametrize("kind", HELD_UP)
def test_one_client_holds_a_share_and_the_others_are_answered(
    own_world: Database, kind: str, client: str
) -> None:
    statement, query = HELD_UP[kind]
    viewers = [ONE_CLIENT[client][n % len(ONE_CLIENT[client])] for n in range(AT_ONCE)]
    database = opened(own_world)

    async def run() -> tuple[list[Answer], list[Answer], list[Answer]]:
        engine = Engine(database, limits=PRODUCTION)
        async with locked(own_world, statement):
            asking = [asyncio.create_task(ask(engine, viewer, query)) for viewer in viewers]
            await until_blocked(own_world, SHARE)
            others = [Viewer("operator", address=f"198.51.100.{n}") for n in range(20)]
            free = [FREE[kind].replace("%d", str(n)) for n in range(20)]
            asked = [ask(engine, *one) for one in zip(others, free, strict=True)]
            answered = await asyncio.gather(*asked)
            refused: set[asyncio.Task[Answer]] = set()
            while len(refused) < AT_ONCE - SHARE:
                refused, _ = await asyncio.wait(asking, return_when=asyncio.FIRST_COMPLETED)
                refused = {task for task in asking if task.done()}
                await asyncio.sleep(0.01)
            assert await asyncio.to_thread(rows, own_world, BLOCKED) == [(SHARE,)]
        late = await asyncio.gather(*(task for task in asking if task not in refused))
        database.pool().close()
        return answered, [task.result() for task in refused], late

    try:
        answered, refused, late = asyncio.run(run())
    finally:
        database.close()
    assert codes(answered) == {"": 20}
    assert codes(refused) == {"RATE_LIMITED": AT_ONCE - SHARE}
    assert {answer.retry_after() for answer in refused} == {1}
    assert codes(late) == {"": SHARE}


@pytest.mark.parametrize(
    ("size", "limits", "share"),
    [
        (1, PRODUCTION, 1),
        (3, PRODUCTION, 1),
        (8, PRODUCTION, 2),
        (40, PRODUCTION, 10),
        (1, Limits(), 1),
        (8, Limits(), 4),
        (8, Limits(client_connections=3), 3),
        (2, Limits(client_connections=3), 2),
    ],
)
def test_share_is_a_quarter_or_what_is_set(
    world_to_read: Database, size: int, limits: Limits, share: int
) -> None:
    database = opened(world_to_read, size)
    admission = Engine(database, limits=limits).admission
    assert (admission.reads.share, admission.writes.share) == (share, share)
    database.close()


# ---------------------------------------------------------------- paying for time

PAYING = Limits(cost=10_000, cost_burst=100_000, cost_per_second=1, cost_of_second=10_000_000)


@pytest.mark.parametrize("kind", HELD_UP)
def test_client_pays_for_the_time_that_its_request_took(own_world: Database, kind: str) -> None:
    """A delay of at least 0.1 s costs ten times the client's limit."""
    statement, query = HELD_UP[kind]
    slow = """SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
      AND wait_event_type = 'Lock' AND clock_timestamp() - query_start > interval '0.1 s'"""
    database = opened(own_world)

    async def run() -> list[Answer]:
        engine = Engine(database, limits=PAYING)
        heavy, other = Viewer("operator", address="192.0.2.1"), Viewer("operator", address="::1")
        async with locked(own_world, statement):
            asking = asyncio.create_task(ask(engine, heavy, query))
            while await asyncio.to_thread(rows, own_world, slow) != [(1,)]:
                await asyncio.sleep(0.01)
        answers = [await asking, await ask(engine, heavy, "{ viewer { role } }")]
        answers.append(await ask(engine, other, "{ viewer { role } }"))
        database.pool().close()
        return answers

    try:
        slow_one, next_one, others = asyncio.run(run())
    finally:
        database.close()
    assert (codes([slow_one]), codes([others])) == ({"": 1}, {"": 1})
    assert codes([next_one]) == {"RATE_LIMITED": 1}
    # A tenth of a second is 1,000,000, of which 100,000 were left.
    assert next_one.retry_after() > 800_000


def test_time_costs_nothing_where_clients_are_not_counted() -> None:
    rate_limiter = RateLimiter(replace(PAYING, cost_per_second=0))
    rate_limiter.settle("a", 1_000.0)
    assert rate_limiter.admit(Viewer("public", address="a"), 10_000) is None


def test_what_was_paid_is_not_charged_again() -> None:
    viewer = Viewer("public", address="a")
    rate_limiter = RateLimiter(
        Limits(cost=60, cost_burst=60, cost_per_second=1, cost_of_second=100)
    )
    rate_limiter.settle("a", 0.2, 50)
    assert rate_limiter.admit(viewer, 60) is None
    rate_limiter.settle("b", 0.7, 50)
    refused: Any = rate_limiter.admit(replace(viewer, address="b"), 60)
    assert refused.seconds == 20


# ---------------------------------------------------------------- paying for what was reached


def test_lineage_pays_for_the_edges_that_it_reached(own_world: Database) -> None:
    """A request about 40 lots, each made from all lots before it: 780 edges."""
    with own_world.engine().begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(
            text("""INSERT INTO cacao_batches (cacao_batch_id, supplier_id, quantity, harvest_date, lot_number)
              SELECT 1000 + n, 1, 1000, date '2026-01-01', 'R' || n FROM generate_series(1, 40) n""")
        )
        connection.execute(
            text("""INSERT INTO cacao_batch_input (output_batch_id, input_batch_id, quantity_kg)
              SELECT 1000 + o, 1000 + i, 1 FROM generate_series(1, 40) o, generate_series(1, 40) i
              WHERE i < o""")
        )
    query = "{ cacaoBatch(by: {cacaoBatchId: %d}) { origins { totalCount } } }"
    # Document and plan are charged apart; 502 is the price of either.
    database = opened(own_world)

    async def run() -> list[Answer]:
        viewer = Viewer("operator", address="192.0.2.1")
        engine = Engine(database, limits=Limits(cost=550))
        small = await ask(engine, viewer, query % 1001)
        large = await ask(engine, viewer, query % 1040)
        engine = Engine(database, limits=Limits(cost=700))
        answers = [small, large, await ask(engine, viewer, query % 1040)]
        database.pool().close()
        return answers

    try:
        small, refused, large = asyncio.run(run())
    finally:
        database.close()
    assert codes([small, large]) == {"": 2}
    assert codes([refused]) == {"COST_LIMIT_EXCEEDED": 1}
    assert large.through == b'{"cacaoBatch":{"origins":{"totalCount":1}}}'
