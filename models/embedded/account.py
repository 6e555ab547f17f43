"""The user that the embedded PostgreSQL runs as, and what that user must be able to reach.

PostgreSQL refuses to run as root; root gets it a user of its own. Refuses to show that user, or
anyone, more than the way through to its own folders.
"""

import os
import pwd
import stat
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

NAME = "embedded_postgres"


class EmbeddedError(Exception):
    """The embedded database cannot run; the message is one line for the person who started it."""


@dataclass(frozen=True)
class Account:
    """The user PostgreSQL runs as; None and None where it is the one that runs this process."""

    uid: int | None = None
    gid: int | None = None

    def run(
        self, *command: str | Path, output: IO[bytes], kept: tuple[int, ...] = ()
    ) -> "subprocess.Popen[bytes]":
        """Start a program in a session of its own, out of reach of the terminal's Ctrl-C."""
        return subprocess.Popen(
            command,
            user=self.uid,
            group=self.gid,
            extra_groups=None if self.uid is None else (),
            cwd="/",
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


def choose_account(folder: Path) -> Account:
    """PostgreSQL refuses to run as root: there it runs as the owner of its data, or as NAME."""
    if os.geteuid() != 0:
        return Account()
    owner = folder.stat() if (folder / "PG_VERSION").exists() else None
    if owner is not None and owner.st_uid != 0:
        return Account(owner.st_uid, owner.st_gid)
    with suppress(KeyError):
        return Account(*pwd.getpwnam(NAME)[2:4])
    command = ("useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", NAME)
    try:
        subprocess.run(command, check=True, capture_output=True)
        return Account(*pwd.getpwnam(NAME)[2:4])
    except (OSError, KeyError, subprocess.CalledProcessError) as error:
        raise EmbeddedError(
            f"PostgreSQL does not run as root and the user {NAME} could not be made: "
            "start as another user, or set DATABASE_URL"
        ) from error


def let_pass(path: Path) -> None:
    """Let other users through, not see into, the folders above `path`."""
    for parent in path.parents:
        mode = parent.stat().st_mode
        if not mode & stat.S_IXOTH:
            parent.chmod(mode | stat.S_IXOTH)


def let_read(package: Path) -> None:
    """Let other users run the programs, where they were installed for root's eyes only."""
    let_pass(package)
    program = package / "pginstall" / "bin" / "postgres"
    open_to_all = stat.S_IROTH | stat.S_IXOTH
    way = (program, *program.relative_to(package).parents)
    if all((package / step).stat().st_mode & open_to_all == open_to_all for step in way):
        return
    for root in (package, package.with_name(f"{package.name}.libs")):
        for path in (root, *root.rglob("*")):
            mode = path.stat().st_mode
            path.chmod(mode | (mode & (stat.S_IRUSR | stat.S_IXUSR)) >> 6)
