"""Custody, yields, claims and mass balance: the statements that fail, and that they write nothing."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from models.database.engines import Database
from tests.db.balance.lots import (
    custody_of,
    lose,
    make_product,
    refused,
    state,
    stays,
    use,
)
from tests.requests import contents, rows
from tests.writing import run_sql

# ---------------------------------------------------------------- custody


def test_blend_takes_the_weakest_custody_of_its_inputs(lots: Database) -> None:
    state(lots, {1: "identity_preserved", 2: "segregated", 3: "mass_balance"})
    found = []
    for source in (1, 2, 3):
        use(lots, source, 4)
        found.append(custody_of(lots, 4))
    assert found == ["identity_preserved", "segregated", "mass_balance"]


def test_blend_with_an_unknown_lot_is_unknown_and_stays_so(lots: Database) -> None:
    state(lots, {1: "segregated", 3: "segregated"})
    for source in (1, 2, 3):
        use(lots, source, 4)
    assert custody_of(lots, 4) is None


def test_custody_that_was_stated_weaker_stays(lots: Database) -> None:
    state(lots, {1: "identity_preserved", 2: "identity_preserved", 4: "mass_balance"})
    use(lots, 1, 4)
    use(lots, 2, 4)
    assert custody_of(lots, 4) == "mass_balance"


def test_identity_preserved_lots_of_other_origin_are_not_mixed(lots: Database) -> None:
    state(lots, {1: "identity_preserved", 2: "identity_preserved", 3: "identity_preserved"})
    use(lots, 1, 4)
    use(lots, 3, 4)
    assert refused(lots, "insert into cacao_batch_input values (4, 2, 1)") == (
        "CUSTODY_BROKEN",
        "cacao batch 4 would mix identity preserved lots of different origin",
    )
    use(lots, 2, 5)
    # Origin is that of the harvest: 5 was made by the same supplier as 4.
    both = "insert into cacao_batch_input values (6, 4, 1), (6, 5, 1)"
    assert refused(lots, both)[0] == "CUSTODY_BROKEN"
    assert custody_of(lots, 6) is None


def test_lot_that_gave_to_a_stronger_one_takes_no_weaker_input(lots: Database) -> None:
    state(lots, {1: "segregated", 2: "mass_balance"})
    use(lots, 1, 4)
    use(lots, 4, 6)
    assert refused(lots, "insert into cacao_batch_input values (4, 2, 1)") == (
        "CUSTODY_BROKEN",
        "cacao batch 4 has given to a lot of stronger custody",
    )


@pytest.mark.parametrize(("batch", "custody"), [(4, "'identity_preserved'"), (1, "null")])
def test_custody_is_not_restated_against_what_it_was_made_of(
    lots: Database, batch: int, custody: str
) -> None:
    state(lots, {1: "segregated"})
    use(lots, 1, 4)
    statement = f"update cacao_batches set custody = {custody} where cacao_batch_id = {batch}"
    assert refused(lots, statement)[0] == "CUSTODY_BROKEN"


def test_identity_preserved_lot_that_gave_keeps_its_origin(lots: Database) -> None:
    """Otherwise the lots made from it would have two origins."""
    state(lots, {1: "identity_preserved", 2: "identity_preserved", 3: "identity_preserved"})
    use(lots, 1, 4)
    use(lots, 3, 4)
    why = (
        "CUSTODY_BROKEN",
        "cacao batch 3 keeps its origin: an identity preserved batch was made of it",
    )
    assert refused(lots, "insert into cacao_batch_input values (3, 2, 1)") == why
    move = "update cacao_batches set supplier_id = 2 where cacao_batch_id = {}"
    assert refused(lots, move.format(3)) == why
    # Another lot of the same origin may still go into it; who made it is then not where it comes from.
    run_sql(lots, "insert into cacao_batch_input values (3, 1, 1)")
    run_sql(lots, move.format(3))
    assert refused(lots, "delete from cacao_batch_input where output_batch_id = 3") == why
    assert refused(lots, move.format(1))[0] == "CUSTODY_BROKEN"
    run_sql(lots, move.format(4).replace("= 2", "= 1"))
    run_sql(lots, move.format(2).replace("= 2", "= 1"))


def test_chain_of_identity_preserved_lots_is_written_at_once(lots: Database) -> None:
    state(lots, {1: "identity_preserved", 4: "identity_preserved", 5: "identity_preserved"})
    run_sql(lots, "insert into cacao_batch_input values (4, 1, 1), (5, 4, 1), (6, 5, 1)")
    assert custody_of(lots, 5) == "identity_preserved"


def test_custody_is_not_strengthened_while_an_input_is_weakened(lots: Database) -> None:
    """The two writers do not see each other's changes; only one of them may commit."""
    state(lots, {1: "segregated", 3: "mass_balance", 5: "mass_balance"})
    use(lots, 1, 4)
    use(lots, 4, 5)
    waiting = """select count(*) from pg_stat_activity
      where wait_event_type = 'Lock' and datname = current_database()"""
    with ThreadPoolExecutor(1) as pool, lots.engine().begin() as connection:
        connection.execute(
            text("update cacao_batches set custody = 'segregated' where cacao_batch_id = 5")
        )
        other = pool.submit(use, lots, 3, 4)
        while not other.done() and rows(lots, waiting) == [(0,)]:
            time.sleep(0.01)
    with pytest.raises(DBAPIError, match="has given to a lot of stronger custody"):
        other.result()
    assert [custody_of(lots, batch) for batch in (4, 5)] == ["segregated", "segregated"]


