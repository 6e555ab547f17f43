"""Each fault once, briefly; `python -m tests.slow.faults` repeats each for longer."""

import sys

import pytest

from tests.slow.faults import ending, events
from tests.slow.faults.environment import embedded_environment, proxied_environment
from tests.slow.faults.injections import EMBEDDED, PROXIED, hang_worker
from tests.slow.faults.trial import Result, run

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it looks into /proc")

# A worker that hangs is replaced after some seconds only.
BRIEF = [fault for fault in EMBEDDED if fault.inject is not hang_worker]
SECONDS = 0.5


def check(results: list[Result], *, lost_requests: bool = False) -> None:
    assert [trouble for result in results for trouble in result.troubles] == []
    assert sum(result.count.wrong for result in results) == 0
    assert sum(result.lost_rows for result in results) == 0
    assert sum(result.acknowledged_rows for result in results) > 0
    assert lost_requests or sum(result.count.lost for result in results) == 0


def test_server_with_its_own_postgres_comes_back_after_every_fault() -> None:
    with embedded_environment() as environment:
        # Requests of a worker that is killed are lost with it.
        check(run(environment, BRIEF, 1, SECONDS), lost_requests=True)


def test_server_comes_back_after_every_fault_of_the_network() -> None:
    with proxied_environment() as environment:
        check(run(environment, PROXIED, 1, SECONDS))


def test_no_acknowledged_event_is_lost_and_the_ledger_has_no_gap() -> None:
    check([events.run(1, SECONDS)], lost_requests=True)


def test_requests_in_flight_are_answered_before_the_process_ends() -> None:
    check([ending.run(1)])
