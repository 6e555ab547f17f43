"""A few lots and the SQL of their events, for the tests of the balance rules."""

from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError

from models.database.engines import Database
from models.errors import violation_of
from tests.requests import contents, rows
from tests.writing import run_sql

# Beans 1 and 2 of two suppliers, beans 3 of the first; 4 to 6 are yet to be made.
LOTS = """
insert into suppliers (name, location) values ('A', 'X'), ('B', 'Y');
insert into products (name) values ('P'), ('Q');
insert into cacao_batches (supplier_id, harvest_date, production_date, quantity, stage, certification) values
  (1, '2026-01-01', null, 1000, 'beans', 'UTZ'), (2, '2026-01-01', null, 1000, 'beans', null),
  (1, '2026-02-01', null, 1000, 'beans', 'UTZ'), (2, null, '2026-03-01', 1000, 'liquor', null),
  (2, null, '2026-03-01', 1000, 'liquor', null), (2, null, '2026-03-01', 1000, 'couverture', null);
"""


def use(database: Database, source: int, output: int, kg: str = "100") -> None:
    run_sql(database, f"insert into cacao_batch_input values ({output}, {source}, {kg})")


def make_product(database: Database, source: int, product: int, kg: str = "100") -> None:
    run_sql(database, f"insert into product_cacao_batch values ({product}, {source}, {kg})")


def lose(database: Database, batch: int, kg: str, reason: str = "spillage") -> None:
    run_sql(
        database,
        "insert into losses (cacao_batch_id, quantity_kg, reason) values (:batch, :kg, :reason)",
        batch=batch,
        kg=kg,
        reason=reason,
    )


def hold(database: Database, batch: int, reason: str = "salmonella") -> None:
    run_sql(database, f"insert into holds (cacao_batch_id, reason) values ({batch}, '{reason}')")


def release(database: Database, hold_id: int) -> None:
    run_sql(
        database,
        "update holds set released_at = now(), release_reason = 'clean' where hold_id = :id",
        id=hold_id,
    )


def state(database: Database, custody: dict[int, str]) -> None:
    for batch, value in custody.items():
        run_sql(
            database,
            "update cacao_batches set custody = :value where cacao_batch_id = :batch",
            batch=batch,
            value=value,
        )


def refused(database: Database, statement: str) -> tuple[str, str]:
    """Return the code and message of the statement's error; asserts that nothing was written."""
    before = contents(database)
    with pytest.raises(DBAPIError) as error:
        run_sql(database, statement)
    assert contents(database) == before
    violation = violation_of(error.value)
    assert violation is not None, error.value
    return violation.code, str(violation)


def custody_of(database: Database, batch: int) -> Any:
    [(custody,)] = rows(
        database, f"select custody from cacao_batches where cacao_batch_id = {batch}"
    )
    return custody


def marked(database: Database) -> tuple[list[int], list[int]]:
    """Batches and products that are on hold."""
    batches = rows(database, "select cacao_batch_id from cacao_batches where on_hold order by 1")
    products = rows(database, "select product_id from products where on_hold order by 1")
    return [key for (key,) in batches], [key for (key,) in products]


def stays(database: Database, statement: str) -> None:
    """Assert that the statement fails and writes nothing."""
    before = contents(database)
    with pytest.raises(DBAPIError):
        run_sql(database, statement)
    assert contents(database) == before
