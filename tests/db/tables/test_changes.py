"""Each write adds one row to `changes`: the actor, the table and the keys; append-only."""

import psycopg2
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from models import Base, sample_data
from models.accounts.account import sign_in, verify
from models.api_key import create_api_key
from models.database.engines import Database
from models.session import end_session, hash_of, renew_session
from tests import world
from tests.requests import rows
from tests.writing import PASSWORD, make_user, run_sql, signed_in, write

RECORDED = "SELECT actor, relation, operation, keys FROM changes ORDER BY change_id"
# Tables that hold no fact of the supply chain and no account, or what follows from recorded facts.
UNRECORDED = ["changes", "idempotency_keys", "sign_in_attempts"]
UNRECORDED += ["flags", "hold_batch", "hold_product"]
UNRECORDED += ["ledger_checkpoints", "ledger_entries", "ledger_queue"]
TABLES = sorted(table.name for table in Base.metadata.sorted_tables if table.name not in UNRECORDED)
SUPPLIERS = "INSERT INTO suppliers (name, location) VALUES ('A', 'B'), ('C', 'D'), ('E', 'F')"


def test_every_table_records_its_changes(fresh: Database) -> None:
    """Where this fails, let the table's file in schema/ record its changes, or name it in UNRECORDED."""
    query = (
        "SELECT tgrelid::regclass::text, count(*) FROM pg_trigger"
        " WHERE tgname LIKE 'recorded_%' GROUP BY 1 ORDER BY 1"
    )
    assert rows(fresh, query) == [(table, 4) for table in TABLES]


def test_statement_is_one_row_with_the_keys_it_wrote(fresh: Database) -> None:
    with fresh.session("user:anna") as session:
        session.execute(text(SUPPLIERS))
        session.execute(text("UPDATE suppliers SET location = 'G' WHERE supplier_id > 1"))
        session.execute(text("UPDATE suppliers SET location = 'G' WHERE supplier_id > 9"))
        session.execute(text("DELETE FROM suppliers WHERE supplier_id = 3"))
        session.commit()
    assert rows(fresh, RECORDED) == [
        ("user:anna", "suppliers", "INSERT", [1, 2, 3]),
        ("user:anna", "suppliers", "UPDATE", [2, 3]),
        ("user:anna", "suppliers", "DELETE", [3]),
    ]


def test_edge_is_recorded_by_the_pair_that_is_its_key(fresh: Database) -> None:
    world.renew(fresh)
    run_sql(fresh, "UPDATE cacao_batch_input SET quantity_kg = 1 WHERE output_batch_id = 3")
    [(_, relation, operation, keys)] = rows(fresh, RECORDED)
    assert (relation, operation, sorted(keys)) == ("cacao_batch_input", "UPDATE", [[3, 1], [3, 2]])


def test_write_without_an_actor_is_recorded_under_the_role(fresh: Database) -> None:
    run_sql(fresh, SUPPLIERS)
    [(role,)] = rows(fresh, "SELECT session_user")
    assert rows(fresh, "SELECT DISTINCT actor FROM changes") == [(f"sql:{role}",)]


def test_actor_is_forgotten_with_the_transaction(fresh: Database) -> None:
    for actor in ("user:anna", "", "key:erp"):
        with fresh.session(actor) as session:
            session.execute(text(SUPPLIERS))
            session.commit()
    [(role,)] = rows(fresh, "SELECT session_user")
    expected = ["user:anna", f"sql:{role}", "key:erp"]
    assert [actor for actor, *_ in rows(fresh, RECORDED)] == expected


def test_actor_stays_where_a_savepoint_is_rolled_back(fresh: Database) -> None:
    with fresh.session("user:anna") as session:
        nested = session.begin_nested()
        session.execute(text(SUPPLIERS))
        nested.rollback()
        session.execute(text("INSERT INTO manufacturers (name, location) VALUES ('A', 'B')"))
        session.commit()
    assert rows(fresh, RECORDED) == [("user:anna", "manufacturers", "INSERT", [1])]


def test_what_is_rolled_back_is_not_recorded(fresh: Database) -> None:
    with fresh.session("user:anna") as session:
        session.execute(text(SUPPLIERS))
    assert rows(fresh, RECORDED) == []


