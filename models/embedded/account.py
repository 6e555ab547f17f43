"""The operating system's account that runs the embedded PostgreSQL.

PostgreSQL never runs as root. Started by root, it runs as the owner of its data or as an account that
exists already, and enters its data folder through the working directory that root sets for it. No
account is made, and no folder above the data or the programs changes its mode.
"""

import hashlib
import os
import pwd
import shutil
import stat
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

# Accounts of the system to run as, the first one that exists.
ACCOUNT_NAMES = ("postgres", "nobody")
# The data folder as a process sees it whose working directory it is. The kernel follows this link
# without search permission on the folders above.
HERE = Path("/proc/self/cwd")
COPIES = Path("/var/cache/cacaotrace")
OPEN_TO_ALL = stat.S_IROTH | stat.S_IXOTH


class EmbeddedError(Exception):
    """The embedded database cannot run; the message is one line for the operator."""


@dataclass(frozen=True)
class Account:
    """The account that PostgreSQL runs as; None and None for that of this process."""

    uid: int | None = None
    gid: int | None = None

    def run(
        self,
        *command: str | Path,
        output: IO[bytes],
        kept: tuple[int, ...] = (),
        folder: Path = Path("/"),
    ) -> "subprocess.Popen[bytes]":
        """Start a program in `folder`, in a session of its own that the terminal's Ctrl-C does not reach.

        The working directory is set before the account changes.
        """
        return subprocess.Popen(
            command,
            user=self.uid,
            group=self.gid,
            extra_groups=None if self.uid is None else (),
            cwd=folder,
            env={"LC_ALL": "C", "PATH": os.defpath},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            pass_fds=kept,
        )

    def own(self, folder: Path) -> None:
        """Make an empty private folder of this account."""
        folder.mkdir(mode=0o700)
        if self.uid is not None:
            os.chown(folder, self.uid, self.gid or 0)

    def inside(self, folder: Path) -> Path:
        """Return the name of `folder` for a program that runs in it."""
        return folder if self.uid is None else HERE


def choose_account(folder: Path) -> Account:
    """Return the account of this process; for root, the owner of the data or the first of ACCOUNT_NAMES.

    Raises EmbeddedError where root finds no such account, or has no /proc.
    """
    if os.geteuid() != 0:
        return Account()
    if not sys.platform.startswith("linux"):
        raise EmbeddedError(
            "PostgreSQL does not run as root: start as another user, or set DATABASE_URL"
        )
    owner = folder.stat() if (folder / "PG_VERSION").exists() else None
    if owner is not None and owner.st_uid != 0:
        return Account(owner.st_uid, owner.st_gid)
    for name in ACCOUNT_NAMES:
        with suppress(KeyError):
            return Account(*pwd.getpwnam(name)[2:4])
    raise EmbeddedError(
        f"PostgreSQL does not run as root, and there is no user {' or '.join(ACCOUNT_NAMES)}: "
        "start as another user, or set DATABASE_URL"
    )


def is_reachable(path: Path) -> bool:
    """Whether every account may search the folders above `path`."""
    return all(parent.stat().st_mode & stat.S_IXOTH for parent in path.parents)


def readable_programs(programs: Path) -> Path:
    """Return a folder of the same programs that every account may run: `programs`, or a copy in COPIES.

    `programs` is PACKAGE/pginstall/bin; the copy keeps that layout, by which the programs find
    their libraries, and is named after the content of `postgres`. Raises EmbeddedError where the
    copy cannot be made.
    """
    package = programs.parents[1]
    steps = (package, programs.parent, programs, programs / "postgres")
    open_to_all = all(step.stat().st_mode & OPEN_TO_ALL == OPEN_TO_ALL for step in steps)
    if open_to_all and is_reachable(package):
        return programs
    digest = hashlib.sha256((programs / "postgres").read_bytes()).hexdigest()[:16]
    copy = COPIES / f"postgresql-{digest}"
    try:
        if not copy.exists():
            _copy(package, copy)
        found = COPIES.lstat()
    except (OSError, shutil.Error) as error:
        raise EmbeddedError(
            f"PostgreSQL cannot be copied to {COPIES} for a user other than root: {error}; "
            "start as another user, or set DATABASE_URL"
        ) from error
    if found.st_uid != 0 or not stat.S_ISDIR(found.st_mode) or found.st_mode & 0o022:
        raise EmbeddedError(f"{COPIES} is writable by other users: remove it or set DATABASE_URL")
    return copy / programs.relative_to(package.parent)


def _copy(package: Path, copy: Path) -> None:
    """Copy the programs, their libraries and their shared files; the copy is complete or absent."""
    COPIES.mkdir(mode=0o755, exist_ok=True)
    COPIES.chmod(0o755)
    with tempfile.TemporaryDirectory(dir=COPIES) as scratch:
        unfinished = Path(scratch, "copy")
        unfinished.mkdir()
        ignored = shutil.ignore_patterns("include", "*.py", "__pycache__")
        for source in (package, package.with_name(f"{package.name}.libs")):
            if source.exists():
                shutil.copytree(source, unfinished / source.name, symlinks=True, ignore=ignored)
        for path in (unfinished, *unfinished.rglob("*")):
            if not path.is_symlink():
                runs = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
                path.chmod(0o755 if runs else 0o644)
        with suppress(FileExistsError):
            unfinished.rename(copy)
