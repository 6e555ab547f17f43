"""A leaf contains every column of an event, and the version of its format."""

import json
import re

from ledger.integrator import Integrated
from ledger.leaf import COLUMN_OF, LEAF_VERSION, leaf_of, version_of
from ledger.leaf_record import record_of_event
from ledger.tree import MerkleTree
from models.findings import RULES, Scope
from models.findings.reading import stream
from tests.db.ledger.conftest import Kept

COLUMNS = """
SELECT column_name, data_type FROM information_schema.columns
WHERE table_schema = 'public' AND table_name = 'transactions' ORDER BY 1"""
OTHER = {
    "bigint": "coalesce({0}, 0) + 1000",
    "integer": "coalesce({0}, 0) + 1000",
    "text": "coalesce({0}, '') || 'x'",
    "jsonb": """'{{"kg": 1}}'""",
    "timestamp with time zone": "{0} + interval '1 microsecond'",
}


def test_every_column_of_an_event_is_in_its_leaf(kept: Kept) -> None:
    columns = {column for column, _ in kept.rows(COLUMNS)}
    assert {*COLUMN_OF.values()} == columns, (
        "ledger/leaf.py, COLUMN_OF: a column that no leaf holds can be changed, and `audit verify` finds nothing."
        " Add it there, to ledger_record in schema.sql, to _PREFIX or _SUFFIX in audit/leaf_comparison.py, and count"
        " VERSION up, so that leaves of the version before are still compared by what they hold"
    )


def test_definition_of_a_leaf_has_the_members_of_the_list(kept: Kept) -> None:
    defined = re.findall(r"'(\w+)', (?:case when isfinite\()?t\.\"?(\w+)", record_of_event())
    assert defined == [*dict(defined).items()]
    assert dict(defined) == COLUMN_OF
    [(record,)] = kept.rows(
        "SELECT ledger_record(t)::text FROM transactions t WHERE event_id = 'E12'"
    )
    assert json.loads(record).keys() == COLUMN_OF.keys()
    [(leaf,)] = kept.rows("SELECT leaf FROM ledger_entries WHERE sequence = 11")
    assert json.loads(bytes(leaf)).keys() == {*COLUMN_OF, "salt", "sequence", "version"}


def test_each_column_of_an_event_that_is_altered_is_found(kept: Kept) -> None:
    with kept.altering() as cursor:
        cursor.execute(
            "SELECT conname FROM pg_constraint WHERE contype = 'c' AND conrelid = 'transactions'::regclass"
        )
        for (name,) in cursor.fetchall():
            cursor.execute(f"ALTER TABLE transactions DROP CONSTRAINT {name}")
        cursor.execute("CREATE TABLE kept_aside AS SELECT * FROM transactions")
    for column, kind in kept.rows(COLUMNS):
        with kept.altering() as cursor:
            other = OTHER[kind].format(f'"{column}"')
            cursor.execute(f"UPDATE transactions SET \"{column}\" = {other} WHERE event_id = 'E12'")
            assert cursor.rowcount == 1
        found = kept.first_bad()
        assert (found.event, found.sequence) == (12, 11), column
        with kept.altering() as cursor:
            cursor.execute(
                "DELETE FROM transactions; INSERT INTO transactions SELECT * FROM kept_aside"
            )
        assert kept.verify_database().findings == []


def test_column_that_no_leaf_holds_is_found(kept: Kept) -> None:
    """The database may have a column that this version of the program does not know."""
    with kept.altering() as cursor:
        cursor.execute("ALTER TABLE transactions ADD COLUMN weather text")
        cursor.execute("UPDATE transactions SET weather = 'rain'")
    assert kept.first_bad().describe() == (
        "no leaf covers the column weather of transactions: changes are not detected"
    )


# ---------------------------------------------------------------- versions


def test_leaf_ends_with_its_version() -> None:
    record = '{"event": ",\\"version\\":2}", "transactionId": 1}'
    new = leaf_of(record, '{"version": 9}', 7, bytes(16))
    old = leaf_of(record, '{"version": 9}', 7, bytes(16), version=1)
    assert new.endswith(b',"transactionId":1,"version":2}')
    assert old == new.removesuffix(b',"version":2}') + b"}"
    assert (version_of(new), version_of(old)) == (LEAF_VERSION, 1) == (2, 1)


def make_old(kept: Kept) -> None:
    """Make the log as earlier versions of the program have made and signed it."""
    kept.published.unlink()
    with kept.altering() as cursor:
        cursor.execute("DELETE FROM ledger_checkpoints; DELETE FROM ledger_entries")
        cursor.execute("INSERT INTO ledger_queue SELECT transaction_id FROM transactions")
    kept.integrate()
    rows = kept.rows("SELECT sequence, leaf FROM ledger_entries ORDER BY sequence")
    tree = MerkleTree()
    with kept.altering() as cursor:
        cursor.execute("DELETE FROM ledger_checkpoints")
        for sequence, leaf in rows:
            old = bytes(leaf).removesuffix(b',"version":2}') + b"}"
            values = (old, tree.append(old), sequence)
            cursor.execute(
                "UPDATE ledger_entries SET leaf = %s, hashes = %s WHERE sequence = %s", values
            )
    kept.published.unlink()


def mismatches(kept: Kept) -> list[object]:
    rules = [rule for rule in RULES if rule.code == "ledger_mismatch"]
    return [*stream(kept.database, Scope(), rules)]


def test_leaves_of_the_first_version_stay_valid_beside_new_ones(kept: Kept) -> None:
    big = '{"kg": 123456789012345678901234567890, "a": 1e3}'
    with kept.altering(triggers=True) as cursor:
        cursor.execute(
            "INSERT INTO transactions (product_id, event, details) VALUES (1, 'odd', %s)", (big,)
        )
    make_old(kept)
    assert kept.integrate() == Integrated(0, 31)
    assert kept.rows("SELECT size FROM ledger_checkpoints") == [(31,)]
    with kept.altering(triggers=True) as cursor:
        cursor.execute(
            "INSERT INTO transactions (product_id, event, details) VALUES (1, 'odd', %s)", (big,)
        )
    kept.append(40, 45)
    assert kept.integrate() == Integrated(7, 38)
    leaves = [
        version_of(bytes(leaf))
        for (leaf,) in kept.rows("SELECT leaf FROM ledger_entries ORDER BY sequence")
    ]
    assert leaves == [1] * 31 + [2] * 7
    done = kept.verify_database()
    assert (done.events, done.signed, done.findings) == (38, 38, [])
    assert mismatches(kept) == []
    for number in (38, 12):
        with kept.altering() as cursor:
            cursor.execute(
                "UPDATE transactions SET event = 'sold' WHERE transaction_id = %s", (number,)
            )
        assert kept.first_bad().event == number
    assert len(mismatches(kept)) == 2


def test_leaf_that_changes_its_version_is_found(kept: Kept) -> None:
    with kept.altering() as cursor:
        cursor.execute(
            "UPDATE ledger_entries SET leaf = substr(leaf, 1, length(leaf) - 13) || '}' WHERE sequence = 11"
        )
    assert kept.first_bad().sequence == 11
