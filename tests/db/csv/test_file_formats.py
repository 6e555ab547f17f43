"""Files of spreadsheets: `sep=`, rows of delimiters alone, encodings, XLSX."""

import csv
import io
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook

from exchange.csv.errors import (
    BadOptions,
    EmptyFile,
    UnboundedRecord,
    UndecodableText,
    UnreadableFile,
)
from exchange.csv.reading import workbook
from exchange.csv.reading.csv_file import CSVFile
from exchange.csv.reading.open_source import SourceOptions, open_source
from exchange.csv.reading.source import SheetCell
from tests.db.csv.conftest import Loader

Save = Callable[..., Path]


def read(path: Path, **options: Any) -> list[tuple[int, list[str]]]:
    with open_source(path, SourceOptions(**options)) as source:
        return [(record.line, [str(c) for c in record.cells]) for record in source.records()]


@pytest.fixture
def save(tmp_path: Path) -> Save:
    """Provide a function that writes rows as an XLSX file; a number format for each cell of `formats`."""

    def write(*rows: list[Any], formats: dict[str, str] | None = None, **sheets: Any) -> Path:
        book = Workbook()
        sheet = book.active
        assert sheet is not None
        for row in rows:
            sheet.append(row)
        for address, form in (formats or {}).items():
            sheet[address].number_format = form
        for title, state in sheets.items():
            book.create_sheet(title).sheet_state = state
        path = tmp_path / "file.xlsx"
        book.save(path)
        return path

    return write


# ---------------------------------------------------------------- CSV


@pytest.mark.parametrize(
    "first", ["sep=;", "SEP=;", '"sep=;"', "\ufeffsep=;", "sep=,", "sep=\t", "sep=\\t", "sep=|"]
)
def test_first_line_may_tell_the_delimiter(load: Loader, first: str) -> None:
    delimiter = first.strip('"')[-1].replace("t", "\t")
    content = f"{first}\r\nname;location\r\nA;X, Y\r\nB\r\n".replace(";", delimiter, -1)
    content = first + "\r\n" + f'name{delimiter}location\r\nA{delimiter}"X, Y"\r\nB\r\n'
    report = load("manufacturers", content)
    assert report.inserted == 1
    assert load.rows("select name, location from manufacturers") == [("A", "X, Y")]
    (rejection,) = report.first_rejections
    assert (rejection.line, rejection.code) == (4, "CELL_COUNT")


def test_option_goes_before_the_first_line(load: Loader) -> None:
    assert load("manufacturers", "sep=;\nname|location\nA;|X\n", delimiter="|").inserted == 1
    assert load.rows("select name from manufacturers") == [("A;",)]


def test_sep_below_the_first_line_is_data(load: Loader) -> None:
    report = load("manufacturers", "name\nsep=;\n", constants={"location": "X"})
    assert report.inserted == 1
    assert load.rows("select name from manufacturers") == [("sep=;",)]


def test_reject_file_of_such_a_file_names_its_lines(load: Loader) -> None:
    reject = load.folder / "rejects.csv"
    load("manufacturers", "sep=;\nname;location\n;X\n", reject=reject)
    with reject.open(newline="") as stream:
        rows = [*csv.reader(stream, delimiter=";")]
    assert rows[1] == ["3", "MISSING", "name is empty", "", "X"]


@pytest.mark.parametrize("row", [";;", ";", ";;;;;", " ; ;\t", '"";"";""', ";\u00a0;"])
def test_rows_of_delimiters_alone_are_no_rows(load: Loader, row: str) -> None:
    content = f"{row}\nname;location;note\n{row}\nA;X;\n{row}\n;Y;\n{row}\n"
    report = load("manufacturers", content, delimiter=";")
    assert (report.read, report.inserted, report.rejected) == (2, 1, 1)
    assert [each.line for each in report.first_rejections] == [6]


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp1252", "Épicerie €"),
        ("iso-8859-15", "Épicerie €"),
        ("cp1250", "Čokoláda"),
        ("cp1251", "Шоколад"),
        ("mac-roman", "Épicerie"),
        ("shift_jis", "チョコレート"),
        ("utf-16-le", "Čokoláda"),
        ("utf-32", "Čokoláda"),
    ],
)
def test_encoding_is_named(load: Loader, encoding: str, text: str) -> None:
    content = f"name;location\r\n{text};X\r\n".encode(encoding)
    assert load("manufacturers", content, encoding=encoding).inserted == 1
    assert load.rows("select name from manufacturers") == [(text,)]


