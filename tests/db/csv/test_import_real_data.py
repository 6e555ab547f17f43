import csv
from collections.abc import Callable
from pathlib import Path

from exchange.csv.spreadsheet import unescape_cell
from tests.db.csv.conftest import Loader

Real = Callable[[str], Path]

BARS = {
    "company_manufacturer": "manufacturer_name",
    "company_location": "manufacturer_location",
    "ref": "batch_number",
    "specific_bean_origin_or_bar_name": "name",
    "cocoa_percent": "cocoa_percent",
}


def test_all_bars_land_and_a_second_run_changes_nothing(load: Loader, real: Real) -> None:
    path = real("chocolate/bars.csv")
    first = load("products", path, mapping=BARS)
    assert (first.read, first.inserted, first.rejected) == (2_530, 2_530, 0)
    assert first.created == {"manufacturers": 586}
    second = load("products", path, mapping=BARS)
    assert (second.changes, second.unchanged) == (0, 2_530)
    assert (load.count("products"), load.count("manufacturers")) == (2_530, 586)


def test_bars_read_back_as_they_stand_in_the_file_but_for_double_spaces(
    load: Loader, real: Real
) -> None:
    path = real("chocolate/bars.csv")
    load("products", path, mapping=BARS)
    with path.open(encoding="utf-8", newline="") as stream:
        expected = sorted(
            (
                " ".join(row["company_manufacturer"].split()),
                " ".join(row["company_location"].split()),
                " ".join(row["ref"].split()),
                " ".join(row["specific_bean_origin_or_bar_name"].split()),
                float(row["cocoa_percent"].rstrip("%")),
            )
            for row in csv.DictReader(stream)
        )
    found = load.rows(
        "select m.name, m.location, p.batch_number, p.name, p.cocoa_percent::float"
        " from products p join manufacturers m using (manufacturer_id)"
    )
    assert sorted(found) == expected


def test_barcodes_are_kept_where_their_check_digit_is_right(load: Loader, real: Real) -> None:
    path = real("chocolate/openfoodfacts_2000.csv")
    reject = load.folder / "rejects.csv"
    mapping = {"barcode_id": "gtin", "product_name": "name"}
    first = load("products", path, mapping=mapping, reject=reject)
    assert (first.read, first.rejected) == (2_000, 17)
    assert first.rejected_by_code == {"GTIN_CHECK_DIGIT": 3, "GTIN_LENGTH": 14}
    # 0000000050913 and 00050913 are one GTIN-14: 1,983 rows with a right GTIN are 1,982 products.
    assert (first.inserted, first.first_superseded) == (1_982, ((16, 119),))
    with path.open(encoding="utf-8", newline="") as stream:
        wrong = [r["barcode_id"] for r in csv.DictReader(stream) if r["gtin_check_digit_ok"] == "0"]
    with reject.open(encoding="utf-8", newline="") as stream:
        listed = [
            (row["import_code"], unescape_cell(row["barcode_id"])) for row in csv.DictReader(stream)
        ]
    assert [barcode for code, barcode in listed if not code.startswith("WARNING_")] == wrong
    assert [each for each in listed if each[0].startswith("WARNING_")] == [
        ("WARNING_SUPERSEDED", "0000000050913")
    ]
    again = load("products", reject, mapping=mapping)
    assert (again.read, again.rejected_by_code) == (17, first.rejected_by_code)
    second = load("products", path, mapping=mapping)
    assert (second.changes, second.unchanged, second.rejected) == (0, 1_982, 17)


def test_cooperatives_of_one_name_are_kept_apart(load: Loader, real: Real) -> None:
    path = real("cooperatives/trase_ci_cooperatives.csv")
    mapping = {
        "abbreviated_name": "name",
        "department_name": "location",
        "coop_stable_id": "external_id",
    }
    first = load("suppliers", path, mapping=mapping, constants={"country": "CI"})
    assert (first.read, first.inserted, first.unchanged, first.rejected) == (34, 33, 1, 0)
    second = load("suppliers", path, mapping=mapping, constants={"country": "CI"})
    assert (second.changes, second.unchanged) == (0, 34)
    assert load.rows("select count(*), min(country) from suppliers where name = '3A'") == [
        (5, "CI")
    ]
