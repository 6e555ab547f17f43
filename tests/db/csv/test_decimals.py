"""The decimal separator of a file: no quantity is read a thousand times too small or too large."""

import csv
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from exchange.csv.cells import KILOGRAMS, PERCENT, TEXT
from exchange.csv.columns.decimal_separator import decimal_separators, read_number, write_number
from exchange.csv.errors import AmbiguousNumbers
from exchange.csv.importers.declaration import Field
from exchange.csv.reading.source import CsvRecord, SheetCell
from exchange.csv.rejections import RowError
from tests.db.csv.conftest import Loader

QUANTITY = Field("quantity", KILOGRAMS)
HEADER = "supplier_name;supplier_location;lot_number;quantity;stage\n"


def mark_of(*values: str, delimiter: str = ";", decimal: str = "auto") -> str:
    records = [CsvRecord(line, [value]) for line, value in enumerate(values, 2)]
    return decimal_separators([(0, QUANTITY)], records, delimiter, decimal)[0]


def batches(load: Loader, *values: str, delimiter: str = ";", **options: Any) -> list[Decimal]:
    """Return the stored quantities of lots, in the order of the file."""
    load("suppliers", "name,location\nA,X\n")
    rows = "".join(
        f'A;X;L{number};"{value}";nibs\n'.replace(";", delimiter)
        for number, value in enumerate(values)
    )
    load("cacao-batches", HEADER.replace(";", delimiter) + rows, **options)
    return [row[0] for row in load.rows("select quantity from cacao_batches order by lot_number")]


@pytest.mark.parametrize("values", [("25.000", "12,5"), ("12,5", "25.000")])
def test_thousands_beside_a_decimal_comma_are_thousands(
    load: Loader, values: tuple[str, ...]
) -> None:
    assert sorted(batches(load, *values)) == [Decimal("12.5"), Decimal(25_000)]


@pytest.mark.parametrize(
    ("values", "stored"),
    [
        (("25,000", "12.5"), ["25000", "12.5"]),
        (("1.234.567,5", "1.000"), ["1234567.5", "1000"]),
        (("1,234,567", "1.5"), ["1234567", "1.5"]),
        (("1'234.5", "2,000"), ["1234.5", "2000"]),
        (("1 234,5", "2.000"), ["1234.5", "2000"]),
        (("1\u00a0234,5", "2\u202f000"), ["1234.5", "2000"]),
        (("0.500", "25.000"), ["0.5", "25"]),
        (("1234.500", "25.000"), ["1234.5", "25"]),
        (("25", "1000"), ["25", "1000"]),
        (("1,5E3", "2"), ["1500", "2"]),
    ],
)
def test_column_tells_its_separator(
    load: Loader, values: tuple[str, ...], stored: list[str]
) -> None:
    assert batches(load, *values) == list(map(Decimal, stored))


@pytest.mark.parametrize("delimiter", [";", "\t"])
@pytest.mark.parametrize("value", ["25.000", "25,000", "-1.234", "123,456"])
def test_file_that_cannot_tell_is_refused_and_names_the_option(
    load: Loader, delimiter: str, value: str
) -> None:
    with pytest.raises(AmbiguousNumbers, match=r"quantity is .* on line 2, .*--decimal comma"):
        batches(load, value, "7", delimiter=delimiter)
    assert load.count("cacao_batches") == 0


def test_refusal_shows_both_readings() -> None:
    with pytest.raises(AmbiguousNumbers) as caught:
        mark_of("7", "25.000")
    assert str(caught.value) == (
        "quantity is '25.000' on line 3, and no other line shows the decimal separator:"
        " give --decimal comma (25000) or --decimal point (25.000)"
    )


def test_column_of_both_ways_is_refused(load: Loader) -> None:
    with pytest.raises(AmbiguousNumbers, match=r"'12,5' on line 2 and '12\.5' on line 3: give"):
        batches(load, "12,5", "12.5")
    assert load.count("cacao_batches") == 0


@pytest.mark.parametrize(
    ("decimal", "stored"), [("comma", [25_000, 1_500]), ("point", [25, Decimal("1.5")])]
)
def test_option_decides(load: Loader, decimal: str, stored: list[Decimal]) -> None:
    assert batches(load, "25.000", "1.500", decimal=decimal) == stored


def test_number_of_the_other_way_is_a_reject(load: Loader) -> None:
    load("suppliers", "name,location\nA,X\n")
    report = load("cacao-batches", HEADER + "A;X;L1;12.5;nibs\nA;X;L2;12,5;nibs\n", decimal="comma")
    assert (report.inserted, report.rejected) == (1, 1)
    (rejection,) = report.first_rejections
    assert (rejection.line, rejection.code) == (2, "BAD_NUMBER")
    assert rejection.reason == ("quantity: '12.5' is not a number with a decimal comma as 1234,5")


def test_delimiter_that_is_a_comma_tells_of_decimal_points(load: Loader) -> None:
    assert batches(load, "25.000", delimiter=",") == [Decimal(25)]


