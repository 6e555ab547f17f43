"""Changes that a superuser makes to events or to the ledger are detected, with the first bad event.

Event n is leaf n - 1; checkpoints were signed of 17 and of 30 events.
"""

import shutil
import subprocess
from pathlib import Path

import pytest

from ledger.consistency import Forked
from ledger.integrator import integrate
from ledger.log_config import LogConfig
from ledger.signed_note import make_key
from ledger.tree import MerkleTree
from models.database.engines import Database
from models.embedded import server as embedded
from tests import world
from tests.conftest import FAST
from tests.db.ledger.conftest import Kept

COPY = 'product_id, cacao_batch_id, event, details, "timestamp", record_time, recorded_by'


def test_unchanged_ledger_verifies(kept: Kept) -> None:
    done = kept.verify_database()
    assert (done.events, done.checkpoints, done.signed, done.findings) == (30, 4, 30, [])
    assert kept.verify_database(span=7).findings == []


# Kind, what is done, and the first bad event with its leaf.
ALTERED = {
    "edit": ("UPDATE transactions SET event = 'sold' WHERE transaction_id = 12", 12, 11),
    "delete": ("DELETE FROM transactions WHERE transaction_id = 12", 12, 11),
    "delete with its leaf": (
        "DELETE FROM transactions WHERE transaction_id = 12; DELETE FROM ledger_entries WHERE sequence = 11",
        13,
        11,
    ),
    "reorder": (
        (
            "UPDATE ledger_entries SET sequence = 99 WHERE sequence = 11;"
            " UPDATE ledger_entries SET sequence = 11 WHERE sequence = 12;"
            " UPDATE ledger_entries SET sequence = 12 WHERE sequence = 99"
        ),
        13,
        11,
    ),
    "swap two": (
        (
            "UPDATE transactions SET transaction_id = 99 WHERE transaction_id = 12;"
            " UPDATE transactions SET transaction_id = 12 WHERE transaction_id = 15;"
            " UPDATE transactions SET transaction_id = 15 WHERE transaction_id = 99"
        ),
        12,
        11,
    ),
    "swap what two say": (
        (
            "UPDATE transactions t SET details = o.details FROM transactions o"
            " WHERE (t.transaction_id, o.transaction_id) IN ((12, 15), (15, 12))"
        ),
        12,
        11,
    ),
    "truncate the tail": (
        (
            "DELETE FROM transactions WHERE transaction_id > 25; DELETE FROM ledger_entries WHERE sequence >= 25;"
            " DELETE FROM ledger_checkpoints WHERE size > 17"
        ),
        None,
        25,
    ),
    "a nested key of details": (
        "UPDATE transactions SET details = jsonb_set(details, '{to,by,1}', '\"z\"') WHERE transaction_id = 12",
        12,
        11,
    ),
    "a number within details": (
        (
            "UPDATE transactions SET details = jsonb_set(details, '{kg}', '12.5000000000000000000001')"
            " WHERE transaction_id = 12"
        ),
        12,
        11,
    ),
    "details taken away": (
        "UPDATE transactions SET details = NULL WHERE transaction_id = 12",
        12,
        11,
    ),
    "details that are null": (
        "UPDATE transactions SET details = 'null' WHERE transaction_id = 12",
        12,
        11,
    ),
    "writable_client": (
        "UPDATE transactions SET recorded_by = 'user:eve' WHERE transaction_id = 12",
        12,
        11,
    ),
    "time of the event": (
        (
            'UPDATE transactions SET "timestamp" = "timestamp" + interval \'1 microsecond\''
            " WHERE transaction_id = 12"
        ),
        12,
        11,
    ),
    "time it was recorded": (
        "UPDATE transactions SET record_time = record_time - interval '1 year' WHERE transaction_id = 12",
        12,
        11,
    ),
    "identifier": ("UPDATE transactions SET event_id = NULL WHERE transaction_id = 12", 12, 11),
    "what it corrects": (
        "UPDATE transactions SET corrects = 3, correction_reason = 'x' WHERE transaction_id = 12",
        12,
        11,
    ),
    "rebind to another product": (
        "UPDATE transactions SET product_id = 3 WHERE transaction_id = 12",
        12,
        11,
    ),
    "rebind to a batch": (
        "UPDATE transactions SET product_id = NULL, cacao_batch_id = 1 WHERE transaction_id = 12",
        12,
        11,
    ),
    "insert in the past, past the triggers": (
        (
            f"INSERT INTO transactions (transaction_id, {COPY}) SELECT 0, {COPY} FROM transactions"
            " WHERE transaction_id = 1"
        ),
        0,
        None,
    ),
    "replay of an event, past the triggers": (
        f"INSERT INTO transactions ({COPY}) SELECT {COPY} FROM transactions WHERE transaction_id = 12",
        31,
        None,
    ),
    "a leaf of its own": (
        "UPDATE ledger_entries SET leaf = convert_to('{}', 'UTF8') WHERE sequence = 11",
        12,
        11,
    ),
    "a leaf that is no JSON": (
        (
            "UPDATE ledger_entries SET leaf = substr(leaf, 1, 80) || '\\xff22'::bytea || substr(leaf, 81)"
            " WHERE sequence = 11"
        ),
        12,
        11,
    ),
    "the hashes of a leaf": (
        "UPDATE ledger_entries SET hashes = sha256('x') || substr(hashes, 33) WHERE sequence = 11",
        12,
        11,
    ),
    "the salt of a leaf": (
        "UPDATE ledger_entries SET salt = decode(repeat('00', 16), 'hex') WHERE sequence = 11",
        12,
        11,
    ),
}


