"""Parsers of one cell: pure functions from text to the text that COPY reads.

A parser gets a trimmed, non-empty cell and raises RowError for an invalid one.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from exchange.csv.rejections import Code, RowError
from models import STAGES
from models.exact_json import MAX_DIGITS, MAX_LEVELS, ExactNumber, is_too_long, levels_of
from models.texts.country import country_code
from models.texts.gtin import GtinCheckDigit, GtinLength, GtinNotDigits, gtin14
from models.texts.instants import read_instant
from models.texts.normal_form import INDEXED_BYTES, LOST, normal_text
from models.texts.schemes import scheme_name

MAX_ID = 2**31 - 1

_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]{1,3})?")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT = re.compile(r"[0-9W-]{8,10}([Tt ][0-9:.,]+([Zz]|[+-][0-9:]+)?)?")
# An escaped NUL whose backslash is not itself escaped.
_JSON_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


@dataclass(frozen=True)
class CellType:
    """The parser of a cell, and the SQL type of its column in the staging table."""

    parse: Callable[[str], str]
    sql: str


def parse_text(cell: str) -> str:
    return cell


def parse_name(cell: str) -> str:
    """Return a name in its normal form; it has at least one visible character."""
    if not (name := normal_text(cell)):
        raise RowError(Code.MISSING, "it has no visible character")
    return name


def parse_indexed_name(cell: str) -> str:
    """Return a name in an index: at most INDEXED_BYTES of UTF-8."""
    name = parse_name(cell)
    if len(name) * 4 > INDEXED_BYTES and len(name.encode()) > INDEXED_BYTES:
        raise RowError(
            Code.TOO_LONG, f"{len(name.encode())} bytes, at most {INDEXED_BYTES} can be indexed"
        )
    return name


def parse_identifier(cell: str) -> str:
    """Return an indexed name without U+FFFD.

    With a lost character it would identify something else.
    """
    if LOST in cell:
        raise RowError(Code.LOST_CHARACTER, f"{_quote(cell)}: a character was lost (U+FFFD)")
    return parse_indexed_name(cell)


def parse_scheme(cell: str) -> str:
    """Return the name of a certification scheme in its canonical spelling."""
    return scheme_name(parse_indexed_name(cell))


def parse_id(cell: str) -> str:
    """Return a primary key: a positive 32-bit integer."""
    if not (cell.isascii() and cell.isdigit()) or not 1 <= len(cell) <= 10:
        raise RowError(Code.BAD_ID, f"{_quote(cell)} is not an id")
    if not 1 <= int(cell) <= MAX_ID:
        raise RowError(Code.BAD_ID, f"{cell} is not an id: 1 to {MAX_ID}")
    return cell


def parse_gtin_cell(cell: str) -> str:
    """GTIN-8, -12, -13 or -14 as 14 digits."""
    try:
        return gtin14(cell)
    except GtinNotDigits:
        reason = f"{_quote(cell)} is not a GTIN: digits only"
        raise RowError(Code.GTIN_NOT_DIGITS, reason) from None
    except GtinLength:
        reason = f"a GTIN has 8, 12, 13 or 14 digits, {_quote(cell)} has {len(cell)}"
        raise RowError(Code.GTIN_LENGTH, reason) from None
    except GtinCheckDigit as error:
        reason = f"{cell} ends in check digit {cell[-1]}, expected {error.expected}"
        raise RowError(Code.GTIN_CHECK_DIGIT, reason) from None


def parse_day(cell: str) -> str:
    """Return a calendar date as YYYY-MM-DD (ISO 8601, extended format)."""
    if not _DAY.fullmatch(cell):
        raise RowError(Code.BAD_DATE, f"{_quote(cell)} is not a date as YYYY-MM-DD")
    try:
        return date.fromisoformat(cell).isoformat()
    except ValueError:
        raise RowError(Code.BAD_DATE, f"{cell} is not in the calendar") from None


def parse_instant(cell: str) -> str:
    """Return an ISO 8601 date and time, in UTC if it has no offset."""
    if not _INSTANT.fullmatch(cell):
        raise RowError(Code.BAD_TIMESTAMP, f"{_quote(cell)} is not an ISO 8601 date and time")
    try:
        return read_instant(cell, utc_if_unsaid=True).isoformat()
    except ValueError as error:
        raise RowError(
            Code.BAD_TIMESTAMP, f"{_quote(cell)} is not a date and time: {error}"
        ) from None


def parse_kilograms(cell: str) -> str:
    """Return kilograms above 0 that fit numeric(14,3).

    These are 11 digits before the point and 3 after it.
    """
    amount = _number(cell)
    if amount <= 0:
        raise RowError(Code.OUT_OF_RANGE, f"{cell} kg is not above 0")
    return _fixed(amount, cell, digits=11, decimals=3)


def parse_percent(cell: str) -> str:
    """0 to 100 with one decimal at most, with or without a percent sign."""
    amount = _number(cell.removesuffix("%").rstrip())
    if not 0 <= amount <= 100:
        raise RowError(Code.OUT_OF_RANGE, f"{cell} is not between 0 and 100 percent")
    return _fixed(amount, cell, digits=3, decimals=1)


def parse_country_cell(cell: str) -> str:
    """Return an ISO 3166-1 alpha-2 code, in either case."""
    try:
        return country_code(cell)
    except ValueError:
        reason = f"{_quote(cell)} is not an ISO 3166-1 alpha-2 code"
        raise RowError(Code.BAD_COUNTRY, reason) from None


def parse_stage(cell: str) -> str:
    if (stage := cell.lower()) not in STAGES:
        raise RowError(Code.BAD_STAGE, f"{_quote(cell)} is not one of {', '.join(STAGES)}")
    return stage


def parse_json_cell(cell: str) -> str:
    """Return JSON text (RFC 8259) that jsonb can store.

    It has no NaN, no NUL and no unpaired surrogates. The limits on digits and nesting are those of the
    GraphQL scalar JSON.
    """
    try:
        value = json.loads(
            cell, parse_constant=_refuse_constant, parse_float=_bounded, parse_int=_bounded
        )
        if levels_of(value) > MAX_LEVELS:
            raise ValueError(f"it is nested deeper than {MAX_LEVELS} levels")
        plain = json.dumps(value, ensure_ascii=False)
        plain.encode()
    except json.JSONDecodeError as error:
        raise RowError(
            Code.BAD_JSON, f"not JSON text: syntax error at character {error.pos + 1}"
        ) from None
    except UnicodeEncodeError:
        raise RowError(
            Code.BAD_JSON, "not JSON text: a string contains half of a surrogate pair"
        ) from None
    except RecursionError:
        raise RowError(Code.BAD_JSON, "not JSON text: it is nested too deep") from None
    except ValueError as error:
        raise RowError(Code.BAD_JSON, f"not JSON text: {error}") from None
    if _JSON_NUL.search(plain):
        raise RowError(Code.BAD_JSON, "a JSON string contains the character NUL")
    return cell


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")


def _bounded(digits: str) -> ExactNumber:
    value = ExactNumber(digits)
    if is_too_long(value):
        raise ValueError(f"{_quote(digits)} is out of range: more than {MAX_DIGITS} digits")
    return value


def _number(cell: str) -> Decimal:
    if cell.lstrip("+-").lower() in {"nan", "snan", "inf", "infinity"}:
        raise RowError(Code.BAD_NUMBER, f"{cell} is not a finite number")
    if len(cell) > 60 or not _NUMBER.fullmatch(cell):
        raise RowError(Code.BAD_NUMBER, f"{_quote(cell)} is not a number as 1234.5")
    return Decimal(cell)


def _fixed(amount: Decimal, cell: str, *, digits: int, decimals: int) -> str:
    if amount and amount.adjusted() >= digits:
        raise RowError(Code.OUT_OF_RANGE, f"{cell} has more than {digits} digits before the point")
    rounded = round(amount, decimals)
    if rounded != amount:
        raise RowError(Code.OUT_OF_RANGE, f"{cell} has more than {decimals} decimals")
    return f"{rounded:f}"


def _quote(cell: str) -> str:
    return repr(cell if len(cell) <= 40 else cell[:40] + "…")


TEXT = CellType(parse_text, 'text collate pg_catalog."C"')
NAME_CELL = CellType(parse_name, 'text collate pg_catalog."C"')
INDEXED_NAME = CellType(parse_indexed_name, 'text collate pg_catalog."C"')
IDENTIFIER = CellType(parse_identifier, 'text collate pg_catalog."C"')
SCHEME = CellType(parse_scheme, 'text collate pg_catalog."C"')
ID = CellType(parse_id, "int")
GTIN_CELL = CellType(parse_gtin_cell, 'text collate pg_catalog."C"')
DAY = CellType(parse_day, "date")
INSTANT = CellType(parse_instant, "timestamptz")
KILOGRAMS = CellType(parse_kilograms, "numeric(14, 3)")
PERCENT = CellType(parse_percent, "numeric(4, 1)")
COUNTRY = CellType(parse_country_cell, 'text collate pg_catalog."C"')
STAGE_CELL = CellType(parse_stage, 'text collate pg_catalog."C"')
JSON_CELL = CellType(parse_json_cell, "jsonb")
