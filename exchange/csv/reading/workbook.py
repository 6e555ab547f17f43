"""The rows of one XLSX sheet as records, read one at a time within limits.

Numbers and days are read as they are stored, not as they are displayed. A formula, an error and a number
that the spreadsheet may have rounded have no usable value; a row that needs one is rejected.
"""

import re
import warnings
import zlib
from collections.abc import Iterator
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError
from zipfile import BadZipFile, ZipFile

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from exchange.csv.errors import BadOptions, EmptyFile, UnboundedRecord, UnreadableFile
from exchange.csv.reading.source import CsvRecord, SheetCell, Source
from exchange.csv.rejections import Code, RowError

# A sheet is read as a stream; the other parts of the file, such as its texts, are held in memory.
MAX_UNPACKED = 256 * 1024 * 1024
MAX_PART = 64 * 1024 * 1024
_MAX_FILES = 10_000
# The number of rows of a sheet in Excel.
MAX_ROWS = 1_048_576
MAX_COLUMNS = 1_000
MAX_CHARACTERS = 131_072
# A spreadsheet rounds numbers from here on (IEEE 754, binary64).
_EXACT = 10**15
_SHEET = re.compile(r"xl/worksheets/[^/]+\.xml", re.IGNORECASE)
# Errors of openpyxl for a corrupt file.
_CORRUPT = (
    *(BadZipFile, InvalidFileException, ParseError, zlib.error, EOFError, OSError, RuntimeError),
    *(ArithmeticError, AttributeError, LookupError, TypeError, ValueError),
)


class WorkbookFile(Source):
    """An open sheet of an XLSX file."""

    # Of the reject file, which is CSV.
    delimiter = ","
    is_reject = False

    def __init__(self, path: Path, sheet: str | None = None) -> None:
        self.path = path
        self._file = path.open("rb")
        try:
            self.size = path.stat().st_size
            self._check_bounds()
            self._book: Any = self._guard(
                lambda: load_workbook(self._file, read_only=True, keep_links=False)
            )
            self._sheet = self._choose(sheet)
            self._sheet.reset_dimensions()
            self._rows: Iterator[Any] = iter(self._sheet.iter_rows())
            self._number = 0
            self.header = self._read_header()
        except BaseException:
            self._file.close()
            raise

    def close(self) -> None:
        """Close the file."""
        self._book.close()
        self._file.close()

    def position(self) -> int:
        """Return the approximate number of bytes read so far."""
        return min(self._file.tell(), self.size)

    def records(self) -> Iterator[CsvRecord]:
        """Yield the rows below the header, without empty ones.

        The line of a record is its row number.
        """
        width = len(self.header)
        while (row := self._next()) is not None:
            cells = row + [""] * (width - len(row))
            if len(cells) > width:
                reason = f"{len(cells)} cells where the header has {width}"
                yield CsvRecord(self._number, cells, RowError(Code.CELL_COUNT, reason))
            elif any("\0" in cell for cell in cells):
                yield CsvRecord(
                    self._number, cells, RowError(Code.NUL_CHARACTER, "the character NUL")
                )
            else:
                yield CsvRecord(self._number, cells)

    def _check_bounds(self) -> None:
        def check() -> None:
            with ZipFile(self._file) as archive:
                parts = archive.infolist()
            names = {part.filename.lower() for part in parts}
            if "xl/workbook.xml" not in names:
                raise UnreadableFile(f"{self.path} is neither CSV nor XLSX: save it as one of them")
            held = [part for part in parts if not _SHEET.fullmatch(part.filename)]
            if (
                len(parts) > _MAX_FILES
                or sum(part.file_size for part in parts) > MAX_UNPACKED
                or any(part.file_size > MAX_PART for part in held)
            ):
                raise UnboundedRecord(
                    f"{self.path} unpacks to more than {MAX_UNPACKED:,} bytes, or one of its parts"
                    f" other than a sheet to more than {MAX_PART:,}: save the sheet as CSV"
                )

        self._guard(check)

    def _choose(self, name: str | None) -> Any:
        sheets = {sheet.title: sheet for sheet in self._book.worksheets}
        if name is not None and name in sheets:
            return sheets[name]
        visible = [each for each in sheets.values() if each.sheet_state == "visible"]
        if name is None and len(visible) == 1:
            return visible[0]
        wrong = f"no sheet {name!r}" if name is not None else f"{len(visible)} sheets"
        raise BadOptions(f"{self.path} has {wrong}: give --sheet one of {', '.join(sheets)}")

    def _read_header(self) -> tuple[str, ...]:
        row = self._next()
        if row is None:
            raise EmptyFile(f"the sheet {self._sheet.title} of {self.path} is empty")
        return tuple(map(str, row))

    def _next(self) -> list[str] | None:
        """Return the cells of the next non-empty row, without empty ones at its end."""
        while True:
            row = self._guard(lambda: next(self._rows, None))
            if row is None:
                return None
            self._number += 1
            if self._number > MAX_ROWS:
                raise UnboundedRecord(f"{self.path} has more than {MAX_ROWS:,} rows")
            cells = [_read(cell) for cell in row] if row else []
            while cells and not cells[-1].strip():
                cells.pop()
            if len(cells) > MAX_COLUMNS:
                raise UnboundedRecord(
                    f"row {self._number} of {self.path} has more than {MAX_COLUMNS:,} columns"
                )
            if cells:
                return cells

    def _guard(self, read: Any) -> Any:
        """Call `read`; raises UnreadableFile if the library fails on a corrupt file."""
        try:
            with warnings.catch_warnings():
                # The library warns of styles, validations and extensions that it does not know.
                warnings.simplefilter("ignore")
                return read()
        except (MemoryError, RecursionError, *_CORRUPT) as error:
            where = f" after row {self._number}" if getattr(self, "_number", 0) else ""
            cause = type(error.__cause__ or error).__name__
            raise UnreadableFile(f"{self.path} cannot be read as XLSX{where}: {cause}") from None