def test_reject_file_of_another_encoding_is_utf_8(load: Loader) -> None:
    reject = load.folder / "rejects.csv"
    content = "name;location;country\né;X;XX\n".encode("cp1252")
    load("manufacturers", content, encoding="cp1252", reject=reject)
    assert "é;X;XX" in reject.read_text(encoding="utf-8")


def test_invalid_byte_is_named_with_the_option(load: Loader) -> None:
    content = "name;location\nA;X\né;X\n".encode("cp1252")
    with pytest.raises(UndecodableText) as caught:
        load("manufacturers", content)
    path = load.folder / "file.csv"
    assert str(caught.value) == (
        f"byte 19, on line 3 of {path}, is not utf-8 (0xe9: invalid continuation byte); name another"
        " encoding with --encoding, such as cp1252, which Excel writes"
    )
    assert load.count("manufacturers") == 0


def test_byte_that_the_named_encoding_has_not_is_named(load: Loader) -> None:
    with pytest.raises(UndecodableText, match=r"byte 16, on line 2 of .* is not cp1252 \(0x81"):
        load("manufacturers", b"name,location\n\xe9\x81,X\n", encoding="cp1252")


@pytest.mark.parametrize(
    "encoding", ["cp9999", "rot13", "base64", "idna", "unicode_escape", "utf-7", "zip", "cp1252\0", ""]
)  # fmt: skip
def test_what_is_no_encoding_of_files_is_refused(load: Loader, encoding: str) -> None:
    with pytest.raises(BadOptions, match="is not an encoding of text"):
        load("manufacturers", "name,location\nA,X\n", encoding=encoding)


@pytest.mark.parametrize(
    ("mark", "encoding"), [("utf-8-sig", "cp1252"), ("utf-16", "utf-8"), ("utf-32", "utf-16")]
)
def test_encoding_against_the_byte_order_mark_is_refused(
    load: Loader, mark: str, encoding: str
) -> None:
    with pytest.raises(BadOptions, match="begins with the byte order mark of UTF-"):
        load("manufacturers", "name,location\nA,X\n".encode(mark), encoding=encoding)


@pytest.mark.parametrize(("mark", "encoding"), [("utf-8-sig", "utf8"), ("utf-16", "UTF-16")])
def test_encoding_as_the_byte_order_mark_says(load: Loader, mark: str, encoding: str) -> None:
    content = "name,location\nA,X\n".encode(mark)
    assert load("manufacturers", content, encoding=encoding).inserted == 1


# ---------------------------------------------------------------- XLSX


def test_sheet_is_imported(load: Loader, save: Save) -> None:
    load("suppliers", "name,location\nA,X\n")
    header = ["supplier_name", "supplier_location", "lot_number", "quantity", "harvest_date"]
    path = save(
        [None] * 5,
        [*header, None],
        ["A", "X", 7, 25.125, date(2026, 11, 1)],
        [None, " ", None],
        ["A", "X", "L2", 25000, datetime.fromisoformat("2026-11-02")],
        ["A", "X", "L3", 16.1, "2026-11-03"],
        formats={"C3": "000"},
    )
    report = load("cacao-batches", path)
    assert (report.read, report.inserted) == (3, 3)
    query = "select lot_number, quantity, harvest_date from cacao_batches order by 1"
    assert load.rows(query) == [
        ("007", Decimal("25.125"), date(2026, 11, 1)),
        ("L2", Decimal(25_000), date(2026, 11, 2)),
        ("L3", Decimal("16.1"), date(2026, 11, 3)),
    ]
    assert load("cacao-batches", path).unchanged == 3


@pytest.mark.parametrize(
    ("value", "form", "text"),
    [
        (7, "General", "7"),
        (7.0, "0.00", "7"),
        (0.1, "General", "0.1"),
        (16.100000000000001, "0", "16.1"),
        (1e-7, "General", "0.0000001"),
        (4006381333931, "0", "4006381333931"),
        (12, "00000000000000", "00000000000012"),
        (-3, "000", "-3"),
        (0.7, "0%", "70%"),
        (0.555, "0.0%", "55.5%"),
        (True, "General", "TRUE"),
        (date(2026, 3, 1), "dd/mm/yyyy", "2026-03-01"),
        (datetime.fromisoformat("2026-03-01T10:30"), "dd/mm/yyyy", "2026-03-01T10:30:00"),
        ("1,5", "General", "1,5"),
        ("007", "General", "007"),
        (" x ", "General", " x "),
    ],
)
def test_cell_is_read_exactly(save: Save, value: object, form: str, text: str) -> None:
    path = save(["a", "b"], [value, "x"], formats={"A2": form})
    assert read(path) == [(2, [text, "x"])]


