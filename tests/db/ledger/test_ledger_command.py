"""`server.py ledger` and `server.py audit`."""

from pathlib import Path

import pytest

from tests.conftest import run
from tests.db.ledger.conftest import Kept


@pytest.fixture
def environ(kept: Kept) -> dict[str, str]:
    url = kept.database.engine().url.set(drivername="postgresql")
    return {
        "DATABASE_URL": url.render_as_string(hide_password=False),
        "LEDGER_KEY": str(kept.log_config.key),
    }


def test_export_and_verify(kept: Kept, environ: dict[str, str], tmp_path: Path) -> None:
    kept.append(31, 40)
    done = run("ledger", "integrate", **environ)
    told = "10 events became leaves of the ledger, which has 40\n"
    assert (done.returncode, done.stdout, done.stderr) == (0, told, "")
    key = run("ledger", "key", **environ).stdout.strip()
    assert key == str(kept.signer.key)
    out = str(tmp_path / "bundle")
    done = run("audit", "export", "--product", "1", "--out", out, **environ)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    # Without a database: the one that is named does not exist.
    nowhere = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}
    done = run("audit", "verify", out, "--key", key, **nowhere)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("verified: product 1, ")
    done = run("audit", "verify", "--key", key, **environ)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"verified: 40 events, 6 checkpoints of database, {kept.published}\n"


def test_verify_names_the_first_bad_event(kept: Kept, environ: dict[str, str]) -> None:
    with kept.altering() as cursor:
        cursor.execute("UPDATE transactions SET event = 'x' WHERE transaction_id = 9")
    done = run("audit", "verify", "--key", str(kept.signer.key), **environ)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "NOT VERIFIED: event 9 (leaf 8): it was changed after it was recorded\n"


def test_what_cannot_be_done_says_why(kept: Kept, environ: dict[str, str], tmp_path: Path) -> None:
    key = str(kept.signer.key)
    keyless = {"DATABASE_URL": environ["DATABASE_URL"]}
    for arguments, code, told, given in (
        (("audit", "export", "--product", "99"), 1, "product 99 does not exist", environ),
        (("audit", "export", "--product", "1"), 2, "LEDGER_KEY: it is not set", keyless),
        (("audit", "verify", "none", "--key", key), 2, "none cannot be read", keyless),
        (("audit", "verify", "--key", "nonsense"), 2, "the key nonsense cannot be read", environ),
        (("ledger", "key"), 2, "LEDGER_KEY: it is not set", keyless),
        (("ledger", "key"), 2, "cannot be read", keyless | {"LEDGER_KEY": str(tmp_path / "none")}),
        (("ledger", "integrate"), 2, "LEDGER_ORIGIN", environ | {"LEDGER_ORIGIN": "a b"}),
    ):
        done = run(*arguments, **given)
        assert (done.returncode, done.stdout) == (code, ""), arguments
        assert told in done.stderr, arguments


@pytest.mark.parametrize(
    "arguments",
    [
        ("ledger", "key"),
        ("ledger", "integrate"),
        ("audit", "export", "--product", "1"),
        ("serve",),
        ("import", "transactions", "events.csv"),
    ],
)
def test_key_that_others_may_read_is_refused(
    kept: Kept, environ: dict[str, str], tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    before = kept.rows("SELECT (SELECT count(*) FROM ledger_entries), count(*) FROM transactions")
    key = Path(environ["LEDGER_KEY"])
    key.chmod(0o644)
    done = run(*arguments, **environ | {"PORT": "0"})
    key.chmod(0o600)
    assert (done.returncode, done.stdout) == (2, "")
    told = f"LEDGER_KEY: {key} is open to other users of this machine: chmod 600 {key}\n"
    *warnings, refusal = done.stderr.splitlines(keepends=True)
    assert refusal == f"error: {told}"
    assert all(" WARNING " in line for line in warnings)
    after = kept.rows("SELECT (SELECT count(*) FROM ledger_entries), count(*) FROM transactions")
    assert after == before


def test_import_integrates_what_it_brought(
    kept: Kept, environ: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "events.csv"
    file.write_text("product_id,timestamp,event\n1,2026-01-01,a\n2,2026-01-02,b\n")
    assert run("import", "transactions", str(file), **environ).returncode == 0
    assert kept.rows("SELECT max(size) FROM ledger_checkpoints") == [(32,)]
    assert kept.verify_database().findings == []
