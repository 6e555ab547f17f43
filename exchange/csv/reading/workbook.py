"""XLSX: the rows of one sheet as records, read one at a time within bounds.

Numbers and days are read as the cells hold them, not as they are shown. A formula, an error and a number
that a spreadsheet has rounded have no value that can be told: a row that needs one is refused.
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
from exchange.csv.reading.csv_file import CsvRecord, SheetCell, Source
from exchange.csv.refusals import Code, Refusal

# A sheet is read as a stream; the other parts, such as its texts, are held in memory.
MAX_UNPACKED = 256 * 1024 * 1024
MAX_PART = 64 * 1024 * 1024
_MAX_FILES = 10_000
# A sheet of Excel has as many rows.
MAX_ROWS = 1_048_576
MAX_COLUMNS = 1_000
MAX_CHARACTERS = 131_072
# More digits than these are rounded by a spreadsheet (IEEE 754, binary64).
EXACT = 10**15
SHEET = re.compile(r"xl/worksheets/[^/]+\.xml", re.IGNORECASE)
# What the library raises for a file that is not as it should be.
CORRUPT = (
    *(BadZipFile, InvalidFileException, ParseError, zlib.error, EOFError, OSError, RuntimeError),
    *(ArithmeticError, AttributeError, LookupError, TypeError, ValueError),
)


class WorkbookFile(Source):
    """An open sheet of an XLSX file: its header and its records, which can be read once."""

    # Of its reject file, which is CSV.
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
        """About how many bytes of the file have been read."""
        return min(self._file.tell(), self.size)

    def records(self) -> Iterator[CsvRecord]:
        """The rows below the header; empty rows are skipped. A record's line is its row's number."""
        width = len(self.header)
        while (row := self._next()) is not None:
            cells = row + [""] * (width - len(row))
            if len(cells) > width:
                words = f"{len(cells)} cells where the header has {width}"
                yield CsvRecord(self._number, cells, Refusal(Code.CELL_COUNT, words))
            elif any("\0" in cell for cell in cells):
                yield CsvRecord(
                    self._number, cells, Refusal(Code.NUL_CHARACTER, "the character NUL")
                )
            else:
                yield CsvRecord(self._number, cells)

    def _check_bounds(self) -> None:
        def check() -> None:
            with ZipFile(self._file) as archive:
                parts = archive.infolist()
            names = {part.filename.lower() for part in parts}
            if "xl/workbook.xml" not in names:
                raise UnreadableFile(f"{self.path} is no CSV and no XLSX: save it as one of them")
            held = [part for part in parts if not SHEET.fullmatch(part.filename)]
            if (
                len(parts) > _MAX_FILES
                or sum(part.file_size for part in parts) > MAX_UNPACKED
                or any(part.file_size > MAX_PART for part in held)
            ):
                raise UnboundedRecord(
                    f"{self.path} unpacks to more than {MAX_UNPACKED:,} bytes, or a part of it"
                    f" other than a sheet to more than {MAX_PART:,}: save the sheet as CSV"
                )

        self._guard(check)

    def _choose(self, name: str | None) -> Any:
        sheets = {sheet.title: sheet for sheet in self._book.worksheets}
        if name is not None and name in sheets:
            return sheets[name]
        shown = [each for each in sheets.values() if each.sheet_state == "visible"]
        if name is None and len(shown) == 1:
            return shown[0]
        wrong = f"no sheet {name!r}" if name is not None else f"{len(shown)} sheets"
        raise BadOptions(f"{self.path} has {wrong}: give --sheet one of {', '.join(sheets)}")

    def _read_header(self) -> tuple[str, ...]:
        row = self._next()
        if row is None:
            raise EmptyFile(f"the sheet {self._sheet.title} of {self.path} is empty")
        return tuple(map(str, row))

    def _next(self) -> list[str] | None:
        """The cells of the next row that is not empty, without the empty ones at its end."""
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
        """What `read` returns; raises UnreadableFile for what is not an XLSX file as it should be."""
        try:
            with warnings.catch_warnings():
                # Of styles, validations and extensions that the library does not know.
                warnings.simplefilter("ignore")
                return read()
        except (MemoryError, RecursionError, *CORRUPT) as error:
            where = f" behind row {self._number}" if getattr(self, "_number", 0) else ""
            cause = type(error.__cause__ or error).__name__
            raise UnreadableFile(f"{self.path} cannot be read as XLSX{where}: {cause}") from None


def _read(cell: Any) -> str:
    """A cell as text: of a text itself, of a number or a day exactly what it holds."""
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


def _refuse(cell: Any, code: Code, words: str, text: str) -> SheetCell:
    return SheetCell.refused(text, Refusal(code, f"{cell.coordinate} {words}"))


def _read_text(cell: Any, value: Any) -> str:
    if isinstance(value, datetime) and value.time() == time():
        value = value.date()
    text = value.isoformat() if isinstance(value, date) else str(value)
    if len(text) > MAX_CHARACTERS:
        return _refuse(cell, Code.TOO_LONG, f"has more than {MAX_CHARACTERS} characters", "")
    return text


def _read_number(cell: Any, value: float) -> str:
    if not abs(value) < EXACT:
        words = "is a number that a spreadsheet rounds: store it as text"
        return _refuse(cell, Code.BAD_NUMBER, words, repr(value))
    form = cell.number_format or ""
    whole = value == int(value)
    if "%" in form:
        share = Decimal(repr(value)) * 100
        return SheetCell(f"{share.normalize():f}%")
    text = str(int(value)) if whole else f"{Decimal(repr(value)):f}"
    if whole and value >= 0 and form.strip("0") == "":
        # A number such as 7 that is shown as 007.
        text = text.zfill(len(form))
    return SheetCell(text)
