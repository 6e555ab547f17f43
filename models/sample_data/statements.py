"""The sample's due diligence statements: each covers lots of the days before it was submitted."""

from bisect import bisect_left
from collections.abc import Iterator
from random import Random
from string import ascii_uppercase, digits

from models.sample_data.calendar import DAYS, LAST_DAY, TEXTS
from models.sample_data.flow import SHOWCASE as SHOWN_LOTS
from models.sample_data.lots import BEANS, COUVERTURE, NONE, Lots
from models.sample_data.products import Products

_OPERATORS = ("NL", "DE", "BE", "FR", "IT", "ES", "AT", "DK", "PL", "IE")
OPERATOR_WEIGHTS = (24, 20, 14, 14, 10, 8, 3, 3, 2, 2)
CHARACTERS = ascii_uppercase + digits
# Of products and of imported lots, the share that a statement covers.
_PRODUCTS, COUVERTURES, EXPORTS, HARVESTS = 0.4, 0.5, 0.6, 0.1


def plan_statements(rng: Random, count: int) -> list[int]:
    """Return the days on which they were submitted, in order."""
    return sorted(rng.randrange(20, LAST_DAY) for _ in range(count))


def write_statements(rng: Random, days: list[int]) -> Iterator[str]:
    """Yield reference numbers in the form of the EU's system: year, country, ten characters."""
    seen: set[str] = set()
    for number, day in enumerate(days, 1):
        reference = compose_reference(rng, day)
        while reference in seen:
            reference = compose_reference(rng, day)
        seen.add(reference)
        verification = "".join(rng.choices(CHARACTERS, k=8))
        yield f"{number}\t{reference}\t{verification}\t{TEXTS[day]}\n"


def compose_reference(rng: Random, day: int) -> str:
    country = rng.choices(_OPERATORS, OPERATOR_WEIGHTS)[0]
    tail = "".join(rng.choices(ascii_uppercase, k=6)) + "".join(rng.choices(digits, k=4))
    return f"{DAYS[day]:%y}{country}{tail}"


def find_statement(rng: Random, days: list[int], day: int) -> int:
    """Return the id of the first one submitted some days later; 0 if none was."""
    place = bisect_left(days, day + rng.randint(1, 12))
    return place + 1 if place < len(days) else 0


def write_product_statements(rng: Random, days: list[int], products: Products) -> Iterator[str]:
    for product in range(1, len(products) + 1):
        if rng.random() < _PRODUCTS or product == 1:
            statement = find_statement(rng, days, products.day[product])
            if statement:
                yield f"{product}\t{statement}\n"


def write_batch_statements(rng: Random, days: list[int], lots: Lots) -> Iterator[str]:
    for lot in range(1, len(lots) + 1):
        stage = lots.stage[lot]
        if stage not in (BEANS, COUVERTURE):
            continue
        share = COUVERTURES if stage == COUVERTURE else HARVESTS
        if stage == BEANS and lots.production[lot] != NONE:
            share = EXPORTS
        if rng.random() < share or lot <= len(SHOWN_LOTS):
            statement = find_statement(rng, days, lots.day(lot))
            if statement:
                yield f"{lot}\t{statement}\n"
