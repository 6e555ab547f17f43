"""Events become leaves: once, in order, without gaps, and without delaying a writer."""

import json
import threading
import time
from contextlib import closing

import psycopg2
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from ledger.integrator import LOCK, Integrated, integrate, opened_integrator
from tests.bounds import within
from tests.db.ledger.conftest import Kept
from tests.writing import run_sql

NEW = "INSERT INTO transactions (product_id, event, details) VALUES (1, :e, CAST(:d AS jsonb))"


def leaves(kept: Kept, where: str = "true") -> list[dict[str, object]]:
    query = f"SELECT convert_from(leaf, 'UTF8') FROM ledger_entries WHERE {where} ORDER BY sequence"
    return [json.loads(leaf) for (leaf,) in kept.rows(query)]


def test_leaf_is_bound_to_sequence_subject_time_and_author(kept: Kept) -> None:
    with kept.database.session("user:anna") as session:
        session.execute(
            text(
                "INSERT INTO transactions (product_id, event, details, corrects, correction_reason,"
                """ "timestamp") VALUES (2, 'sold', '{"b": 1.50, "a": [null, "é"]}', 4, 'mistyped',"""
                " '2026-05-01 12:00:00.000001+02')"
            )
        )
        session.commit()
    assert kept.integrate() == Integrated(1, 31)
    [leaf] = leaves(kept, "sequence = 30")
    [(recorded, salt)] = kept.rows(
        """SELECT to_char(record_time at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),"""
        " encode(salt, 'hex') FROM transactions JOIN ledger_entries USING (transaction_id)"
        " WHERE sequence = 30"
    )
    assert leaf == {
        "sequence": 30,
        "transactionId": 31,
        "productId": 2,
        "cacaoBatchId": None,
        "event": "sold",
        "eventId": None,
        "timestamp": "2026-05-01T10:00:00.000001Z",
        "recordTime": recorded,
        "recordedBy": "user:anna",
        "corrects": 4,
        "correctionReason": "mistyped",
        "details": {"a": [None, "é"], "b": 1.5},
        "salt": salt,
        "version": 2,
    }
    assert kept.verify_database().findings == []


def test_order_of_keys_in_jsonb_changes_nothing(kept: Kept) -> None:
    """JSONB keeps keys by their length; the leaf by their UTF-16."""
    one = '{"long": 1, "b": 2, "a": {"z": 1, "yy": 2}}'
    other = '{"a": {"yy": 2, "z": 1}, "b": 2, "long": 1}'
    for details in (one, other):
        run_sql(kept.database, NEW, e="x", d=details)
    kept.integrate()
    found = kept.rows(
        "SELECT substring(convert_from(leaf, 'UTF8') from '\"details\":(.*),\"event\"')"
        " FROM ledger_entries WHERE sequence >= 30 ORDER BY sequence"
    )
    assert found == [('{"a":{"yy":2,"z":1},"b":2,"long":1}',)] * 2


def test_events_of_one_microsecond_have_leaves_of_their_own(kept: Kept) -> None:
    run_sql(
        kept.database,
        "INSERT INTO transactions (product_id, event) SELECT 1, 'x' FROM generate_series(1, 5)",
    )
    kept.integrate()
    found = leaves(kept, "sequence >= 30")
    assert len({leaf["timestamp"] for leaf in found}) == 1
    assert [leaf["transactionId"] for leaf in found] == [31, 32, 33, 34, 35]
    assert kept.rows("SELECT count(DISTINCT substr(hashes, 1, 32)) FROM ledger_entries") == [(35,)]


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kathmandu", "America/St_Johns"])
@pytest.mark.parametrize("style", ["ISO, DMY", "German", "SQL, MDY"])
def test_leaf_is_the_same_in_every_time_zone(kept: Kept, zone: str, style: str) -> None:
    query = "SELECT ledger_record(t)::text FROM transactions t ORDER BY transaction_id"
    expected = kept.rows(query)
    with kept.altering() as cursor:
        cursor.execute(f"SET TimeZone = '{zone}'; SET DateStyle = '{style}'")
        cursor.execute(query)
        assert cursor.fetchall() == expected


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ("2026-03-29 02:30:00+01", "2026-03-29T01:30:00.000000Z"),
        ("0001-01-01 00:00:00+00", "0001-01-01T00:00:00.000000Z"),
        ("9999-12-31 23:59:59.999999+00", "9999-12-31T23:59:59.999999Z"),
    ],
)
def test_time_is_utc_to_the_microsecond(kept: Kept, given: str, written: str) -> None:
    statement = """INSERT INTO transactions (product_id, event, "timestamp")
        VALUES (1, 'x', CAST(:t AS timestamptz))"""
    run_sql(kept.database, statement, t=given)
    kept.integrate()
    assert leaves(kept, "sequence = 30")[0]["timestamp"] == written
    assert kept.verify_database().findings == []


@pytest.mark.parametrize(
    "when", ["infinity", "-infinity", "0044-03-15 00:00:00+00 BC", "12026-01-01 00:00:00+00"]
)
def test_time_outside_of_the_calendar_is_refused(kept: Kept, when: str) -> None:
    statement = (
        f"INSERT INTO transactions (product_id, event, record_time) VALUES (1, 'x', '{when}')"
    )
    with pytest.raises(IntegrityError, match="transactions_record_time_dated"):
        run_sql(kept.database, statement)
    assert kept.integrate().events == 0


