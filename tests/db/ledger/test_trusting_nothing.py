"""Signing depends on no function and no column that a writer of leaves could alter.

Event n is leaf n - 1; checkpoints were signed of 17 and of 30 events.
"""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from audit.bundle_export import CannotExport, export_bundle
from ledger.consistency import Forked
from ledger.integrator import Integrated, integrate, opened_integrator
from ledger.log_config import LogConfig
from ledger.published_checkpoints import PublishedCheckpoints
from ledger.signed_note import make_key
from ledger.tree import MerkleTree
from ledger.verifier import open_checkpoint, verify_bundle
from tests.db.ledger.conftest import Kept

CHECKPOINTS = "SELECT size, root_hash, note FROM ledger_checkpoints ORDER BY size"
# Replaced in the order in which they call each other, by functions that say what their writable_client likes.
LYING_ROOT = """
CREATE OR REPLACE FUNCTION ledger_root(size bigint) RETURNS bytea LANGUAGE sql STABLE PARALLEL SAFE
RETURN (SELECT decode(r.root, 'base64') FROM (VALUES {roots}) r (size, root) WHERE r.size = ledger_root.size)"""


def rehash(kept: Kept, first: int, *, last: int = 30, roots: bool = False) -> None:
    """Change the event of leaf `first` to 'sold', and rehash the leaves from `first` below `last`."""
    old = kept.rows("SELECT size, root_hash FROM ledger_checkpoints")
    with kept.altering() as cursor:
        cursor.execute("SELECT sequence, leaf FROM ledger_entries ORDER BY sequence")
        tree = MerkleTree()
        for sequence, leaf in cursor.fetchall():
            content = bytes(leaf)
            if sequence == first:
                content = content.replace(f'"event {first + 1}"'.encode(), b'"sold"')
                assert content != bytes(leaf)
            values = (content, tree.append(content), sequence)
            if first <= sequence < last:
                cursor.execute(
                    "UPDATE ledger_entries SET leaf = %s, hashes = %s WHERE sequence = %s", values
                )
            if roots and sequence + 1 in dict(old):
                cursor.execute(
                    "UPDATE ledger_checkpoints SET root_hash = encode(%s, 'base64') WHERE size = %s",
                    (tree.root(), sequence + 1),
                )
        rows = ", ".join(f"({size}, '{root}')" for size, root in old)
        cursor.execute(LYING_ROOT.format(roots=rows))


def assert_forked(kept: Kept, integrating: Callable[[], object]) -> None:
    """Assert that nothing is signed, published or integrated."""
    before = kept.rows(CHECKPOINTS), kept.published.read_bytes()
    kept.append(50, 52)
    for _ in range(2):
        with pytest.raises(Forked):
            integrating()
    assert (kept.rows(CHECKPOINTS), kept.published.read_bytes()) == before
    assert kept.rows("SELECT count(*) FROM ledger_entries") == [(30,)]
    assert kept.rows("SELECT count(*) FROM ledger_queue") == [(3,)]


@pytest.mark.parametrize("published", [True, False], ids=["published", "not published"])
@pytest.mark.parametrize("roots", [False, True], ids=["old roots", "new roots"])
@pytest.mark.parametrize("first", [5, 16, 17, 29])
def test_rewritten_log_is_not_signed_whatever_the_database_says(
    kept: Kept, first: int, roots: bool, published: bool
) -> None:
    rehash(kept, first, roots=roots)
    log_config = LogConfig(
        kept.log_config.origin, kept.log_config.key, kept.published if published else None
    )
    assert_forked(kept, lambda: integrate(kept.database, log_config))
    assert kept.verify_database().findings != []


@pytest.mark.parametrize("roots", [False, True], ids=["old roots", "new roots"])
def test_rewritten_log_is_not_signed_by_an_integrator_that_runs(kept: Kept, roots: bool) -> None:
    with opened_integrator(kept.database, kept.log_config) as integrator:
        assert integrator.run() == Integrated(0, 30)
        rehash(kept, 5, roots=roots)
        assert_forked(kept, integrator.run)


def test_integrator_that_runs_knows_what_it_has_integrated(kept: Kept) -> None:
    """Without a published file, and with the newest checkpoint removed."""
    with opened_integrator(
        kept.database, LogConfig(kept.log_config.origin, kept.log_config.key)
    ) as integrator:
        integrator.run()
        with kept.altering() as cursor:
            cursor.execute("DELETE FROM ledger_checkpoints WHERE size = 30")
        rehash(kept, 20)
        assert_forked(kept, integrator.run)


