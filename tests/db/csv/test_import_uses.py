from typing import Any

import pytest

from exchange.csv.report.import_report import ImportReport
from tests.db.csv.conftest import Loader

BY_ID = "cacao_batch_id,product_id,output_batch_id,quantity_kg\n"


@pytest.fixture
def lots(load: Loader) -> Loader:
    """Batches 1 to 3 of 100 kg, products 1 to 5."""
    load("suppliers", "external_id,name,location\na,A,X\nb,B,X\n")
    load(
        "cacao-batches",
        "supplier_id,lot_number,quantity,stage\n1,L1,100,nibs\n1,L2,100,liquor\n2,L2,100,liquor\n",
    )
    load("products", "gtin,batch_number,name\n4006381333931,1,P\n4006381333931,,Q\n,,R\n,,S\n,,T\n")
    return load


def edges(load: Loader) -> list[tuple[Any, ...]]:
    return load.rows(
        "select cacao_batch_id, product_id, quantity_kg from product_cacao_batch order by 1, 2"
    )


def rejected(report: ImportReport) -> list[tuple[int, str]]:
    return [(each.line, each.code) for each in report.first_rejections]


def test_use_goes_into_a_product_or_into_a_batch(lots: Loader) -> None:
    content = (
        "lot_number,supplier_external_id,gtin,product_batch_number,output_lot_number,"
        "output_supplier_external_id,quantity_kg\n"
        "L1,,4006381333931,1,,,5\nL1,a,4006381333931,,,,6\nL1,,,,L2,b,7\nL2,b,4006381333931,1,,,\n"
    )
    report = lots("uses", content)
    assert (report.inserted, report.rejected) == (4, 0)
    assert lots("uses", content).changes == 0
    assert edges(lots) == [(1, 1, 5), (1, 2, 6), (3, 1, None)]
    assert lots.rows(
        "select output_batch_id, input_batch_id, quantity_kg from cacao_batch_input"
    ) == [(3, 1, 7)]


@pytest.mark.parametrize(
    ("content", "code", "reason"),
    [
        (BY_ID + "9,1,,5\n", "UNKNOWN", "no cacao batch has the id 9"),
        (BY_ID + "1,9,,5\n", "UNKNOWN", "no product has the id 9"),
        (BY_ID + "1,,9,5\n", "UNKNOWN", "no output batch has the id 9"),
        (BY_ID + "1,,1,5\n", "SELF_USE", "cacao batch 1 cannot go into itself"),
        (BY_ID + "1,,2,\n", "MISSING", "quantity_kg is empty: a use in another batch needs it"),
        (BY_ID + "1,1,2,5\n", "CONFLICT", "product and output_batch are both given"),
        (BY_ID + "1,,,5\n", "MISSING", "product_id or gtin or output_batch_id"),
        (BY_ID + "1,1,,100.001\n", "OVERDRAWN", "100.001 kg exceed the quantity of cacao batch 1"),
        (
            "lot_number,product_id\nL2,1\n",
            "AMBIGUOUS",
            "several cacao batch rows have lot_number L2",
        ),
        (
            "lot_number,supplier_id,product_id\nL1,2,1\n",
            "UNKNOWN",
            "no cacao batch has lot_number L1, supplier_id 2",
        ),
        (
            "cacao_batch_id,gtin,product_batch_number\n1,4006381333931,2\n",
            "UNKNOWN",
            "no product has gtin 04006381333931, product_batch_number 2",
        ),
    ],
)
def test_use_that_cannot_be_is_rejected(lots: Loader, content: str, code: str, reason: str) -> None:
    report = lots("uses", content)
    assert rejected(report) == [(2, code)]
    assert reason in report.first_rejections[0].reason
    assert edges(lots) == []


def test_row_that_does_not_fit_is_rejected_and_a_later_smaller_one_is_not(lots: Loader) -> None:
    content = BY_ID + "1,1,,60\n1,2,,50\n2,1,,100\n1,,2,30\n1,3,,11\n1,4,,10\n"
    report = lots("uses", content)
    assert (report.inserted, rejected(report)) == (4, [(3, "OVERDRAWN"), (6, "OVERDRAWN")])
    assert (
        report.first_rejections[0].reason
        == "cacao batch 1 has 40.000 kg left, this row needs 50.000 kg more"
    )
    assert edges(lots) == [(1, 1, 60), (1, 4, 10), (2, 1, 100)]
    second = lots("uses", content)
    assert (second.changes, rejected(second)) == (0, rejected(report))


def test_what_was_used_before_counts(lots: Loader) -> None:
    lots("uses", BY_ID + "1,1,,60\n1,,2,20\n")
    report = lots("uses", BY_ID + "1,2,,21\n1,3,,20\n")
    assert (report.inserted, rejected(report)) == (1, [(2, "OVERDRAWN")])


def test_changed_quantity_takes_or_gives_the_difference(lots: Loader) -> None:
    lots("uses", BY_ID + "1,1,,60\n1,2,,40\n")
    content = BY_ID + "1,1,,90\n1,2,,10\n"
    report = lots("uses", content)
    assert (report.updated, report.rejected) == (2, 0)
    assert edges(lots) == [(1, 1, 90), (1, 2, 10)]
    assert lots("uses", content).changes == 0
    grown = lots("uses", BY_ID + "1,1,,91\n")
    assert (grown.updated, rejected(grown)) == (0, [(2, "OVERDRAWN")])


def test_kg_given_back_by_a_product_can_go_into_a_batch(lots: Loader) -> None:
    lots("uses", BY_ID + "1,,2,40\n1,1,,60\n")
    report = lots("uses", BY_ID + "1,,2,90\n1,1,,10\n")
    assert (report.updated, report.rejected) == (2, 0)


def test_rejected_later_row_uncovers_the_earlier_one_of_its_pair(lots: Loader) -> None:
    content = BY_ID + "1,1,,60\n1,2,,30\n1,1,,80\n"
    report = lots("uses", content)
    assert (report.inserted, rejected(report)) == (2, [(4, "OVERDRAWN")])
    assert edges(lots) == [(1, 1, 60), (1, 2, 30)]
    assert lots("uses", content).changes == 0


def test_last_row_of_a_pair_wins(lots: Loader) -> None:
    content = BY_ID + "1,1,,60\n1,1,,50\n"
    report = lots("uses", content)
    assert (report.inserted, report.superseded) == (1, 1)
    assert edges(lots) == [(1, 1, 50)]
    assert lots("uses", content).changes == 0


def test_file_without_quantities_leaves_them_alone(lots: Loader) -> None:
    lots("uses", BY_ID + "1,1,,60\n")
    report = lots("uses", "cacao_batch_id,product_id\n1,1\n1,2\n")
    assert (report.inserted, report.unchanged) == (1, 1)
    assert edges(lots) == [(1, 1, 60), (1, 2, None)]


def test_many_rows_that_overdraw_one_batch_leave_the_batch_full(lots: Loader) -> None:
    lots("products", "name\n" + "\n".join(f"Bar {i}" for i in range(3_000)))
    rows = "\n".join(f"1,{i + 6},,0.07" for i in range(3_000))
    report = lots("uses", BY_ID + rows)
    assert (report.inserted, report.rejected) == (1_428, 1_572)
    assert report.first_rejections[0].line == 1_430
