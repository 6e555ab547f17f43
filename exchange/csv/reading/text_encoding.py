"""The encoding of a text file.

The caller names it, a byte order mark announces it, or it is UTF-8.
"""

import codecs
from pathlib import Path

from exchange.csv.errors import BadOptions, UndecodableText

_BLOCK_BYTES = 64 * 1024
# The mark of UTF-32 begins with that of UTF-16, so it comes first.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (codecs.BOM_UTF8, "utf-8"),
)
# Python codecs that are no encodings of files.
_NO_FILES = ("idna", "punycode", "unicode-escape", "raw-unicode-escape", "utf-7")


def choose_encoding(path: Path, name: str | None) -> str:
    """Return the codec of a file: the named one, else the announced one, else UTF-8.

    Raises BadOptions if the name is no codec of text, or if the file announces another one.
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
        # Codecs of bytes, such as base64 or zip, raise LookupError here.
        if ascii_text.encode(name).decode(name) == ascii_text and codec.name not in _NO_FILES:
            return codec.name
    except (LookupError, ValueError):
        pass
    raise BadOptions(f"{name!r} is not an encoding of text; examples: utf-8, cp1252, iso-8859-15")


def detect_encoding(path: Path) -> str:
    """Return the codec that a byte order mark announces, else UTF-8.

    Raises UndecodableText for UTF-32 and for UTF-16 without a mark.
    """
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
            f"{path} looks like UTF-16 without a byte order mark:"
            " give --encoding utf-16-le or utf-16-be"
        )
    return "utf-8"


def locate_undecodable(path: Path, encoding: str) -> str:
    """Describe where the first bytes are that `encoding` cannot decode.

    Bytes and lines are counted from 1.
    """
    decoder = codecs.getincrementaldecoder(encoding.removesuffix("-sig"))()
    line, done, last = 1, 0, ""
    with path.open("rb") as stream:
        while True:
            block = stream.read(_BLOCK_BYTES)
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
