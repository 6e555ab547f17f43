"""The decimal separator of a column, `.` or `,`, and the reading of numbers by it.

`25.000` is 25 or 25,000. The other cells of its column, or the delimiter of the file, decide.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

from exchange.csv import cells
from exchange.csv.errors import AmbiguousNumbers
from exchange.csv.importers.declaration import Field
from exchange.csv.reading.source import CsvRecord, SheetCell
from exchange.csv.rejections import Code, RowError

DECIMALS = ("auto", "comma", "point")
# Separators of thousands that say nothing about the decimal separator.
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


class SeparatorEvidence(StrEnum):
    """What one cell says about the decimal separator of its column."""

    NONE = ""
    COMMA = ","
    POINT = "."
    EITHER = "?"


def is_number(field: Field) -> bool:
    """Whether the cells of a field are decimal numbers."""
    return field.type in (cells.KILOGRAMS, cells.PERCENT)


def decimal_separators(
    columns: Sequence[tuple[int, Field]], records: Iterable[CsvRecord], delimiter: str, decimal: str
) -> Mapping[int, str]:
    """Return the decimal separators of columns of numbers, by position.

    All records are read. If the delimiter is the comma, `25.000` is 25, since programs that write such files
    use decimal points. Raises AmbiguousNumbers if a column has numbers with either separator, or only numbers
    that can be read both ways.
    """
    numbers = {position: field for position, field in columns if is_number(field)}
    if decimal != "auto" or not numbers:
        return dict.fromkeys(numbers, _MARKS.get(decimal, "."))
    seen: dict[int, dict[SeparatorEvidence, tuple[int, str]]] = {each: {} for each in numbers}
    for record in records:
        if record.problem is None:
            for position, first_cells in seen.items():
                cell = record.cells[position]
                evidence = _evidence(cell, numbers[position])
                first_cells.setdefault(evidence, (record.line, cell.strip()))
    return {
        position: _decide(numbers[position], first_cells, delimiter)
        for position, first_cells in seen.items()
    }


def read_number(cell: str, separator: str) -> str:
    """Return a number with a decimal point and without groups.

    Any other text is returned unchanged. Raises RowError for a number with the other separator.
    """
    match = _READINGS[separator].fullmatch(cell)
    if match is None:
        if separator == "," and _READINGS["."].fullmatch(cell):
            raise RowError(
                Code.BAD_NUMBER, f"{cell!r} is not a number with a decimal comma as 1234,5"
            )
        return cell
    whole = re.sub(rf"[{_BLANKS}.,]", "", match["whole"])
    part = f".{match['part']}" if match["part"] is not None else ""
    return f"{whole}{part}{match['exponent'] or ''}{match['percent'] or ''}"


def write_number(cell: str, field: Field, separator: str) -> str:
    """Rewrite a number so that it can be read in one way only.

    Other text is returned unchanged.
    """
    if isinstance(cell, SheetCell):
        # A cell of a sheet always has a point, whatever the text cells of its column have.
        number = str(cell) if cell.is_number else None
    else:
        number = (
            read_number(cell.strip(), separator)
            if _evidence(cell, field) is SeparatorEvidence.EITHER
            else None
        )
    if number is None:
        return cell
    # A fourth decimal excludes groups of three digits.
    plain = f"{number}0" if _evidence_of_text(number) is SeparatorEvidence.EITHER else number
    return plain.replace(".", separator)


def _decide(
    field: Field, found: Mapping[SeparatorEvidence, tuple[int, str]], delimiter: str
) -> str:
    if SeparatorEvidence.COMMA in found and SeparatorEvidence.POINT in found:
        (line, comma), (other, point) = (
            found[SeparatorEvidence.COMMA],
            found[SeparatorEvidence.POINT],
        )
        raise AmbiguousNumbers(
            f"{field.name} has {comma!r} on line {line} and {point!r} on line {other}: give"
            " --decimal comma or --decimal point"
        )
    for evidence in (SeparatorEvidence.COMMA, SeparatorEvidence.POINT):
        if evidence in found:
            return evidence.value
    if SeparatorEvidence.EITHER not in found:
        return "."
    line, cell = found[SeparatorEvidence.EITHER]
    if delimiter == "," and "," not in cell:
        return "."
    comma, point = read_number(cell, ","), read_number(cell, ".")
    raise AmbiguousNumbers(
        f"{field.name} is {cell!r} on line {line}, and no other line shows the decimal separator:"
        f" give --decimal comma ({comma}) or --decimal point ({point})"
    )


def _evidence(cell: str, field: Field) -> SeparatorEvidence:
    if isinstance(cell, SheetCell) and cell.is_number:
        return SeparatorEvidence.NONE
    evidence = _evidence_of_text(cell.strip())
    if evidence is SeparatorEvidence.EITHER and field.type == cells.PERCENT:
        # A percentage has no thousands.
        return SeparatorEvidence.COMMA if "," in cell else SeparatorEvidence.POINT
    return evidence


def _evidence_of_text(cell: str) -> SeparatorEvidence:
    if "." not in cell and "," not in cell:
        return SeparatorEvidence.NONE
    comma, point = _READINGS[","].fullmatch(cell), _READINGS["."].fullmatch(cell)
    # The first group does not begin with 0, and a number with an exponent has no groups.
    if comma and point:
        if cell.lstrip("+-").startswith("0") or comma["exponent"]:
            return SeparatorEvidence.COMMA if "," in cell else SeparatorEvidence.POINT
        return SeparatorEvidence.EITHER
    if comma:
        return SeparatorEvidence.COMMA
    return SeparatorEvidence.POINT if point else SeparatorEvidence.NONE
