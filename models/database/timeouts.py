"""How long is waited for PostgreSQL: it gives up first, and we do where it does not answer at all."""

from dataclasses import dataclass

# A statement without a client ends: a backend checks whether its client is still connected.
NOTICING = "-c client_connection_check_interval=2s"
UTC = "-c timezone=UTC"


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds: of a request in all, and of that for a free connection."""

    request: float = 15
    pool: float = 5

    def reading(self) -> str:
        """Return the settings of a session that reads."""
        # JIT compilation takes longer than nearly every statement runs.
        ours = "-c default_transaction_read_only=on -c jit=off"
        # One statement has one processor, and its client's share of places is one of processors.
        return f"{UTC} {ours} -c max_parallel_workers_per_gather=0 {self._statements()}"

    def writing(self) -> str:
        """Return the settings of a session that writes: who waits for a lock gives up before a statement."""
        # An operation of several statements ends with its request, and its transaction soon after.
        idle = f"-c idle_in_transaction_session_timeout={round(self.request * 2_000)}"
        return f"{UTC} -c lock_timeout={round(self.request * 600)} {idle} {self._statements()}"

    def _statements(self) -> str:
        # Milliseconds; the rest is for the way there and back.
        return f"-c statement_timeout={round(self.request * 800)} {NOTICING}"


TIMEOUTS = Timeouts()