@pytest.mark.parametrize("kind", ALTERED)
def test_tampering_is_found_at_the_first_bad_event(kept: Kept, kind: str) -> None:
    statement, event, sequence = ALTERED[kind]
    with kept.altering() as cursor:
        cursor.execute(statement)
    found = kept.first_bad()
    assert (found.event or None if event != 0 else found.event, found.sequence) == (event, sequence)
    if event:
        assert f"event {event}" in found.describe()


def test_first_of_several_bad_events_is_named(kept: Kept) -> None:
    with kept.altering() as cursor:
        cursor.execute("UPDATE transactions SET event = 'x' WHERE transaction_id IN (20, 8, 29)")
    assert kept.first_bad().event == 8


def test_event_that_says_it_was_recorded_in_the_past_is_found(kept: Kept) -> None:
    """With all triggers on: its leaf comes after a checkpoint that is later than its time."""
    with kept.altering(triggers=True) as cursor:
        cursor.execute(
            f"INSERT INTO transactions ({COPY}) SELECT {COPY} FROM transactions WHERE transaction_id = 1"
        )
    kept.integrate()
    found = kept.first_bad()
    assert (found.event, found.sequence) == (31, 30)
    assert "long before the checkpoint" in found.message


def test_replay_of_a_leaf_is_found(kept: Kept) -> None:
    """Even signed: without the constraint one event can have two leaves."""
    tree = MerkleTree()
    for (each,) in kept.rows("SELECT leaf FROM ledger_entries ORDER BY sequence"):
        tree.append(bytes(each))
    with kept.altering() as cursor:
        cursor.execute(
            "ALTER TABLE ledger_entries DROP CONSTRAINT ledger_entries_transaction_id_key"
        )
        cursor.execute("SELECT salt, leaf FROM ledger_entries WHERE sequence = 11")
        salt, leaf = cursor.fetchone() or (b"", b"")
        leaf = bytes(leaf).replace(b'"sequence":11', b'"sequence":30')
        values = (30, 12, bytes(salt), leaf, tree.append(leaf))
        cursor.execute("INSERT INTO ledger_entries VALUES (%s, %s, %s, %s, %s)", values)
    sign(kept)
    found = kept.first_bad()
    assert (found.event, found.sequence) == (12, 30)
    assert "already has leaf 11" in found.message


def sign(kept: Kept) -> None:
    integrate(kept.database, LogConfig(kept.log_config.origin, kept.log_config.key))


def rewrite(kept: Kept, number: int) -> None:
    """Change an event together with all leaves and hashes."""
    with kept.altering() as cursor:
        cursor.execute(
            "UPDATE transactions SET event = 'sold' WHERE transaction_id = %s", (number,)
        )
        cursor.execute("SELECT sequence, leaf FROM ledger_entries ORDER BY sequence")
        tree = MerkleTree()
        for sequence, leaf in cursor.fetchall():
            content = bytes(leaf)
            if sequence == number - 1:
                content = content.replace(f'"event {number}"'.encode(), b'"sold"')
                assert content != bytes(leaf)
            cursor.execute(
                "UPDATE ledger_entries SET leaf = %s, hashes = %s WHERE sequence = %s",
                (content, tree.append(content), sequence),
            )


@pytest.mark.parametrize(("number", "first"), [(8, 1), (17, 1), (18, 18), (30, 18)])
def test_log_that_was_rewritten_is_not_what_was_signed(kept: Kept, number: int, first: int) -> None:
    """The event cannot be identified: the error names the position from which the log differs."""
    rewrite(kept, number)
    found = kept.first_bad()
    assert (found.event, found.sequence) == (first, first - 1)
    assert "not the one that was signed" in found.message


