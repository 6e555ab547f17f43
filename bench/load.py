"""Closed-loop load: so many clients, each with one request under way, for so many seconds.

wrk where it is installed, else bench.client, which costs more CPU and so slows what it measures.
"""

import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import uvloop

from bench.client import converse, framed
from bench.database import ROOT

BENCH_FOLDER = Path(__file__).parent
WRK = shutil.which("wrk")
ANSWER_SECONDS = 60


class LoadFailed(Exception):
    """The load generator could not run, or reached no server."""


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


def run(port: int, bodies: Path, clients: int, seconds: float, token: str = "") -> Load:
    """POST the lines of `bodies` in turn, with this bearer token."""
    url, bearer = f"http://127.0.0.1:{port}/graphql", [token] if token else []
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "result.json"
        before = _children()
        # wrk knows no part of a second.
        if WRK is not None and seconds >= 1:
            options = ["-t1", f"-c{clients}", f"-d{round(seconds)}s", "--timeout", "30s"]
            files = ["--", str(bodies), str(result), *bearer]
            command = [WRK, *options, "-s", str(BENCH_FOLDER / "post.lua"), url, *files]
        else:
            arguments = [str(port), str(bodies), str(clients), str(seconds), str(result)]
            command = [sys.executable, "-m", "bench.client", *arguments, *bearer]
        _generate(command, seconds + ANSWER_SECONDS)
        return Load(**json.loads(result.read_text("utf-8")), cpu_seconds=_children() - before)


def ask(
    port: int, bodies: Iterable[bytes], clients: int = 1, seconds: float = math.inf
) -> list[float]:
    """POST each body once, from here; the milliseconds of each, in order for one client.

    After `seconds` no other is sent. Raises LoadFailed where one is not answered with status 200.
    """
    try:
        made = uvloop.run(converse(port, map(framed, bodies), clients, perf_counter() + seconds))
    except OSError as error:
        raise LoadFailed(f"nobody answers: {error}") from error
    if errors := sum(client.errors for client in made):
        raise LoadFailed(f"{errors} requests failed")
    return [duration * 1000 for client in made for duration in client.durations]


def _generate(command: list[str], timeout: float) -> None:
    try:
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=timeout, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise LoadFailed(f"a server did not answer for {ANSWER_SECONDS} seconds") from error
    if done.returncode:
        raise LoadFailed(f"{command[0]} failed: {(done.stderr or done.stdout).strip()}")


def _children() -> float:
    times = os.times()
    return times.children_user + times.children_system
