"""Every fault several times under load, as a table: python -m tests.slow.faults [--rounds N] [--seconds S]."""

import argparse
import sys
import time

from tests.slow.faults import ending, events
from tests.slow.faults.environment import DISK, embedded_environment, proxied_environment
from tests.slow.faults.injections import EMBEDDED, PROXIED
from tests.slow.faults.trial import Result, run

HEAD = ("fault", "injected", "sent", "refused", "lost", "wrong", "recovery s", "at most")


def row(result: Result) -> tuple[str, ...]:
    count, times = result.count, sorted(result.recoveries) or [0.0]
    figures = (result.injected, count.sent, count.refused, count.lost, count.wrong)
    middle, most = times[len(times) // 2], times[-1]
    return (result.fault, *map(str, figures), f"{middle:.1f}", f"{most:.1f}")


def show(results: list[Result]) -> None:
    print(f"{HEAD[0]:36}" + "".join(f"{name:>11}" for name in HEAD[1:]))
    for result in results:
        cells = row(result)
        print(f"{cells[0]:36}" + "".join(f"{cell:>11}" for cell in cells[1:]))
    for result in results:
        if result.acknowledged_rows:
            print(f"rows acknowledged {result.acknowledged_rows}, lost {result.lost_rows}")
        for trouble in result.troubles[:10]:
            print(f"TROUBLE {result.fault}: {trouble[:8000]}")


def main() -> int:
    parser = argparse.ArgumentParser("tests.slow.faults")
    parser.add_argument("--rounds", type=int, default=5, help="how often each fault is done")
    parser.add_argument("--seconds", type=float, default=5.0, help="how long what can be held is")
    parser.add_argument("--only", default="", help="faults whose name contains this")
    given = parser.parse_args()
    began, results = time.monotonic(), []
    inside = [fault for fault in EMBEDDED if given.only in fault.name]
    outside = [fault for fault in PROXIED if given.only in fault.name]
    with embedded_environment() as environment:
        disk = f"a tmpfs of {DISK}" if environment.disk else "none could be mounted: SQLSTATE 53100"
        print(f"two workers, six readers and four writers; the small disk: {disk}", flush=True)
        results += run(environment, inside, given.rounds, given.seconds)
    with proxied_environment() as environment:
        results += run(environment, outside, given.rounds, given.seconds)
    results.append(events.run(given.rounds, given.seconds))
    results.append(ending.run(given.rounds))
    show(results)
    print(f"in {time.monotonic() - began:.0f} s")
    return int(any(result.troubles for result in results))


if __name__ == "__main__":
    sys.exit(main())
