"""Whose password is compared now: few at a time in a process, and few of one place.

Whoever waits does so on the event loop, ahead of any thread and any connection, so that a flood of
sign-ins holds up nobody but those who sign in. A sign-in that would wait for long fails.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from models.database.connection_limiter import ConnectionLimiter, DatabaseUnavailable
from models.errors import TooManyAttempts

_T = TypeVar("_T")

AT_ONCE, _WAITING, WAIT_SECONDS = 2, 16, 3.0
# Under way and waiting, of one place.
MAX_OF_PLACE = 4
SECONDS_AFTER_MANY = 2


class PasswordHashQueue:
    """The turns of one process, on one event loop."""

    def __init__(self) -> None:
        self._slots = ConnectionLimiter(AT_ONCE, WAIT_SECONDS)
        self.loop = self._slots.loop
        self._places: Counter[str] = Counter()

    async def run(self, place: str, work: Callable[[], _T]) -> _T:
        """Return what `work` returns or raises, in a thread, when it is its turn.

        `place` is where it comes from; an empty one is not counted by itself. Raises TooManyAttempts
        where that has many under way, and DatabaseUnavailable where all have, or no turn comes in time.
        """
        if place and self._places[place] >= MAX_OF_PLACE:
            raise TooManyAttempts(SECONDS_AFTER_MANY)
        if self._places.total() >= AT_ONCE + _WAITING:
            raise DatabaseUnavailable("too many passwords wait to be checked")
        self._places[place] += 1
        try:
            await self._slots.take()
        except BaseException:
            self._leave(place)
            raise
        running = asyncio.ensure_future(asyncio.to_thread(work))
        running.add_done_callback(partial(self._done, place))
        # A request that is cut off leaves its thread behind, which keeps the turn until it ends.
        return await asyncio.shield(running)

    def _done(self, place: str, done: "asyncio.Future[_T]") -> None:
        self._slots.give()
        self._leave(place)
        if not done.cancelled():
            # Nobody else may be there any more to ask for it.
            done.exception()

    def _leave(self, place: str) -> None:
        self._places[place] -= 1
        if not self._places[place]:
            del self._places[place]
