"""The values that each column accepts. The columns are read from the catalogue.

Numbers are finite and never rounded, days and times are of the years 1 to 9999, whatever way in.
"""

from decimal import Decimal
from io import StringIO
from typing import Any

import psycopg2
import pytest

from models import Base
from models.base import FixedPoint
from models.database.engines import Database
from tests.writing import run_sql

# Columns of a type that can hold what no client can read, with the checks of that column alone.
COLUMNS = """
select c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
  array(select pg_get_expr(k.conbin, k.conrelid) from pg_constraint k
        where k.conrelid = c.oid and k.contype = 'c' and k.conkey = array[a.attnum] order by k.conname)
from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
join pg_type t on t.oid = a.atttypid
where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
  and (t.typcategory in ('N', 'D', 'T') or exists (
    select from pg_type e where e.oid = t.typelem and e.typcategory in ('N', 'D', 'T')))
order by 1, 2"""
WHOLE = {"smallint", "integer", "bigint", "bigint[]"}
NUMBERS = ("NaN", "Infinity", "-Infinity")
DAYS = ("infinity", "-infinity", "0001-12-31 BC", "4713-01-01 BC", "10000-01-01", "5874897-12-31")
TIMES = (
    *("infinity", "-infinity", "0001-12-31 23:59:59.999999+00 BC", "10000-01-01 00:00:00+00"),
    "294276-12-31 00:00:00+00",
)
KEPT = {
    "date": ("0001-01-01", "9999-12-31"),
    "timestamp with time zone": ("0001-01-01 00:00:00+00", "9999-12-31 23:59:59.999999+00"),
}


def columns(database: Database) -> list[tuple[str, str, str, list[str]]]:
    with database.reader() as connection:
        found = connection.exec_driver_sql(COLUMNS).all()
    return [(table, name, type_, checks) for table, name, type_, checks in found]


def holds(database: Database, name: str, type_: str, checks: list[str], value: str) -> bool:
    """Whether the checks of a column accept this value, according to PostgreSQL."""
    rule = " and ".join(f"({check})" for check in checks) or "true"
    statement = f'select coalesce({rule}, true) from (select %s::{type_} as "{name}") t'
    with database.reader() as connection:
        ((passed,),) = connection.exec_driver_sql(statement, (value,)).all()
    return bool(passed)


def unchecked(table: str, name: str, value: object) -> str:
    """Return what to do about a number that a column must not accept."""
    return (
        f"{table}.{name} accepts {value}: in schema/, add `constraint {table}_{name}_exact"
        f" check (is_kilograms({name}))`, or is_decimal({name}, digits, decimals)"
    )


def test_every_number_is_whole_or_finite(fresh: Database) -> None:
    found = [column for column in columns(fresh) if column[2] == "numeric"]
    for table, name, type_, checks in found:
        for value in NUMBERS:
            assert not holds(fresh, name, type_, checks, value), unchecked(table, name, value)
    assert ("cacao_batches", "quantity") in [column[:2] for column in found]
    assert {t for *_, t, _ in columns(fresh)} == {*WHOLE, "numeric", *KEPT} - {"smallint"}


def test_every_number_refuses_what_it_would_round(fresh: Database) -> None:
    models = {table.name: table for table in Base.metadata.sorted_tables}
    for table, name, type_, checks in columns(fresh):
        if type_ != "numeric":
            continue
        kind = models[table].c[name].type
        assert isinstance(kind, FixedPoint), f"{table}.{name}"
        step = Decimal(1).scaleb(-kind.decimals)
        for value in (step, 1 + step, Decimal("1.0000000")):
            assert holds(fresh, name, type_, checks, str(value)), f"{table}.{name} refuses {value}"
        for value in (1 + step / 10, Decimal("1e-30"), Decimal("1e11")):
            assert not holds(fresh, name, type_, checks, str(value)), unchecked(table, name, value)


def test_every_day_and_time_is_of_the_calendar(fresh: Database) -> None:
    found = [column for column in columns(fresh) if column[2] in KEPT]
    for table, name, type_, checks in found:
        for value in DAYS if type_ == "date" else TIMES:
            assert not holds(fresh, name, type_, checks, value), f"{table}.{name} takes {value}"
        for value in KEPT[type_]:
            assert holds(fresh, name, type_, checks, value), f"{table}.{name} refuses {value}"
    assert len(found) > 30
    names = [column[:2] for column in found]
    for column in ("certificates.valid_to", "holds.placed_at", "changes.at", "sessions.seen_at"):
        assert tuple(column.split(".")) in names


