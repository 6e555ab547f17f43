import pytest

from tests.db.csv.conftest import Loader

HEADER = "supplier_id,lot_number,quantity,harvest_date,stage\n"


@pytest.fixture
def coops(load: Loader) -> Loader:
    load("suppliers", "external_id,name,location\n7,3A,X\n8,3A,X\n9,Solo,Y\n")
    return load


@pytest.mark.parametrize(
    ("columns", "values"),
    [
        ("supplier_id", "3"),
        ("supplier_external_id", "9"),
        ("supplier_name,supplier_location", "Solo,Y"),
        ("supplier_id,supplier_external_id", "3,"),
        ("supplier_external_id,supplier_name,supplier_location", "9,3A,X"),
    ],
)
def test_supplier_is_named_by_id_or_natural_key(coops: Loader, columns: str, values: str) -> None:
    content = f"{columns},lot_number,quantity_kg,harvest_date\n{values},L1,10,2026-01-01\n"
    assert coops("cacao-batches", content).inserted == 1
    assert coops("cacao-batches", content).unchanged == 1
    assert coops.rows("select supplier_id, quantity::text, stage from cacao_batches") == [
        (3, "10.000", "beans")
    ]


@pytest.mark.parametrize(
    ("columns", "values", "code", "reason"),
    [
        ("supplier_id", "99", "UNKNOWN", "no supplier has the id 99"),
        ("supplier_external_id", "x", "UNKNOWN", "no supplier has supplier_external_id x"),
        (
            "supplier_name,supplier_location",
            "Solo,X",
            "UNKNOWN",
            "no supplier has supplier_name Solo, supplier_location X",
        ),
        (
            "supplier_name,supplier_location",
            "3A,X",
            "AMBIGUOUS",
            "several supplier rows have supplier_name 3A, supplier_location X",
        ),
    ],
)
def test_supplier_that_is_not_one_is_rejected(
    coops: Loader, columns: str, values: str, code: str, reason: str
) -> None:
    content = f"{columns},lot_number,quantity,harvest_date\n{values},L1,10,2026-01-01\n"
    report = coops("cacao-batches", content)
    (rejection,) = report.first_rejections
    assert (rejection.line, rejection.code, rejection.reason) == (2, code, reason)
    assert coops.count("cacao_batches") == 0


def test_beans_need_a_harvest_date(coops: Loader) -> None:
    content = HEADER + "1,L1,10,,\n1,L2,10,,nibs\n1,L3,10,2026-01-01,Beans\n"
    report = coops("cacao-batches", content)
    assert (report.inserted, report.rejected_by_code) == (2, {"MISSING": 1})
    assert report.first_rejections[0].reason == "harvest_date is empty: beans need a harvest date"


def test_harvest_date_of_beans_cannot_be_emptied(coops: Loader) -> None:
    coops("cacao-batches", HEADER + "1,L1,10,2026-01-01,beans\n")
    assert coops("cacao-batches", HEADER + "1,L1,10,,\n").unchanged == 1
    report = coops("cacao-batches", HEADER + "1,L1,10,,\n", clear=["harvest_date"])
    assert report.rejected_by_code == {"MISSING": 1}
    update = coops("cacao-batches", "supplier_id,lot_number,quantity\n1,L1,11\n")
    assert (update.updated, update.rejected) == (1, 0)


def test_empty_stage_keeps_the_stage(coops: Loader) -> None:
    coops("cacao-batches", HEADER + "1,L1,10,,liquor\n")
    assert coops("cacao-batches", HEADER + "1,L1,10,,\n").unchanged == 1
    assert coops.rows("select stage from cacao_batches") == [("liquor",)]


def test_quantity_below_what_is_used_is_rejected(coops: Loader) -> None:
    coops("cacao-batches", HEADER + "1,L1,10,2026-01-01,\n1,L2,10,2026-01-01,\n")
    coops("products", "name\nP\n")
    coops("uses", "lot_number,product_id,quantity_kg\nL1,1,8\n")
    report = coops("cacao-batches", HEADER + "1,L1,7,2026-01-01,\n1,L2,7,2026-01-01,\n")
    assert (report.updated, report.rejected_by_code) == (1, {"OVERDRAWN": 1})
    assert report.first_rejections[0].line == 2
    assert "7.000 kg is less than the 8.000 kg" in report.first_rejections[0].reason
    assert coops("cacao-batches", HEADER + "1,L1,8,2026-01-01,\n").updated == 1


def test_lot_number_is_required(coops: Loader) -> None:
    report = coops("cacao-batches", HEADER + "1,,7,2026-01-01,\n")
    assert report.first_rejections[0].reason == "lot_number is empty"


def test_error_of_a_constraint_is_in_plain_words(load: Loader) -> None:
    load("suppliers", "name,location\nA,X\n")
    content = "supplier_id,lot_number,quantity,harvest_date,production_date\n1,L,5,2026-05-01,2026-01-01\n"
    (rejection,) = load("cacao-batches", content).first_rejections
    assert (rejection.code, rejection.reason) == (
        "CONSTRAINT",
        "production_date: It lies before the harvest.",
    )
