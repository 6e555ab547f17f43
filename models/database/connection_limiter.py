"""A number of places on one event loop, waited for in turn and not for longer than is bearable."""

import asyncio


class DatabaseUnavailable(Exception):
    """No connection became free, or the server did not answer, in time."""


class ConnectionLimiter:
    """So many at once; the others wait their turn."""

    def __init__(self, size: int, wait: float) -> None:
        self.loop = asyncio.get_running_loop()
        self._semaphore = asyncio.Semaphore(size)
        self._wait = wait

    def is_here(self) -> bool:
        """Whether its event loop is the one that runs here."""
        return self.loop is asyncio.get_running_loop()

    async def take(self) -> None:
        """Return with a slot, which the caller gives back; raises DatabaseUnavailable where none is free in time."""
        try:
            async with asyncio.timeout(self._wait):
                await self._semaphore.acquire()
        except TimeoutError:
            raise DatabaseUnavailable("no database connection was free in time") from None

    def give(self) -> None:
        """Let the next one have it."""
        self._semaphore.release()
