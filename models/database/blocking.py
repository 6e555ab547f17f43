"""Connections that a thread waits on: none of them waits for ever.

PostgreSQL gives up a statement by itself; where it does not answer at all (it hangs, the network
lost it), the socket is shut after a while, and the thread gets an OperationalError. Refuses to judge
by the wall clock.
"""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Lock, Thread
from typing import Any

from psycopg2 import extensions

CHECK_SECONDS = 1.0


class Watch:
    """Which sockets a thread waits on, and since when. Safe between threads."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._since: dict[int, float] = {}
        # Held while a socket is shut: what is answered meanwhile is not closed under its number.
        self._lock = Lock()
        self._thread: Thread | None = None

    def begin(self, fd: int) -> None:
        """Note that a thread starts to wait for an answer from this socket."""
        with self._lock:
            self._since[fd] = time.monotonic()
            if self._thread is None:
                self._thread = Thread(target=self._run, name="watch", daemon=True)
                self._thread.start()

    def end(self, fd: int) -> None:
        """Note that it was answered, or that the connection failed."""
        with self._lock:
            self._since.pop(fd, None)

    def _run(self) -> None:
        while True:
            time.sleep(CHECK_SECONDS)
            overdue = time.monotonic() - self._seconds
            with self._lock:
                for fd in [fd for fd, since in self._since.items() if since < overdue]:
                    del self._since[fd]
                    _shut(fd)


def _shut(fd: int) -> None:
    """End what is sent and received on a socket that another thread waits on."""
    with suppress(OSError), socket.socket(fileno=os.dup(fd)) as twin:
        twin.shutdown(socket.SHUT_RDWR)


def watched(seconds: float) -> dict[str, Any]:
    """Arguments for psycopg2.connect: no answer may take longer than this, wherever it is waited for."""
    watch = Watch(seconds)

    @contextmanager
    def waiting(connection: extensions.connection) -> Iterator[None]:
        fd = connection.fileno()
        watch.begin(fd)
        try:
            yield
        finally:
            watch.end(fd)

    class Watched(extensions.connection):
        """A connection whose commit and rollback end in time."""

        def commit(self) -> None:
            with waiting(self):
                super().commit()

        def rollback(self) -> None:
            with waiting(self):
                super().rollback()

    class WatchedCursor(extensions.cursor):
        """A cursor whose statements end in time."""

        def execute(self, query: Any, vars: Any = None) -> None:
            with waiting(self.connection):
                super().execute(query, vars)

        def executemany(self, query: Any, vars_list: Any) -> None:
            with waiting(self.connection):
                super().executemany(query, vars_list)

    return {"connection_factory": Watched, "cursor_factory": WatchedCursor}