@pytest.mark.parametrize(
    "details",
    [
        '{"n": 123456789012345678901234567890, "m": 0.1000000000000000055511151231257827}',
        "[" * 64 + "]" * 64,
        '"\\u007f\\u0001\\t\\"\\\\ \U0001f36b \ufb33"',
        '{"\U0001f36b": 1, "\ufb33": 2, "recordTime": "x", "a\\",\\"recordTime\\":\\"": 1}',
        "[1e-7, 1e22, 1e16, 5e-324, -0.0, 9007199254740993]",
        "null",
        '{"details": {"event": ",\\"event\\":"}}',
    ],
)
def test_any_details_have_a_leaf_and_verify(kept: Kept, details: str) -> None:
    event = 'a "quoted" \\ event\twith é and \U0001f36b \x01\x7f'
    run_sql(kept.database, NEW, e=event, d=details)
    assert kept.integrate().events == 1
    assert kept.verify_database().findings == []


# ---------------------------------------------------------------- writers and integrators


def test_event_of_a_writer_who_ends_late_comes_later(kept: Kept) -> None:
    """Its number is the lowest, but its sequence is the last: signed leaves do not change."""
    with (
        closing(kept.database.engine().raw_connection()) as slow,
        closing(slow.cursor()) as cursor,
    ):
        cursor.execute("INSERT INTO transactions (product_id, event) VALUES (1, 'slow')")
        kept.append(40, 42)
        assert kept.integrate() == Integrated(3, 33)
        slow.commit()
    assert kept.integrate() == Integrated(1, 34)
    assert [leaf["transactionId"] for leaf in leaves(kept, "sequence >= 30")] == [32, 33, 34, 31]
    assert kept.verify_database().findings == []


def test_what_is_rolled_back_leaves_no_gap(kept: Kept) -> None:
    with kept.database.session() as session:
        session.execute(text("INSERT INTO transactions (product_id, event) VALUES (1, 'never')"))
    kept.append(40, 41)
    kept.integrate()
    new = "SELECT sequence, transaction_id FROM ledger_entries WHERE sequence >= 30 ORDER BY 1"
    assert kept.rows(new) == [(30, 32), (31, 33)]


def test_appending_does_not_wait_for_an_integrator_that_hangs(kept: Kept) -> None:
    kept.append(31, 31)
    with kept.altering() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
        cursor.execute("DELETE FROM ledger_queue")
        start = time.monotonic()
        kept.append(40, 42)
        assert time.monotonic() - start < within(2)
        assert integrate(kept.database, kept.log_config) is None
        cursor.connection.rollback()
    assert kept.integrate() == Integrated(4, 34)


def test_integrators_beside_each_other_make_one_chain(kept: Kept) -> None:
    """Four integrators and four writers: every event once, no gap, no fork."""
    written = threading.Event()
    failures: list[Exception] = []

    def integrating() -> None:
        try:
            with opened_integrator(kept.database, kept.log_config) as integrator:
                while not written.is_set() or integrator.waiting():
                    integrator.step(7)
        except Exception as error:  # noqa: BLE001 - told by the test
            failures.append(error)

    def append(writer: int) -> None:
        for each in range(25):
            run_sql(kept.database, NEW, e=f"{writer}.{each}", d="{}")

    integrators = [threading.Thread(target=integrating) for _ in range(4)]
    writers = [threading.Thread(target=append, args=(number,)) for number in range(4)]
    for thread in [*integrators, *writers]:
        thread.start()
    for thread in writers:
        thread.join()
    written.set()
    for thread in integrators:
        thread.join()
    assert failures == []
    done = kept.verify_database()
    assert (done.events, done.signed, done.findings) == (130, 130, [])


def test_several_batches_end_with_one_checkpoint(kept: Kept) -> None:
    kept.append(31, 61)
    with opened_integrator(kept.database, kept.log_config) as integrator:
        assert integrator.run(batch=4) == Integrated(31, 61)
    assert kept.verify_database().findings == []
    assert kept.rows("SELECT size FROM ledger_checkpoints ORDER BY 1") == [(17,), (30,), (61,)]


@pytest.mark.parametrize("table", ["ledger_entries", "ledger_checkpoints", "transactions"])
@pytest.mark.parametrize(
    "statement", ["UPDATE {0} SET {1} = {1}", "DELETE FROM {0}", "TRUNCATE {0}"]
)
def test_ledger_is_append_only(kept: Kept, table: str, statement: str) -> None:
    columns = {"ledger_entries": "salt", "ledger_checkpoints": "note", "transactions": "event"}
    cascade = " CASCADE" if statement.startswith("TRUNCATE") else ""
    with pytest.raises(DBAPIError) as refused:
        run_sql(kept.database, statement.format(table, columns[table]) + cascade)
    assert isinstance(refused.value.orig, psycopg2.errors.RestrictViolation)
    assert kept.verify_database().findings == []


def test_event_queued_twice_has_one_leaf(kept: Kept) -> None:
    kept.append(31, 31)
    run_sql(kept.database, "INSERT INTO ledger_queue VALUES (31), (31), (12)")
    assert kept.integrate() == Integrated(1, 31)
    assert kept.rows("SELECT count(*) FROM ledger_queue") == [(0,)]
    assert kept.verify_database().findings == []
