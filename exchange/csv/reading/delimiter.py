"""The delimiter of a CSV file: named, announced by the file, or detected."""

import csv
import re
from io import StringIO
from pathlib import Path

from exchange.csv.errors import BadOptions

SAMPLE_BYTES = 64 * 1024
_SAMPLE_RECORDS = 20
_DELIMITERS = (",", ";", "\t")
_SEPARATOR = re.compile(r'"?sep=(\\t|[^"\r\n])"?', re.IGNORECASE)


def parse_delimiter(text: str) -> str:
    """Read a delimiter from a command line; raises BadOptions.

    The word `tab` means the tab.
    """
    delimiter = {"\\t": "\t", "tab": "\t"}.get(text.lower(), text)
    if len(delimiter) != 1 or delimiter in '"\r\n\0':
        raise BadOptions(f"the delimiter {text!r} is not one character that can separate cells")
    return delimiter


def announced_delimiter(line: str) -> str | None:
    """Return the delimiter that a first line such as `sep=;` announces.

    Spreadsheets write such lines.
    """
    match = _SEPARATOR.fullmatch(line.rstrip("\r\n"))
    return {"\\t": "\t"}.get(match[1], match[1]) if match else None


def detect_delimiter(path: Path, encoding: str) -> str:
    """Detect the delimiter of a file: the announced one, else comma, semicolon or tab.

    Of these, the one that splits the most of the first records into equally many cells, then into the
    most cells.
    """
    with path.open("rb") as stream:
        sample = stream.read(SAMPLE_BYTES)
    lines = list(StringIO(sample.decode(encoding, "replace"), newline=""))
    if lines and (announced := announced_delimiter(lines[0])):
        return announced
    # The sample of a longer file ends within a line.
    whole = lines[:-1] if len(sample) == SAMPLE_BYTES and len(lines) > 1 else lines
    return max(_DELIMITERS, key=lambda delimiter: _score(whole, delimiter))


def _score(lines: list[str], delimiter: str) -> tuple[int, float, int]:
    counts: list[int] = []
    reader = csv.reader(lines, delimiter=delimiter)
    try:
        for cells in reader:
            if any(cells):
                counts.append(len(cells))
            if len(counts) == _SAMPLE_RECORDS:
                break
    except csv.Error:
        pass
    if not counts:
        return (0, 0.0, 0)
    alike = counts.count(counts[0]) / len(counts)
    return (int(counts[0] > 1), alike, counts[0])
