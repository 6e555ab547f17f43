"""The concurrency limit of a client: its share, the order of waiting, and release on any outcome."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from graph.admission.client_limiter import MAX_WAITING_REQUESTS, ClientLimiter
from graph.errors import RateLimited

Act = Callable[[ClientLimiter], Coroutine[Any, Any, None]]


def run(act: Act, share: int = 2, wait: float = 30) -> None:
    async def main() -> None:
        await act(ClientLimiter(share, wait))

    asyncio.run(main())


async def ended_turns() -> None:
    """Let every task that can go on do so."""
    for _ in range(5):
        await asyncio.sleep(0)


def test_places_are_handed_over_in_the_order_of_asking() -> None:
    async def act(limiter: ClientLimiter) -> None:
        order: list[int] = []

        async def one(number: int) -> None:
            await limiter.enter("a")
            order.append(number)

        tasks = [asyncio.create_task(one(number)) for number in range(5)]
        await ended_turns()
        assert order == [0, 1]
        for expected in ([0, 1, 2], [0, 1, 2, 3], [0, 1, 2, 3, 4]):
            limiter.leave("a")
            await ended_turns()
            assert (order, limiter.held("a")) == (expected, 2)
        limiter.leave("a")
        limiter.leave("a")
        assert limiter.held("a") == 0
        await asyncio.gather(*tasks)

    run(act)


def test_clients_do_not_wait_for_one_another() -> None:
    async def act(limiter: ClientLimiter) -> None:
        assert [limiter.enter_now("a") for _ in range(3)] == [True, True, False]
        assert [limiter.enter_now("b") for _ in range(3)] == [True, True, False]

    run(act)


def test_who_waits_too_long_is_refused_and_the_place_is_not_lost() -> None:
    async def act(limiter: ClientLimiter) -> None:
        limiter.enter_now("a")
        with pytest.raises(RateLimited) as refused:
            await limiter.enter("a")
        assert refused.value.seconds == 1
        limiter.leave("a")
        assert limiter.held("a") == 0
        assert limiter.enter_now("a")

    run(act, share=1, wait=0.01)


@pytest.mark.parametrize("handed_over", [False, True])
def test_who_is_cut_off_takes_no_place_along(handed_over: bool) -> None:
    async def act(limiter: ClientLimiter) -> None:
        limiter.enter_now("a")
        waiting = asyncio.create_task(limiter.enter("a"))
        await ended_turns()
        if handed_over:
            limiter.leave("a")
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert limiter.held("a") == int(not handed_over)

    run(act, share=1)


def test_more_than_may_wait_are_refused_at_once() -> None:
    async def act(limiter: ClientLimiter) -> None:
        limiter.enter_now("a")
        waiting = [asyncio.create_task(limiter.enter("a")) for _ in range(MAX_WAITING_REQUESTS)]
        await ended_turns()
        with pytest.raises(RateLimited):
            await limiter.enter("a")
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        assert limiter.held("a") == 1

    run(act, share=1)
