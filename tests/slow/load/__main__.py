"""Valid clients alone, then beside hostile ones: python -m tests.slow.load [--seconds S] [--clients N].

Exit code 1 where the valid ones keep less than half of their rate, or one of their requests fails.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections import Counter
from contextlib import suppress
from pathlib import Path
from statistics import median
from typing import Any

from tests.conftest import ROOT, Serving, temporary_folder
from tests.slow.faults.environment import serve


def start(
    module: str, port: int, clients: int, seconds: float, result: Path
) -> "subprocess.Popen[bytes]":
    arguments = [str(port), str(clients), str(seconds), str(result)]
    return subprocess.Popen(
        [sys.executable, "-m", f"tests.slow.load.{module}", *arguments], cwd=ROOT
    )


def valid(serving: Serving, clients: int, seconds: float) -> dict[str, Any]:
    """Return the figures of valid clients, now."""
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "valid"
        port = int(serving.url.rpartition(":")[2])
        assert start("valid", port, clients, seconds, result).wait(seconds + 120) == 0
        figures: dict[str, Any] = json.loads(result.read_text("utf-8"))
        return figures


def disturbed(
    serving: Serving, clients: int, hostile: int, seconds: float
) -> tuple[dict[str, Any], dict[str, int]]:
    """Return the figures of valid clients beside hostile ones, and what became of those."""
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "hostile"
        port = int(serving.url.rpartition(":")[2])
        beside = start("hostile", port, hostile, seconds + 2, result)
        try:
            figures = valid(serving, clients, seconds)
        finally:
            with suppress(subprocess.TimeoutExpired):
                beside.wait(90)
            beside.kill()
            beside.wait()
        counts: dict[str, int] = json.loads(result.read_text("utf-8"))
        return figures, counts


def show(name: str, figures: dict[str, Any]) -> None:
    print(
        f"{name:10} {figures['rate']:8.0f}/s  p50 {figures['p50_ms']:.1f} ms  "
        f"p99 {figures['p99_ms']:.1f} ms  slowest {figures['slowest_ms']:.0f} ms  "
        f"failed {len(figures['failures'])} of {figures['requests']}  {figures['kinds']}",
        flush=True,
    )
    for failure in figures["failures"][:5]:
        print("  ", failure)


def measure(
    clients: int, hostile: int, seconds: float, rounds: int
) -> tuple[float, list[str], dict[str, int]]:
    """Return the share of their rate that the valid clients keep, their failures, and the hostile ones' answers.

    Rounds alone and beside take turns, since a machine is not equally fast at all times.
    """
    alone, beside, failures, counts = [], [], list[str](), Counter[str]()
    with temporary_folder() as folder:
        serving = serve(folder, DATA_DIR=str(folder))
        try:
            valid(serving, clients, min(seconds, 3))
            for _ in range(rounds):
                first = valid(serving, clients, seconds / rounds)
                show("alone", first)
                second, became = disturbed(serving, clients, hostile, seconds / rounds)
                show("beside", second)
                alone.append(first["rate"])
                beside.append(second["rate"])
                failures += first["failures"] + second["failures"]
                counts.update(became)
        finally:
            serving.process.terminate()
            serving.process.wait(60)
    return median(beside) / median(alone), failures, dict(counts)


def main() -> int:
    parser = argparse.ArgumentParser("tests.slow.load")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--clients", type=int, default=64, help="half of them are hostile")
    parser.add_argument("--rounds", type=int, default=6, help="in so many parts")
    given = parser.parse_args()
    half = given.clients // 2
    kept, failures, counts = measure(half, given.clients - half, given.seconds, given.rounds)
    print(f"hostile: {counts}")
    print(
        f"the valid clients keep {kept:.0%} of their rate; {len(failures)} of their requests failed"
    )
    return int(kept < 0.5 or bool(failures))


if __name__ == "__main__":
    sys.exit(main())
