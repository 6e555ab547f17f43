"""Waiting for the database in a way that a signal ends: libpq waits in C, where no handler runs."""

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import TypeVar

_T = TypeVar("_T")


def within(seconds: float | None, work: Callable[[], _T]) -> _T:
    """Return what `work` returns or raises, run in a thread; raises TimeoutError after so many seconds.

    None waits without an end. A handler of a signal runs meanwhile, and what it raises is raised here.
    The thread then goes on, but holds up neither this one nor the end of the process.
    """
    done: Future[_T] = Future()

    def run() -> None:
        try:
            done.set_result(work())
        except BaseException as error:  # noqa: BLE001 - raised where it is waited for
            done.set_exception(error)

    Thread(target=run, name="waiting", daemon=True).start()
    return done.result(seconds)
