"""How long a request may take, whatever it waits for: one timer for all of them.

A late request is cancelled, and its client gets SERVICE_UNAVAILABLE. The wall clock is never used.
"""

import asyncio
from typing import Any

from models.database.running_loop import RunningLoop

_Request = asyncio.Task[Any]


class Deadlines:
    """The requests under way on one event loop at a time, each of them a task, the oldest first."""

    def __init__(self, seconds: float) -> None:
        # What is late is found out late by as much as the timer's interval.
        self._interval = min(1.0, seconds / 4)
        self._seconds = seconds - self._interval
        self._since: dict[_Request, float] = {}
        # How often it was cancelled: a library may swallow a cancellation that meets an answer.
        self._late: dict[_Request, int] = {}
        self._home: RunningLoop | None = None

    def start(self) -> _Request:
        """Count this task's time from now on."""
        home = self._home
        if home is None or not home.is_here():
            home = self._home = RunningLoop()
            home.loop.call_later(self._interval, self._watch, home)
        task = asyncio.current_task(home.loop)
        assert task is not None
        self._since[task] = home.loop.time()
        return task

    def end(self, request: _Request) -> None:
        """End a request: its task goes on, cancelled or not."""
        self._since.pop(request, None)
        for _ in range(self._late.pop(request, 0)):
            request.uncancel()

    def is_late(self, request: _Request) -> bool:
        """Whether it was cancelled for being late."""
        return request in self._late

    def _watch(self, home: RunningLoop) -> None:
        if home is not self._home:
            return
        overdue = home.loop.time() - self._seconds
        for task, since in self._since.items():
            if since > overdue:
                break
            self._late[task] = self._late.get(task, 0) + 1
            task.cancel()
        if self._since:
            home.loop.call_later(self._interval, self._watch, home)
        else:
            self._home = None
