"""GTINs: GS1 trade item numbers of 8, 12, 13 or 14 digits, compared as 14 digits.

This parser accepts what the check `is_gtin14` of the database accepts once it is padded to 14 digits.
Source: GS1 General Specifications, section 7.9.
"""

from functools import lru_cache

from stdnum import ean

_LENGTHS = (8, 12, 13, 14)


class InvalidGtin(ValueError):
    """The text is not a GTIN; the subclass says why."""


class GtinNotDigits(InvalidGtin):
    """A character is not one of the ASCII digits 0 to 9."""


class GtinLength(InvalidGtin):
    """The number of digits is not 8, 12, 13 or 14."""


class GtinCheckDigit(InvalidGtin):
    """The last digit is not the check digit of the others."""

    def __init__(self, expected: str) -> None:
        super().__init__(f"the check digit should be {expected}")
        self.expected = expected


@lru_cache(4096)
def gtin14(text: str) -> str:
    """Return the GTIN-14 of a GTIN, padded with zeros.

    Blanks and dashes are not removed. Raises GtinNotDigits, GtinLength or GtinCheckDigit.
    """
    if not (text.isascii() and text.isdigit()):
        raise GtinNotDigits("a GTIN has digits only")
    if len(text) not in _LENGTHS:
        raise GtinLength("a GTIN has 8, 12, 13 or 14 digits")
    expected = ean.calc_check_digit(text[:-1])
    if text[-1] != expected:
        raise GtinCheckDigit(expected)
    return text.zfill(14)


def append_check_digit(digits: str) -> str:
    """Return the digits of a GTIN with their check digit."""
    return digits + ean.calc_check_digit(digits)
