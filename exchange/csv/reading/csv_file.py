"""CSV files as records with physical line numbers, read one at a time.

Encodings: UTF-8 with or without a byte order mark, UTF-16 with one, or the encoding named by an option. Line
ends: LF, CRLF or CR. Quotes: RFC 4180, strictly. A malformed record is returned with its problem; a malformed
file raises a subclass of Unusable.
"""

import csv
from collections.abc import Iterator
from io import TextIOWrapper
from pathlib import Path

from exchange.csv.errors import EmptyFile, UnboundedRecord, UndecodableText, UnreadableFile
from exchange.csv.reading.delimiter import announced_delimiter, detect_delimiter
from exchange.csv.reading.source import REJECT_COLUMNS, CsvRecord, SheetCell, Source
from exchange.csv.reading.text_encoding import choose_encoding, locate_undecodable
from exchange.csv.rejections import Code, RowError
from exchange.csv.spreadsheet import unescape_cell

# Characters of a physical line; a longer one is not CSV and must not be held in memory.
LINE_LIMIT = 16 * 1024 * 1024


class CSVFile(Source):
    """An open CSV file."""

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
        """Return the number of bytes read so far."""
        return self._bytes.raw.tell()

    def records(self) -> Iterator[CsvRecord]:
        """Yield the records below the header, without those whose cells are all blank."""
        width = len(self.header)
        while (record := self._next()) is not None:
            if self.is_reject:
                record = _unescape_record(record)
            if record.problem is None and len(record.cells) != width:
                reason = f"{len(record.cells)} cells where the header has {width}"
                yield CsvRecord(record.line, record.cells, RowError(Code.CELL_COUNT, reason))
            else:
                yield record

    def _read_header(self) -> tuple[str, ...]:
        record = self._next()
        if record is None:
            raise EmptyFile(f"{self.path} is empty: a header line is required")
        if record.problem is not None:
            reason = record.problem.reason
            raise UnreadableFile(f"cannot read the header on line {record.line}: {reason}")
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
            return CsvRecord(start, cells, RowError(Code.NUL_CHARACTER, _name_nul(cells)))
        return CsvRecord(start, cells)

    def _problem(self, start: int, error: csv.Error) -> RowError:
        end = self._reader.line_num
        where = f"line {start}" if start == end else f"lines {start} to {end}"
        if not str(error).startswith("field larger"):
            return RowError(Code.MALFORMED_QUOTES, f"{where}: {error}")
        limit = csv.field_size_limit()
        if sum(line.count('"') for line in self._raw) % 2:
            raise UnboundedRecord(
                f"the record that starts on line {start} has a cell of more than {limit} "
                f"characters up to line {end}: is a closing quote missing?"
            )
        return RowError(Code.TOO_LONG, f"{where}: a cell has more than {limit} characters")

    def _lines(self) -> Iterator[str]:
        while True:
            try:
                line = self._stream.readline(LINE_LIMIT)
            except UnicodeDecodeError as error:
                place = locate_undecodable(self.path, self.encoding)
                value = error.object[error.start]
                raise UndecodableText(
                    f"{place} is not {self.encoding} (0x{value:02x}: {error.reason}); name another"
                    " encoding with --encoding, such as cp1252, which Excel writes"
                ) from None
            if not line:
                return
            if len(line) >= LINE_LIMIT:
                number = self._reader.line_num + 1
                raise UnboundedRecord(f"line {number} has more than {LINE_LIMIT} characters")
            if self._reader.line_num == 0 and announced_delimiter(line):
                # A blank line instead, so that the line numbers do not change.
                line = "\n"
            self._raw.append(line)
            yield line


def _unescape_record(record: CsvRecord) -> CsvRecord:
    """Unescape the cells of a reject file's record.

    A formula of a sheet stays rejected.
    """
    cells = list(map(unescape_cell, record.cells))
    if len(cells) > 1 and cells[1] == Code.FORMULA:
        formula = RowError(Code.FORMULA, "the cell was a formula: write its value")
        cells = [SheetCell.without_value(c, formula) if c.startswith("=") else c for c in cells]
    return CsvRecord(record.line, cells, record.problem)


def _name_nul(cells: list[str]) -> str:
    columns = [str(index) for index, cell in enumerate(cells, 1) if "\0" in cell]
    return f"the character NUL in cell {', '.join(columns)}"
