"""An import does not change the identity of a row that other rows refer to."""

import pytest

from exchange.csv.merging.identity import references_to
from tests.db.csv.conftest import Loader

LOTS = "supplier_id,lot_number,quantity,stage,harvest_date,production_date\n"
GTIN = "4006381333931"
BARS = "gtin,batch_number,name,production_date,manufacturer_name,manufacturer_location\n"


@pytest.fixture
def used(load: Loader) -> Loader:
    """Lots 007 and 008, the first of which is in product 1; both have the same values."""
    load("suppliers", "name,location\nA,X\n")
    load("cacao-batches", LOTS + "".join(f"1,{n},55,beans,2024-11-01,\n" for n in ("007", "008")))
    load("products", BARS + f"{GTIN},1,P,2025-01-01,M,X\n{GTIN},2,P,2025-01-01,M,X\n")
    load("uses", "cacao_batch_id,product_id,quantity_kg\n1,1,5\n")
    return load


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("55,beans,2026-11-01,", "harvest_date 2024-11-01 would become 2026-11-01"),
        ("55,liquor,2024-11-01,", "stage beans would become liquor"),
    ],
)
def test_identity_of_a_used_lot_is_kept(used: Loader, row: str, reason: str) -> None:
    content = LOTS + f"1,007,{row}\n1,008,{row}\n"
    report = used("cacao-batches", content)
    assert (report.updated, report.rejected_by_code) == (1, {"IDENTITY_CHANGED": 1})
    assert report.first_rejections[0].line == 2
    assert report.first_rejections[0].reason == (
        f"{reason} of cacao batch 1, which is in use; --allow-identity-change permits the change"
    )
    before = used.rows(
        "select stage, harvest_date::text from cacao_batches where lot_number = '007'"
    )
    assert before == [("beans", "2024-11-01")]
    assert used("cacao-batches", content, allow_identity_change=True).updated == 1


def test_unknown_value_of_a_used_lot_may_become_known_and_then_stays(used: Loader) -> None:
    assert used("cacao-batches", LOTS + "1,007,55,,,2025-01-05\n").updated == 1
    changed = used("cacao-batches", LOTS + "1,007,55,,,2025-01-06\n")
    assert changed.rejected_by_code == {"IDENTITY_CHANGED": 1}
    cleared = used("cacao-batches", LOTS + "1,007,55,,,\n", clear=["production_date"])
    assert "production_date 2025-01-05 would become empty" in cleared.first_rejections[0].reason
    assert used("cacao-batches", LOTS + "1,007,60,,,\n").updated == 1


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("P,2025-01-01,N,X", "manufacturer_id 1 would become N"),
        ("P,2025-01-01,M,Y", "manufacturer_id 1 would become M"),
        ("P,2026-01-01,M,X", "production_date 2025-01-01 would become 2026-01-01"),
    ],
)
def test_identity_of_a_used_product_is_kept(used: Loader, row: str, reason: str) -> None:
    content = BARS + f"{GTIN},1,{row}\n{GTIN},2,{row}\n"
    report = used("products", content)
    assert (report.updated, report.rejected_by_code) == (1, {"IDENTITY_CHANGED": 1})
    assert report.first_rejections[0].line == 2
    assert reason in report.first_rejections[0].reason
    assert used.rows(
        "select manufacturer_id, production_date::text from products where product_id = 1"
    ) == [(1, "2025-01-01")]
    assert used("products", content, allow_identity_change=True).updated == 1
    assert used("products", content).changes == 0


def test_product_moves_to_no_known_manufacturer_either(used: Loader) -> None:
    used("manufacturers", "name,location\nN,X\n")
    content = f"gtin,batch_number,name,manufacturer_id\n{GTIN},1,P,2\n"
    report = used("products", content)
    assert "manufacturer_id 1 would become 2" in report.first_rejections[0].reason


def test_lot_that_was_made_of_another_or_has_an_event_is_in_use(used: Loader) -> None:
    used("cacao-batches", LOTS + "1,009,55,nibs,2024-11-01,\n1,010,55,nibs,2024-11-01,\n")
    used("uses", "cacao_batch_id,output_batch_id,quantity_kg\n1,3,5\n")
    used("transactions", "cacao_batch_id,timestamp,event\n4,2025-01-01,received\n")
    report = used("cacao-batches", LOTS + "1,009,55,butter,,\n1,010,55,butter,,\n")
    assert report.rejected_by_code == {"IDENTITY_CHANGED": 2}


@pytest.mark.parametrize("table", ["cacao_batches", "products"])
def test_whatever_refers_to_a_row_is_use_of_it(load: Loader, table: str) -> None:
    found = load.rows(
        "select c.conrelid::regclass::text, a.attname::text from pg_constraint c"
        " join pg_attribute a on a.attrelid = c.conrelid and a.attnum = any (c.conkey)"
        f" where c.contype = 'f' and c.confrelid = '{table}'::regclass order by 1, 2"
    )
    assert references_to(table) == found
