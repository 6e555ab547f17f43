"""What takes long to understand, beside the event loop: one at a time, first for who used it least.

A thread of Python takes its time from the event loop's: while others are being answered, it has a
share of it and no more. Refuses to let anyone wait for long, and to judge by the wall clock.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from math import inf
from time import thread_time
from typing import TypeVar
from weakref import WeakValueDictionary

from models.database.connection_limiter import DatabaseUnavailable

_T = TypeVar("_T")

# Seconds a second that it may work while others are being answered; how many it may save up, and be
# ahead by for a client that used less than half of what the heaviest of those who wait did.
DUTY, SAVED, _AHEAD = 0.15, 0.1, 0.2
# What a client used counts half after this many seconds.
HALF_LIFE = 5.0
# So much of it is little.
LITTLE = 0.15
# Characters, and selections and inputs, of a document that is planned at once.
SHORT, FEW = 200, 4
_MAX_CLIENTS, MAX_WAITING_PLANS = 1_000, 200
TOO_MANY = "too many new documents at once"

_Turn = asyncio.Future[None]
Done = tuple[float, BaseException | None, tuple[_T] | None]
"""Seconds of work, and what was raised or returned."""


class _Usage:
    """Seconds that each client has used, the longer ago the less."""

    def __init__(self) -> None:
        self._used: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def of(self, client: str, now: float) -> float:
        """Return what a client has used."""
        seconds, at = self._used.get(client, (0.0, now))
        return float(seconds * 0.5 ** ((now - at) / HALF_LIFE))

    def add(self, client: str, seconds: float, now: float) -> None:
        """Add to what a client has used."""
        self._used[client] = (self.of(client, now) + seconds, now)
        self._used.move_to_end(client)
        if len(self._used) > _MAX_CLIENTS:
            self._used.popitem(last=False)


class FairExecutor:
    """A thread that works for one event loop; `answered` counts what the others were answered."""

    def __init__(
        self,
        answered: Callable[[], int],
        wait: float,
        name: str = "aside",
        *,
        duty: float = DUTY,
        debt: float = inf,
    ) -> None:
        self._answered = answered
        self._wait = wait
        self._duty = duty
        # So many seconds it may be behind at most, however long one piece of work took.
        self._debt = debt
        self._thread = ThreadPoolExecutor(1, name)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._subjects: WeakValueDictionary[Hashable, asyncio.Lock] = WeakValueDictionary()
        # What was done at once does not count where it is whose turn is next.
        self._at_once, self._used = _Usage(), _Usage()

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._busy = False
        self._waiting: dict[str, deque[_Turn]] = {}
        self._credit, self._credited = SAVED, loop.time()
        self._timer = loop.call_later(0, self._hand_over, loop)

    async def run(self, client: str, work: Callable[[], _T], *, short: bool = False) -> _T:
        """Return what `work` returns or raises; raises DatabaseUnavailable where its turn does not come in time.

        Short work runs at once, on the event loop, for a client that has used little.
        """
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._begin(loop)
        if short and self._at_once.of(client, loop.time()) < LITTLE:
            began = thread_time()
            try:
                return work()
            finally:
                self._at_once.add(client, thread_time() - began, loop.time())
        await self._take_turn(loop, client)
        doing = loop.run_in_executor(self._thread, _timed, work)
        doing.add_done_callback(partial(self._finish, loop, client, self._answered()))
        # Whoever is cancelled meanwhile leaves a thread that works on.
        _, error, made = await asyncio.shield(doing)
        if error is not None:
            raise error
        assert made is not None
        return made[0]

    def subject(self, key: Hashable) -> asyncio.Lock:
        """To be held while one thing is understood, which others may ask for at the same time."""
        lock = self._subjects.get(key)
        if lock is None:
            lock = self._subjects[key] = asyncio.Lock()
        return lock

    async def _take_turn(self, loop: asyncio.AbstractEventLoop, client: str) -> None:
        turn: _Turn = loop.create_future()
        self._waiting.setdefault(client, deque()).append(turn)
        if sum(map(len, self._waiting.values())) > MAX_WAITING_PLANS:
            self._turn_away()
        self._hand_over(loop)
        if turn.done():
            return turn.result()
        try:
            async with asyncio.timeout(self._wait):
                await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled() and not turn.exception():
                # It was handed over in the very moment in which we gave up.
                self._busy = False
                self._hand_over(loop)
            else:
                self._forget(client, turn)
            if isinstance(error, TimeoutError):
                raise DatabaseUnavailable(TOO_MANY) from None
            raise

    def _turn_away(self) -> None:
        """Of the client who has most requests waiting, the last one."""
        client = max(self._waiting, key=lambda client: len(self._waiting[client]))
        turn = self._waiting[client].pop()
        if not self._waiting[client]:
            del self._waiting[client]
        if not turn.done():
            turn.set_exception(DatabaseUnavailable(TOO_MANY))

    def _forget(self, client: str, turn: _Turn) -> None:
        turns = self._waiting.get(client, deque())
        with suppress(ValueError):
            turns.remove(turn)
        if not turns:
            self._waiting.pop(client, None)

    def _finish(
        self,
        loop: asyncio.AbstractEventLoop,
        client: str,
        answered: int,
        doing: "asyncio.Future[Done[_T]]",
    ) -> None:
        if loop is not self._loop:
            return
        seconds = doing.result()[0]
        self._used.add(client, seconds, loop.time())
        if self._answered() > answered:
            self._credit = max(-self._debt, self._credit - seconds)
        self._busy = False
        self._hand_over(loop)

    def _hand_over(self, loop: asyncio.AbstractEventLoop) -> None:
        """Start the waiting work of the client that has used least, if work may start now."""
        if self._busy or not self._waiting or loop is not self._loop:
            return
        now = loop.time()
        self._credit = min(SAVED, self._credit + (now - self._credited) * self._duty)
        self._credited = now
        shares = {client: self._used.of(client, now) for client in self._waiting}
        client = min(shares, key=shares.__getitem__)
        least = -_AHEAD if 2 * shares[client] < max(shares.values()) else 0.0
        if self._credit < least:
            self._timer.cancel()
            pause = (least - self._credit) / self._duty + 0.001
            self._timer = loop.call_later(pause, self._hand_over, loop)
            return
        turn = self._waiting[client].popleft()
        if not self._waiting[client]:
            del self._waiting[client]
        if turn.done():
            # Its time is up, and it is about to say so.
            self._hand_over(loop)
        else:
            self._busy = True
            turn.set_result(None)


def is_short(text: str) -> bool:
    """Whether a document is understood in a moment, as far as one can see."""
    return len(text) <= SHORT and text.count("{") <= FEW


def _timed(work: Callable[[], _T]) -> Done[_T]:
    began = thread_time()
    try:
        made = work()
    except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
        return thread_time() - began, error, None
    return thread_time() - began, None, (made,)
