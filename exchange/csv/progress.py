"""A progress bar in bytes on standard error; none where that is no terminal, or a file is short."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tqdm import tqdm

# Seconds before a bar appears.
PATIENCE = 1.0


@contextmanager
def show_progress(title: str) -> Iterator[Callable[[int, int], None]]:
    """A function that takes (bytes read, bytes in all) and draws them."""
    with tqdm(desc=title, unit="B", unit_scale=True, disable=None, delay=PATIENCE) as bar:

        def advance(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield advance
