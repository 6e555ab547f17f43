"""Progress bars on standard error: for reading, then for each merge step.

They appear after PROGRESS_DELAY, and only if standard error is a terminal.
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Never

from tqdm import tqdm

PROGRESS_DELAY = 1.0  # seconds


class ProgressBars:
    """The progress bars of one import."""

    def __init__(self, title: str, stack: ExitStack) -> None:
        self._title = title
        self._stack = stack
        self._started = time.monotonic()
        self._reading = self._open(title, "B")
        self._merging: tqdm[Never] | None = None
        self._step = ""

    def read(self, done: int, total: int) -> None:
        """Show the bytes read."""
        self._reading.total = total
        self._reading.update(done - self._reading.n)

    def merge(self, step: str, done: int, total: int) -> None:
        """Show the rows done in a step of the merge."""
        progress_bar = self._merging
        if progress_bar is None or step != self._step:
            if progress_bar:
                progress_bar.close()
            delay = max(0.0, PROGRESS_DELAY - (time.monotonic() - self._started))
            progress_bar = self._merging = self._open(f"{self._title}: {step}", " rows", delay)
            self._step = step
        progress_bar.total = total
        progress_bar.update(done - progress_bar.n)

    def _open(self, title: str, unit: str, delay: float | None = None) -> "tqdm[Never]":
        delay = PROGRESS_DELAY if delay is None else delay
        return self._stack.enter_context(
            tqdm(desc=title, unit=unit, unit_scale=True, disable=None, delay=delay)
        )


@contextmanager
def show_progress(title: str) -> Iterator[ProgressBars]:
    """Provide the progress bars of one import, closed at its end."""
    with ExitStack() as stack:
        yield ProgressBars(title, stack)