# ---------------------------------------------------------------- yields


def test_lot_that_gives_more_than_its_inputs_yield_is_flagged(lots: Database) -> None:
    use(lots, 1, 4, "1000")
    make_product(lots, 4, 1, "820")
    assert rows(lots, "select * from flags") == []
    make_product(lots, 4, 2, "0.001")
    query = "select cacao_batch_id, rule, message from flags"
    message = "cacao batch 4 gave 820.001 kg, its inputs yield 820.000 kg"
    assert rows(lots, query) == [(4, "yield", message)]


def test_lot_that_gives_more_than_its_inputs_yield_is_refused_by_setting(lots: Database) -> None:
    run_sql(lots, "update matter_rules set yields = 'refuse'")
    use(lots, 1, 4, "1000")
    make_product(lots, 4, 1, "820")
    assert refused(lots, "insert into product_cacao_batch values (2, 4, 0.001)") == (
        "YIELD_EXCEEDED",
        "cacao batch 4 gave 820.001 kg, its inputs yield 820.000 kg",
    )
    taken = "update cacao_batch_input set quantity_kg = 999"
    assert refused(lots, taken)[0] == "YIELD_EXCEEDED"
    # One more input, and it may give more.
    use(lots, 2, 4, "100")
    make_product(lots, 4, 2, "82")
    assert refused(lots, "delete from cacao_batch_input where input_batch_id = 2")[0] == (
        "YIELD_EXCEEDED"
    )


def test_yields_are_not_looked_at_by_setting(lots: Database) -> None:
    run_sql(lots, "update matter_rules set yields = 'ignore'")
    use(lots, 1, 4, "1")
    make_product(lots, 4, 1, "1000")
    assert rows(lots, "select * from flags") == []


def test_blend_of_one_stage_gives_what_it_was_given(lots: Database) -> None:
    use(lots, 4, 5, "10")
    make_product(lots, 5, 1, "10")
    assert rows(lots, "select * from flags") == []
    lose(lots, 5, "0.001")
    assert rows(lots, "select count(*) from flags") == [(1,)]


def test_lot_without_inputs_or_without_a_factor_is_not_judged(lots: Database) -> None:
    run_sql(lots, "update matter_rules set yields = 'refuse'")
    use(lots, 4, 6, "1")
    make_product(lots, 6, 1, "1000")
    make_product(lots, 4, 1, "999")


