"""The ledger's key, its checkpoints, the file that publishes them, and the server's thread."""

import os
import shlex
import stat
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ledger.consistency import Forked
from ledger.integrator import Integrated, integrate
from ledger.integrator_thread import IntegratorThread
from ledger.log_config import LogConfig
from ledger.published_checkpoints import PublishedCheckpoints, checkpoint_of
from ledger.signed_note import UnusableKey, make_key, read_signer
from ledger.verifier import open_checkpoint, read_key
from models.database.engines import Database
from tests.bounds import within
from tests.db.ledger.conftest import Kept


def notes(kept: Kept) -> list[str]:
    return [note for (note,) in kept.rows("SELECT note FROM ledger_checkpoints ORDER BY size")]


def test_key_is_for_its_user_alone(tmp_path: Path) -> None:
    path = tmp_path / "new" / "ledger.key"
    assert make_key(path) is True
    before = path.read_bytes()
    assert make_key(path) is False
    assert path.read_bytes() == before
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_key_is_for_its_user_alone_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        make_key(tmp_path / "ledger.key")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "ledger.key").stat().st_mode) == 0o600


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o620, 0o602, 0o610, 0o644, 0o777])
@pytest.mark.parametrize("linked", [False, True])
def test_key_that_others_may_use_is_refused(tmp_path: Path, mode: int, linked: bool) -> None:
    path = tmp_path / "the key"
    make_key(path)
    path.chmod(mode)
    named = tmp_path / "link" if linked else path
    if linked:
        named.symlink_to(path)
    with pytest.raises(UnusableKey) as refused:
        read_signer(named, "cacaotrace")
    assert str(refused.value) == (
        f"{named} is open to other users of this machine: chmod 600 {shlex.quote(str(named))}"
    )
    for own in (0o600, 0o400):
        path.chmod(own)
        assert read_signer(named, "cacaotrace").key.name == "cacaotrace"


@pytest.mark.parametrize("content", [b"", b"-----BEGIN PRIVATE KEY-----\n", b"\0\xff"])
def test_key_that_is_none_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "key").write_bytes(content)
    (tmp_path / "key").chmod(0o600)
    with pytest.raises(UnusableKey):
        read_signer(tmp_path / "key", "cacaotrace")
    with pytest.raises(UnusableKey, match="cannot be read"):
        read_signer(tmp_path / "none", "cacaotrace")


def test_checkpoint_is_a_signed_note_of_size_and_root(kept: Kept) -> None:
    [(note, root, key)] = kept.rows(
        "SELECT note, root_hash, public_key FROM ledger_checkpoints WHERE size = 30"
    )
    origin, size, hash_, extension, blank, signature, end = note.split("\n")
    assert (origin, size, hash_, blank, end) == ("cacaotrace", "30", root, "", "")
    moment = datetime.fromisoformat(extension.removeprefix("time "))
    assert 0 <= (datetime.now(UTC) - moment).total_seconds() < 600
    assert signature.startswith("— cacaotrace ")
    assert open_checkpoint(note, read_key(key)).size == 30
    assert key == str(kept.signer.key)


def test_checkpoints_are_published_apart(kept: Kept) -> None:
    published = PublishedCheckpoints(kept.published)
    assert [*published.notes()] == notes(kept)
    kept.published.unlink()
    kept.integrate()
    assert [*published.notes()] == notes(kept)


def test_note_that_was_cut_off_while_it_was_written_is_written_again(kept: Kept) -> None:
    whole = kept.published.read_bytes()
    for length in range(len(whole)):
        kept.published.write_bytes(whole[:length])
        PublishedCheckpoints(kept.published).append(notes(kept))
        assert kept.published.read_bytes() == whole, length


def test_without_a_key_events_have_leaves_and_nothing_is_signed(kept: Kept) -> None:
    kept.append(31, 33)
    assert integrate(kept.database, LogConfig("cacaotrace")) == Integrated(3, 33)
    assert kept.rows("SELECT max(size) FROM ledger_checkpoints") == [(30,)]
    proof = "SELECT tree_size, checkpoint FROM transaction_proofs WHERE transaction_id = 33"
    assert kept.rows(proof) == [(33, None)]
    assert kept.integrate() == Integrated(0, 33)
    assert kept.rows("SELECT max(size) FROM ledger_checkpoints") == [(33,)]


def test_newest_published_checkpoint_is_found_in_a_long_file(kept: Kept) -> None:
    assert checkpoint_of(kept.published.read_text("utf-8")).size == 17
    for size in range(31, 131):
        signed = kept.signer.checkpoint(size, b"\0" * 32, datetime.now(UTC))
        PublishedCheckpoints(kept.published).append([signed])
    last = PublishedCheckpoints(kept.published).last()
    assert last is not None
    assert last.size == 130
    kept.append(31, 40)
    with pytest.raises(Forked):
        kept.integrate()


# ---------------------------------------------------------------- beside a server


def until(kept: Kept, size: int) -> float:
    """Return the seconds until the ledger is signed up to this size."""
    start = time.monotonic()
    while kept.rows("SELECT coalesce(max(size), 0) FROM ledger_checkpoints") != [(size,)]:
        assert time.monotonic() - start < within(60)
        time.sleep(0.02)
    return time.monotonic() - start


def test_worker_integrates_within_about_a_second(kept: Kept) -> None:
    worker = IntegratorThread(kept.database, kept.log_config)
    worker.start()
    try:
        for last in (31, 32):
            kept.append(last, last)
            assert until(kept, last) < within(1.5)
    finally:
        worker.stop()
    assert kept.verify_database().findings == []


def test_worker_tells_of_a_fork_once_and_goes_on(
    kept: Kept, caplog: pytest.LogCaptureFixture
) -> None:
    whole = kept.published.read_text("utf-8")
    signed = kept.signer.checkpoint(99, b"\0" * 32, datetime.now(UTC))
    PublishedCheckpoints(kept.published).append([signed])
    worker = IntegratorThread(kept.database, kept.log_config)
    worker.start()
    try:
        kept.append(31, 31)
        while not (told := told_of(caplog)):
            time.sleep(0.02)
        # It tries again every second, and says it once.
        time.sleep(2.5)
        assert kept.rows("SELECT max(size) FROM ledger_checkpoints") == [(30,)]
        kept.published.write_text(whole, "utf-8")
        until(kept, 31)
    finally:
        worker.stop()
    assert told_of(caplog) == told
    assert len(told) == 1
    assert "its end was deleted, or an older state was restored" in told[0]


def told_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the log messages of the ledger."""
    return [record.getMessage() for record in caplog.records if record.name == "cacaotrace.ledger"]


def test_worker_rests_where_there_is_no_ledger_or_nothing_may_be_written(
    kept: Kept, caplog: pytest.LogCaptureFixture, empty: str
) -> None:
    kept.append(31, 31)
    with kept.altering() as cursor:
        cursor.execute("SELECT current_database()")
        (name,) = cursor.fetchone() or ("",)
        cursor.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    bare = Database(empty)
    workers = [
        IntegratorThread(kept.database, kept.log_config),
        IntegratorThread(bare, kept.log_config),
    ]
    for worker in workers:
        worker.start()
    time.sleep(1.5)
    for worker in workers:
        worker.stop()
    bare.close()
    assert [record.getMessage() for record in caplog.records] == []
    assert kept.rows("SELECT count(*) FROM ledger_entries") == [(30,)]