def test_log_is_not_signed_where_the_hashes_at_its_edge_are_others(kept: Kept) -> None:
    """One changed hash each: of the leaves that end a complete subtree of 30."""
    for sequence in (15, 23, 27, 29):
        [(old,)] = kept.rows(f"SELECT hashes FROM ledger_entries WHERE sequence = {sequence}")
        change = "UPDATE ledger_entries SET hashes = %s WHERE sequence = %s"
        with kept.altering() as cursor:
            cursor.execute(change, (bytes(old)[:-1] + bytes([bytes(old)[-1] ^ 1]), sequence))
        with pytest.raises(Forked, match="rewritten"):
            kept.integrate()
        with kept.altering() as cursor:
            cursor.execute(change, (bytes(old), sequence))
    assert kept.integrate() == Integrated(0, 30)


ALTERED = {
    "leaf": ("leaf = convert_to('{}', 'UTF8')", "the hashes of leaf 31 are not those of its leaf"),
    "hashes": ("hashes = sha256('x')", "the hashes of leaf 31 are not those of its leaf"),
    "sequence": ("sequence = 99", "leaf 31 of the ledger is missing"),
}


@pytest.mark.parametrize("kind", ALTERED)
def test_leaves_behind_the_newest_checkpoint_are_hashed_before_they_are_signed(
    kept: Kept, kind: str
) -> None:
    """They were integrated without a key: later changes to them are not signed unnoticed."""
    kept.append(31, 33)
    assert integrate(kept.database, LogConfig("cacaotrace")) == Integrated(3, 33)
    change, told = ALTERED[kind]
    with kept.altering() as cursor:
        cursor.execute(f"UPDATE ledger_entries SET {change} WHERE sequence = 31")
    with pytest.raises(Forked, match=told):
        kept.integrate()
    assert [size for size, _, _ in kept.rows(CHECKPOINTS)] == [17, 30]


def test_integrator_goes_on_after_another_one(kept: Kept) -> None:
    """With and without a key: it hashes what the other has added, and signs the whole."""
    with opened_integrator(kept.database, kept.log_config) as integrator:
        kept.append(31, 33)
        assert integrator.run() == Integrated(3, 33)
        kept.append(34, 36)
        integrate(kept.database, LogConfig("cacaotrace"))
        kept.append(37, 38)
        assert integrator.run(batch=1) == Integrated(2, 38)
        kept.append(39, 40)
        kept.integrate()
        kept.append(41, 41)
        assert integrator.run() == Integrated(1, 41)
    assert [size for size, _, _ in kept.rows(CHECKPOINTS)] == [17, 30, 33, 38, 40, 41]
    assert kept.verify_database().findings == []


def test_step_that_is_rolled_back_is_in_no_tree(kept: Kept) -> None:
    with opened_integrator(kept.database, kept.log_config) as integrator:
        integrator.run()
        kept.append(31, 33)
        with kept.altering() as cursor:
            cursor.execute("ALTER TABLE ledger_checkpoints ADD CONSTRAINT no CHECK (size < 33)")
        with pytest.raises(Exception, match="violates check constraint"):
            integrator.run()
        with kept.altering() as cursor:
            cursor.execute("ALTER TABLE ledger_checkpoints DROP CONSTRAINT no")
        assert integrator.run() == Integrated(3, 33)
    assert kept.verify_database().findings == []


# ---------------------------------------------------------------- heads


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE ledger_checkpoints SET note = 'none' WHERE size = 30",
        "UPDATE ledger_checkpoints SET note = replace(note, '30', '17') WHERE size = 30",
        "UPDATE ledger_checkpoints SET size = 29 WHERE size = 30",
        f"UPDATE ledger_checkpoints SET note = E'cacaotrace\\n{'9' * 5_000}\\nx\\n' WHERE size = 30",
    ],
)
def test_checkpoint_that_cannot_be_read_is_not_passed_over(kept: Kept, change: str) -> None:
    with kept.altering() as cursor:
        cursor.execute(change)
    assert_forked(kept, kept.integrate)


