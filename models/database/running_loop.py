"""The event loop that runs here, known without asking: up to Python 3.11 to ask is a call of the system."""

import asyncio
from threading import get_ident


class RunningLoop:
    """The loop that runs where this is made, and its thread: a thread runs one at a time.

    For what every request passes. A process that is forked while the loop runs must make its own.
    """

    __slots__ = ("_thread", "loop")

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self._thread = get_ident()

    def is_here(self) -> bool:
        """Whether it is the one that runs where this is asked."""
        return self._thread == get_ident() and self.loop.is_running()
