"""Names and identifiers of files have the same normal form as those of the API."""

import pytest

from tests.db.csv.conftest import Loader

BATCHES = "supplier_id,lot_number,quantity,harvest_date,certification\n"


def test_names_that_look_the_same_are_one_supplier(load: Loader) -> None:
    content = "name,location,country\nCafé A,Gagnoa,CI\nCafe\u0301\u00a0A,\u200bGagnoa,CI\nCafé  A,Gagnoa ,CI\n"
    report = load("suppliers", content)
    assert (report.inserted, report.unchanged, report.rejected) == (1, 2, 0)
    assert load.rows("select name, location from suppliers") == [("Café A", "Gagnoa")]


def test_a_product_names_its_manufacturer_in_any_form(load: Loader) -> None:
    load("manufacturers", "name,location\nCafé A,Paris\n")
    header = "name,batch_number,manufacturer_name,manufacturer_location\n"
    report = load("products", f"{header}Bar,1,Cafe\u0301\u200b A,Paris\u00a0\n")
    assert (report.inserted, report.created) == (1, {"manufacturers": 0})


def test_a_lot_of_sql_is_met_by_the_file(load: Loader) -> None:
    load.execute("insert into suppliers (name, location) values ('A', 'X')")
    load.execute(
        "insert into cacao_batches (supplier_id, lot_number, quantity, harvest_date)"
        " values (1, ' 2W ', 5, '2026-01-01')"
    )
    report = load("cacao-batches", f"{BATCHES}1,2W\u200b,5,2026-01-01,\n")
    assert (report.inserted, report.unchanged) == (0, 1)


@pytest.mark.parametrize(
    ("lot", "code"), [("2\ufffdW", "LOST_CHARACTER"), ("\u200b", "MISSING"), ("\u2060", "MISSING")]
)
def test_lot_number_without_a_letter_or_with_a_lost_one_is_rejected(
    load: Loader, lot: str, code: str
) -> None:
    load.execute("insert into suppliers (name, location) values ('A', 'X')")
    report = load("cacao-batches", f"{BATCHES}1,{lot},5,2026-01-01,\n1,ok,5,2026-01-01,\n")
    assert report.rejected_by_code == {code: 1}
    assert load.rows("select lot_number from cacao_batches") == [("ok",)]


def test_a_lost_character_of_a_name_is_warned_of(load: Loader) -> None:
    report = load("manufacturers", "name,location\nCaf\ufffd,X\nA,X\nB,Abidjan\ufffd\n")
    assert (report.inserted, report.lost_characters, report.first_lost_characters) == (3, 2, (2, 4))
    assert "warning: a character was lost before the import (U+FFFD): line 2, 4" in str(report)
    assert "warning" not in str(load("manufacturers", "name,location\nA,X\n"))


def test_schemes_are_written_in_one_spelling(load: Loader) -> None:
    load.execute("insert into suppliers (name, location) values ('A', 'X')")
    load("cacao-batches", f"{BATCHES}1,1,5,2026-01-01,FAIRTRADE\n1,2,5,2026-01-01,fairtrade\n")
    assert load.rows("select distinct certification from cacao_batches") == [("Fairtrade",)]


def test_times_of_a_file_are_rfc_3339_to_the_microsecond(load: Loader) -> None:
    load.execute("insert into products (name, batch_number) values ('P', 'B')")
    report = load(
        "transactions",
        "product_id,timestamp,event\n1,2026-01-01t00:00:00z,a\n1,2026-01-01T00:00:00.1234567Z,b\n",
    )
    assert (report.inserted, report.rejected_by_code) == (1, {"BAD_TIMESTAMP": 1})
    assert "at most 6 decimals" in report.first_rejections[0].reason