def test_comma_in_a_file_of_commas_tells_too(load: Loader) -> None:
    assert batches(load, "25.000", "12,5", delimiter=",") == [Decimal(25_000), Decimal("12.5")]


def test_comma_alone_in_a_file_of_commas_is_refused(load: Loader) -> None:
    with pytest.raises(AmbiguousNumbers):
        batches(load, "25,000", delimiter=",")


def test_percentages_have_no_thousands(load: Loader) -> None:
    load("products", "name;cocoa_percent\nA;70,000\nB;55,5%\nC;60 %\n")
    assert load.rows("select name, cocoa_percent from products order by name") == [
        ("A", Decimal("70.0")),
        ("B", Decimal("55.5")),
        ("C", Decimal("60.0")),
    ]
    assert decimal_separators(
        [(0, Field("p", PERCENT))], [CsvRecord(2, ["70.000"])], ";", "auto"
    ) == {0: "."}


def test_uses_tell_their_separator_too(load: Loader) -> None:
    load("suppliers", "name,location\nA,X\n")
    load("cacao-batches", "supplier_id,lot_number,quantity,stage\n1,L1,50000,nibs\n")
    load("products", "name\nP\nQ\n")
    load("uses", "cacao_batch_id;product_id;quantity_kg\n1;1;25.000\n1;2;12,5\n")
    assert load.rows("select product_id, quantity_kg from product_cacao_batch order by 1") == [
        (1, Decimal(25_000)),
        (2, Decimal("12.5")),
    ]


def test_columns_of_texts_are_not_numbers() -> None:
    assert (
        decimal_separators([(0, Field("lot", TEXT))], [CsvRecord(2, ["25.000"])], ";", "auto") == {}
    )


@pytest.mark.parametrize(
    "cell", ["1.23.456", "1.2345.678", "12.34.567,8", "01.11.2025", "x", "", "1..5", "1'23"]
)
def test_what_is_no_number_is_left_to_the_cell(cell: str) -> None:
    assert read_number(cell, ",") == cell
    assert mark_of(cell) == "."


def test_number_is_read_one_way_only() -> None:
    assert read_number("-1.234,50", ",") == "-1234.50"
    assert read_number("70,5 %", ",") == "70.5 %"
    with pytest.raises(RowError, match="BAD_NUMBER"):
        read_number("1,234.50", ",")
    assert read_number("1.234,50", ".") == "1.234,50"


@pytest.mark.parametrize("mark", [".", ","])
@pytest.mark.parametrize("cell", ["25.000", "25,000", "1.500", "12,5", "12.50", "7", "x", "0.250"])
def test_written_number_can_be_read_in_one_way_only(cell: str, mark: str) -> None:
    written = write_number(cell, QUANTITY, mark)
    assert mark_of(written) in (".", mark) or written == cell
    if cell in ("25.000", "25,000", "1.500"):
        assert Decimal(read_number(written, mark)) == Decimal(read_number(cell, mark))
        assert mark_of(written, "7") == (mark if mark in written else ".")


def test_number_of_a_sheet_is_written_as_it_is() -> None:
    assert write_number(SheetCell("25.125"), QUANTITY, ".") == "25.1250"
    assert write_number(SheetCell("25.125"), QUANTITY, ",") == "25,1250"
    assert write_number(SheetCell("25.5"), QUANTITY, ".") == "25.5"


@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
def test_reject_file_is_never_read_another_way(load: Loader, delimiter: str) -> None:
    """It lacks the lines from which the separator was detected."""
    reject = load.folder / "rejects.csv"
    assert batches(load, "12,5", delimiter=delimiter) == [Decimal("12.5")]
    content = (
        HEADER + 'A;X;L1;"12,5";nibs\nA;X;L2;"25.000";nowhere\nA;X;L3;"1,250";nowhere\n'
    ).replace(";", delimiter)
    report = load("cacao-batches", content, reject=reject)
    assert (report.inserted, report.rejected) == (1, 2)
    mended = reject.read_text(encoding="utf-8").replace("nowhere", "nibs")
    reject.write_text(mended, encoding="utf-8")
    assert load("cacao-batches", reject).rejected == 0
    assert load.rows(
        "select lot_number, quantity from cacao_batches where lot_number in ('L2', 'L3') order by 1"
    ) == [("L2", Decimal(25_000)), ("L3", Decimal("1.25"))]


def test_numbers_of_a_reject_file_are_guarded_and_come_back(load: Loader, tmp_path: Path) -> None:
    reject = tmp_path / "rejects.csv"
    load("suppliers", "name,location\nA,X\n")
    content = HEADER + "A;X;007;12,5;nowhere\n"
    load("cacao-batches", content, reject=reject)
    with reject.open(encoding="utf-8", newline="") as stream:
        (_, row) = csv.reader(stream, delimiter=";")
    assert row[3:] == ["A", "X", "'007", "'12,5", "nowhere"]