def test_fork_that_is_signed_is_found_by_what_was_published(kept: Kept) -> None:
    """With the key in hand, and new checkpoints in the database."""
    rewrite(kept, 18)
    with kept.altering() as cursor:
        cursor.execute("DELETE FROM ledger_checkpoints WHERE size = 30")
    sign(kept)
    assert kept.rows("SELECT count(*) FROM ledger_checkpoints") == [(2,)]
    found = kept.first_bad()
    assert (found.event, found.sequence) == (18, 17)
    assert "checkpoint 2 of ledger.checkpoints" in found.message


def test_old_backup_is_found_and_nothing_is_signed_on_it(kept: Kept) -> None:
    """All tables as they were at the first checkpoint, which are consistent."""
    with kept.altering() as cursor:
        cursor.execute("DELETE FROM transactions WHERE transaction_id > 17")
        cursor.execute("DELETE FROM ledger_entries WHERE sequence >= 17")
        cursor.execute("DELETE FROM ledger_checkpoints WHERE size > 17")
    found = kept.first_bad()
    assert (found.event, found.sequence) == (0, 17)
    assert "an older state restored" in found.message
    kept.append(50, 90)
    with pytest.raises(Forked, match="its end was deleted, or an older state was restored"):
        kept.integrate()
    assert kept.rows("SELECT count(*) FROM ledger_entries") == [(17,)]
    assert kept.rows("SELECT count(*) FROM ledger_queue") == [(41,)]


def test_old_backup_with_more_events_since_is_another_log(kept: Kept) -> None:
    with kept.altering() as cursor:
        cursor.execute("DELETE FROM transactions WHERE transaction_id > 17")
        cursor.execute("DELETE FROM ledger_entries WHERE sequence >= 17")
        cursor.execute("DELETE FROM ledger_checkpoints WHERE size > 17")
    kept.append(50, 90)
    sign(kept)
    with pytest.raises(Forked, match="rewritten"):
        kept.integrate()
    found = kept.first_bad()
    assert (found.event, found.sequence) == (31, 17)


def test_queue_that_was_emptied_is_found(kept: Kept) -> None:
    kept.append(31, 33)
    assert kept.verify_database().findings == []
    with kept.altering() as cursor:
        cursor.execute("DELETE FROM ledger_queue")
    assert kept.first_bad().describe() == "event 31: it has no leaf and is not queued for one"


def test_event_that_went_before_it_had_a_leaf_is_found(kept: Kept) -> None:
    kept.append(31, 33)
    with kept.altering() as cursor:
        cursor.execute("DELETE FROM transactions WHERE transaction_id = 32")
    assert kept.integrate().events == 2
    assert kept.first_bad().describe() == "event 32: it is queued for its leaf, but missing"


def test_definition_in_the_database_is_not_believed(kept: Kept) -> None:
    """Functions of the database that were replaced to report success."""
    with kept.altering() as cursor:
        cursor.execute("UPDATE transactions SET event = 'sold' WHERE transaction_id = 12")
        cursor.execute(
            "CREATE OR REPLACE FUNCTION ledger_record(t transactions) RETURNS jsonb LANGUAGE sql STABLE"
            " RETURN (SELECT convert_from(leaf, 'UTF8')::jsonb - 'sequence' - 'salt' FROM ledger_entries e"
            " WHERE e.transaction_id = t.transaction_id)"
        )
    assert kept.first_bad().event == 12


def test_files_of_an_old_backup_are_found(tmp_path: Path) -> None:
    """A real one: the server's folder is copied, and put back after more was signed."""
    make_key(tmp_path / "ledger.key")
    log_config = LogConfig("cacaotrace", tmp_path / "ledger.key", tmp_path / "ledger.checkpoints")
    folder = tmp_path / "postgres"

    def work(first: int, last: int) -> Kept:
        kept = Kept(database, log_config)
        kept.append(first, last)
        kept.integrate()
        return kept

    with embedded.start(folder, FAST) as server:
        database = Database(server.url)
        database.apply_schema()
        world.renew(database)
        work(6, 10)
        database.close()
    # With its owner: PostgreSQL runs as another user where this one is root.
    subprocess.run(["cp", "-a", str(folder), str(tmp_path / "backup")], check=True)
    with embedded.start(folder, FAST) as server:
        database = Database(server.url)
        assert work(11, 20).verify_database().findings == []
        database.close()
    shutil.rmtree(folder)
    (tmp_path / "backup").rename(folder)
    with embedded.start(folder, FAST) as server:
        database = Database(server.url)
        kept = Kept(database, log_config)
        assert (kept.first_bad().sequence, kept.verify_database().events) == (10, 10)
        with pytest.raises(Forked):
            kept.integrate()
        database.close()
