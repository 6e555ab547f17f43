import pytest

from exchange.csv import cells
from exchange.csv.cells import CellType
from exchange.csv.rejections import RowError


@pytest.mark.parametrize(
    ("type_", "cell", "value"),
    [
        (cells.GTIN_CELL, "4006381333931", "04006381333931"),
        (cells.GTIN_CELL, "00050913", "00000000050913"),
        (cells.GTIN_CELL, "036000291452", "00036000291452"),
        (cells.GTIN_CELL, "10614141000415", "10614141000415"),
        (cells.DAY, "2026-02-28", "2026-02-28"),
        (cells.DAY, "2024-02-29", "2024-02-29"),
        (cells.INSTANT, "2026-01-02T03:04:05", "2026-01-02T03:04:05+00:00"),
        (cells.INSTANT, "2026-01-02 03:04", "2026-01-02T03:04:00+00:00"),
        (cells.INSTANT, "2026-01-02T03:04:05.5Z", "2026-01-02T03:04:05.500000+00:00"),
        (cells.INSTANT, "2026-01-02T03:04:05+02:00", "2026-01-02T01:04:05+00:00"),
        (cells.INSTANT, "2026-01-02", "2026-01-02T00:00:00+00:00"),
        (cells.KILOGRAMS, "1", "1.000"),
        (cells.KILOGRAMS, "1e3", "1000.000"),
        (cells.KILOGRAMS, "0.0010", "0.001"),
        (cells.KILOGRAMS, "99999999999.999", "99999999999.999"),
        (cells.PERCENT, "76%", "76.0"),
        (cells.PERCENT, "72.5 %", "72.5"),
        (cells.PERCENT, "0", "0.0"),
        (cells.COUNTRY, "ci", "CI"),
        (cells.STAGE_CELL, "Liquor", "liquor"),
        (cells.ID, "2147483647", "2147483647"),
        (cells.JSON_CELL, '{"a": 1.10}', '{"a": 1.10}'),
        (cells.JSON_CELL, r'"\\u0000"', r'"\\u0000"'),
        (cells.TEXT, "e\u0301", "e\u0301"),
    ],
)
def test_cell_is_read(type_: CellType, cell: str, value: str) -> None:
    assert type_.parse(cell) == value


@pytest.mark.parametrize(
    ("type_", "cell", "code", "reason"),
    [
        (cells.GTIN_CELL, "123", "GTIN_LENGTH", "8, 12, 13 or 14 digits, '123' has 3"),
        (cells.GTIN_CELL, "123456789", "GTIN_LENGTH", "has 9"),
        (cells.GTIN_CELL, "4006381333932", "GTIN_CHECK_DIGIT", "check digit 2, expected 1"),
        (cells.GTIN_CELL, "4.00638E+12", "GTIN_NOT_DIGITS", "digits only"),
        (cells.GTIN_CELL, "٤٠٠٦٣٨١٣٣٣٩٣١", "GTIN_NOT_DIGITS", "digits only"),
        (cells.DAY, "2026-02-30", "BAD_DATE", "not in the calendar"),
        (cells.DAY, "30.12.2026", "BAD_DATE", "YYYY-MM-DD"),
        (cells.DAY, "2026-1-2", "BAD_DATE", "YYYY-MM-DD"),
        (cells.DAY, "0000-01-01", "BAD_DATE", "not in the calendar"),
        (cells.DAY, "infinity", "BAD_DATE", "YYYY-MM-DD"),
        (cells.INSTANT, "yesterday", "BAD_TIMESTAMP", "ISO 8601"),
        (cells.INSTANT, "2026-02-30T00:00", "BAD_TIMESTAMP", "there is no such date"),
        (cells.INSTANT, "2026-01-01x10:00", "BAD_TIMESTAMP", "ISO 8601"),
        (cells.INSTANT, "0001-01-01T00:00+05:00", "BAD_TIMESTAMP", "outside of the years"),
        (cells.KILOGRAMS, "0", "OUT_OF_RANGE", "not above 0"),
        (cells.KILOGRAMS, "-1", "OUT_OF_RANGE", "not above 0"),
        (cells.KILOGRAMS, "0.0001", "OUT_OF_RANGE", "more than 3 decimals"),
        (cells.KILOGRAMS, "100000000000", "OUT_OF_RANGE", "more than 11 digits"),
        (cells.KILOGRAMS, "1e999", "OUT_OF_RANGE", "more than 11 digits"),
        (cells.KILOGRAMS, "NaN", "BAD_NUMBER", "not a finite number"),
        (cells.KILOGRAMS, "-Infinity", "BAD_NUMBER", "not a finite number"),
        (cells.KILOGRAMS, "1,5", "BAD_NUMBER", "not a number"),
        (cells.KILOGRAMS, "1_000", "BAD_NUMBER", "not a number"),
        (cells.KILOGRAMS, "١٢", "BAD_NUMBER", "not a number"),
        (cells.PERCENT, "100.1", "OUT_OF_RANGE", "between 0 and 100"),
        (cells.PERCENT, "72.55", "OUT_OF_RANGE", "more than 1 decimals"),
        (cells.PERCENT, "%", "BAD_NUMBER", "not a number"),
        (cells.COUNTRY, "Ghana", "BAD_COUNTRY", "alpha-2"),
        (cells.COUNTRY, "XX", "BAD_COUNTRY", "alpha-2"),
        (cells.STAGE_CELL, "bar", "BAD_STAGE", "one of beans, nibs"),
        (cells.ID, "0", "BAD_ID", "1 to 2147483647"),
        (cells.ID, "2147483648", "BAD_ID", "1 to 2147483647"),
        (cells.ID, "1.0", "BAD_ID", "is not an id"),
        (cells.INSTANT, "2026-01-01T10:00:00.1234567Z", "BAD_TIMESTAMP", "at most 6 decimals"),
        (cells.INSTANT, "2026-01-01t10:00:00,123456789z", "BAD_TIMESTAMP", "at most 6 decimals"),
        (cells.IDENTIFIER, "2W\ufffd", "LOST_CHARACTER", "U+FFFD"),
        (cells.IDENTIFIER, "\u200b", "MISSING", "no visible character"),
        (cells.COUNTRY, "c\u0131", "BAD_COUNTRY", "ISO 3166-1"),
        (cells.JSON_CELL, "{", "BAD_JSON", "not JSON text"),
        (cells.JSON_CELL, '{"a": NaN}', "BAD_JSON", "NaN is not a JSON number"),
        (cells.JSON_CELL, "1e999999", "BAD_JSON", "out of range"),
        (cells.JSON_CELL, r'{"a\u0000": 1}', "BAD_JSON", "NUL"),
        (cells.JSON_CELL, r'"\ud800"', "BAD_JSON", "not JSON text"),
        (cells.JSON_CELL, "[" * 100_000, "BAD_JSON", "not JSON text"),
        (cells.INDEXED_NAME, "é" * 1301, "TOO_LONG", "2602 bytes, at most 2600"),
    ],
)
def test_cell_is_refused(type_: CellType, cell: str, code: str, reason: str) -> None:
    with pytest.raises(RowError) as caught:
        type_.parse(cell)
    assert caught.value.code == code
    assert reason in caught.value.reason
