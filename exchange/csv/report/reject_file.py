"""The reject file: rejected rows with line, code, reason and original cells.

It also lists rows with a warning; their code starts with WARNING_. It is written under a temporary name and
renamed at the end.

The file can be imported again as it is. Cells are escaped for spreadsheets, and the import removes the
escapes. A number that could be read in two ways is rewritten. Rows with a warning are skipped, since the
import that listed them has processed them.
"""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from exchange.csv.columns.decimal_separator import write_number
from exchange.csv.columns.plan import Columns
from exchange.csv.errors import UnreadableFile
from exchange.csv.reading.source import REJECT_COLUMNS, CsvRecord, Source
from exchange.csv.rejections import WARNING_PREFIX, Rejection
from exchange.csv.spreadsheet import escape_cell


def skip_warnings(header: Sequence[str], records: Iterator[CsvRecord]) -> Iterator[CsvRecord]:
    """Return the records that an earlier import did not list with a warning."""
    names = [name.strip().lower() for name in header]
    if REJECT_COLUMNS[1] not in names:
        return records
    position = names.index(REJECT_COLUMNS[1])
    return (
        each
        for each in records
        if len(each.cells) <= position or not each.cells[position].startswith(WARNING_PREFIX)
    )


class RejectFile:
    """A reject file in preparation; raises UnreadableFile if it cannot be written."""

    def __init__(self, path: Path, source: Path) -> None:
        self.path = path
        self._part = path.with_name(path.name + ".part")
        if path.exists() and (not path.is_file() or path.samefile(source)):
            raise UnreadableFile(f"{path} cannot be the reject file")
        try:
            self._part.touch()
        except OSError as error:
            raise UnreadableFile(f"cannot write {path}: {error.strerror}") from error

    def write(self, source: Source, columns: Columns, rejections: Iterator[Rejection]) -> None:
        """Copy the rejected records of a source, in file order.

        The source is read from its beginning. If the source is itself a reject file, the new reasons replace
        its reasons.
        """
        with self._part.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream, delimiter=source.delimiter)
            writer.writerow((*REJECT_COLUMNS, *_cells(source, source.header)))
            records = source.records()
            for rejection in rejections:
                record = _skip_to(records, rejection.line)
                prefix = (rejection.line, rejection.code, escape_cell(rejection.reason))
                writer.writerow((*prefix, *_cells(source, _numbers(columns, record.cells))))

    def keep(self) -> None:
        """Rename the written file to its final name."""
        self._part.replace(self.path)

    def discard(self) -> None:
        """Remove the temporary file, if it was not kept."""
        self._part.unlink(missing_ok=True)


def _cells(source: Source, cells: Sequence[str]) -> list[str]:
    own = len(REJECT_COLUMNS) if source.is_reject and len(cells) > len(REJECT_COLUMNS) else 0
    return [escape_cell(cell, reversible=True) for cell in cells[own:]]


def _numbers(columns: Columns, cells: Sequence[str]) -> list[str]:
    written = list(cells)
    for position, field in columns.cells:
        if position in columns.separators and position < len(cells):
            written[position] = write_number(cells[position], field, columns.separators[position])
    return written


def _skip_to(records: Iterator[CsvRecord], line: int) -> CsvRecord:
    for record in records:
        if record.line == line:
            return record
    raise UnreadableFile(f"the file changed during the import: line {line} is missing")
