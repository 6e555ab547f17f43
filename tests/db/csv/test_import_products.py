import pytest

from tests.db.csv.conftest import Loader

MAKERS = "name,manufacturer_name,manufacturer_location,manufacturer_country,batch_number\n"


def test_manufacturers_are_found_or_created(load: Loader) -> None:
    load("manufacturers", "name,location\nOld,Paris\n")
    content = MAKERS + "A,Old,Paris,,1\nB,New,Rome,IT,1\nC,New,Rome,,2\nD,New,Oslo,,1\nE,,,,1\n"
    report = load("products", content)
    assert (report.inserted, report.created, report.changed) == (
        5,
        {"manufacturers": 2},
        {"manufacturers": 0},
    )
    assert load("products", content).changes == 0
    assert load.rows(
        "select p.name, m.name, m.location, m.country from products p"
        " left join manufacturers m using (manufacturer_id) order by 1"
    ) == [
        ("A", "Old", "Paris", None),
        ("B", "New", "Rome", "IT"),
        ("C", "New", "Rome", "IT"),
        ("D", "New", "Oslo", None),
        ("E", None, None, None),
    ]


def test_country_of_a_named_manufacturer_is_kept_up_to_date(load: Loader) -> None:
    load("products", MAKERS + "A,M,X,FR,1\n")
    content = MAKERS + "A,M,X,BE,1\nB,M,X,IT,1\nC,M,X,,1\n"
    report = load("products", content)
    assert (report.inserted, report.unchanged, report.changed) == (2, 1, {"manufacturers": 1})
    assert load.rows("select country from manufacturers") == [("IT",)]
    assert load("products", content).changes == 0


def test_manufacturer_is_not_created_for_rejected_rows(load: Loader) -> None:
    report = load("products", MAKERS + ",M,X,FR,1\nB,M,,,1\n")
    assert (report.rejected, report.created) == (2, {"manufacturers": 0})
    assert report.rejected_by_code == {"INCOMPLETE": 1, "MISSING": 1}
    assert load.count("manufacturers") == 0


def test_manufacturer_id_must_exist(load: Loader) -> None:
    load("manufacturers", "name,location\nM,X\n")
    report = load("products", "name,manufacturer_id\nA,1\nB,99\n")
    assert (report.inserted, report.rejected) == (1, 1)
    (rejection,) = report.first_rejections
    assert (rejection.line, rejection.code) == (3, "UNKNOWN")
    assert rejection.reason == "no manufacturer has the id 99"


def test_gtin_and_batch_number_are_the_key_also_without_a_batch(load: Loader) -> None:
    header = "gtin,batch_number,name\n"
    load("products", header + "4006381333931,,A\n4006381333931,L1,B\n")
    report = load("products", header + "04006381333931,,A2\n4006381333931,L1,B\n")
    assert (report.inserted, report.updated, report.unchanged) == (0, 1, 1)
    assert load.rows("select gtin, batch_number, name from products order by name") == [
        ("04006381333931", None, "A2"),
        ("04006381333931", "L1", "B"),
    ]


def test_without_gtin_nulls_are_equal_in_the_key(load: Loader) -> None:
    content = "name,batch_number,cocoa_percent\nA,,\nA,1,\nA,,70%\nA,1,70%\n"
    assert load("products", content).inserted == 4
    second = load("products", content)
    assert (second.changes, second.unchanged) == (0, 4)


def test_new_maker_does_not_match_products_without_a_maker(load: Loader) -> None:
    load("products", "name\nA\n")
    report = load("products", MAKERS + "A,M,X,,\n")
    assert (report.inserted, report.unchanged) == (1, 0)
    assert load.count("products") == 2


def test_same_row_twice_with_a_new_maker_is_unchanged(load: Loader) -> None:
    report = load("products", MAKERS + "A,M,X,,1\nA,M,X,,1\n")
    assert (report.inserted, report.unchanged, report.superseded) == (1, 1, 0)


def test_unused_description_column_is_left_alone(load: Loader) -> None:
    load("products", "gtin,name,description\n4006381333931,A,dark\n")
    load("products", "gtin,name\n4006381333931,B\n")
    assert load.rows("select name, description from products") == [("B", "dark")]


def test_one_bad_row_among_a_hundred_thousand_names_its_line(load: Loader) -> None:
    rows = [f"Bar {i},{i % 977},{50 + i % 50}%" for i in range(100_000)]
    rows[77_776] = "Bar,1,176%"
    report = load("products", "name,batch_number,cocoa_percent\n" + "\n".join(rows))
    assert (report.read, report.inserted, report.rejected) == (100_000, 99_999, 1)
    (rejection,) = report.first_rejections
    assert rejection.line == 77_778
    assert rejection.reason == "cocoa_percent: 176% is not between 0 and 100 percent"


@pytest.mark.parametrize("manufacturer", ["3", " 3 "])
def test_constant_holds_for_every_row(load: Loader, manufacturer: str) -> None:
    load("manufacturers", "name,location\nA,X\nB,X\nC,X\n")
    load("products", "name\nP\nQ\n", constants={"manufacturer_id": manufacturer})
    assert load.rows("select distinct manufacturer_id from products") == [(3,)]
