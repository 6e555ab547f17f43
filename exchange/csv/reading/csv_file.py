"""CSV: from the bytes of a file to records with their physical line numbers, one at a time.

UTF-8 with or without a byte order mark, UTF-16 with one, or an encoding that is named; line ends LF,
CRLF or CR; RFC 4180 quotes, strictly. A record that cannot be read is handed on with its problem; a
file that cannot, raises.
"""

import csv
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from types import TracebackType
from typing import Self

from exchange.csv.errors import EmptyFile, UnboundedRecord, UndecodableText, UnreadableFile
from exchange.csv.reading.text_encoding import (
    announced_delimiter,
    choose_encoding,
    detect_delimiter,
    locate_undecodable,
)
from exchange.csv.refusals import Code, Refusal
from exchange.csv.spreadsheet import unescape_cell

# A physical line beyond this many characters is no CSV, and must not be held in memory.
LINE_LIMIT = 16 * 1024 * 1024


# The first columns of a reject file, which this importer reads again.
REJECT_COLUMNS = ("import_line", "import_code", "import_reason")


class SheetCell(str):
    """A cell of a sheet that is no text: a number, or what no value can be read from.

    The text is a number with a decimal point; `problem` says why the cell has no value.
    """

    problem: Refusal | None = None

    @property
    def is_number(self) -> bool:
        return self.problem is None

    @classmethod
    def refused(cls, text: str, problem: Refusal) -> Self:
        cell = cls(text)
        cell.problem = problem
        return cell


@dataclass(frozen=True, slots=True)
class CsvRecord:
    """One record: the physical line it starts on (from 1), its cells, and why it is unreadable.

    Of a record whose quotes are broken, the only cell is its raw text.
    """

    line: int
    cells: list[str]
    problem: Refusal | None = None


class Source(ABC):
    """An open file of rows: its header, and its records, which can be read once."""

    path: Path
    size: int
    header: tuple[str, ...]
    # Of CSV, and of the reject file.
    delimiter: str
    is_reject: bool

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @abstractmethod
    def close(self) -> None:
        """Close the file."""

    @abstractmethod
    def position(self) -> int:
        """How many bytes of the file have been read."""

    @abstractmethod
    def records(self) -> Iterator[CsvRecord]:
        """The records below the header that are not empty."""


class CSVFile(Source):
    """An open CSV file: its header, its delimiter, and its records, which can be read once."""

    def __init__(
        self, path: Path, delimiter: str | None = None, encoding: str | None = None
    ) -> None:
        self.path = path
        try:
            if not path.is_file():
                raise UnreadableFile(f"{path} is not a file")
            self.size = path.stat().st_size
            self._bytes = path.open("rb")
        except OSError as error:
            raise UnreadableFile(f"cannot read {path}: {error.strerror}") from error
        try:
            self.encoding = choose_encoding(path, encoding)
            self.delimiter = delimiter or detect_delimiter(path, self.encoding)
            self._stream = TextIOWrapper(self._bytes, encoding=self.encoding, newline="")
            self._raw: list[str] = []
            self._reader = csv.reader(self._lines(), delimiter=self.delimiter, strict=True)
            header = self._read_header()
            self.is_reject = header[: len(REJECT_COLUMNS)] == REJECT_COLUMNS
            self.header = tuple(map(unescape_cell, header)) if self.is_reject else header
        except BaseException:
            self._bytes.close()
            raise

    def close(self) -> None:
        """Close the file."""
        self._stream.close()

    def position(self) -> int:
        """How many bytes of the file have been read."""
        return self._bytes.raw.tell()

    def records(self) -> Iterator[CsvRecord]:
        """The records below the header; lines that are blank, or delimiters alone, are skipped."""
        width = len(self.header)
        while (record := self._next()) is not None:
            if self.is_reject:
                record = _restored(record)
            if record.problem is None and len(record.cells) != width:
                words = f"{len(record.cells)} cells where the header has {width}"
                yield CsvRecord(record.line, record.cells, Refusal(Code.CELL_COUNT, words))
            else:
                yield record

    def _read_header(self) -> tuple[str, ...]:
        record = self._next()
        if record is None:
            raise EmptyFile(f"{self.path} is empty: not even a header line")
        if record.problem is not None:
            reason = record.problem.reason
            raise UnreadableFile(f"the header on line {record.line} is unreadable: {reason}")
        return tuple(record.cells)

    def _next(self) -> CsvRecord | None:
        while True:
            start = self._reader.line_num + 1
            self._raw.clear()
            try:
                cells = next(self._reader)
            except StopIteration:
                return None
            except csv.Error as error:
                return CsvRecord(start, ["".join(self._raw)], self._problem(start, error))
            if any(cells) and any(map(str.strip, cells)):
                break
        if any("\0" in line for line in self._raw):
            return CsvRecord(start, cells, Refusal(Code.NUL_CHARACTER, _name_nul(cells)))
        return CsvRecord(start, cells)

    def _problem(self, start: int, error: csv.Error) -> Refusal:
        end = self._reader.line_num
        where = f"line {start}" if start == end else f"lines {start} to {end}"
        if not str(error).startswith("field larger"):
            return Refusal(Code.MALFORMED_QUOTES, f"{where}: {error}")
        limit = csv.field_size_limit()
        if sum(line.count('"') for line in self._raw) % 2:
            raise UnboundedRecord(
                f"the record that starts on line {start} has a cell of more than {limit} "
                f"characters up to line {end}: is a closing quote missing?"
            )
        return Refusal(Code.TOO_LONG, f"{where}: a cell has more than {limit} characters")

    def _lines(self) -> Iterator[str]:
        while True:
            try:
                line = self._stream.readline(LINE_LIMIT)
            except UnicodeDecodeError as error:
                place = locate_undecodable(self.path, self.encoding)
                value = error.object[error.start]
                raise UndecodableText(
                    f"{place} is not {self.encoding} (0x{value:02x}: {error.reason}); --encoding"
                    " names another one, such as cp1252, which Excel writes"
                ) from None
            if not line:
                return
            if len(line) >= LINE_LIMIT:
                number = self._reader.line_num + 1
                raise UnboundedRecord(f"line {number} has more than {LINE_LIMIT} characters")
            if self._reader.line_num == 0 and announced_delimiter(line):
                # It stays a line, so that the others keep their numbers.
                line = "\n"
            self._raw.append(line)
            yield line


def _restored(record: CsvRecord) -> CsvRecord:
    """A record of a reject file with its cells as they were; a formula of a sheet stays refused."""
    cells = list(map(unescape_cell, record.cells))
    if len(cells) > 1 and cells[1] == Code.FORMULA:
        formula = Refusal(Code.FORMULA, "it was a formula: write its value")
        cells = [SheetCell.refused(c, formula) if c.startswith("=") else c for c in cells]
    return CsvRecord(record.line, cells, record.problem)


def _name_nul(cells: list[str]) -> str:
    columns = [str(index) for index, cell in enumerate(cells, 1) if "\0" in cell]
    return f"the character NUL in cell {', '.join(columns)}"
