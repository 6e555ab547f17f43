"""Rows that a migration refuses: listed before anything is written, and repaired where that is safe."""

import re

import pytest

from audit.database_verification import verify_database
from ledger.integrator import integrate
from ledger.log_config import LogConfig
from ledger.verifier import read_key
from models.database.engines import Database
from models.migration.migrate import RowsRefused, migrate, plan, repair_rows
from models.migration.schema_file import head_version
from tests.conftest import run
from tests.db.migration.old import columns_of, contents, execute, url_of
from tests.db.migration.test_upgrade import assert_like_schema_sql

DEEP = "(repeat('[', 70) || repeat(']', 70))::jsonb"
BATCH = "insert into cacao_batches (cacao_batch_id, supplier_id, harvest_date, quantity, {}) values (9001, 1, {})"
LOT = BATCH.format("lot_number", "'2025-10-01', 10, {}")
SUPPLIER = (
    "insert into suppliers (supplier_id, name, location, external_id) values (9001, {}, {}, {})"
)
EVENT = "insert into transactions (transaction_id, product_id, {}) values (9001, 1, {})"
ACCOUNT = """insert into mass_balance_accounts (account_id, scheme, supplier_id, period_from, period_to)
  values (9001, {}, 2, {}, {})"""

# SQL that makes one row, what the plan says of it without the table and the key, and what --repair stores.
REPAIRED = [
    (SUPPLIER.format("E' Cafe\\u0301\\u200b '", "'A'", "null"), "suppliers", "name", "Café"),
    (SUPPLIER.format("'A'", "E'Man\\u00a0 1'", "null"), "suppliers", "location", "Man 1"),
    (SUPPLIER.format("'A'", "'B'", "''"), "suppliers", "external_id", None),
    (SUPPLIER.format("'A'", "'B'", "E'\\u3164'"), "suppliers", "external_id", None),
    (LOT.format("E'2W\\u200b'"), "cacao_batches", "lot_number", "2W"),
    (LOT.format("E'\\u200b'"), "cacao_batches", "lot_number", None),
    (EVENT.format("event", "'  sold '"), "transactions", "event", "sold"),
    (EVENT.format("event, event_id", "'sold', ' '"), "transactions", "event_id", None),
    (ACCOUNT.format("'UTZ '", "'2025-01-01'", "'2025-12-31'"), "mass_balance_accounts", "scheme", "UTZ"),
    (ACCOUNT.format("'UTZ'", "'-infinity'", "'2025-12-31'"), "mass_balance_accounts", "period_from", "0001-01-01"),
    (ACCOUNT.format("'UTZ'", "'2025-01-01'", "'infinity'"), "mass_balance_accounts", "period_to", "9999-12-31"),
    ("update conversion_factors set valid_to = 'infinity' where conversion_factor_id = 1",
     "conversion_factors", "valid_to", None),
    ("update api_keys set expires_at = '20000-01-01Z'", "api_keys", "expires_at", "9999-12-31 23:59:59.999999+00"),
]  # fmt: skip
REMOVED = [
    ("update sessions set seen_at = '-infinity'", "sessions"),
    ("update sign_in_attempts set at = 'infinity'", "sign_in_attempts"),
    ("update idempotency_keys set created_at = 'infinity'", "idempotency_keys"),
]
# Rows that only a person can repair, with the line of the plan.
REFUSED = [
    (BATCH.format("stage", "'2025-10-01', 'NaN', 'beans'"), "cacao_batches 9001: cacao_batches_quantity_exact: quantity 'NaN'"),
    (BATCH.format("stage", "'0044-03-15 BC', 1, 'beans'"), "cacao_batches 9001: cacao_batches_harvest_date_dated"),
    (BATCH.format("production_date", "'2025-10-01', 1, '10000-01-01'"), "cacao_batches 9001: cacao_batches_production_date_dated"),
    (LOT.format("U&'2\\FFFDW'"), "cacao_batches 9001: cacao_batches_lot_number_whole: lot_number '2\ufffdW'"),
    (LOT.format("E'U 1\\u200b'"), "cacao_batches 9001: normal form: lot_number 'U 1\\u200b': not repairable: its normal form is that of row 301"),
    (SUPPLIER.format("E'\\u200b'", "'B'", "null"), "suppliers 9001: normal form: name '\\u200b': not repairable: it has no visible"),
    (("insert into losses (loss_id, cacao_batch_id, quantity_kg, reason) values (9001, 301, 1, 'theft');"
     " alter table losses disable trigger append_only; update losses set quantity_kg = 'NaN' where loss_id = 9001;"
     " alter table losses enable trigger append_only"), "losses 9001: losses_quantity_kg_exact"),
    ("insert into holds (hold_id, cacao_batch_id, reason, placed_at) values (9001, 1, 'x', 'infinity')", "holds 9001: holds_placed_at_dated"),
    ("insert into plots (plot_id, supplier_id, name, country, area_ha) values (9001, 1, 'x', 'CI', 'NaN')", "plots 9001: plots_area_ha_exact"),
    (("insert into plots (plot_id, supplier_id, name, country, area_ha, geometry) values (9001, 1, 'x', 'CI', 1,"
     f" jsonb_build_object('type', 'Point', 'coordinates', {DEEP}))"), "plots 9001: plots_geometry_levels"),
    (EVENT.format("event, details", f"'x', {DEEP}"), "transactions 9001: transactions_details_levels"),
    (EVENT.format("event, record_time", "'x', 'infinity'"), "transactions 9001: transactions_record_time_dated"),
    (EVENT.format("event, event_id", "'x', U&'\\FFFD'"), "transactions 9001: transactions_event_id_whole"),
    (EVENT.format("event, event_id", "'x', ' EV-1'"), "transactions 9001: normal form: event_id ' EV-1': not repairable: its normal"),
    ("update due_diligence_statements set submitted_on = 'infinity' where statement_id = 1", "due_diligence_statements 1: due_diligence_statements_submitted_on_dated"),
    ("insert into users (user_id, username, password) values (9001, 'Operator', 'x')", "users 9001: users_name_case: username 'Operator': not repairable: the same name as operator"),
    ("insert into users (user_id, username, password) values (9001, '0perator', 'x')", "users 9001: users_name_look: username '0perator': not repairable: the same name as operator"),
    ("insert into api_keys (api_key_id, name, key_hash, role, expires_at) values (9001, 'Importer', sha256('y'), 'viewer', '2030-01-01')", "api_keys 9001: api_keys_name_case"),
]  # fmt: skip