def test_published_checkpoint_that_cannot_be_read_is_not_passed_over(kept: Kept) -> None:
    kept.published.write_text(
        kept.published.read_text("utf-8").replace("\n30\n", "\n3O\n"), "utf-8"
    )
    assert_forked(kept, kept.integrate)


def test_head_of_another_key_does_not_hide_ours(kept: Kept, tmp_path: Path) -> None:
    """A rewritten log with a newer checkpoint that matches it; our newest checkpoint does not match."""
    make_key(tmp_path / "other")
    other = LogConfig("cacaotrace", tmp_path / "other")
    kept.append(31, 33)
    integrate(kept.database, LogConfig("cacaotrace"))
    rehash(kept, 20, last=33)
    with kept.altering() as cursor:
        cursor.execute("DELETE FROM ledger_checkpoints WHERE size = 30")
    integrate(kept.database, other)
    assert [size for size, _, _ in kept.rows(CHECKPOINTS)] == [17, 33]
    kept.append(40, 41)
    with pytest.raises(Forked, match="the newest published checkpoint"):
        kept.integrate()
    with kept.altering() as cursor:
        cursor.execute("DELETE FROM ledger_queue")
    rehash(kept, 7, last=33)
    with kept.altering() as cursor:
        cursor.execute("DELETE FROM ledger_checkpoints WHERE size = 33")
    with pytest.raises(Forked, match="its checkpoint of 17 events"):
        integrate(kept.database, LogConfig("cacaotrace", kept.log_config.key))


def test_log_goes_on_after_a_change_of_keys(kept: Kept, tmp_path: Path) -> None:
    make_key(tmp_path / "new")
    log_config = LogConfig("cacaotrace", tmp_path / "new", kept.published)
    assert integrate(kept.database, log_config) == Integrated(0, 30)
    with pytest.raises(
        CannotExport, match=r"after a change of keys, export again once a later event"
    ):
        export_bundle(kept.database, log_config, 1)
    kept.append(31, 33)
    content = export_bundle(kept.database, log_config, 1).encode()
    signer = log_config.signer()
    assert signer is not None
    assert verify_bundle(content, signer.key).checkpoint.size == 33
    assert [size for size, _, _ in kept.rows(CHECKPOINTS)] == [17, 30, 33]


def test_changed_keys_do_not_sign_a_rewritten_log(kept: Kept, tmp_path: Path) -> None:
    make_key(tmp_path / "new")
    rehash(kept, 5, roots=True)
    log_config = LogConfig("cacaotrace", tmp_path / "new", kept.published)
    assert_forked(kept, lambda: integrate(kept.database, log_config))


# ---------------------------------------------------------------- functions that lie

LIES = {
    "ledger_subtree": (
        "ledger_subtree(first bigint, last bigint) RETURNS bytea LANGUAGE sql STABLE",
        "sha256('x')",
    ),
    "ledger_inclusion": (
        "ledger_inclusion(sequence bigint, size bigint) RETURNS bytea[] LANGUAGE sql STABLE",
        "array[sha256('x')]",
    ),
    "ledger_texts": (
        "ledger_texts(hashes bytea[]) RETURNS text[] LANGUAGE sql IMMUTABLE",
        "array['eA==']",
    ),
    "ledger_consistency": (
        "ledger_consistency(first bigint, second bigint) RETURNS bytea[] LANGUAGE sql STABLE",
        "array[sha256('x')]",
    ),
    "ledger_record": (
        "ledger_record(t transactions) RETURNS jsonb LANGUAGE sql STABLE",
        "jsonb_build_object('transactionId', t.transaction_id, 'event', 'a lie')",
    ),
}


@pytest.mark.parametrize("function", LIES)
def test_function_that_lies_gets_nothing_false_signed(kept: Kept, function: str) -> None:
    declared, lie = LIES[function]
    with kept.altering() as cursor:
        cursor.execute(f"CREATE OR REPLACE FUNCTION {declared} RETURN {lie}")
    kept.append(31, 33)
    assert kept.integrate() == Integrated(3, 33)
    tree = MerkleTree()
    for number, (leaf,) in enumerate(
        kept.rows("SELECT leaf FROM ledger_entries ORDER BY sequence")
    ):
        tree.append(bytes(leaf))
        if number >= 30:
            assert json.loads(bytes(leaf))["event"] == f"event {number + 1}"
    [(_, _, note)] = kept.rows(CHECKPOINTS)[-1:]
    assert open_checkpoint(note, kept.signer.key).root == tree.root()
    assert kept.verify_database().findings == []
    if function in ("ledger_consistency", "ledger_record"):
        verify_bundle(export_bundle(kept.database, kept.log_config, 1).encode(), kept.signer.key)
    else:
        with pytest.raises(CannotExport, match="run `audit verify`"):
            export_bundle(kept.database, kept.log_config, 1)