def test_factor_is_the_one_of_the_day_and_of_the_own_scheme(lots: Database) -> None:
    run_sql(
        lots,
        "insert into conversion_factors (from_stage, to_stage, factor, scheme, source, valid_from,"
        " valid_to) values ('beans', 'liquor', 0.9, 'Own', 'S', '2026-01-01', '2026-02-28'),"
        " ('beans', 'liquor', 0.75, 'Own', 'S', '2026-03-01', null)",
    )
    use(lots, 1, 4, "1000")
    query = "select yield_kg::text from cacao_batch_yields where cacao_batch_id = 4"
    found = [rows(lots, query)]
    for change in ("certification = 'Own'", "production_date = '2026-02-28'"):
        run_sql(lots, f"update cacao_batches set {change} where cacao_batch_id = 4")
        found.append(rows(lots, query))
    assert found == [[("820.000",)], [("750.000",)], [("900.000",)]]


@pytest.mark.parametrize(
    ("change", "yields"),
    [
        ("stage = 'nibs' where cacao_batch_id = 1", "500.000"),
        ("certification = 'Own' where cacao_batch_id = 4", "700.000"),
        ("production_date = '2015-01-01' where cacao_batch_id = 4", None),
    ],
)
def test_yields_are_judged_again_where_their_factor_changes(
    lots: Database, change: str, yields: str | None
) -> None:
    run_sql(lots, "update matter_rules set yields = 'refuse'")
    run_sql(
        lots,
        "insert into conversion_factors (from_stage, to_stage, factor, scheme, source, valid_from)"
        " values ('nibs', 'liquor', 0.5, 'UTZ', 'test', '2016-01-01'),"
        " ('beans', 'liquor', 0.7, 'Own', 'test', '2016-01-01')",
    )
    use(lots, 1, 4, "1000")
    make_product(lots, 4, 1, "800")
    if yields is None:
        run_sql(lots, f"update cacao_batches set {change}")
        return
    message = f"cacao batch 4 gave 800.000 kg, its inputs yield {yields} kg"
    assert refused(lots, f"update cacao_batches set {change}") == ("YIELD_EXCEEDED", message)


# ---------------------------------------------------------------- claims


def test_claim_is_covered_by_a_certificate_of_the_supplier_on_the_day(lots: Database) -> None:
    run_sql(
        lots,
        "insert into certificates (supplier_id, scheme, number, valid_from, valid_to) values"
        " (1, 'UTZ', 'U1', '2025-01-01', '2026-01-01'), (1, 'Other', 'O1', '2025-01-01', '2027-01-01'),"
        " (2, 'UTZ', 'U2', '2025-01-01', '2027-01-01')",
    )
    query = "select * from cacao_batch_cover order by 1, 2"
    assert rows(lots, query) == [(1, 1)]
    run_sql(lots, "update certificates set valid_to = '2026-02-01' where number = 'U1'")
    assert rows(lots, query) == [(1, 1), (3, 1)]


# ---------------------------------------------------------------- mass balance

ACCOUNT = """insert into mass_balance_accounts (scheme, supplier_id, period_from, period_to)
  values ('UTZ', 1, '2026-01-01', '2026-12-31')"""
ENTRY = """insert into mass_balance_entries (account_id, direction, quantity_kg, "timestamp")
  values (1, '{}', {}, '{}')"""


def test_account_is_never_overdrawn(lots: Database) -> None:
    run_sql(lots, ACCOUNT)
    run_sql(lots, ENTRY.format("credit", 100, "2026-01-01 00:00Z"))
    run_sql(lots, ENTRY.format("debit", "99.999", "2026-12-31 23:59Z"))
    statement = ENTRY.format("debit", "0.002", "2026-05-01 00:00Z")
    assert refused(lots, statement)[0] == "OVERDRAWN"
    assert rows(lots, "select balance_kg::text from mass_balance_accounts") == [("0.001",)]


@pytest.mark.parametrize("day", ["2025-12-31 23:59Z", "2027-01-01 00:00Z"])
def test_entry_lies_in_the_period_of_its_account(lots: Database, day: str) -> None:
    run_sql(lots, ACCOUNT)
    assert refused(lots, ENTRY.format("credit", 1, day))[0] == "INVALID"


def test_site_has_one_account_of_a_scheme_and_period(lots: Database) -> None:
    run_sql(lots, ACCOUNT)
    assert refused(lots, ACCOUNT)[0] == "ALREADY_EXISTS"


