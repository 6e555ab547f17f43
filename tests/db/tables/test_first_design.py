"""The SQL of the first design keeps working: nullable columns, defaults and types of its seven tables.

What is refused all the same is listed in the README, section "The first design", with its reason.
"""

import re
from pathlib import Path

import pytest
from sqlalchemy.exc import DBAPIError

from models.database.engines import Database
from models.findings import Scope
from tests.db.findings.sound import auditing
from tests.writing import run_sql

README = Path(__file__).parents[3] / "README.md"
WORLD = """
insert into manufacturers (manufacturer_id, name, location) values (1, 'Maker', 'Lyon');
insert into suppliers (supplier_id, name, location) values (1, 'Grower', 'Abidjan');
insert into cacao_batches (cacao_batch_id, supplier_id, harvest_date, quantity)
  values (1, 1, '2025-10-01', 500);
insert into products (product_id, name) values (1, 'Bar')"""
# A row of each table, complete in the first design's columns.
ROWS = {
    "manufacturers": {"manufacturer_id": "9", "name": "'Maker'", "location": "'Lyon'"},
    "products": {
        "product_id": "9",
        "name": "'Dark'",
        "description": "'A bar'",
        "manufacturer_id": "1",
        "batch_number": "'B-001'",
    },
    "suppliers": {
        "supplier_id": "9",
        "name": "'Grower'",
        "location": "'Abidjan'",
        "contact_person": "'Awa'",
    },
    "cacao_batches": {
        "cacao_batch_id": "9",
        "supplier_id": "1",
        "harvest_date": "'2025-10-01'",
        "quantity": "500.5",
        "certification": "'Fairtrade'",
    },
    "product_cacao_batch": {"product_id": "1", "cacao_batch_id": "1"},
    "transactions": {
        "transaction_id": "9",
        "product_id": "1",
        '"timestamp"': "'2026-03-01 10:00:00'",
        "event": "'shipped'",
        "details": """'{"to": "Paris"}'""",
    },
    "users": {"user_id": "9", "username": "'anna'", "password": "'hash'", "role": "'admin'"},
}
# What may be null.
NULLABLE = {
    *(("manufacturers", "location"), ("suppliers", "location"), ("suppliers", "contact_person")),
    *(("products", "description"), ("products", "manufacturer_id"), ("products", "batch_number")),
    *(("cacao_batches", "supplier_id"), ("cacao_batches", "certification")),
    *(("transactions", "product_id"), ("transactions", "details")),
}
# What may be left out, but not null: it has a default.
DEFAULTS = {
    *(("manufacturers", "manufacturer_id"), ("products", "product_id"), ("users", "user_id")),
    *(("suppliers", "supplier_id"), ("cacao_batches", "cacao_batch_id"), ("users", "role")),
    *(("transactions", "transaction_id"), ("transactions", '"timestamp"')),
}
TYPES = [
    ("manufacturers", "location", "repeat('é', 10000)"),
    ("products", "description", "repeat('x', 100000)"),
    ("products", "batch_number", "'B-001/Ä'::varchar(255)"),
    ("suppliers", "contact_person", "'Awa'::varchar(255)"),
    ("cacao_batches", "harvest_date", "date '2025-10-01'"),
    ("cacao_batches", "harvest_date", "timestamp '2025-10-01 10:00'"),
    ("cacao_batches", "quantity", "500"),
    ("cacao_batches", "quantity", "500.123::real::numeric"),
    ("cacao_batches", "quantity", "500.25::double precision"),
    ("cacao_batches", "quantity", "0.001"),
    ("cacao_batches", "quantity", "99999999999.999"),
    ("transactions", '"timestamp"', "timestamp '2026-03-01 10:00:00.123456'"),
    ("transactions", '"timestamp"', "timestamptz '2026-03-01 10:00:00+02'"),
    ("transactions", '"timestamp"', "date '2026-03-01'"),
    ("transactions", "details", """'[1.50, null, {"a": "b"}]'"""),
    ("transactions", "details", """'"text"'::jsonb"""),
    ("transactions", "details", """jsonb_build_object('kg', 1234567890.12345678)"""),
    ("transactions", "event", "repeat('e', 2000)"),
]
# What is refused on purpose: the word of the README that says so, and the constraint or error.
REFUSED = [
    ("blank name", "manufacturers", "name", "' '", "manufacturers_name_check"),
    ("blank name", "products", "name", "''", "products_name_check"),
    ("blank name", "suppliers", "name", "''", "suppliers_name_check"),
    ("blank event", "transactions", "event", "' '", "transactions_event_check"),
    ("unknown role", "users", "role", "'root'", "users_role_check"),
    (
        "finer than a gram",
        "cacao_batches",
        "quantity",
        "500.123456",
        "cacao_batches_quantity_exact",
    ),
    ("not above zero", "cacao_batches", "quantity", "0", "cacao_batches_quantity_check"),
    ("NaN", "cacao_batches", "quantity", "'NaN'", "cacao_batches_quantity_exact"),
    ("years 1 to 9999", "cacao_batches", "harvest_date", "'infinity'", "harvest_date_dated"),
    ("years 1 to 9999", "transactions", '"timestamp"', "'infinity'", "timestamp_dated"),
    ("harvest date", "cacao_batches", "harvest_date", "null", "cacao_batches_beans_harvested"),
    ("blank batch number", "products", "batch_number", "''", "products_batch_number_check"),
    ("same username", "users", "username", "'taken'", "users_username_key"),
]
MANDATORY = """
select c.relname, a.attname from pg_class c join pg_attribute a on a.attrelid = c.oid
where c.relnamespace = 'public'::regnamespace and a.attnum > 0 and not a.attnotnull"""


