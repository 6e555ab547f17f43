"""Concurrent writers of one lot and one account: no overdraft, and no deadlock reaches a client.

MATTER_SECONDS=30 asks for the long form; `pytest -s` tells the throughput.
"""

import os
import random
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from models.database.engines import Database
from models.errors import violation_of
from tests.requests import rows
from tests.writing import run_sql

WRITERS = 32
SECONDS = float(os.environ.get("MATTER_SECONDS", "3"))
Write = Callable[[Connection, random.Random, int], None]


def outcome(connection: Connection, write: Write, rng: random.Random, number: int) -> str:
    """Return the outcome of one write, which is a transaction of one statement."""
    try:
        write(connection, rng, number)
    except DBAPIError as error:
        violation = violation_of(error)
        return violation.code if violation else str(error)
    return "written"


def write_together(database: Database, write: Write, told: str) -> Counter[str]:
    """Run all writers for SECONDS; count the outcomes."""
    together = Barrier(WRITERS)
    engine = database.engine().execution_options(isolation_level="AUTOCOMMIT")

    def run(number: int) -> Counter[str]:
        rng, found = random.Random(number), Counter[str]()
        with engine.connect() as connection:
            together.wait()
            end = time.monotonic() + SECONDS
            while time.monotonic() < end:
                found[outcome(connection, write, rng, number)] += 1
        return found

    with ThreadPoolExecutor(WRITERS) as pool:
        found = sum(pool.map(run, range(WRITERS)), Counter[str]())
    each = ", ".join(f"{name} {count / SECONDS:.0f}/s" for name, count in sorted(found.items()))
    print(f"\n{WRITERS} writers on one {told} for {SECONDS:.0f} s: {each}")
    return found


@pytest.fixture
def crowded(fresh: Database) -> Database:
    """One lot of beans, 64 products, a lot of liquor for each writer, and an account."""
    run_sql(
        fresh,
        f"""
        insert into suppliers (name, location) values ('A', 'X');
        insert into cacao_batches (supplier_id, harvest_date, quantity) values (1, '2026-01-01', 50);
        insert into cacao_batches (supplier_id, quantity, stage)
          select 1, 1000, 'liquor' from generate_series(1, {WRITERS});
        insert into products (name) select 'P' from generate_series(1, 2000);
        insert into mass_balance_accounts (scheme, supplier_id, period_from, period_to)
          values ('UTZ', 1, '2026-01-01', '2099-12-31')""",
    )
    return fresh


def draw(connection: Connection, rng: random.Random, number: int) -> None:
    """Write a use in a product or in a lot, a loss, or kilograms that are taken back."""
    kg = rng.randint(1, 3000) / 1000
    kind = rng.random()
    if kind < 0.4:
        product = number + 1 + WRITERS * rng.randrange(60)
        statement = f"""insert into product_cacao_batch values ({product}, 1, {kg})
          on conflict (product_id, cacao_batch_id) do update
          set quantity_kg = product_cacao_batch.quantity_kg + excluded.quantity_kg"""
    elif kind < 0.6:
        statement = f"""insert into cacao_batch_input values ({number + 2}, 1, {kg})
          on conflict (output_batch_id, input_batch_id) do update
          set quantity_kg = cacao_batch_input.quantity_kg + excluded.quantity_kg"""
    elif kind < 0.8:
        statement = f"""insert into losses (cacao_batch_id, quantity_kg, reason)
          values (1, {round(kg / 10 + 0.001, 3)}, 'sampling')"""
    else:
        statement = f"delete from product_cacao_batch where product_id % {WRITERS} = {number}"
    connection.execute(text(statement))


def test_many_writers_never_overdraw_a_lot(crowded: Database) -> None:
    found = write_together(crowded, draw, "lot")
    assert set(found) == {"written", "OVERDRAWN"}
    drawn = "select sum(quantity_kg) <= 50 from cacao_batch_draws where cacao_batch_id = 1"
    assert rows(crowded, drawn) == [(True,)]
    lost = "select count(*) from losses union all select count(*) from transactions"
    losses, events = rows(crowded, lost)
    assert losses == events


def book(connection: Connection, rng: random.Random, _number: int) -> None:
    kg, direction = rng.randint(1, 9_000) / 1000, rng.choice(("credit", "debit", "debit"))
    connection.execute(
        text(
            "insert into mass_balance_entries (account_id, direction, quantity_kg)"
            f" values (1, '{direction}', {kg})"
        )
    )


def test_many_writers_never_overdraw_an_account(crowded: Database) -> None:
    found = write_together(crowded, book, "account")
    assert set(found) == {"written", "OVERDRAWN"}
    balance = """select balance_kg >= 0, balance_kg = (
      select sum(case direction when 'credit' then quantity_kg else -quantity_kg end)
      from mass_balance_entries), (select count(*) from mass_balance_entries)
      from mass_balance_accounts"""
    assert rows(crowded, balance) == [(True, True, found["written"])]


def test_many_writers_never_open_two_accounts_for_a_day(crowded: Database) -> None:
    def open_account(connection: Connection, rng: random.Random, _number: int) -> None:
        first = rng.randint(1, 28)
        connection.execute(
            text(
                "insert into mass_balance_accounts (scheme, supplier_id, period_from, period_to) values"
                f" ('Other', 1, '2026-02-{first:02}', '2026-02-{rng.randint(first, 28)}')"
            )
        )

    found = write_together(crowded, open_account, "site's accounts")
    assert set(found) == {"written", "ALREADY_EXISTS"}
    shared = """select count(*), count(distinct day) from mass_balance_accounts,
      generate_series(period_from, period_to, '1 day') as day where scheme = 'Other'"""
    ((days, distinct),) = rows(crowded, shared)
    assert days == distinct > 0


def test_hold_reaches_what_is_being_made_of_the_lot(crowded: Database) -> None:
    """Writers make chains of lots while holds come and go; in the end the marks are exact."""

    def make(connection: Connection, rng: random.Random, number: int) -> None:
        if number == 0:
            connection.execute(text("insert into holds (cacao_batch_id, reason) values (1, 'x')"))
            return
        if number == 1:
            time.sleep(0.02)
            connection.execute(
                text(
                    "update holds set released_at = now(), release_reason = 'y' where hold_id = ("
                    "select min(hold_id) from holds where released_at is null) and released_at is null"
                )
            )
            return
        source, output = sorted(rng.sample(range(1, WRITERS + 2), 2))
        connection.execute(
            text(
                f"insert into cacao_batch_input values ({output}, {source}, 0.001)"
                " on conflict do nothing"
            )
        )

    found = write_together(crowded, make, "lineage")
    assert found["BATCH_ON_HOLD"] > 0
    assert set(found) <= {"written", "BATCH_ON_HOLD", "CONFLICT"}
    marked = """with recursive made (id) as (
        select cacao_batch_id from holds where released_at is null
        union select output_batch_id from made join cacao_batch_input on input_batch_id = made.id)
      select cacao_batch_id, on_hold, cacao_batch_id in (select id from made) from cacao_batches"""
    assert [row for row in rows(crowded, marked) if row[1] != row[2]] == []
