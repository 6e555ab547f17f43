"""A flood of sign-ins delays neither writers nor sign-ins from other addresses."""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from graph.answer import Answer, Request
from graph.context import Viewer
from graph.execution.engine import Engine
from models.accounts import password_queue as turns
from models.accounts.password_queue import PasswordHashQueue
from models.attempt import _take_turns
from models.database.connection_limiter import DatabaseUnavailable
from models.database.engines import Database
from models.errors import TooManyAttempts
from tests.bounds import within
from tests.http.accounts.accounts import ADMIN, SIGN_IN
from tests.requests import rows
from tests.writing import PASSWORD

WRITE = """mutation { createManufacturer(input: {name: "A", location: "B", allowDuplicate: true}) {
  userErrors { code } } }"""


def attempt(engine: Engine, address: str, password: str = PASSWORD) -> "asyncio.Task[Answer]":
    given = {"input": {"username": "anna", "password": password}}
    asking = engine.answer(Request(SIGN_IN, given), Viewer("public", address=address))
    return asyncio.ensure_future(asking)


def codes(answers: list[Answer]) -> Counter[str]:
    """Return the number of answers by user error; the empty text counts successful sign-ins."""
    found: Counter[str] = Counter()
    for answered in answers:
        assert answered.errors == []
        assert answered.data is not None
        errors = answered.data["signIn"]["userErrors"]
        found[errors[0]["code"] if errors else ""] += 1
    return found


@pytest.fixture
def held(anna: Database) -> Iterator[threading.Event]:
    """Provide a session that counts the address 192.0.2.1 waits until this event is set."""
    locked, release = threading.Event(), threading.Event()

    def hold() -> None:
        with anna.engine().connect() as connection:
            _take_turns(connection, "address 192.0.2.1")  # type: ignore[arg-type]
            locked.set()
            release.wait(30)

    holder = threading.Thread(target=hold)
    holder.start()
    assert locked.wait(within(10))
    yield release
    release.set()
    holder.join()


def test_flood_of_sign_ins_from_one_address_does_not_hold_up_writers(
    anna: Database, held: threading.Event
) -> None:
    async def flood() -> tuple[list[Answer], float]:
        engine = Engine(anna)
        tries = [attempt(engine, "192.0.2.1") for _ in range(120)]
        await asyncio.wait(tries, return_when=asyncio.FIRST_COMPLETED)
        since = time.monotonic()
        written = await asyncio.gather(*(engine.answer(Request(WRITE), ADMIN) for _ in range(20)))
        took = time.monotonic() - since
        assert [answered.errors for answered in written] == [[]] * 20
        held.set()
        return await asyncio.gather(*tries), took

    answers, took = asyncio.run(flood())
    assert took < within(1)
    assert rows(anna, "SELECT count(*) FROM manufacturers") == [(20,)]
    assert codes(answers) == {"TOO_MANY_ATTEMPTS": 116, "": 4}


def test_throttled_flood_does_not_stop_sign_ins_from_elsewhere(anna: Database) -> None:
    async def flood() -> tuple[list[Answer], list[Answer]]:
        engine = Engine(anna)
        for _ in range(5):
            await attempt(engine, "192.0.2.1", "wrong horse battery")
        tries = [attempt(engine, "192.0.2.1") for _ in range(60)]
        there = [attempt(engine, "192.0.2.2") for _ in range(2)]
        return await asyncio.gather(*tries), await asyncio.gather(*there)

    here, there = asyncio.run(flood())
    assert codes(here) == {"TOO_MANY_ATTEMPTS": 60}
    assert codes(there) == {"": 2}


def test_sign_in_under_way_holds_no_connection_of_writers(
    anna: Database, held: threading.Event
) -> None:
    async def busy() -> int:
        engine = Engine(anna)
        tries = [attempt(engine, "192.0.2.1") for _ in range(4)]
        pool: Any = anna._writes.pool
        while pool.checkedout() < 2:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        most = pool.checkedout()
        held.set()
        await asyncio.gather(*tries)
        return int(most)

    assert asyncio.run(busy()) == 2


# ---------------------------------------------------------------- turns


def test_turns_are_few_and_so_are_those_who_wait() -> None:
    async def many_sign_ins() -> Counter[str]:
        found: Counter[str] = Counter()
        lining, release = PasswordHashQueue(), threading.Event()

        async def one(number: int) -> None:
            try:
                await lining.run(f"192.0.2.{number}", lambda: release.wait(10))
                found["done"] += 1
            except DatabaseUnavailable:
                found["refused"] += 1

        line = [asyncio.ensure_future(one(number)) for number in range(30)]
        await asyncio.sleep(0.05)
        assert found == {"refused": 12}
        release.set()
        await asyncio.gather(*line)
        return found

    assert asyncio.run(many_sign_ins()) == {"done": 18, "refused": 12}


def test_turn_that_does_not_come_in_time_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "WAIT_SECONDS", 0.05)

    async def line() -> None:
        lining, release = PasswordHashQueue(), threading.Event()
        running = [asyncio.ensure_future(lining.run("a", release.wait)) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(DatabaseUnavailable):
            await lining.run("b", release.wait)
        release.set()
        await asyncio.gather(*running)
        assert await lining.run("b", lambda: 7) == 7

    asyncio.run(line())


def test_turn_of_a_request_that_is_cut_off_ends_with_its_thread() -> None:
    async def line() -> None:
        lining, release = PasswordHashQueue(), threading.Event()
        running = [asyncio.ensure_future(lining.run("a", release.wait)) for _ in range(4)]
        await asyncio.sleep(0.05)
        for one in running:
            one.cancel()
        await asyncio.wait(running)
        # Two threads are still at work; the two that waited are gone.
        assert lining._places == {"a": 2}
        release.set()
        assert await lining.run("a", lambda: 7) == 7
        await asyncio.sleep(0.05)
        assert lining._places == {}

    asyncio.run(line())


def test_address_with_many_sign_ins_under_way_has_to_wait() -> None:
    async def line() -> None:
        lining, release = PasswordHashQueue(), threading.Event()
        running = [asyncio.ensure_future(lining.run("a", release.wait)) for _ in range(4)]
        await asyncio.sleep(0.05)
        with pytest.raises(TooManyAttempts) as refused:
            await lining.run("a", release.wait)
        assert refused.value.seconds == 2
        release.set()
        await asyncio.gather(*running)

    asyncio.run(line())
