"""Progress bars on standard error: one of bytes read, then one for each step of the merge.

There is none where standard error is no terminal, nor in the first second.
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Never

from tqdm import tqdm

# Seconds before a bar appears.
PROGRESS_DELAY = 1.0


class ProgressBars:
    """What an import reports to: `read` with bytes, `merge` with the step and its rows."""

    def __init__(self, title: str, stack: ExitStack) -> None:
        self._title = title
        self._stack = stack
        self._started = time.monotonic()
        self._reading = self._open(title, "B")
        self._merging: tqdm[Never] | None = None
        self._step = ""

    def read(self, done: int, total: int) -> None:
        self._reading.total = total
        self._reading.update(done - self._reading.n)

    def merge(self, step: str, done: int, total: int) -> None:
        bar = self._merging
        if bar is None or step != self._step:
            if bar:
                bar.close()
            delay = max(0.0, PROGRESS_DELAY - (time.monotonic() - self._started))
            bar = self._merging = self._open(f"{self._title}: {step}", " rows", delay)
            self._step = step
        bar.total = total
        bar.update(done - bar.n)

    def _open(self, title: str, unit: str, delay: float | None = None) -> "tqdm[Never]":
        delay = PROGRESS_DELAY if delay is None else delay
        return self._stack.enter_context(
            tqdm(desc=title, unit=unit, unit_scale=True, disable=None, delay=delay)
        )


@contextmanager
def show_progress(title: str) -> Iterator[ProgressBars]:
    """The bars of one import, closed at its end."""
    with ExitStack() as stack:
        yield ProgressBars(title, stack)