def _read(cell: Any) -> str:
    """Return a cell as text; numbers and days exactly as they are stored."""
    value = cell.value
    if value is None:
        return ""
    if cell.data_type == "f":
        text = value if isinstance(value, str) else getattr(value, "text", None) or "="
        return _refuse(cell, Code.FORMULA, "is a formula: write its value", str(text))
    if cell.data_type == "e":
        return _refuse(cell, Code.BAD_CELL, f"is the error {value}", str(value))
    if isinstance(value, bool):
        return str(value).upper()
    return _read_number(cell, value) if isinstance(value, int | float) else _read_text(cell, value)


def _refuse(cell: Any, code: Code, reason: str, text: str) -> SheetCell:
    return SheetCell.without_value(text, RowError(code, f"{cell.coordinate} {reason}"))


def _read_text(cell: Any, value: Any) -> str:
    if isinstance(value, datetime) and value.time() == time():
        value = value.date()
    text = value.isoformat() if isinstance(value, date) else str(value)
    if len(text) > MAX_CHARACTERS:
        return _refuse(cell, Code.TOO_LONG, f"has more than {MAX_CHARACTERS} characters", "")
    return text


def _read_number(cell: Any, value: float) -> str:
    if not abs(value) < _EXACT:
        reason = "is a number that a spreadsheet rounds: store it as text"
        return _refuse(cell, Code.BAD_NUMBER, reason, repr(value))
    number_format = cell.number_format or ""
    whole = value == int(value)
    if "%" in number_format:
        share = Decimal(repr(value)) * 100
        return SheetCell(f"{share.normalize():f}%")
    text = str(int(value)) if whole else f"{Decimal(repr(value)):f}"
    if whole and value >= 0 and number_format.strip("0") == "":
        # The number 7 in the format 000 is displayed as 007.
        text = text.zfill(len(number_format))
    return SheetCell(text)