@pytest.mark.parametrize(
    ("value", "code", "reason"),
    [
        ("=1+1", "FORMULA", "name: A2 is a formula: write its value"),
        ("=B2", "FORMULA", "name: A2 is a formula: write its value"),
        ("#N/A", "BAD_CELL", "name: A2 is the error #N/A"),
        (
            10**15,
            "BAD_NUMBER",
            "name: A2 is a number that a spreadsheet rounds: store it as text",
        ),
    ],
)
def test_cell_without_a_value_is_a_reject_with_its_address(
    load: Loader, save: Save, value: object, code: str, reason: str
) -> None:
    reject = load.folder / "rejects.csv"
    path = save(["name", "location"], [value, "X"], ["B", "X"])
    report = load("manufacturers", path, reject=reject)
    assert (report.inserted, report.rejected) == (1, 1)
    (rejection,) = report.first_rejections
    assert (rejection.line, rejection.code, rejection.reason) == (2, code, reason)
    assert load.rows("select name from manufacturers") == [("B",)]
    with reject.open(encoding="utf-8", newline="") as stream:
        assert [row[:2] for row in csv.reader(stream)][1:] == [["2", code]]


def test_formula_of_a_reject_file_stays_refused(load: Loader, save: Save) -> None:
    reject = load.folder / "rejects.csv"
    load("manufacturers", save(["name", "location"], ["=1+1", "X"]), reject=reject)
    report = load("manufacturers", reject)
    assert report.rejected_by_code == {"FORMULA": 1}
    assert load.count("manufacturers") == 0


def test_formula_in_a_column_that_is_not_used_is_no_reject(load: Loader, save: Save) -> None:
    path = save(["name", "location", "sum"], ["A", "X", "=1+1"])
    assert load("manufacturers", path).inserted == 1


def test_texts_of_a_sheet_need_a_decimal_separator(load: Loader, save: Save) -> None:
    load("suppliers", "name,location\nA,X\n")
    header = ["supplier_id", "lot_number", "quantity", "stage"]
    path = save(
        header, [1, "L1", "25.000", "nibs"], [1, "L2", "12,5", "nibs"], [1, "L3", 1.125, "nibs"]
    )
    reject = load.folder / "rejects.csv"
    assert load("cacao-batches", path, reject=reject).inserted == 3
    assert load.rows("select quantity from cacao_batches order by lot_number") == [
        (Decimal(25_000),),
        (Decimal("12.5"),),
        (Decimal("1.125"),),
    ]


def test_row_beyond_the_header_is_a_reject(load: Loader, save: Save) -> None:
    report = load("manufacturers", save(["name", "location"], ["A", "X", None, "more"]))
    assert report.rejected_by_code == {"CELL_COUNT": 1}


def test_sheet_is_chosen(load: Loader, save: Save) -> None:
    path = save(["name", "location"], ["A", "X"], Notes="visible", Old="hidden")
    with pytest.raises(BadOptions, match="has 2 sheets: give --sheet one of Sheet, Notes, Old"):
        load("manufacturers", path)
    with pytest.raises(BadOptions, match="has no sheet 'x': give --sheet"):
        load("manufacturers", path, sheet="x")
    with pytest.raises(EmptyFile, match="the sheet Old of"):
        load("manufacturers", path, sheet="Old")
    assert load("manufacturers", path, sheet="Sheet").inserted == 1


def test_hidden_sheets_need_no_choice(load: Loader, save: Save) -> None:
    path = save(["name", "location"], ["A", "X"], Old="hidden", Older="veryHidden")
    assert load("manufacturers", path).inserted == 1


def test_options_of_the_other_format_are_refused(load: Loader, save: Save) -> None:
    path = save(["name", "location"], ["A", "X"])
    each: list[dict[str, Any]] = [{"delimiter": ";"}, {"encoding": "cp1252"}]
    for options in each:
        with pytest.raises(BadOptions, match="are for CSV"):
            load("manufacturers", path, **options)
    with pytest.raises(BadOptions, match="is for XLSX"):
        load("manufacturers", "name,location\nA,X\n", sheet="Sheet")


