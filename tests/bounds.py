"""Bounds on how long a test waits.

A machine that others share may stop any process for seconds. A bound therefore only ends what hangs,
unless TIMING is set: then it is what a quiet machine needs.
"""

import os
import time
from collections.abc import Callable

FACTOR = 1 if os.environ.get("TIMING") else 30


def within(seconds: float) -> float:
    """Return the bound, in seconds, on what takes less than `seconds` on a quiet machine."""
    return seconds * FACTOR


def wait_for(condition: Callable[[], object], seconds: float = 10) -> None:
    """Return once the condition holds. Raises AssertionError past the bound."""
    deadline = time.monotonic() + within(seconds)
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
