"""The reject file: a CSV of refused rows, each with its line, code, reason and original cells.

Rows with a warning are listed too; their code starts with WARNING_. The file is written beside its
final name and takes it at the end. It can be imported again as it is: rows with a warning are left
out then, since the import that wrote them has settled what they say.
"""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from exchange.csv.errors import UnreadableFile
from exchange.csv.reader import CSVFile, Record
from exchange.csv.refusals import WARNING_PREFIX, Rejection

COLUMNS = ("import_line", "import_code", "import_reason")


def leave_out_warnings(header: Sequence[str], records: Iterator[Record]) -> Iterator[Record]:
    """The records of a file without those that an earlier import listed as warnings."""
    names = [name.strip().lower() for name in header]
    if COLUMNS[1] not in names:
        return records
    place = names.index(COLUMNS[1])
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

    def write(self, source: CSVFile, rejections: Iterator[Rejection]) -> None:
        """Read the source again and copy the records that were refused, both in file order."""
        with (
            self._part.open("w", encoding="utf-8", newline="") as stream,
            CSVFile(source.path, source.delimiter) as again,
        ):
            writer = csv.writer(stream, delimiter=source.delimiter)
            writer.writerow((*COLUMNS, *source.header))
            records = again.records()
            for rejection in rejections:
                record = _skip_to(records, rejection.line)
                writer.writerow((rejection.line, rejection.code, rejection.reason, *record.cells))

    def keep(self) -> None:
        """Give the written file its name."""
        self._part.replace(self.path)

    def discard(self) -> None:
        """Remove what was not kept."""
        self._part.unlink(missing_ok=True)


def _skip_to(records: Iterator[Record], line: int) -> Record:
    for record in records:
        if record.line == line:
            return record
    raise UnreadableFile(f"the file changed while it was read: line {line} is gone")
