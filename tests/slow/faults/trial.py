"""A fault under load, and the counts of answers during and after it."""

import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field

from tests.slow.faults.environment import Environment
from tests.slow.faults.injections import Fault
from tests.slow.faults.traffic import READ, Client, Count, Traffic, readiness

RECOVERY_SECONDS = 60
# In so many a row, and with so long between them.
STEADY, STEP = 5, 0.05
# A probe waits for the database for three seconds before it says no.
PROBE_SECONDS = 4.0


class NoRecovery(Exception):
    """The server did not come back by itself."""


@dataclass
class Result:
    """What a fault did, each time it was done."""

    fault: str
    injected: int = 0
    count: Count = field(default_factory=Count)
    recoveries: list[float] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    acknowledged_rows: int = 0
    lost_rows: int = 0

    def add(self, count: Count, seconds: float) -> None:
        self.injected += 1
        self.recoveries.append(seconds)
        for name, value in vars(count).items():
            setattr(self.count, name, getattr(self.count, name) + value)


def inject(
    environment: Environment, traffic: Traffic, fault: Fault, seconds: float, result: Result
) -> None:
    """Do it once, under load, and wait until all is well again."""
    before, asked = traffic.so_far(), len(traffic.complaints)
    began = time.monotonic()
    fault.inject(environment, seconds)
    ended = time.monotonic()
    recovery = max(0.0, recovered(environment, traffic) - ended)
    # Whatever was under way has had its answer.
    time.sleep(0.2)
    result.add(traffic.so_far().since(before), recovery)
    complaints = traffic.complaints[asked:]
    result.troubles += [c for c in complaints if not (fault.loses and c.startswith("lost"))]
    if fault.away and ended - began > PROBE_SECONDS:
        statuses = [
            status
            for asked, answered, status in traffic.readiness
            if answered > began and asked < ended
        ]
        if 503 not in statuses:
            result.troubles.append(f"readiness said {set(statuses)} while the database was away")


def recovered(environment: Environment, traffic: Traffic) -> float:
    """When the server answered reads and writes and said that it is ready, several times in a row."""
    deadline, well, first = time.monotonic() + RECOVERY_SECONDS, 0, 0.0
    while well < STEADY:
        if time.monotonic() > deadline:
            raise NoRecovery(f"none within {RECOVERY_SECONDS} s: {traffic.complaints[-3:]}")
        written = len(traffic.acknowledged)
        asked = time.monotonic()
        if (
            readiness(environment.port) == 200
            and reads(environment, traffic)
            and writes(traffic, written)
        ):
            well += 1
            first = first or asked
        else:
            well, first = 0, 0.0
        time.sleep(STEP)
    return first


def reads(environment: Environment, traffic: Traffic) -> bool:
    """Whether a client that comes now gets its answer."""
    product, batch = next(iter(traffic.world.products)), next(iter(traffic.world.suppliers))
    try:
        with closing(Client(environment.port)) as client:
            status, _, answer = client.ask(READ, {"a": product, "b": batch})
    except OSError:
        return False
    return status == 200 and "errors" not in answer


def writes(traffic: Traffic, written: int) -> bool:
    """Whether a write is acknowledged within a second."""
    until = time.monotonic() + 1
    while time.monotonic() < until:
        if len(traffic.acknowledged) > written:
            return True
        time.sleep(0.01)
    return False


def run(
    environment: Environment, faults: Sequence[Fault], rounds: int, seconds: float
) -> list[Result]:
    """Each fault so many times under one load; the last result is that of all data together."""
    if not faults:
        return []
    traffic = Traffic(environment.port, environment.world())
    results = [Result(fault.name) for fault in faults]
    traffic.start()
    try:
        recovered(environment, traffic)
        for _ in range(rounds):
            for fault, result in zip(faults, results, strict=True):
                inject(environment, traffic, fault, seconds, result)
    except NoRecovery as error:
        result.troubles.append(str(error))
    finally:
        traffic.stop()
    return [*results, judge(environment, traffic)]


def judge(environment: Environment, traffic: Traffic) -> Result:
    """Whether all that was acknowledged is there, nothing by halves, and no session is left over."""
    result = Result("in the end", count=traffic.so_far())
    lost, halves = environment.missing(traffic.acknowledged, traffic.tried)
    result.troubles += [f"lost row: {name}" for name in lost]
    result.troubles += [f"half-written: {name}" for name in halves]
    result.troubles += [f"leaked: {session}" for session in environment.leaked()]
    result.troubles += environment.surprises()
    result.acknowledged_rows, result.lost_rows = 2 * len(traffic.acknowledged), len(lost)
    return result
