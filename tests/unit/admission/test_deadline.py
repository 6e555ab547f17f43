"""A request past its deadline is cancelled; requests beside it go on."""

import asyncio
import time
from collections.abc import Awaitable
from unittest.mock import patch

import pytest

from graph.admission.deadlines import Deadlines
from tests.bounds import within


async def limited(deadlines: Deadlines, work: Awaitable[object]) -> str:
    request = deadlines.start()
    try:
        await work
        return "done"
    except asyncio.CancelledError:
        if not deadlines.is_late(request):
            raise
        return "late"
    finally:
        deadlines.end(request)


def test_late_request_ends_in_time_and_its_task_goes_on() -> None:
    async def run() -> tuple[str, float, int]:
        deadlines = Deadlines(0.2)
        started = time.monotonic()
        ended = await limited(deadlines, asyncio.sleep(60))
        took = time.monotonic() - started
        await asyncio.sleep(0)
        task = asyncio.current_task()
        assert task is not None
        return ended, took, task.cancelling()

    ended, took, cancelling = asyncio.run(run())
    assert (ended, cancelling) == ("late", 0)
    assert 0.1 <= took < within(1)


def test_request_that_swallows_its_cancellation_is_cancelled_again() -> None:
    async def stubborn() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            await asyncio.sleep(60)

    async def run() -> tuple[str, int]:
        ended = await limited(Deadlines(0.2), stubborn())
        task = asyncio.current_task()
        assert task is not None
        return ended, task.cancelling()

    assert asyncio.run(run()) == ("late", 0)


def test_only_those_that_are_late_are_cancelled() -> None:
    async def run() -> list[str]:
        deadlines = Deadlines(2)
        slow = [asyncio.create_task(limited(deadlines, asyncio.sleep(60))) for _ in range(3)]
        await asyncio.sleep(1)
        quick = [asyncio.create_task(limited(deadlines, asyncio.sleep(0.1))) for _ in range(3)]
        return list(await asyncio.gather(*quick, *slow))

    assert asyncio.run(run()) == ["done"] * 3 + ["late"] * 3


def test_requests_after_a_quiet_time_are_watched_too() -> None:
    async def run() -> list[str]:
        deadlines = Deadlines(0.2)
        first = await limited(deadlines, asyncio.sleep(0))
        await asyncio.sleep(0.3)
        return [first, await limited(deadlines, asyncio.sleep(60))]

    assert asyncio.run(run()) == ["done", "late"]


def test_another_event_loop_is_watched_too() -> None:
    deadlines = Deadlines(0.2)
    for _ in range(2):
        assert asyncio.run(limited(deadlines, asyncio.sleep(60))) == "late"


def test_cancellation_from_outside_stays_a_cancellation() -> None:
    async def run() -> None:
        task = asyncio.create_task(limited(Deadlines(10), asyncio.sleep(60)))
        await asyncio.sleep(0.01)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(run())


def test_jump_of_the_wall_clock_ends_no_request() -> None:
    async def run() -> str:
        with patch.object(time, "time", lambda: 4e9):
            return await limited(Deadlines(5), asyncio.sleep(0.15))

    assert asyncio.run(run()) == "done"