LOT = "insert into cacao_batches (cacao_batch_id, harvest_date, quantity) values (1, '2025-10-01', {})"


@pytest.mark.parametrize(
    "value", ["'NaN'", "'Infinity'", "500.123456", "0.0009", "1e11", "0", "-1"]
)
def test_mass_that_cannot_be_kept_is_refused_and_nothing_is_written(
    fresh: Database, value: str
) -> None:
    connection = fresh.engine().raw_connection()
    try:
        cursor = connection.cursor()
        with pytest.raises(psycopg2.errors.CheckViolation, match="cacao_batches_quantity"):
            cursor.execute(LOT.format(value))
        connection.rollback()
        text = StringIO(f"1\t2025-10-01\t{value.strip(chr(39))}\n")
        with pytest.raises(psycopg2.errors.CheckViolation, match="cacao_batches_quantity"):
            cursor.copy_expert(
                "copy cacao_batches (cacao_batch_id, harvest_date, quantity) from stdin", text
            )
        connection.rollback()
        cursor.execute("select count(*) from cacao_batches")
        assert cursor.fetchall() == [(0,)]
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("statement", "constraint"),
    [
        ("update cacao_batches set quantity = 'NaN'", "cacao_batches_quantity_exact"),
        ("update cacao_batches set quantity = 5.0001", "cacao_batches_quantity_exact"),
        ("insert into losses (cacao_batch_id, quantity_kg, reason) values (1, 'NaN', 'theft')",
         "losses_quantity_kg_exact"),
        ("insert into losses (cacao_batch_id, quantity_kg, reason) values (1, 1.2345, 'theft')",
         "losses_quantity_kg_exact"),
        ("insert into products (name, cocoa_percent) values ('A', 70.55)",
         "products_cocoa_percent_exact"),
        ("insert into product_cacao_batch values (1, 1, 'NaN')",
         "product_cacao_batch_quantity_kg_exact"),
        ("insert into plots (supplier_id, name, country, area_ha) values (1, 'P', 'CI', 'NaN')",
         "plots_area_ha_exact"),
        ("insert into plots (supplier_id, name, country, area_ha) values (1, 'P', 'CI', 1.00001)",
         "plots_area_ha_exact"),
        ("update conversion_factors set factor = 'NaN'", "conversion_factors_factor_exact"),
        ("update conversion_factors set factor = 0.333333", "conversion_factors_factor_exact"),
        ("update conversion_factors set valid_to = 'infinity'", "conversion_factors_valid_to_dated"),
        ("insert into holds (cacao_batch_id, reason, placed_at) values (1, 'x', '-infinity')",
         "holds_placed_at_dated"),
        ("insert into due_diligence_statements values (1, '1', null, '0044-03-15 BC')",
         "due_diligence_statements_submitted_on_dated"),
        ("insert into certificates values (1, 1, 'F', '1', null, '2025-01-01', 'infinity')",
         "certificates_valid_to_dated"),
        ("insert into product_cacao_batch values (1, 1, 1, '10000-01-01 00:00+00')",
         "product_cacao_batch_record_time_dated"),
    ],
)  # fmt: skip
def test_statement_is_refused_by_the_constraint(
    fresh: Database, statement: str, constraint: str
) -> None:
    run_sql(fresh, "insert into suppliers (name) values ('S')")
    run_sql(fresh, "insert into products (name) values ('P')")
    run_sql(fresh, LOT.format(10))
    with pytest.raises(Exception, match=constraint):
        run_sql(fresh, statement)


@pytest.mark.parametrize(
    ("given", "shown"),
    [("500", "500.000"), ("500.1", "500.100"), ("500.1230000", "500.123"), ("5e2", "500.000")],
)
def test_mass_is_read_with_three_decimals_however_it_was_written(
    fresh: Database, given: str, shown: str
) -> None:
    run_sql(fresh, LOT.format(given))
    loss = "insert into losses (cacao_batch_id, quantity_kg, reason) values (1, 1.50000, 'theft')"
    run_sql(fresh, loss)
    model: Any = {table.name: table for table in Base.metadata.sorted_tables}["cacao_batches"]
    with fresh.reader() as connection:
        ((quantity,),) = connection.execute(model.select().with_only_columns(model.c.quantity))
        ((details,),) = connection.exec_driver_sql("select details from transactions").all()
    assert str(quantity) == shown
    assert details["quantityKg"] == "1.500"
