"""Opening of a file of rows: CSV, or one sheet of XLSX, by its first bytes."""

from dataclasses import dataclass
from pathlib import Path

from exchange.csv.errors import BadOptions, UnreadableFile
from exchange.csv.reading.csv_file import CSVFile
from exchange.csv.reading.source import Source

_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


@dataclass(frozen=True)
class SourceOptions:
    """What the caller says about a file.

    `delimiter` and `encoding` apply to CSV, `sheet` to XLSX; `decimal` is one of
    decimal_separator.DECIMALS.
    """

    delimiter: str | None = None
    encoding: str | None = None
    sheet: str | None = None
    decimal: str = "auto"


def open_source(path: Path, options: SourceOptions) -> Source:
    """Open a file; raises Unusable if the file or an option cannot be used."""
    start = _first_bytes(path)
    if start.startswith(_OLE):
        raise UnreadableFile(
            f"{path} is an .xls file of Excel, or encrypted: save it as .xlsx or as CSV"
        )
    if not start.startswith(_ZIP):
        if options.sheet is not None:
            raise BadOptions(f"--sheet is for XLSX; {path} is not an XLSX file")
        return CSVFile(path, options.delimiter, options.encoding)
    if options.delimiter or options.encoding:
        raise BadOptions(f"--delimiter and --encoding are for CSV; {path} is XLSX")
    # Loading openpyxl takes a quarter of a second.
    from exchange.csv.reading.workbook import WorkbookFile

    return WorkbookFile(path, options.sheet)


def _first_bytes(path: Path) -> bytes:
    try:
        if not path.is_file():
            raise UnreadableFile(f"{path} is not a file")
        with path.open("rb") as stream:
            return stream.read(8)
    except OSError as error:
        raise UnreadableFile(f"cannot read {path}: {error.strerror}") from error
