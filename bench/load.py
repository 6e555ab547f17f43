"""Closed-loop load: so many clients, each with one request under way, for so many seconds.

wrk where it is installed, else bench.client, which costs more CPU and so slows what it measures.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bench.database import ROOT

HERE = Path(__file__).parent
WRK = shutil.which("wrk")
PATIENCE_SECONDS = 60


class LoadFailed(Exception):
    """The load generator itself could not run, or reached nobody."""


@dataclass(frozen=True)
class Load:
    """What came out of one run; `cpu_seconds` is what the load generator itself used."""

    requests: int
    seconds: float
    bytes: int
    p50_ms: float
    p99_ms: float
    errors: int
    cpu_seconds: float


def generator() -> str:
    """Which load generator runs."""
    return "wrk" if WRK else "bench.client"


def run(port: int, bodies: Path, clients: int, seconds: float) -> Load:
    """POST the lines of `bodies` in turn."""
    url = f"http://127.0.0.1:{port}/graphql"
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "result.json"
        before = _children()
        if WRK is not None:
            options = ["-t1", f"-c{clients}", f"-d{max(1, round(seconds))}s", "--timeout", "30s"]
            files = ["--", str(bodies), str(result)]
            command = [WRK, *options, "-s", str(HERE / "post.lua"), url, *files]
        else:
            arguments = [str(port), str(bodies), str(clients), str(seconds), str(result)]
            command = [sys.executable, "-m", "bench.client", *arguments]
        _generate(command, seconds + PATIENCE_SECONDS)
        return Load(**json.loads(result.read_text("utf-8")), cpu_seconds=_children() - before)


def _generate(command: list[str], timeout: float) -> None:
    try:
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=timeout, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise LoadFailed(f"a server did not answer for {PATIENCE_SECONDS} seconds") from error
    if done.returncode:
        raise LoadFailed(f"{command[0]} failed: {(done.stderr or done.stdout).strip()}")


def _children() -> float:
    times = os.times()
    return times.children_user + times.children_system
