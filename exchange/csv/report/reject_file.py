"""The reject file: a CSV of refused rows, each with its line, code, reason and original cells.

Rows with a warning are listed too; their code starts with WARNING_. The file is written beside its
final name and takes it at the end. It can be imported again as it is: what a spreadsheet would compute
or rewrite is guarded by an apostrophe, which the importer takes away, a number that could be read in
two ways is written so that it cannot, and rows with a warning are left out, since the import that
wrote them has settled what they say.
"""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from exchange.csv.columns.decimal_separator import write_number
from exchange.csv.columns.plan import Columns
from exchange.csv.errors import UnreadableFile
from exchange.csv.reading.csv_file import REJECT_COLUMNS, CsvRecord, Source
from exchange.csv.refusals import WARNING_PREFIX, Rejection
from exchange.csv.spreadsheet import escape_cell


def skip_warnings(header: Sequence[str], records: Iterator[CsvRecord]) -> Iterator[CsvRecord]:
    """The records of a file without those that an earlier import listed as warnings."""
    names = [name.strip().lower() for name in header]
    if REJECT_COLUMNS[1] not in names:
        return records
    place = names.index(REJECT_COLUMNS[1])
    return (
        each
        for each in records
        if len(each.cells) <= place or not each.cells[place].startswith(WARNING_PREFIX)
    )


class RejectFile:
    """A reject file that may not exist yet; raises UnreadableFile where it cannot be written."""

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
        """Copy the records of a source, read from its beginning, that were refused, in file order.

        Of a source that is a reject file, the reasons are replaced.
        """
        with self._part.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream, delimiter=source.delimiter)
            writer.writerow((*REJECT_COLUMNS, *_cells(source, source.header)))
            records = source.records()
            for rejection in rejections:
                record = _skip_to(records, rejection.line)
                why = (rejection.line, rejection.code, escape_cell(rejection.reason))
                writer.writerow((*why, *_cells(source, _numbers(columns, record.cells))))

    def keep(self) -> None:
        """Give the written file its name."""
        self._part.replace(self.path)

    def discard(self) -> None:
        """Remove what was not kept."""
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
    raise UnreadableFile(f"the file changed while it was read: line {line} is gone")
