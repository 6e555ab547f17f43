"""The integrator of a serving process: a thread that polls for events.

Each worker process has one; a lock of the database lets one of them integrate at a time. A failure never ends
the server: it is logged once, until integration succeeds again.
"""

import logging
from contextlib import ExitStack
from threading import Event, Thread

import psycopg2
from sqlalchemy.exc import DBAPIError

from ledger.consistency import Forked
from ledger.integrator import Integrator, opened_integrator
from ledger.log_config import LogConfig
from models.database.engines import Database

# Small batches with pauses, since the same process answers requests meanwhile.
_BATCH, _PAUSE_SECONDS = 1_000, 0.02
# Under continuous load this signs a checkpoint about once a second.
_BATCHES_PER_CHECKPOINT = 10
_LOOK_SECONDS, _MAX_LOOK_SECONDS = 0.5, 10.0

_log = logging.getLogger("cacaotrace.ledger")


class IntegratorThread:
    """Integrates beside a server until it is stopped."""

    def __init__(self, database: Database, log_config: LogConfig) -> None:
        self._database = database
        self._log_config = log_config
        self._stopping = Event()
        self._thread = Thread(target=self._run, name="ledger", daemon=True)
        self._last_error = ""

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self, seconds: float = 5.0) -> None:
        """Stop after the current batch, or return after this many seconds."""
        self._stopping.set()
        self._thread.join(seconds)

    def _run(self) -> None:
        pause = _LOOK_SECONDS
        while not self._stopping.is_set():
            try:
                self._integrate()
            except Forked as error:
                self._log_once(str(error))
            except (psycopg2.Error, DBAPIError, OSError) as error:
                first, _, _ = str(error).strip().partition("\n")
                self._log_once(f"events wait for the ledger: {type(error).__name__}: {first}")
            except Exception as error:  # noqa: BLE001 - a failure of the ledger must not end the server
                self._log_once(f"events wait for the ledger: {error!r}")
            pause = min(pause * 2, _MAX_LOOK_SECONDS) if self._last_error else _LOOK_SECONDS
            self._stopping.wait(pause)

    def _integrate(self) -> None:
        """Integrate on one connection until stopped; raises any error."""
        with ExitStack() as stack:
            integrator = stack.enter_context(
                opened_integrator(self._database, self._log_config, beside=True)
            )
            first = True
            while not self._stopping.is_set():
                if integrator.writable() and (first or integrator.waiting()):
                    self._drain(integrator)
                    first = False
                self._last_error = ""
                self._stopping.wait(_LOOK_SECONDS)

    def _drain(self, integrator: Integrator) -> None:
        batches = 1
        done = integrator.step(_BATCH, sign=False)
        while done and done.events == _BATCH and not self._stopping.wait(_PAUSE_SECONDS):
            batches += 1
            done = integrator.step(_BATCH, sign=batches % _BATCHES_PER_CHECKPOINT == 0)

    def _log_once(self, message: str) -> None:
        if message != self._last_error and not self._stopping.is_set():
            _log.error("%s", message)
        self._last_error = message
