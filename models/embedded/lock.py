"""Who has the folder of the embedded PostgreSQL: two kernel locks, whatever was killed how.

The process in charge holds `<folder>.lock`, PostgreSQL and its children hold `PG_VERSION` in the
folder; both end with their holders. A pid in a file counts only if a lock confirms it.
"""

import fcntl
import json
import logging
import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from models.embedded.account import EmbeddedError

SOCKET_NAME = ".s.PGSQL.5432"
STOP_SECONDS = 60.0
# What a backend that outlived PostgreSQL itself is given to end by itself.
ORPHAN_SECONDS = 2.0

log = logging.getLogger(__name__)


class AlreadyInUse(EmbeddedError):
    """Another process runs the embedded database of this folder; `url` once it answers there."""

    def __init__(self, folder: Path, pid: int, url: str) -> None:
        super().__init__(f"the database in {folder} is already in use by pid {pid or 'unknown'}")
        self.url = url


@dataclass(frozen=True)
class LockRecord:
    """What `<folder>.lock` says: the pid in charge, PostgreSQL's pid, its URL once it answers."""

    pid: int = 0
    postgres: int = 0
    url: str = ""


def take(folder: Path) -> int:
    """Hold `<folder>.lock` until this process ends, however it ends."""
    lock = os.open(folder.with_name(f"{folder.name}.lock"), os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = read_record(lock)
        os.close(lock)
        raise AlreadyInUse(folder, holder.pid, holder.url) from None
    return lock


def read_record(lock: int) -> LockRecord:
    try:
        return LockRecord(**json.loads(os.pread(lock, 10_000, 0)))
    except (ValueError, TypeError):
        return LockRecord()


def write_record(lock: int, record: LockRecord) -> None:
    text = json.dumps(asdict(record)).encode()
    os.ftruncate(lock, 0)
    os.pwrite(lock, text, 0)


@contextmanager
def end_survivors(folder: Path, sockets: Path, postgres: int) -> Iterator[int]:
    """Hold the lock of PostgreSQL's family, once what outlived a killed process has ended.

    Yields the descriptor that the new PostgreSQL inherits: the lock lasts as long as its children.
    """
    family = os.open(folder / "PG_VERSION", os.O_RDONLY)
    try:
        postgres = postgres or _pid_in_file(folder)
        if not _locked_within(family, 0.5) and not _ended(folder, postgres, family):
            raise EmbeddedError(f"PostgreSQL (pid {postgres or 'unknown'}) still uses {folder}")
        _forget_the_dead(folder, sockets)
        yield family
    finally:
        os.close(family)


def _pid_in_file(folder: Path) -> int:
    with suppress(OSError, ValueError, IndexError):
        return int((folder / "postmaster.pid").read_text().splitlines()[0])
    return 0


def _ended(folder: Path, postgres: int, family: int) -> bool:
    """End PostgreSQL as it likes best; its children at once, where it has died without them."""
    members = _members(folder) or {postgres}
    if postgres in members:
        log.info("ending PostgreSQL (pid %d), left over from a killed run", postgres)
        steps = [
            ({postgres}, signal.SIGINT, STOP_SECONDS),
            ({postgres}, signal.SIGQUIT, STOP_SECONDS),
        ]
    else:
        steps = [(members, signal.SIGQUIT, ORPHAN_SECONDS), (members, signal.SIGKILL, STOP_SECONDS)]
    for pids, number, seconds in steps:
        for pid in pids - {0}:
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        if _locked_within(family, seconds):
            return True
    return False


def _members(folder: Path) -> set[int]:
    """Return the processes whose working folder is this one; none are known where there is no /proc."""
    found = set()
    for working in Path("/proc").glob("[0-9]*/cwd"):
        with suppress(OSError):
            if working.readlink() == folder:
                found.add(int(working.parent.name))
    return found


def _locked_within(descriptor: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)


def _forget_the_dead(folder: Path, sockets: Path) -> None:
    """Remove what the dead left: the pid in it may be a zombie's or another program's by now.

    PostgreSQL's own lock on its shared memory still guards the data if this judgement is wrong.
    """
    with suppress(OSError), socket.socket(socket.AF_UNIX) as client:
        client.connect(str(sockets / SOCKET_NAME))
        raise EmbeddedError(f"a PostgreSQL server that cacaotrace did not start uses {folder}")
    (folder / "postmaster.pid").unlink(missing_ok=True)
    (sockets / f"{SOCKET_NAME}.lock").unlink(missing_ok=True)
