"""PostgreSQL 15 of Debian takes schema.sql and upgrades the baseline."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from models.migration.schema_file import MIGRATIONS, SCHEMA
from tests.conftest import ROOT, temporary_folder
from tests.db.migration.test_upgrade import assert_like_schema_sql

DEBIAN_15 = Path("/usr/lib/postgresql/15/bin")


@pytest.fixture
def debian_15() -> Iterator[str]:
    """Provide the folder of the socket of a PostgreSQL 15 that this test starts."""
    if not (DEBIAN_15 / "initdb").exists():
        pytest.skip("PostgreSQL 15 is not installed (apt-get install postgresql-15)")
    with temporary_folder() as folder:
        folder.chmod(0o755)
        as_postgres = _account(folder)
        made = [*as_postgres, str(DEBIAN_15 / "initdb"), "-D", f"{folder}/data", "-A", "trust"]
        options = [*("-U", "postgres"), *("-E", "UTF8"), "--locale=C", "--no-sync"]
        subprocess.run([*made, *options], check=True, capture_output=True)
        command = [
            *as_postgres,
            str(DEBIAN_15 / "postgres"),
            "-D",
            f"{folder}/data",
            "-k",
            str(folder),
        ]
        server = subprocess.Popen(
            [*command, "-c", "listen_addresses=", "-c", "fsync=off"], stderr=subprocess.DEVNULL
        )
        ready = [str(DEBIAN_15 / "pg_isready"), "-h", str(folder), "-t", "60", "-q"]
        while subprocess.run(ready, check=False).returncode:
            assert server.poll() is None
        yield str(folder)
        server.terminate()
        server.wait(60)


def _account(folder: Path) -> list[str]:
    """How a program is run as an account that PostgreSQL accepts."""
    if os.geteuid() != 0:
        return []
    shutil.chown(folder, "postgres")
    return ["runuser", "-u", "postgres", "--"]


def test_postgresql_15_takes_schema_sql_and_upgrades_the_baseline(debian_15: str) -> None:
    psql = [str(DEBIAN_15 / "psql"), "-h", debian_15, "-U", "postgres", "-X", "-q"]
    strict = [*psql, "-v", "ON_ERROR_STOP=1"]
    for name, script in (("made", SCHEMA), ("old", MIGRATIONS / "known" / "v0001.sql")):
        subprocess.run([*psql, "-c", f"create database {name}"], check=True)
        applied = subprocess.run(
            [*strict, "-d", name, "-f", str(script)], capture_output=True, text=True, check=False
        )
        assert (applied.returncode, applied.stdout, applied.stderr) == (0, "", "")
    url = f"postgresql://postgres@/old?host={debian_15}"
    done = subprocess.run(
        [sys.executable, "server.py", "migrate"],
        cwd=ROOT,
        env={"DATABASE_URL": url, "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert_like_schema_sql(url)