@pytest.fixture
def world(fresh: Database) -> Database:
    run_sql(fresh, WORLD)
    run_sql(fresh, "insert into users (username, password) values ('taken', 'hash')")
    return fresh


def insert(table: str, values: dict[str, str]) -> str:
    statement = f"insert into {table} ({', '.join(values)}) values ({', '.join(values.values())})"
    return statement.replace(":", "\\:")


def test_nullable_columns_are_those_of_the_catalogue(fresh: Database) -> None:
    with fresh.reader() as connection:
        nullable = {(table, name) for table, name in connection.exec_driver_sql(MANDATORY)}
    first = {(table, name.strip('"')) for table, row in ROWS.items() for name in row}
    assert first & nullable == NULLABLE | {("cacao_batches", "harvest_date")}


@pytest.mark.parametrize("table", ROWS)
def test_whole_row_is_taken(world: Database, table: str) -> None:
    run_sql(world, insert(table, ROWS[table]))


@pytest.mark.parametrize(("table", "column"), sorted(NULLABLE))
def test_nullable_column_is_taken_as_null_and_left_out(
    world: Database, table: str, column: str
) -> None:
    run_sql(world, insert(table, {**ROWS[table], column: "null"}))
    left = {name: value for name, value in ROWS[table].items() if name != column}
    run_sql(world, insert(table, {**left, next(iter(left)): "10"}))
    with world.reader() as connection:
        number = f"select count(*) from {table} where {column} is null and {next(iter(left))} > 8"
        assert connection.exec_driver_sql(number).all() == [(2,)]


@pytest.mark.parametrize(("table", "column"), sorted(DEFAULTS))
def test_column_with_a_default_is_left_out(world: Database, table: str, column: str) -> None:
    taken = {name: value for name, value in ROWS[table].items() if name != column}
    if column.endswith("_id"):
        run_sql(world, f"select setval(pg_get_serial_sequence('{table}', '{column}'), 100)")
    run_sql(world, insert(table, taken))


@pytest.mark.parametrize(("table", "column", "value"), TYPES)
def test_type_is_taken_as_it_is(world: Database, table: str, column: str, value: str) -> None:
    run_sql(world, insert(table, {**ROWS[table], column: value}))
    key = next(iter(ROWS[table]))
    with world.reader() as connection:
        kind = f"(select format_type(atttypid, null) from pg_attribute where attrelid = '{table}'::regclass"
        kind += f" and attname = '{column.strip(chr(34))}')"
        ((type_,),) = connection.exec_driver_sql(f"select {kind}").all()
        same = f"select {column} = ({value})::{type_} from {table} where {key} = 9"
        assert connection.exec_driver_sql(same).all() == [(True,)]


@pytest.mark.parametrize(("word", "table", "column", "value", "constraint"), REFUSED)
def test_what_is_refused_on_purpose_is_in_the_docs(
    world: Database, word: str, table: str, column: str, value: str, constraint: str
) -> None:
    with pytest.raises(DBAPIError, match=constraint):
        run_sql(world, insert(table, {**ROWS[table], column: value}))
    section = README.read_text(encoding="utf-8").split("## The first design")[1].split("\n## ")[0]
    assert word in re.sub(r"\s+", " ", section)


def test_what_is_lacking_is_a_finding(world: Database) -> None:
    run_sql(world, "insert into manufacturers (manufacturer_id, name) values (5, 'X')")
    run_sql(world, "insert into suppliers (supplier_id, name, location) values (5, 'Y', null)")
    run_sql(world, "insert into products (product_id, name, manufacturer_id) values (5, 'P', 5)")
    run_sql(
        world,
        """insert into cacao_batches (cacao_batch_id, supplier_id, harvest_date, quantity)
        values (5, 5, '2025-10-01', 1), (6, null, '2025-10-01', 1)""",
    )
    run_sql(world, "insert into transactions (event) values ('lost')")
    rules = [
        *("event_without_subject", "lot_without_supplier"),
        *("manufacturer_without_location", "supplier_without_location"),
    ]
    with auditing(world) as auditor:
        found = auditor.find(Scope(), rules=rules)
    assert [finding["rule"] for finding in found] == rules
    assert [finding["cacao_batch_id"] for finding in found] == [None, 6, None, 5]
    assert [finding["product_id"] for finding in found] == [None, None, 5, None]


@pytest.mark.parametrize(("first", "second"), [("null", "null"), ("null", "1"), ("1", "null")])
def test_lots_without_a_supplier_are_not_taken_for_one_origin(
    world: Database, first: str, second: str
) -> None:
    run_sql(
        world,
        f"""insert into cacao_batches (cacao_batch_id, supplier_id, harvest_date, quantity, custody)
        values (5, {first}, '2025-10-01', 10, 'identity_preserved'),
          (6, {second}, '2025-10-01', 10, 'identity_preserved'),
          (7, null, '2025-10-02', 10, 'identity_preserved'),
          (8, null, '2025-10-02', 10, 'segregated')""",
    )
    edge = "insert into cacao_batch_input (output_batch_id, input_batch_id, quantity_kg) values "
    with pytest.raises(DBAPIError, match="different origin"):
        run_sql(world, edge + "(7, 5, 1), (7, 6, 1)")
    run_sql(world, edge + "(8, 5, 1), (8, 6, 1)")
    run_sql(world, edge + "(7, 5, 1)")
    with world.reader() as connection:
        edges = connection.exec_driver_sql("select output_batch_id from cacao_batch_input").all()
    assert sorted(edges) == [(7,), (8,), (8,)]