def test_transaction_says_who_recorded_it(fresh: Database) -> None:
    run_sql(fresh, "INSERT INTO products (name) VALUES ('A')")
    with fresh.session("key:erp") as session:
        session.execute(text("INSERT INTO transactions (product_id, event) VALUES (1, 'shipped')"))
        session.commit()
    assert rows(fresh, "SELECT recorded_by FROM transactions") == [("key:erp",)]


@pytest.mark.parametrize(
    "statement",
    ["UPDATE changes SET actor = 'user:ben'", "DELETE FROM changes", "TRUNCATE changes"],
)
def test_what_was_recorded_stays(fresh: Database, statement: str) -> None:
    run_sql(fresh, SUPPLIERS)
    before = rows(fresh, RECORDED)
    with pytest.raises(DBAPIError) as refused:
        run_sql(fresh, statement)
    assert isinstance(refused.value.orig, psycopg2.errors.RestrictViolation)
    assert rows(fresh, RECORDED) == before


def test_truncation_is_recorded(fresh: Database) -> None:
    run_sql(fresh, "TRUNCATE sessions, users")
    assert [row[1:] for row in rows(fresh, RECORDED)] == [
        ("sessions", "TRUNCATE", []),
        ("users", "TRUNCATE", []),
    ]


def test_sign_in_and_sign_out_are_recorded_and_use_is_not(fresh: Database) -> None:
    make_user(fresh, "ben")
    number = make_user(fresh, "anna")
    token_hash = hash_of(signed_in(fresh, "anna").token)
    run_sql(fresh, "UPDATE sessions SET seen_at = now() - interval '6 minutes'")
    renew_session(fresh, token_hash)
    write(fresh, lambda session: end_session(session, token_hash), "user:anna")
    run_sql(fresh, "UPDATE sessions SET expires_at = now() - interval '1 second'")
    signed_in(fresh, "anna")
    [(role,)] = rows(fresh, "SELECT 'sql:' || session_user")
    assert [row for row in rows(fresh, RECORDED) if row[1] == "sessions"] == [
        ("user:anna", "sessions", "INSERT", [number]),
        ("user:anna", "sessions", "UPDATE", [number]),
        (role, "sessions", "UPDATE", [number]),
        ("user:anna", "sessions", "DELETE", [number]),
        ("user:anna", "sessions", "INSERT", [number]),
    ]
    [(recorded,)] = rows(fresh, "SELECT string_agg(t::text, ' ') FROM changes t")
    assert token_hash.hex() not in recorded


def test_sign_in_sets_no_actor_for_later_writes(fresh: Database) -> None:
    make_user(fresh, "anna")
    verified = verify(fresh, "anna", PASSWORD, "")
    with fresh.session("dev:operator") as session:
        sign_in(session, verified)
        session.execute(text(SUPPLIERS))
        session.commit()
    assert [row[:2] for row in rows(fresh, RECORDED)[1:]] == [
        ("user:anna", "sessions"),
        ("dev:operator", "suppliers"),
    ]


@pytest.mark.parametrize(
    ("column", "value"),
    [("created_by", "'user:ben'"), ("created_at", "now()"), ("role", "'admin'")],
)
def test_change_of_a_key_is_recorded(fresh: Database, column: str, value: str) -> None:
    write(fresh, lambda session: create_api_key(session, "erp", "viewer"))
    run_sql(fresh, f"UPDATE api_keys SET {column} = {value}")
    assert rows(fresh, RECORDED)[1][1:] == ("api_keys", "UPDATE", [1])


def test_password_is_not_recorded(fresh: Database) -> None:
    run_sql(fresh, "INSERT INTO users (username, password) VALUES ('anna', 'secret hash')")
    [(row,)] = rows(fresh, "SELECT t::text FROM changes t")
    assert "secret" not in row


def test_sample_data_is_one_row_a_table(sample: Database) -> None:
    assert rows(sample, RECORDED) == [
        ("sample:1", table, "INSERT", []) for table in sample_data.TABLES
    ]
    assert rows(sample, "SELECT DISTINCT recorded_by FROM transactions") == [("sample:1",)]