@pytest.fixture
def url(stamped: Database) -> str:
    return url_of(stamped)


@pytest.mark.parametrize(("statement", "table", "column", "stored"), REPAIRED)
def test_row_is_listed_refused_and_repaired(
    stamped: Database, url: str, statement: str, table: str, column: str, stored: str | None
) -> None:
    execute(url, statement)
    before = contents(url)
    [row] = plan(stamped.engine()).blocking
    assert (row.check.table, row.check.column, row.repaired) == (table, column, stored)
    with pytest.raises(RowsRefused) as refused:
        migrate(stamped.engine())
    assert [str(row) for row in refused.value.rows] == [str(row)]
    assert contents(url) == before

    repaired, blocking = repair_rows(stamped.engine())

    assert ([(row.key, failed) for row, failed in repaired], blocking) == ([(row.key, "")], [])
    [(found,)] = execute(
        url, f"SELECT {column}::text FROM {table} WHERE {row.check.key[0]}::text = %s", (row.key,)
    )
    assert found == stored
    changed = {name for name, rows in contents(url).items() if rows != before[name]}
    assert changed == {table, "changes"}
    assert execute(url, "SELECT count(*) FROM pg_trigger WHERE tgenabled <> 'O'") == [(0,)]
    assert plan(stamped.engine()).blocking == ()


@pytest.mark.parametrize(("statement", "table"), REMOVED)
def test_row_that_ends_by_itself_is_removed(
    stamped: Database, url: str, statement: str, table: str
) -> None:
    execute(url, statement)
    assert [row.check.table for row in plan(stamped.engine()).blocking] == [table]
    repair_rows(stamped.engine())
    assert execute(url, f"SELECT count(*) FROM {table}") == [(0,)]
    assert plan(stamped.engine()).blocking == ()


def test_number_that_may_be_unknown_becomes_null(stamped: Database, url: str) -> None:
    execute(
        url,
        BATCH.format("stage", "'2025-10-01', 'NaN', 'beans'")
        + "; insert into product_cacao_batch values (1, 9001, 'NaN')",
    )
    repaired, blocking = repair_rows(stamped.engine())
    assert [row.repaired_as() for row, _ in repaired] == [
        "product_cacao_batch 1, 9001: product_cacao_batch_quantity_kg_exact: quantity_kg 'NaN': now null"
    ]
    assert [row.check.table for row in blocking] == ["cacao_batches"]
    execute(url, "UPDATE cacao_batches SET quantity = 10 WHERE cacao_batch_id = 9001")
    migrate(stamped.engine())
    assert_like_schema_sql(url)


