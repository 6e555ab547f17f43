"""Losses and holds: the statements that fail, and that they write nothing."""

import pytest

from models.database.engines import Database
from tests.db.balance.lots import (
    hold,
    lose,
    make_product,
    marked,
    refused,
    release,
    stays,
    use,
)
from tests.requests import rows
from tests.writing import run_sql

# ---------------------------------------------------------------- losses


def test_losses_count_against_what_a_lot_holds(lots: Database) -> None:
    use(lots, 1, 4, "600")
    lose(lots, 1, "300.5")
    assert refused(lots, "insert into product_cacao_batch values (1, 1, 99.501)") == (
        "OVERDRAWN",
        "cacao batch 1 holds 1000.000 kg, its uses and losses add up to 1000.001 kg",
    )
    make_product(lots, 1, 1, "99.5")


def test_lot_loses_no_more_than_is_left(lots: Database) -> None:
    make_product(lots, 1, 1, "999")
    statement = (
        "insert into losses (cacao_batch_id, quantity_kg, reason) values (1, 1.001, 'theft')"
    )
    assert refused(lots, statement)[0] == "OVERDRAWN"


def test_lot_is_not_shrunk_below_its_losses(lots: Database) -> None:
    lose(lots, 1, "10")
    statement = "update cacao_batches set quantity = 9.999 where cacao_batch_id = 1"
    assert refused(lots, statement)[0] == "OVERDRAWN"


def test_loss_is_an_event_of_its_batch(lots: Database) -> None:
    run_sql(
        lots,
        'insert into losses (cacao_batch_id, quantity_kg, reason, "timestamp", recorded_by)'
        " values (2, 1.5, 'sampling', '2026-04-01 00:00Z', 'key:lab')",
    )
    query = 'select cacao_batch_id, event, details, "timestamp"::date::text from transactions'
    details = {"reason": "sampling", "quantityKg": "1.500", "lossId": 1}
    assert rows(lots, query) == [(2, "lost", details, "2026-04-01")]


def test_correction_gives_back_what_was_lost_and_no_more(lots: Database) -> None:
    lose(lots, 1, "10")
    lose(lots, 1, "-4", "correction")
    statement = "insert into losses (cacao_batch_id, quantity_kg, reason) values (1, {}, '{}')"
    assert refused(lots, statement.format("-6.001", "correction"))[0] == "INVALID"
    assert refused(lots, statement.format("-1", "theft"))[0] == "INVALID"
    assert refused(lots, statement.format("1", "correction"))[0] == "INVALID"
    make_product(lots, 1, 1, "994")


@pytest.mark.parametrize("statement", ["update losses set quantity_kg = 1", "delete from losses"])
def test_losses_are_append_only(lots: Database, statement: str) -> None:
    lose(lots, 1, "10")
    stays(lots, statement)


# ---------------------------------------------------------------- holds


def test_held_lot_and_all_made_from_it_are_marked(lots: Database) -> None:
    use(lots, 1, 4)
    use(lots, 4, 6)
    use(lots, 2, 5)
    make_product(lots, 6, 1)
    make_product(lots, 5, 2)
    hold(lots, 1)
    assert marked(lots) == ([1, 4, 6], [1])
    assert rows(lots, "select * from hold_batch order by 2") == [(1, 1), (1, 4), (1, 6)]


@pytest.mark.parametrize("batch", [1, 4, 6])
@pytest.mark.parametrize(
    "use_", ["cacao_batch_input values (5, {}, 1)", "product_cacao_batch values (2, {}, null)"]
)
def test_nothing_is_made_of_what_is_on_hold(lots: Database, batch: int, use_: str) -> None:
    use(lots, 1, 4)
    use(lots, 4, 6)
    hold(lots, 1)
    assert refused(lots, f"insert into {use_.format(batch)}") == (
        "BATCH_ON_HOLD",
        f"cacao batch {batch} is on hold",
    )


def test_use_of_a_held_lot_may_shrink_and_not_grow(lots: Database) -> None:
    make_product(lots, 1, 1)
    hold(lots, 1)
    run_sql(lots, "update product_cacao_batch set quantity_kg = 99")
    assert refused(lots, "update product_cacao_batch set quantity_kg = 100")[0] == "BATCH_ON_HOLD"


def test_held_lot_may_be_lost_and_be_given_to(lots: Database) -> None:
    use(lots, 1, 4)
    hold(lots, 4)
    lose(lots, 4, "1", "sampling")
    use(lots, 2, 4)
    assert marked(lots) == ([4], [])


def test_released_lot_is_used_again_where_no_other_hold_reaches_it(lots: Database) -> None:
    use(lots, 1, 4)
    use(lots, 2, 4)
    make_product(lots, 4, 1)
    for batch in (1, 2):
        hold(lots, batch)
    release(lots, 1)
    assert marked(lots) == ([2, 4], [1])
    make_product(lots, 1, 2)
    assert refused(lots, "insert into product_cacao_batch values (2, 4, 1)")[0] == "BATCH_ON_HOLD"
    release(lots, 2)
    assert marked(lots) == ([], [])
    make_product(lots, 4, 2)
    query = "select hold_id, release_reason, released_by = placed_by from holds order by 1"
    assert rows(lots, query) == [(1, "clean", True), (2, "clean", True)]


@pytest.mark.parametrize(
    "statement",
    [
        "update holds set released_at = null, release_reason = null",
        "update holds set release_reason = 'other'",
        "delete from holds",
        "update cacao_batches set on_hold = true where cacao_batch_id = 2",
        "update products set on_hold = true",
    ],
)
def test_marks_and_past_holds_stay_as_they_are(lots: Database, statement: str) -> None:
    hold(lots, 1)
    release(lots, 1)
    stays(lots, statement)
