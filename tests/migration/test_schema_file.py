"""schema.sql is generated from schema/, and its version is the last migration."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

from models.migration.schema_file import (
    MIGRATIONS,
    PARTS,
    SCHEMA,
    generate,
    head_version,
    known_versions,
)
from tests.conftest import ROOT, temporary_folder

DEBIAN_15 = Path("/usr/lib/postgresql/15/bin")


def test_schema_sql_is_generated_from_its_parts() -> None:
    assert SCHEMA.read_text(encoding="utf-8") == generate(), (
        "schema.sql is not what schema/ makes: edit schema/*.sql, then run"
        " .venv/bin/python -m models.migration.schema_file"
    )


def test_versions_are_one_line_of_migrations() -> None:
    scripts = ScriptDirectory(str(MIGRATIONS))
    history = [script.revision for script in scripts.walk_revisions()][::-1]
    assert history == known_versions()
    assert scripts.get_heads() == [head_version()]
    assert history == [f"{number:04}" for number in range(1, len(history) + 1)]


def test_parts_are_numbered_and_short() -> None:
    names = [path.name for path in sorted(PARTS.iterdir())]
    assert all(re.fullmatch(r"\d\d_[a-z_]+\.sql", name) for name in names)
    assert len({name[:2] for name in names}) == len(names)
    assert max(path.read_text().count("\n") for path in PARTS.iterdir()) <= 250


def test_a_rule_of_values_is_written_once() -> None:
    schema = SCHEMA.read_text(encoding="utf-8")
    for word in ("'couverture')", "strict $.**{64}", "'AD AE AF"):
        assert schema.count(word) == 1, word


@pytest.fixture
def debian_15() -> Iterator[str]:
    """The folder of the socket of a PostgreSQL 15 that this test starts."""
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
    import os

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
    from tests.migration.test_upgrade import assert_like_schema_sql

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
