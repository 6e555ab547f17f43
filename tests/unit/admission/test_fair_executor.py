"""The executor of slow work: one job at a time, least used client first, a bounded share of time."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from threading import current_thread, main_thread
from typing import Any

import pytest

from graph.admission.planning_executor import DUTY, LITTLE, MAX_WAITING, FairExecutor, is_short
from models.database.connection_limiter import DatabaseUnavailable
from tests.bounds import within


def busy(seconds: float) -> Callable[[], None]:
    """Work that takes so much of a processor."""

    def work() -> None:
        began = time.thread_time()
        while time.thread_time() - began < seconds:
            pass

    return work


def run(act: Callable[[FairExecutor], Coroutine[Any, Any, None]], wait: float = 30) -> None:
    """Run it with others being answered all the while."""
    answered = iter(range(10**9))

    async def main() -> None:
        await act(FairExecutor(lambda: next(answered), wait))

    asyncio.run(main())


def test_what_is_returned_and_raised_comes_back_from_another_thread() -> None:
    def fail() -> None:
        raise ValueError("it went wrong")

    async def act(aside: FairExecutor) -> None:
        assert await aside.run("a", lambda: current_thread() is main_thread()) is False
        with pytest.raises(ValueError, match="it went wrong"):
            await aside.run("a", fail)
        nothing: list[None] = [await aside.run("a", lambda: None)]  # type: ignore[func-returns-value]
        assert nothing == [None]

    run(act)


def test_short_work_of_a_light_client_runs_at_once() -> None:
    async def act(aside: FairExecutor) -> None:
        for _ in range(3):
            here = await aside.run("a", lambda: current_thread() is main_thread(), short=True)
            assert here
        await aside.run("a", busy(2 * LITTLE), short=True)
        assert not await aside.run("a", lambda: current_thread() is main_thread(), short=True)
        assert await aside.run("b", lambda: current_thread() is main_thread(), short=True)

    run(act)


def test_who_used_least_is_next() -> None:
    order: list[str] = []

    async def act(aside: FairExecutor) -> None:
        await aside.run("heavy", busy(0.05))
        under_way = asyncio.create_task(aside.run("other", busy(0.05)))
        await asyncio.sleep(0)
        waiting = [
            asyncio.create_task(aside.run(client, lambda client=client: order.append(client)))  # type: ignore[misc]
            for client in ("heavy", "heavy", "light")
        ]
        await asyncio.gather(under_way, *waiting)

    run(act)
    assert order == ["light", "heavy", "heavy"]


def test_executor_works_no_more_than_its_share_beside_other_clients() -> None:
    async def act(aside: FairExecutor) -> None:
        began = time.monotonic()
        for _ in range(8):
            await aside.run("a", busy(0.05))
        assert time.monotonic() - began > (8 * 0.05 - 0.2) / DUTY

    run(act)


def test_executor_does_not_pause_without_other_clients() -> None:
    async def main() -> None:
        aside = FairExecutor(lambda: 0, 30)
        began = time.process_time(), time.monotonic()
        for _ in range(8):
            await aside.run("a", busy(0.05))
        # A rest would be ten times as long as the work.
        assert time.monotonic() - began[1] < within(10 * (time.process_time() - began[0]))

    asyncio.run(main())


def test_turn_that_does_not_come_is_unanswered_and_the_next_one_comes() -> None:
    async def act(aside: FairExecutor) -> None:
        under_way = asyncio.create_task(aside.run("a", lambda: time.sleep(0.5)))
        await asyncio.sleep(0)
        with pytest.raises(DatabaseUnavailable):
            await aside.run("b", lambda: None)
        await under_way
        assert await aside.run("b", lambda: 1) == 1

    run(act, wait=0.1)


def test_of_too_many_those_of_the_busiest_client_are_turned_away() -> None:
    async def act(aside: FairExecutor) -> None:
        under_way = asyncio.create_task(aside.run("a", lambda: time.sleep(0.2)))
        await asyncio.sleep(0)
        crowd = [
            asyncio.create_task(aside.run("crowd", lambda: None)) for _ in range(MAX_WAITING + 5)
        ]
        await asyncio.sleep(0)
        assert await aside.run("b", lambda: "b") == "b"
        await under_way
        became = await asyncio.gather(*crowd, return_exceptions=True)
        assert sum(isinstance(each, DatabaseUnavailable) for each in became) == 6

    run(act)


def test_cancelled_while_waiting_leaves_the_turn_to_others() -> None:
    async def act(aside: FairExecutor) -> None:
        under_way = asyncio.create_task(aside.run("a", lambda: time.sleep(0.1)))
        await asyncio.sleep(0)
        leaving = asyncio.create_task(aside.run("b", lambda: None))
        await asyncio.sleep(0)
        leaving.cancel()
        await under_way
        assert await aside.run("c", lambda: 3) == 3

    run(act)


def test_what_many_ask_for_at_once_is_done_once() -> None:
    done: list[int] = []

    async def act(aside: FairExecutor) -> None:
        async def ask(client: str) -> None:
            async with aside.subject("document"):
                if not done:
                    done.append(await aside.run(client, lambda: 1))

        await asyncio.gather(*(ask(f"client {number}") for number in range(2 * MAX_WAITING)))

    run(act)
    assert done == [1]


def test_short_is_judged_by_length_and_depth() -> None:
    assert is_short("{ product(by: {productId: 1}) { name } }")
    assert not is_short("{ a " + "x" * 500 + " }")
    assert not is_short("{ a { b { c { d { e } } } } }")
