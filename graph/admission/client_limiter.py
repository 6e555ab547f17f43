"""How many connections of a pool one client may hold at a time: its other requests wait for its own.

Plain counters of one event loop: entering and leaving take no lock and no turn of the loop. Never lets a
client hold more than its share, nor wait without an end.
"""

import asyncio
from collections import deque
from contextlib import suppress

from graph.errors import RateLimited

# Requests of one client that wait at a time.
MAX_WAITING_REQUESTS = 500
_RETRY_SECONDS = 1

_Turn = asyncio.Future[None]


class ClientLimiter:
    """At most `share` places of each client, `wait` seconds until a request that has none is refused."""

    def __init__(self, share: int, wait: float) -> None:
        self.share = share
        self._wait = wait
        self._held: dict[str, int] = {}
        self._waiting: dict[str, deque[_Turn]] = {}

    def held(self, client: str) -> int:
        """How many places a client holds."""
        return self._held.get(client, 0)

    def enter_now(self, client: str) -> bool:
        """Take a place if the client has one left; the caller leaves it."""
        held = self._held.get(client, 0)
        if held >= self.share:
            return False
        self._held[client] = held + 1
        return True

    async def enter(self, client: str) -> None:
        """Return with a place, in the order of asking; raises RateLimited without one."""
        if self.enter_now(client):
            return
        waiting = self._waiting.setdefault(client, deque())
        if len(waiting) >= MAX_WAITING_REQUESTS:
            raise self._refusal()
        turn: _Turn = asyncio.get_running_loop().create_future()
        waiting.append(turn)
        try:
            async with asyncio.timeout(self._wait):
                await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled():
                # The place was handed over in the very moment in which the caller gave up.
                self.leave(client)
            else:
                self._forget(client, turn)
            if isinstance(error, TimeoutError):
                raise self._refusal() from None
            raise

    def leave(self, client: str) -> None:
        """Give a place back: the client's next request has it."""
        if self._waiting:
            waiting = self._waiting.get(client)
            while waiting:
                turn = waiting.popleft()
                if not waiting:
                    del self._waiting[client]
                if not turn.done():
                    turn.set_result(None)
                    return
        held = self._held[client] - 1
        if held:
            self._held[client] = held
        else:
            del self._held[client]

    def _refusal(self) -> RateLimited:
        return RateLimited(
            f"The client already has {self.share} requests under way, and more that wait:"
            " send fewer at a time.",
            _RETRY_SECONDS,
        )

    def _forget(self, client: str, turn: _Turn) -> None:
        waiting = self._waiting.get(client)
        if waiting is None:
            return
        with suppress(ValueError):
            waiting.remove(turn)
        if not waiting:
            del self._waiting[client]