def test_bundle_of_a_rewritten_leaf_is_not_handed_out(kept: Kept) -> None:
    """Only a leaf and its hash are changed: the edge of the log is as signed."""
    [(number,)] = kept.rows(
        "SELECT transaction_id FROM transactions WHERE product_id = 1 AND event_id = 'E6'"
    )
    with kept.altering() as cursor:
        cursor.execute(
            "UPDATE ledger_entries SET leaf = convert_to(replace(convert_from(leaf, 'UTF8'), 'event 6', 'sold'),"
            " 'UTF8') WHERE transaction_id = %s",
            (number,),
        )
        cursor.execute(
            "UPDATE ledger_entries SET hashes = sha256('\\x00'::bytea || leaf) WHERE sequence = 5"
        )
    kept.append(31, 33)
    assert kept.integrate() == Integrated(3, 33)
    with pytest.raises(
        CannotExport, match=r"is not in the log of the checkpoint; run `audit verify`"
    ):
        export_bundle(kept.database, kept.log_config, 1)


# ---------------------------------------------------------------- each column, by the catalogue

TABLES = ("ledger_entries", "ledger_checkpoints", "ledger_queue")
OTHER = {
    "bigint": "{0} + 100",
    "bytea": "set_byte({0}, octet_length({0}) - 1, 255 - get_byte({0}, octet_length({0}) - 1))",
    "text": "{0} || 'x'",
    "timestamp with time zone": "{0} + interval '1 microsecond'",
}


def test_each_column_of_the_ledger_that_is_altered_is_found(kept: Kept) -> None:
    kept.append(31, 33)
    columns = kept.rows(
        "SELECT table_name, column_name, data_type FROM information_schema.columns"
        f" WHERE table_schema = 'public' AND table_name IN {TABLES} ORDER BY 1, 2"
    )
    assert {table for table, _, _ in columns} == {*TABLES}
    for table, column, kind in columns:
        one = f"ctid = (SELECT ctid FROM {table} ORDER BY 1 OFFSET 1 LIMIT 1)"
        with kept.altering() as cursor:
            checks = (
                "SELECT conname FROM pg_constraint WHERE contype = 'c' AND conrelid = %s::regclass"
            )
            cursor.execute(checks, (table,))
            for (name,) in cursor.fetchall():
                cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
            cursor.execute(f"CREATE TABLE kept_aside AS SELECT * FROM {table}")
            other = OTHER[kind].format(column)
            cursor.execute(f"UPDATE {table} SET {column} = {other} WHERE {one}")
            assert cursor.rowcount == 1
        assert kept.verify_database().findings != [], f"{table}.{column}"
        with kept.altering() as cursor:
            cursor.execute(f"DELETE FROM {table}; INSERT INTO {table} SELECT * FROM kept_aside")
            cursor.execute("DROP TABLE kept_aside")
        assert kept.verify_database().findings == []


# ---------------------------------------------------------------- what the published file alone finds


def test_what_only_the_published_file_finds(kept: Kept) -> None:
    """Without the checkpoints the database alone is consistent."""
    alone = LogConfig("cacaotrace", kept.log_config.key)
    rehash(kept, 20)
    with kept.altering() as cursor:
        cursor.execute("UPDATE transactions SET event = 'sold' WHERE transaction_id = 21")
        cursor.execute("DELETE FROM ledger_checkpoints WHERE size = 30")
    with pytest.raises(Forked, match="the newest published checkpoint"):
        kept.integrate()
    assert integrate(kept.database, alone) == Integrated(0, 30)
    found = kept.verify_database().sorted()[0]
    assert (found.event, found.sequence) == (18, 17)
    assert "checkpoint 2 of ledger.checkpoints" in found.message
    kept.published.unlink()
    PublishedCheckpoints(kept.published).append([note for _, _, note in kept.rows(CHECKPOINTS)])
    assert kept.verify_database().findings == []