def open_account(site: str, scheme: str, first: str, last: str) -> str:
    column, number = site.split(", ")
    return f"""insert into mass_balance_accounts (scheme, {column}, period_from, period_to)
      values ('{scheme}', {number}, '{first}', '{last}')"""


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("2025-01-01", "2026-01-01"),
        ("2026-12-31", "2027-12-31"),
        ("2026-03-01", "2026-03-01"),
        ("2025-01-01", "2028-12-31"),
    ],
)
def test_periods_of_a_site_and_scheme_share_no_day(lots: Database, first: str, last: str) -> None:
    run_sql(lots, "insert into manufacturers (name, location) values ('M', 'Y')")
    shared = "This site has an account of this scheme for some of these days already."
    for site in ("supplier_id, 1", "manufacturer_id, 1"):
        run_sql(lots, open_account(site, "UTZ", "2026-01-01", "2026-12-31"))
        statement = open_account(site, "UTZ", first, last)
        assert refused(lots, statement) == ("ALREADY_EXISTS", shared)
    moved = f"""update mass_balance_accounts set period_from = '{first}', period_to = '{last}'
      where period_to < '2026-01-01'"""
    run_sql(lots, open_account("supplier_id, 1", "UTZ", "2024-01-01", "2024-12-31"))
    assert refused(lots, moved) == ("ALREADY_EXISTS", shared)


def test_periods_that_meet_nowhere_are_opened(lots: Database) -> None:
    run_sql(lots, ACCOUNT)
    run_sql(lots, open_account("supplier_id, 1", "UTZ", "2025-01-01", "2025-12-31"))
    run_sql(lots, open_account("supplier_id, 1", "UTZ", "2027-01-01", "2027-12-31"))
    run_sql(lots, open_account("supplier_id, 1", "Other", "2026-06-01", "2026-06-30"))
    run_sql(lots, open_account("supplier_id, 2", "UTZ", "2026-06-01", "2026-06-30"))
    assert rows(lots, "select count(*) from mass_balance_accounts") == [(5,)]


def test_account_with_entries_keeps_scheme_site_and_period(lots: Database) -> None:
    run_sql(lots, ACCOUNT)
    run_sql(lots, "update mass_balance_accounts set period_to = '2027-12-31', scheme = 'Other'")
    run_sql(lots, ENTRY.format("credit", 1, "2027-01-01 00:00Z"))
    for change in ("period_to = '2028-12-31'", "scheme = 'UTZ'", "supplier_id = 2"):
        stays(lots, f"update mass_balance_accounts set {change}")


@pytest.mark.parametrize(
    "statement",
    [
        """insert into mass_balance_accounts (scheme, supplier_id, period_from, period_to, balance_kg)
          values ('UTZ', 1, '2026-01-01', '2026-12-31', 5)""",
        "insert into products (name, on_hold) values ('R', true)",
        """insert into cacao_batches (supplier_id, harvest_date, quantity, on_hold)
          values (1, '2026-01-01', 1, true)""",
    ],
)
def test_no_row_begins_with_what_only_triggers_write(lots: Database, statement: str) -> None:
    before = contents(lots)
    with pytest.raises(DBAPIError, match="written by the database itself"):
        run_sql(lots, statement)
    assert contents(lots) == before


@pytest.mark.parametrize(
    "statement",
    [
        "update mass_balance_accounts set balance_kg = 5",
        "update mass_balance_entries set quantity_kg = 5",
        "delete from mass_balance_entries",
    ],
)
def test_balance_is_what_the_entries_say(lots: Database, statement: str) -> None:
    run_sql(lots, ACCOUNT)
    run_sql(lots, ENTRY.format("credit", 1, "2026-01-01 00:00Z"))
    stays(lots, statement)


def test_rules_need_to_see_what_others_committed(lots: Database) -> None:
    before = contents(lots)
    with lots.engine().connect() as connection:
        old = connection.execution_options(isolation_level="REPEATABLE READ")
        with pytest.raises(DBAPIError, match="READ COMMITTED"):
            old.execute(text("insert into holds (cacao_batch_id, reason) values (1, 'x')"))
    assert contents(lots) == before
