"""How long a test lets something take.

A machine that others share may stop any process for seconds: unless TIMING is set (`make timing`), only what
hangs is refused.
"""

import os

TIMEOUTS = 1 if os.environ.get("TIMING") else 30


def within(seconds: float) -> float:
    """The bound, in seconds, on what takes less than `seconds` on a quiet machine."""
    return seconds * TIMEOUTS