@pytest.mark.parametrize(("statement", "line"), REFUSED)
def test_row_that_only_a_person_can_repair_blocks(
    stamped: Database, url: str, statement: str, line: str
) -> None:
    execute(url, statement)
    before = contents(url)
    listed = [str(row) for row in plan(stamped.engine()).blocking]
    assert [row for row in listed if row.startswith(line)], listed
    assert all("not repairable: " in row for row in listed)
    assert repair_rows(stamped.engine())[0] == []
    with pytest.raises(RowsRefused):
        migrate(stamped.engine())
    assert contents(url) == before
    assert execute(url, "SELECT version_num FROM alembic_version") == [("0001",)]


def test_repair_that_another_rule_refuses_is_told_and_the_others_are_made(
    stamped: Database, url: str
) -> None:
    # The two accounts would have some days of one scheme in common.
    execute(url, ACCOUNT.format("'UTZ '", "'2025-01-01'", "'2025-12-31'"))
    execute(url, ACCOUNT.format("'UTZ'", "'2025-02-01'", "'2025-11-30'").replace("9001", "9002"))
    execute(url, SUPPLIER.format("' A '", "'B'", "null"))

    repaired, blocking = repair_rows(stamped.engine())

    failed = {row.check.table: failed for row, failed in repaired}
    assert failed["suppliers"] == ""
    assert failed["mass_balance_accounts"].startswith("an account of UTZ at this site")
    assert [row.key for row in blocking] == ["9001"]


def test_event_with_a_leaf_is_never_changed(stamped: Database, url: str, tmp_path: object) -> None:
    """The rows hold an event ` odd event` with a leaf; these have one too."""
    [(text,)] = execute(url, "SELECT public_key FROM ledger_checkpoints")
    execute(url, EVENT.format("event, event_id", "' x ', E'E\\u200b1'"))
    execute(url, EVENT.format("event, event_id", "'x', ' '").replace("9001", "9002"))
    assert integrate(stamped, LogConfig("cacaotrace", None, None)) is not None

    planned = plan(stamped.engine())

    kept = [f"{row.key} {row.check.column}: {row.outcome()}" for row in planned.kept]
    assert [line.split(":")[0] for line in kept] == [
        "307 event",
        "9001 event",
        "9001 event_id",
        "9002 event_id",
    ]
    assert all(re.search("kept: its leaf in the ledger holds it", line) for line in kept)
    [row] = planned.blocking
    assert (row.key, row.check.rule) == ("9002", "transactions_event_id_check")
    assert "not repairable: a change would break its leaf" in str(row)
    before = contents(url, {"transactions": columns_of(url)["transactions"]})
    repair_rows(stamped.engine())
    assert contents(url, {"transactions": columns_of(url)["transactions"]}) == before
    assert verify_database(stamped, [read_key(text)], None).findings == []


def test_command_lists_refuses_and_repairs(url: str) -> None:
    execute(url, SUPPLIER.format("' A '", "'B'", "null"))
    execute(url, LOT.format("U&'2\\FFFDW'"))
    supplier = "suppliers 9001: normal form: name ' A ': --repair stores 'A'"
    batch = "cacao_batches 9001: cacao_batches_lot_number_whole: lot_number '2\ufffdW': not repairable: "

    planned = run("migrate", "--plan", DATABASE_URL=url)
    refused = run("migrate", DATABASE_URL=url)
    repaired = run("migrate", "--repair", DATABASE_URL=url)
    execute(url, "UPDATE cacao_batches SET lot_number = '2W' WHERE cacao_batch_id = 9001")
    migrated = run("migrate", DATABASE_URL=url)

    assert [each.returncode for each in (planned, refused, repaired, migrated)] == [1, 1, 1, 0]
    for output in (planned.stdout, refused.stdout):
        assert supplier in output
        assert batch in output
    assert "Nothing was written." in planned.stdout
    assert refused.stderr.splitlines() == [
        (
            "error: 2 rows block version 0002 of the schema: list them by python server.py migrate --plan,"
            " repair them by python server.py migrate --repair"
        )
    ]
    assert "suppliers 9001: normal form: name ' A ': now 'A'" in repaired.stdout
    assert repaired.stderr == "error: 1 row blocks the upgrade\n"
    assert migrated.stdout.endswith(f"the schema has version {head_version()}\n")
    assert_like_schema_sql(url)
