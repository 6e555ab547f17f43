"""What a CSV file does not say about itself: its encoding, its delimiter, and where it breaks."""

import codecs
import csv
import re
from io import StringIO
from pathlib import Path

from exchange.csv.errors import BadOptions, UndecodableText

DELIMITERS = (",", ";", "\t")
SAMPLE_BYTES = 64 * 1024
# The longer marks first: that of UTF-32 begins like that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (codecs.BOM_UTF8, "utf-8"),
)
# Codecs of texts in other places than files.
_NO_FILES = ("idna", "punycode", "unicode-escape", "raw-unicode-escape", "utf-7")
_SEPARATOR = re.compile(r'"?sep=(\\t|[^"\r\n])"?', re.IGNORECASE)
SAMPLE_RECORDS = 20


def choose_encoding(path: Path, name: str | None) -> str:
    """The codec of a file: the one that is named, else the one that it announces, else UTF-8.

    Raises BadOptions where the name is no codec of text, or not the announced one.
    """
    if name is None:
        return detect_encoding(path)
    codec = _find_codec(name)
    with path.open("rb") as stream:
        start = stream.read(4)
    for mark, announced in _MARKS:
        if start.startswith(mark):
            if not codec.startswith(announced):
                raise BadOptions(
                    f"{path} begins with the byte order mark of {announced.upper()}, not {name}"
                )
            return {"utf-8": "utf-8-sig"}.get(announced, announced)
    return codec


def _find_codec(name: str) -> str:
    try:
        codec = codecs.lookup(name)
        ascii_text = "".join(map(chr, range(32, 127)))
        # Codecs such as base64 or zip, which are none of texts, raise LookupError.
        if ascii_text.encode(name).decode(name) == ascii_text and codec.name not in _NO_FILES:
            return codec.name
    except (LookupError, ValueError):
        pass
    raise BadOptions(f"{name!r} is no encoding of text: utf-8, cp1252 and iso-8859-15 are some")


def detect_encoding(path: Path) -> str:
    """The codec that a byte order mark announces, else UTF-8."""
    with path.open("rb") as stream:
        start = stream.read(4)
    if start.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        raise UndecodableText(f"{path} is UTF-32: save it as UTF-8")
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if start.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if b"\0" in start[:2]:
        raise UndecodableText(
            f"{path} starts like UTF-16 without a byte order mark: --encoding utf-16-le or utf-16-be"
        )
    return "utf-8"


def parse_delimiter(text: str) -> str:
    """A delimiter as typed on a command line: `tab` means the tab."""
    delimiter = {"\\t": "\t", "tab": "\t"}.get(text.lower(), text)
    if len(delimiter) != 1 or delimiter in '"\r\n\0':
        raise BadOptions(f"the delimiter {text!r} is not one character that can divide cells")
    return delimiter


def announced_delimiter(line: str) -> str | None:
    """The delimiter that a first line such as `sep=;`, which is for spreadsheets, announces."""
    match = _SEPARATOR.fullmatch(line.rstrip("\r\n"))
    return {"\\t": "\t"}.get(match[1], match[1]) if match else None


def detect_delimiter(path: Path, encoding: str) -> str:
    """The one that the first line announces, else comma, semicolon or tab: the one that cuts the
    first records into equally many cells, most cells first.
    """
    with path.open("rb") as stream:
        sample = stream.read(SAMPLE_BYTES)
    lines = list(StringIO(sample.decode(encoding, "replace"), newline=""))
    if lines and (announced := announced_delimiter(lines[0])):
        return announced
    # The last line of a longer file is cut somewhere.
    whole = lines[:-1] if len(sample) == SAMPLE_BYTES and len(lines) > 1 else lines
    return max(DELIMITERS, key=lambda delimiter: _rate(whole, delimiter))


def _rate(lines: list[str], delimiter: str) -> tuple[int, float, int]:
    counts: list[int] = []
    reader = csv.reader(lines, delimiter=delimiter)
    try:
        for cells in reader:
            if any(cells):
                counts.append(len(cells))
            if len(counts) == SAMPLE_RECORDS:
                break
    except csv.Error:
        pass
    if not counts:
        return (0, 0.0, 0)
    alike = counts.count(counts[0]) / len(counts)
    return (int(counts[0] > 1), alike, counts[0])


def locate_undecodable(path: Path, encoding: str) -> str:
    """The line and byte (both from 1) of the first bytes that are not text in `encoding`."""
    decoder = codecs.getincrementaldecoder(encoding.removesuffix("-sig"))()
    line, done, last = 1, 0, ""
    with path.open("rb") as stream:
        while True:
            block = stream.read(SAMPLE_BYTES)
            pending = len(decoder.getstate()[0])
            try:
                text = decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                codec = encoding if error.encoding == "charmap" else error.encoding
                good = error.object[: error.start].decode(codec)
                line += _count_line_ends(last, good)
                return f"byte {done - pending + error.start + 1}, on line {line} of {path},"
            if not block:
                return str(path)
            line += _count_line_ends(last, text)
            last = text[-1:] or last
            done += len(block)


def _count_line_ends(before: str, text: str) -> int:
    split = before == "\r" and text.startswith("\n")
    return text.count("\n") + text.count("\r") - text.count("\r\n") - split