def repacked(path: Path, **parts: bytes) -> Path:
    """Return the file with other contents of these parts, by the part's name without folder and ending."""
    content = io.BytesIO()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, parts.pop(Path(name).stem, b"") or old.read(name))
        for name, part in parts.items():
            new.writestr(f"{name}.xml", part)
    path.write_bytes(content.getvalue())
    return path


@pytest.mark.parametrize("part", ["sheet1", "sharedStrings", "theme1", "extra"])
def test_what_unpacks_to_too_much_is_refused_unread(
    save: Save, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    path = repacked(save(["a"], ["x"]), **{part: b" " * 3_000_000})
    assert path.stat().st_size < 100_000
    monkeypatch.setattr(workbook, "MAX_UNPACKED", 2_000_000)
    with pytest.raises(UnboundedRecord, match="unpacks to more than 2,000,000 bytes"):
        read(path)
    monkeypatch.undo()
    monkeypatch.setattr(workbook, "MAX_PART", 2_000_000)
    with pytest.raises((UnboundedRecord, UnreadableFile, EmptyFile)):
        read(path)


SHEET = (
    '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">{}</worksheet>'
)


def test_rows_and_columns_are_bounded(save: Save, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "MAX_ROWS", 10)
    monkeypatch.setattr(workbook, "MAX_COLUMNS", 10)
    assert len(read(save(["a"] * 10, *[["x"]] * 9))) == 9
    with pytest.raises(UnboundedRecord, match="more than 10 rows"):
        read(save(["a"], *[["x"]] * 10))
    with pytest.raises(UnboundedRecord, match=r"row 2 of .* has more than 10 columns"):
        read(save(["a"], ["x"] * 11))


def test_row_of_a_great_number_is_not_waited_for(save: Save) -> None:
    rows = '<row r="1"><c r="A1"><v>1</v></c></row><row r="999999999999"><c><v>1</v></c></row>'
    path = repacked(save(["a"]), sheet1=SHEET.format(f"<sheetData>{rows}</sheetData>").encode())
    with pytest.raises(UnboundedRecord, match="more than 1,048,576 rows"):
        read(path)


def test_dimension_that_lies_costs_nothing(save: Save) -> None:
    data = '<dimension ref="A1:XFD1048576"/><sheetData><row r="1"><c r="A1"><v>1</v></c></row>'
    path = repacked(save(["a"]), sheet1=SHEET.format(f"{data}</sheetData>").encode())
    assert read(path) == []


def test_entities_are_refused(save: Save) -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>'
    sheet = bomb + SHEET.format("<sheetData><row><c t='str'><v>&b;</v></c></row></sheetData>")
    with pytest.raises(UnreadableFile, match="cannot be read as XLSX: EntitiesForbidden"):
        read(repacked(save(["a"]), sheet1=sheet.encode()))


@pytest.mark.parametrize("part", ["sheet1", "workbook", "styles", "[Content_Types]"])
def test_corrupt_parts_are_one_line(save: Save, part: str) -> None:
    path = repacked(save(["a"], ["x"]), **{part: b"<worksheet"})
    with pytest.raises(UnreadableFile, match="cannot be read as XLSX"):
        read(path)


def test_other_files_are_named(tmp_path: Path, save: Save) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1rest")
    with pytest.raises(UnreadableFile, match=r"is an \.xls file of Excel, or encrypted"):
        read(path)
    path.write_bytes(save(["a"]).read_bytes()[:500])
    with pytest.raises(UnreadableFile, match="cannot be read as XLSX: BadZipFile"):
        read(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
    with pytest.raises(UnreadableFile, match="is neither CSV nor XLSX"):
        read(path)


def test_format_is_detected_by_content(tmp_path: Path, save: Save) -> None:
    path = tmp_path / "named.csv"
    path.write_bytes(save(["a"], ["x"]).read_bytes())
    assert read(path) == [(2, ["x"])]
    path = tmp_path / "named.xlsx"
    path.write_text("a\nx\n")
    with CSVFile(path) as file:
        assert [record.cells for record in file.records()] == [["x"]]
    assert not any(isinstance(cell, SheetCell) for _, cells in read(path) for cell in cells)
