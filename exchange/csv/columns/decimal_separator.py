"""Which of `.` and `,` is the decimal separator of a column, and numbers written in either natural_key.

`25.000` is 25 or 25,000: only the other cells of its column, or the delimiter, can tell.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from exchange.csv import cells
from exchange.csv.errors import AmbiguousNumbers
from exchange.csv.importers.declaration import Field
from exchange.csv.reading.csv_file import CsvRecord, SheetCell
from exchange.csv.refusals import Code, Refusal

DECIMALS = ("auto", "comma", "point")
# A number grouped in thousands by blanks or apostrophes says nothing of its decimal separator.
_BLANKS = " \u00a0\u202f\u2009'’"  # noqa: RUF001
_TAIL = r"(?P<exponent>[eE][+-]?[0-9]{1,3})?(?P<percent>\s*%)?"
_GROUPED = rf"[0-9]{{1,3}}(?:(?P<blank>[{_BLANKS}])[0-9]{{3}}(?:(?P=blank)[0-9]{{3}})*)"
_READINGS = {
    separator: re.compile(
        rf"(?P<whole>[+-]?(?:[0-9]+|{_GROUPED}|[0-9]{{1,3}}(?:{re.escape(group)}[0-9]{{3}})+))"
        rf"(?:{re.escape(separator)}(?P<part>[0-9]*))?{_TAIL}"
    )
    for separator, group in ((".", ","), (",", "."))
}
_MARKS = {"comma": ",", "point": "."}


class Sign(StrEnum):
    """What one cell says of its column's decimal separator."""

    NONE = ""
    COMMA = ","
    POINT = "."
    EITHER = "?"


@dataclass
class _Column:
    """The first cell of each sort in a column: its line and text."""

    found: dict[Sign, tuple[int, str]]


def is_number(field: Field) -> bool:
    """Whether the cells of a field are decimal numbers."""
    return field.type in (cells.KILOGRAMS, cells.PERCENT)


def decimal_separators(
    columns: Sequence[tuple[int, Field]], records: Iterable[CsvRecord], delimiter: str, decimal: str
) -> Mapping[int, str]:
    """Position of a column of numbers -> its decimal separator, after all records of the file.

    Raises AmbiguousNumbers where a column has numbers of both natural_keys, or only such as can be read in
    two. Where the delimiter is the comma, `25.000` is 25: what writes such files has decimal points.
    """
    numbers = {position: field for position, field in columns if is_number(field)}
    if decimal != "auto" or not numbers:
        return dict.fromkeys(numbers, _MARKS.get(decimal, "."))
    seen = {position: _Column({}) for position in numbers}
    for record in records:
        if record.problem is None:
            for position, column in seen.items():
                cell = record.cells[position]
                column.found.setdefault(_sign(cell, numbers[position]), (record.line, cell.strip()))
    return {
        position: _decide(numbers[position], column.found, delimiter)
        for position, column in seen.items()
    }


def read_number(cell: str, separator: str) -> str:
    """The number with a decimal point and without groups; a cell that is no number as it is.

    Raises a Refusal for a number of the other natural_key.
    """
    match = _READINGS[separator].fullmatch(cell)
    if match is None:
        if separator == "," and _READINGS["."].fullmatch(cell):
            raise Refusal(
                Code.BAD_NUMBER, f"{cell!r} is not a number with a decimal comma as 1234,5"
            )
        return cell
    whole = re.sub(rf"[{_BLANKS}.,]", "", match["whole"])
    part = f".{match['part']}" if match["part"] is not None else ""
    return f"{whole}{part}{match['exponent'] or ''}{match['percent'] or ''}"


def write_number(cell: str, field: Field, separator: str) -> str:
    """A cell of a column as it can be read in one natural_key only; what is no number is not changed."""
    if isinstance(cell, SheetCell):
        # A cell of a sheet has a point whatever the texts of its column have.
        number = str(cell) if cell.is_number else None
    else:
        number = read_number(cell.strip(), separator) if _sign(cell, field) is Sign.EITHER else None
    if number is None:
        return cell
    # With a fourth decimal it has no groups.
    plain = f"{number}0" if _sign_of_text(number) is Sign.EITHER else number
    return plain.replace(".", separator)


def _decide(field: Field, found: Mapping[Sign, tuple[int, str]], delimiter: str) -> str:
    if Sign.COMMA in found and Sign.POINT in found:
        (line, comma), (other, point) = found[Sign.COMMA], found[Sign.POINT]
        raise AmbiguousNumbers(
            f"{field.name} has {comma!r} on line {line} and {point!r} on line {other}: give"
            " --decimal comma or --decimal point"
        )
    for sign in (Sign.COMMA, Sign.POINT):
        if sign in found:
            return sign.value
    if Sign.EITHER not in found:
        return "."
    line, cell = found[Sign.EITHER]
    if delimiter == "," and "," not in cell:
        return "."
    comma, point = read_number(cell, ","), read_number(cell, ".")
    raise AmbiguousNumbers(
        f"{field.name} is {cell!r} on line {line}, and no other line tells the decimal separator:"
        f" give --decimal comma ({comma}) or --decimal point ({point})"
    )


def _sign(cell: str, field: Field) -> Sign:
    if isinstance(cell, SheetCell) and cell.is_number:
        return Sign.NONE
    sign = _sign_of_text(cell.strip())
    if sign is Sign.EITHER and field.type == cells.PERCENT:
        # No percentage has thousands.
        return Sign.COMMA if "," in cell else Sign.POINT
    return sign


def _sign_of_text(cell: str) -> Sign:
    if "." not in cell and "," not in cell:
        return Sign.NONE
    comma, point = _READINGS[","].fullmatch(cell), _READINGS["."].fullmatch(cell)
    # A group does not begin with 0, and what has an exponent has no groups.
    if comma and point:
        if cell.lstrip("+-").startswith("0") or comma["exponent"]:
            return Sign.COMMA if "," in cell else Sign.POINT
        return Sign.EITHER
    if comma:
        return Sign.COMMA
    return Sign.POINT if point else Sign.NONE
