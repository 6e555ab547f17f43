import codecs
import csv
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exchange.csv.errors import (
    BadOptions,
    EmptyFile,
    UnboundedRecord,
    UndecodableText,
    UnreadableFile,
)
from exchange.csv.reading.csv_file import LINE_LIMIT, CSVFile
from exchange.csv.reading.delimiter import SAMPLE_BYTES, parse_delimiter
from exchange.csv.reading.source import CsvRecord


def read(path: Path, content: str | bytes, delimiter: str | None = None) -> list[CsvRecord]:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with CSVFile(path, delimiter) as file:
        return list(file.records())


def lines_and_cells(records: list[CsvRecord]) -> list[tuple[int, list[str]]]:
    assert [record.problem for record in records if record.problem] == []
    return [(record.line, record.cells) for record in records]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "file.csv"


CELL = st.text(
    st.one_of(
        st.sampled_from("\",;\t\n\r '\\"),
        st.characters(exclude_categories=["Cs"], exclude_characters="\0"),
    ),
    max_size=12,
)
ROWS = st.lists(st.tuples(CELL, CELL, CELL), max_size=8)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=ROWS,
    delimiter=st.sampled_from(",;\t"),
    end=st.sampled_from(["\n", "\r\n"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_any_cells_come_back_with_the_line_they_start_on(
    path: Path, rows: list[tuple[str, ...]], delimiter: str, end: str, encoding: str
) -> None:
    expected, line = [], 2
    with path.open("w", encoding=encoding, newline="") as stream:
        writer = csv.writer(stream, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL)
        writer.writerow(["a", "b", "c"])
        for row in rows:
            writer.writerow(row)
            if any(map(str.strip, row)):
                expected.append((line, list(row)))
            line += 1 + sum(len(re.findall("\r\n|\r|\n", cell)) for cell in row)
    with CSVFile(path, delimiter) as file:
        assert file.header == ("a", "b", "c")
        assert lines_and_cells(list(file.records())) == expected


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_delimiter_is_detected_among_other_delimiters_in_text(path: Path, delimiter: str) -> None:
    row = ["x, y, z", "1;2;3", "a\tb"]
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream, delimiter=delimiter)
        writer.writerows([["first, name", "b;c", "d"], row, row])
    with CSVFile(path) as file:
        assert file.delimiter == delimiter
        assert [record.cells for record in file.records()] == [row, row]


def test_one_column_needs_no_delimiter(path: Path) -> None:
    assert lines_and_cells(read(path, "name\nx\n")) == [(2, ["x"])]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_blank_lines_are_skipped_and_counted(path: Path, end: str) -> None:
    content = end.join(["", "a,b", "", "1,2", "", "3,4", ""])
    assert lines_and_cells(read(path, content)) == [(4, ["1", "2"]), (6, ["3", "4"])]


@pytest.mark.parametrize("bom", [codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE])
def test_utf_16_is_read_by_its_byte_order_mark(path: Path, bom: bytes) -> None:
    encoding = "utf-16-le" if bom == codecs.BOM_UTF16_LE else "utf-16-be"
    content = bom + "a;b\r\né;😀\r\n".encode(encoding)
    assert lines_and_cells(read(path, content)) == [(2, ["é", "😀"])]


def test_byte_order_mark_is_no_part_of_the_header(path: Path) -> None:
    path.write_bytes(codecs.BOM_UTF8 + b"a,b\n")
    with CSVFile(path) as file:
        assert file.header == ("a", "b")


def test_row_with_nul_is_a_problem_that_names_the_cell(path: Path) -> None:
    records = read(path, "a,b\n1,x\0y\n3,4\n")
    assert [(r.line, r.problem and r.problem.reason) for r in records] == [
        (2, "the character NUL in cell 2"),
        (3, None),
    ]


@pytest.mark.parametrize(("row", "count"), [("1", 1), ("1,2,3", 3)])
def test_row_with_another_number_of_cells_is_a_problem(path: Path, row: str, count: int) -> None:
    (record, good) = read(path, f"a,b\n{row}\n3,4\n")
    assert record.problem is not None
    assert record.problem.code == "CELL_COUNT"
    assert record.problem.reason == f"{count} cells where the header has 2"
    assert good == CsvRecord(3, ["3", "4"])


def test_broken_quotes_are_a_problem_of_their_lines_only(path: Path) -> None:
    records = read(path, 'a,b\n"x"y,2\n3,4\n')
    assert [(r.line, r.cells) for r in records] == [(2, ['"x"y,2\n']), (3, ["3", "4"])]
    assert records[0].problem is not None
    assert records[0].problem.code == "MALFORMED_QUOTES"


def test_quote_that_is_never_closed_names_all_its_lines(path: Path) -> None:
    (good, bad) = read(path, 'a,b\n1,2\n"x,2\n3,4\n')
    assert good == CsvRecord(2, ["1", "2"])
    assert bad.line == 3
    assert bad.problem is not None
    assert bad.problem.reason == "lines 3 to 4: unexpected end of data"


def test_overly_long_cell_is_a_problem_of_its_row(path: Path) -> None:
    (bad, good) = read(path, f"a,b\n{'x' * 200_000},2\n3,4\n")
    assert bad.problem is not None
    assert bad.problem.code == "TOO_LONG"
    assert good == CsvRecord(3, ["3", "4"])


def test_overly_long_cell_behind_an_open_quote_ends_the_file(path: Path) -> None:
    with pytest.raises(UnboundedRecord, match=r"starts on line 3 .* closing quote missing"):
        read(path, 'a,b\n1,2\n"x,2\n' + "3,4\n" * 50_000)


def test_endless_line_is_not_read_into_memory(path: Path) -> None:
    with pytest.raises(UnboundedRecord, match="line 2 has more than"):
        read(path, b"a,b\n" + b"1," * (LINE_LIMIT // 2) + b"1\n")


@pytest.mark.parametrize(
    ("encoding", "bad"), [("utf-8", b"\xff"), ("utf-8-sig", b"\xe9,"), ("utf-8", b"\xe2\x82")]
)
def test_invalid_utf_8_names_line_and_byte(path: Path, encoding: str, bad: bytes) -> None:
    good = "a,b\r\né,2\r\n".encode(encoding) * 30_000
    with pytest.raises(UndecodableText, match=f"byte {len(good) + 1}, on line 60001 of"):
        read(path, good + bad)


def test_line_end_that_two_blocks_share_is_one(path: Path) -> None:
    good = b"a,b\r\n" + b"x" * (SAMPLE_BYTES - 6) + b"\r\n"
    assert good[SAMPLE_BYTES - 1 : SAMPLE_BYTES + 1] == b"\r\n"
    with pytest.raises(UndecodableText, match="on line 3 of"):
        read(path, good + b"\xff")


@pytest.mark.parametrize("order", ["le", "be"])
def test_invalid_utf_16_names_line_and_byte(path: Path, order: str) -> None:
    bom = codecs.BOM_UTF16_LE if order == "le" else codecs.BOM_UTF16_BE
    lone = "\ud800".encode(f"utf-16-{order}", "surrogatepass")
    content = bom + "a,b\n1,".encode(f"utf-16-{order}")
    with pytest.raises(UndecodableText, match=f"byte {len(content) + 1}, on line 2 of"):
        read(path, content + lone + "\n".encode(f"utf-16-{order}"))


@pytest.mark.parametrize("content", [b"", b"\n\r\n", codecs.BOM_UTF8])
def test_empty_file_is_refused(path: Path, content: bytes) -> None:
    with pytest.raises(EmptyFile, match="is empty"):
        read(path, content)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a,b\n".encode("utf-32"), "is UTF-32"),
        ("a,b\n".encode("utf-16-le"), "without a byte order mark"),
        ("a,b\n".encode("utf-16-be"), "without a byte order mark"),
    ],
)
def test_other_encodings_are_named(path: Path, content: bytes, message: str) -> None:
    with pytest.raises(UndecodableText, match=message):
        read(path, content)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="is not a file"):
        CSVFile(tmp_path)
    with pytest.raises(UnreadableFile, match="is not a file"):
        CSVFile(tmp_path / "absent.csv")


def test_broken_header_is_refused(path: Path) -> None:
    with pytest.raises(UnreadableFile, match="cannot read the header on line 1"):
        read(path, 'a,"b"c\n1,2\n')


def test_position_ends_at_the_size(path: Path) -> None:
    path.write_text("a,b\n1,2\n")
    with CSVFile(path) as file:
        list(file.records())
        assert file.position() == file.size == 8


def test_delimiter_is_typed_as_a_word_or_a_character() -> None:
    assert [parse_delimiter(text) for text in ("\\t", "tab", "|")] == ["\t", "\t", "|"]
    for text in ("", '"', "ab", "\n"):
        with pytest.raises(BadOptions, match="not one character"):
            parse_delimiter(text)
