"""The parsers of GTINs and country codes accept what the checks of the database accept."""

from collections.abc import Callable
from itertools import product
from random import Random
from string import ascii_lowercase, ascii_uppercase

import pytest
from sqlalchemy import text

from models.database.engines import Database
from models.texts.country import country_code, country_codes
from models.texts.gtin import InvalidGtin, append_check_digit, gtin14

PAIRS = ["".join(pair) for pair in product(ascii_uppercase, repeat=2)]


def accepted_by_database(database: Database, check: str, values: list[str]) -> set[str]:
    with database.reader() as connection:
        rows = connection.execute(
            text(f"select value from unnest(cast(:values as text[])) value where {check}(value)"),
            {"values": values},
        )
        return {*rows.scalars()}


def accepts(parse: Callable[[str], str], value: str) -> bool:
    try:
        parse(value)
    except ValueError:
        return False
    return True


def test_country_codes_are_those_of_the_database(fresh: Database) -> None:
    known = accepted_by_database(fresh, "is_country", PAIRS)
    assert country_codes() == known
    assert {pair for pair in PAIRS if accepts(country_code, pair)} == known
    assert len(known) == 249


@pytest.mark.parametrize(
    "code", ["AN", "SU", "YU", "XK", "EU", "UK", "ZZ", "", "C", "CIV", "CI ", "\u017fT"]
)
def test_code_that_iso_does_not_assign_is_invalid(code: str) -> None:
    with pytest.raises(ValueError, match="ISO 3166-1"):
        country_code(code)


def test_country_code_is_read_in_either_case() -> None:
    assert (country_code("ci"), country_code("Gh")) == ("CI", "GH")
    assert not accepts(country_code, ascii_lowercase)


def test_gtins_are_those_of_the_database(fresh: Database) -> None:
    rng = Random(7)
    digits = [f"{rng.randrange(10**length):0{length}}" for length in (8, 12, 13, 14) * 250]
    digits += [append_check_digit(each[:-1]) for each in digits]
    valid = {each for each in digits if accepts(gtin14, each)}
    padded = {each: each.zfill(14) for each in digits}
    known = accepted_by_database(fresh, "is_gtin14", [*padded.values()])
    assert {each for each in digits if padded[each] in known} == valid
    assert {gtin14(each) for each in valid} == known
    assert len(valid) == 1_000


@pytest.mark.parametrize("length", sorted({*range(16)} - {8, 12, 13, 14}))
def test_gtin_of_another_length_is_invalid(length: int) -> None:
    with pytest.raises(InvalidGtin):
        gtin14("0" * length)


@pytest.mark.parametrize(
    "text_", ["4006381-333931", " 4006381333931", "400638133393\u0661", "1e13"]
)
def test_gtin_has_digits_only(text_: str) -> None:
    with pytest.raises(InvalidGtin, match="digits only"):
        gtin14(text_)
