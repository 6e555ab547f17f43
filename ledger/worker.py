"""The integrator of a serving process: a thread that looks for events twice a second.

Every worker has one; a lock of the database decides whose turn it is. Refuses to end the server, whatever
happens to the ledger: what is wrong is logged, once until it is right again.
"""

import logging
from contextlib import ExitStack
from threading import Event, Thread

import psycopg2
from sqlalchemy.exc import DBAPIError

from ledger.integrator import Integrator, LogConfig, opened_integrator
from ledger.signed_log import Forked
from models.database.engines import Database

# Small batches with a pause between: requests are answered by the same process meanwhile.
_BATCH, PAUSE_SECONDS = 1_000, 0.02
# Under a load that never ends a checkpoint is signed about each second.
SIGNED_BATCHES = 10
_LOOK_SECONDS, LONGEST_SECONDS = 0.5, 10.0

log = logging.getLogger("cacaotrace.ledger")


class Worker:
    """Integrates beside a server until it is stopped."""

    def __init__(self, database: Database, log_config: LogConfig) -> None:
        self._database = database
        self._keeper = log_config
        self._stopping = Event()
        self._thread = Thread(target=self._run, name="ledger", daemon=True)
        # What was logged last, and is not logged again.
        self._told = ""

    def start(self) -> None:
        self._thread.start()

    def stop(self, seconds: float = 5.0) -> None:
        """End after the batch under way, which is waited for so long."""
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
            except Exception as error:  # noqa: BLE001 - nothing that befalls the ledger ends the server
                self._log_once(f"events wait for the ledger: {error!r}")
            pause = min(pause * 2, LONGEST_SECONDS) if self._told else _LOOK_SECONDS
            self._stopping.wait(pause)

    def _integrate(self) -> None:
        """On one connection, until it is told to stop; raises what keeps it from going on."""
        with ExitStack() as stack:
            integrator = stack.enter_context(
                opened_integrator(self._database, self._keeper, beside=True)
            )
            first = True
            while not self._stopping.is_set():
                if integrator.writable() and (first or integrator.waiting()):
                    self._drain(integrator)
                    first = False
                self._told = ""
                self._stopping.wait(_LOOK_SECONDS)

    def _drain(self, integrator: Integrator) -> None:
        batches = 1
        done = integrator.step(_BATCH, sign=False)
        while done and done.events == _BATCH and not self._stopping.wait(PAUSE_SECONDS):
            batches += 1
            done = integrator.step(_BATCH, sign=batches % SIGNED_BATCHES == 0)

    def _log_once(self, what: str) -> None:
        if what != self._told and not self._stopping.is_set():
            log.error("%s", what)
        self._told = what
