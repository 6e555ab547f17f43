"""The faults: how each is injected, and how it is undone where it does not end by itself.

Each returns once it is over; what follows is recovery.
"""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from tests.slow.faults.environment import OURS, Environment
from tests.slow.faults.proxy import Mode

Inject = Callable[[Environment, float], None]
"""The float: seconds for which what can be held is held."""


@dataclass(frozen=True)
class Fault:
    """A fault; `away`: the database cannot be reached for as long as it is held.

    `loses`: connections of clients are cut with it, so that requests under way get no answer.
    """

    name: str
    inject: Inject
    away: bool = False
    loses: bool = False
    held: bool = True


def kill(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def wait_for_end(pid: int) -> None:
    while True:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.01)


# ---------------------------------------------------------------- PostgreSQL's processes


def restart_postgres(environment: Environment, _seconds: float) -> None:
    """Shut PostgreSQL down fast; its supervisor starts it again."""
    pid = environment.postmaster()
    kill(pid, signal.SIGINT)
    wait_for_end(pid)


def kill_postgres(environment: Environment, _seconds: float) -> None:
    pid = environment.postmaster()
    kill(pid, signal.SIGKILL)
    wait_for_end(pid)


def kill_backend(environment: Environment, _seconds: float) -> None:
    """PostgreSQL takes its memory for damaged, ends all sessions and recovers."""
    kill(environment.backends()[0], signal.SIGKILL)


def stop_backend(environment: Environment, seconds: float) -> None:
    stop([environment.backends()[0]], seconds)


def stop_postmaster(environment: Environment, seconds: float) -> None:
    """Sessions go on; new ones do not come about."""
    stop([environment.postmaster()], seconds)


def stop_postgres(environment: Environment, seconds: float) -> None:
    stop(environment.family(), seconds)


def stop(pids: list[int], seconds: float) -> None:
    for pid in pids:
        kill(pid, signal.SIGSTOP)
    try:
        time.sleep(seconds)
    finally:
        for pid in pids:
            kill(pid, signal.SIGCONT)


def terminate_sessions(environment: Environment, seconds: float) -> None:
    """Again and again: pg_terminate_backend of every session of the server."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        environment.ask(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {OURS}")
        time.sleep(0.2)


# ---------------------------------------------------------------- the network


def reset_connections(environment: Environment, seconds: float) -> None:
    """Again and again, mid-statement where one is under way."""
    assert environment.proxy is not None
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        environment.proxy.cut()
        time.sleep(0.2)


def half_close(environment: Environment, _seconds: float) -> None:
    assert environment.proxy is not None
    environment.proxy.half_close()


def stall(environment: Environment, seconds: float) -> None:
    """Nothing gets through, and nobody is told."""
    hold(environment, Mode.STALL, seconds)


def stall_and_lose(environment: Environment, seconds: float) -> None:
    """Do the same; and the connections do not come back, as after a host's failure."""
    assert environment.proxy is not None
    hold(environment, Mode.STALL, seconds, lose=True)


def refuse(environment: Environment, seconds: float) -> None:
    """Every connection is cut, and no new one comes about."""
    assert environment.proxy is not None
    environment.proxy.set(Mode.REFUSE)
    environment.proxy.cut()
    hold(environment, Mode.REFUSE, seconds)


def hold(environment: Environment, mode: Mode, seconds: float, *, lose: bool = False) -> None:
    assert environment.proxy is not None
    environment.proxy.set(mode)
    try:
        time.sleep(seconds)
        if lose:
            environment.proxy.cut()
    finally:
        environment.proxy.set(Mode.PASS)


# ---------------------------------------------------------------- what writes meet


def fill_disk(environment: Environment, seconds: float) -> None:
    """Nothing is left of the file system that the data is on; without one, an error that says so."""
    if environment.disk is None:
        with failing(environment, "53100", every=1):
            time.sleep(seconds)
        return
    ballast = environment.disk / "ballast"
    try:
        with ballast.open("wb", buffering=0) as file, suppress(OSError):
            while file.write(b"\0" * 65536):
                pass
        time.sleep(seconds)
    finally:
        ballast.unlink()


def fail_to_serialize(environment: Environment, seconds: float) -> None:
    """Every third row that is written meets another transaction; the server tries again."""
    with failing(environment, "40001", every=3):
        time.sleep(seconds)


def deadlock(environment: Environment, seconds: float) -> None:
    with failing(environment, "40P01", every=3):
        time.sleep(seconds)


@contextmanager
def failing(environment: Environment, state: str, *, every: int) -> Iterator[None]:
    """Each so-and-so-many-th row of manufacturers is refused with this SQLSTATE."""
    environment.ask(f"""
        CREATE SEQUENCE IF NOT EXISTS stumbles;
        GRANT ALL ON SEQUENCE stumbles TO public;
        CREATE OR REPLACE FUNCTION stumble() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
          IF nextval('stumbles') % {every} = 0 THEN
            RAISE 'stumbled' USING ERRCODE = '{state}';
          END IF;
          RETURN NEW; END $$;
        CREATE OR REPLACE TRIGGER stumble BEFORE INSERT ON manufacturers
          FOR EACH ROW EXECUTE FUNCTION stumble()""")
    try:
        yield
    finally:
        environment.ask("DROP TRIGGER stumble ON manufacturers")


# ---------------------------------------------------------------- our processes


def kill_worker(environment: Environment, _seconds: float) -> None:
    workers = environment.workers()
    kill(workers[0], signal.SIGKILL)
    wait_for_workers(environment, workers[0])


def hang_worker(environment: Environment, _seconds: float) -> None:
    """Stop a worker, which never goes on: its supervisor replaces it."""
    workers = environment.workers()
    kill(workers[0], signal.SIGSTOP)
    wait_for_workers(environment, workers[0])


def wait_for_workers(environment: Environment, gone: int) -> None:
    deadline = time.monotonic() + 60
    while gone in (now := environment.workers()) or len(now) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)


EMBEDDED = (
    Fault("PostgreSQL restarted (fast)", restart_postgres, held=False),
    Fault("PostgreSQL killed (SIGKILL)", kill_postgres, held=False),
    Fault("a backend killed (SIGKILL)", kill_backend, held=False),
    Fault("a backend hung (SIGSTOP)", stop_backend),
    Fault("the postmaster hung (SIGSTOP)", stop_postmaster),
    Fault("all of PostgreSQL hung (SIGSTOP)", stop_postgres, away=True),
    Fault("sessions terminated", terminate_sessions),
    Fault("disk full", fill_disk),
    Fault("serialization failures", fail_to_serialize),
    Fault("deadlocks", deadlock),
    Fault("a worker killed (SIGKILL)", kill_worker, loses=True, held=False),
    Fault("a worker hung (SIGSTOP)", hang_worker, loses=True, held=False),
)
PROXIED = (
    Fault("connections reset mid-statement", reset_connections),
    Fault("connections half-closed", half_close, held=False),
    Fault("network stalled", stall, away=True),
    Fault("network stalled, connections lost", stall_and_lose, away=True),
    Fault("connections refused", refuse, away=True),
)
