"""The sample's products as columns in memory: which item, made when, from how much of which lots."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from random import Random

from models.sample_data.calendar import BATCH_NUMBERS, PRODUCT_DAYS, RECORDED, TEXTS
from models.sample_data.flow import LAG, number_day, part_of_butter
from models.sample_data.items import (
    BAR,
    BEAN_BAR,
    CRAFT_BAR,
    MILK_BAR,
    NIB_BAR,
    POWDER_TIN,
    WHITE_BAR,
    Item,
    Nature,
    make_item,
)
from models.sample_data.load import escape
from models.sample_data.lots import (
    BEANS,
    BUTTER,
    COUVERTURE,
    LIQUOR,
    NIBS,
    POWDER,
    Lots,
    Pick,
    Stock,
    kilograms,
)
from models.sample_data.manufacturers import SampleManufacturer

_KIND_WEIGHTS = {BAR: 76, POWDER_TIN: 6, BEAN_BAR: 9, CRAFT_BAR: 5, NIB_BAR: 4}
FIRST_STAGE = {
    BAR: COUVERTURE, POWDER_TIN: POWDER, BEAN_BAR: BEANS, CRAFT_BAR: LIQUOR, NIB_BAR: NIBS,
}  # fmt: skip
# How many lots of a stage a product takes on average, and the most kg of one.
_USES = {BEANS: 0.15, NIBS: 0.12, LIQUOR: 0.1, BUTTER: 0.18, POWDER: 0.1, COUVERTURE: 1.7}
MOST_KG = {BEANS: 800, NIBS: 80, LIQUOR: 300, BUTTER: 60, POWDER: 400, COUVERTURE: 600}
# Of what is left of a stage; the rest stays in stock.
USED_UP = 0.65
MOST_LOTS = 5

# Product 1 leads through every stage to plots on three continents; 2 and 3 are bars straight
# from cacao batch 1; 4 is of one origin.
_SHOWCASE: tuple[tuple[Nature, str, tuple[Pick, ...]], ...] = (
    (Nature(BAR, -1, 72), "2026-03-17", ((13, 420_000), (15, 180_000), (7, 24_000))),
    (Nature(BEAN_BAR, 0, 75), "2026-02-05", ((1, 240_000),)),
    (Nature(BEAN_BAR, 0, 75), "2026-02-19", ((1, 310_000),)),
    (Nature(BAR, 9, 72), "2026-03-24", ((16, 350_000),)),
)
MAKERS_OF_SHOWCASE = (1, 2, 2, 1)


@dataclass(frozen=True)
class Products:
    """Columns `x[product_id]`; uses are flat pairs of lot and grams, `uses[product_id]` of them."""

    items: list[Item] = field(default_factory=list)
    item: array[int] = field(default_factory=lambda: array("i", [0]))
    day: array[int] = field(default_factory=lambda: array("h", [0]))
    uses: array[int] = field(default_factory=lambda: array("b", [0]))
    picks: array[int] = field(default_factory=lambda: array("i"))

    def __len__(self) -> int:
        return len(self.item) - 1

    def add(self, item: int, day: int, picks: Sequence[Pick]) -> None:
        self.item.append(item)
        self.day.append(day)
        self.uses.append(len(picks))
        for pick in picks:
            self.picks.extend(pick)

    def maker(self, product: int) -> int:
        return self.items[self.item[product]].maker


class Catalogue:
    """Finds an item for what was made, or adds one: several lots go under one GTIN."""

    def __init__(self, rng: Random, makers: Sequence[SampleManufacturer], products: int) -> None:
        self.items: list[Item] = []
        self._rng = rng
        self._makers = makers
        self._most = max(120, products // 20)
        self._weights = list(accumulate(1 / (rank + 8) for rank in range(len(makers))))
        self._references = [0] * (len(makers) + 1)
        self._found: dict[Nature, list[int]] = {}

    def find(self, nature: Nature) -> int:
        known = self._found.setdefault(nature, [])
        full = len(self.items) >= self._most
        if not known or (not full and self._rng.random() < 0.35):
            number = self._rng.choices(range(1, len(self._makers) + 1), cum_weights=self._weights)[
                0
            ]
            known.append(self.add(nature, number))
            return known[-1]
        return known[int(self._rng.random() * len(known))]

    def add(self, nature: Nature, number: int) -> int:
        """Return a new item of that maker; its place in `items`."""
        self._references[number] += 1
        maker = self._makers[number - 1]
        self.items.append(make_item(self._rng, nature, number, maker, self._references[number]))
        return len(self.items) - 1


class Kitchen:
    """Takes lots for product after product, from what is ripe by its day."""

    def __init__(self, rng: Random, lots: Lots, products: int) -> None:
        self._rng = rng
        self._lots = lots
        self._today = 0
        self._grams = self._weigh(products)
        self._stocks = {stage: self._stock(stage) for stage in LAG}
        self._alike: dict[int, Stock] = {}
        for day, lot in sorted(
            (lots.day(n) + LAG[lots.stage[n]], n) for n in range(1, len(lots) + 1)
        ):
            stage = lots.stage[lot]
            self._stocks[stage].put(lot, day)
            if stage == COUVERTURE:
                self._alike.setdefault(lots.cocoa[lot], self._stock(stage)).put(lot, day)

    def _weigh(self, products: int) -> dict[int, int]:
        """Grams that one use takes on average, so that the stage lasts for all products."""
        left = dict.fromkeys(LAG, 0)
        for lot in range(1, len(self._lots) + 1):
            left[self._lots.stage[lot]] += self._lots.left[lot]
        return {
            stage: max(
                1, min(MOST_KG[stage] * 1000, int(grams * USED_UP / (_USES[stage] * products)))
            )
            for stage, grams in left.items()
        }

    def _stock(self, stage: int) -> Stock:
        return Stock(self._lots, least=max(1, self._grams[stage] // 20))

    def cook(self, kind: int, day: int) -> tuple[int, Nature, list[Pick]]:
        """Return what is made that day, or on the first later one on which anything is there.

        Another kind is made where nothing is left for the one asked for.
        """
        for today in range(max(day, self._today), PRODUCT_DAYS[1] + 1):
            self._today = today
            for stock in (*self._stocks.values(), *self._alike.values()):
                stock.ripen(today)
            for choice in (kind, BAR, BEAN_BAR, CRAFT_BAR, POWDER_TIN, NIB_BAR):
                first = self._stocks[FIRST_STAGE[choice]].peek(self._rng)
                if first:
                    return today, *self._name(choice, self._choose(choice, first))
        raise ValueError("the cacao batches do not suffice for so many products")

    def _choose(self, kind: int, first: int) -> list[int]:
        """Return the lots of one product, one to five of them."""
        chosen = [first]
        chance = self._rng.random()
        if kind == BAR:
            self._add_alike(chosen)
            if len(chosen) == MOST_LOTS:
                return chosen
            if chance < 0.06:
                self._add(chosen, NIBS)
            elif chance < 0.18:
                self._add(chosen, BUTTER)
        elif kind == NIB_BAR:
            self._add(chosen, COUVERTURE)
        elif kind == CRAFT_BAR:
            self._add(chosen, BUTTER)
        elif chance < 0.3:
            self._add(chosen, FIRST_STAGE[kind])
        return chosen

    def _add_alike(self, chosen: list[int]) -> None:
        """Up to four more couvertures, of the same cocoa content and origin if they are there."""
        rng, cocoa, first = self._rng, self._lots.cocoa, chosen[0]
        same = self._alike[cocoa[first]]
        strict = rng.random() < 0.6
        for _ in range(rng.choices(range(5), (29, 32, 21, 12, 6))[0]):
            for stock in (same, same, same, self._stocks[COUVERTURE]):
                lot = stock.peek(rng)
                fits = self._lots.origin[lot] == self._lots.origin[first] or not strict
                sort = part_of_butter(cocoa[lot]) == part_of_butter(cocoa[first])
                if lot and lot not in chosen and fits and sort:
                    chosen.append(lot)
                    break

    def _add(self, chosen: list[int], stage: int) -> None:
        lot = self._stocks[stage].peek(self._rng)
        if lot and lot not in chosen:
            chosen.append(lot)

    def _weigh_cocoa(self, picks: Sequence[Pick]) -> int:
        """Percent cocoa that the couvertures among them give: what the label guarantees."""
        stage, cocoa = self._lots.stage, self._lots.cocoa
        parts = [(grams, cocoa[lot]) for lot, grams in picks if stage[lot] == COUVERTURE]
        total = sum(grams for grams, _ in parts)
        return sum(grams * percent for grams, percent in parts) // total if total else 80

    def _name(self, kind: int, chosen: list[int]) -> tuple[Nature, list[Pick]]:
        rng, lots = self._rng, self._lots
        picks = []
        for lot in chosen:
            wish = int(self._grams[lots.stage[lot]] * rng.uniform(0.5, 1.5))
            picks.append(
                (lot, max(1, min(lots.left[lot], wish if wish < 1000 else wish // 100 * 100)))
            )
        percent = self._weigh_cocoa(picks)
        if kind == BAR and percent < 50:
            kind = MILK_BAR if percent >= 34 else WHITE_BAR
        elif kind == POWDER_TIN:
            percent = rng.choice((22, 32, 40, 100))
        elif kind in (BEAN_BAR, CRAFT_BAR):
            percent = rng.choice((68, 70, 72, 75, 78, 80, 85, 100))
        return Nature(kind, lots.blend(picks)[1], percent), picks


def make_products(
    rng: Random, lots: Lots, makers: Sequence[SampleManufacturer], count: int
) -> Products:
    """`count` products; what they take is drawn from `lots`."""
    catalogue = Catalogue(rng, makers, count)
    products = Products(catalogue.items)
    add_showcase_products(products, catalogue, lots, count)
    kitchen = Kitchen(rng, lots, count)
    kinds, weights = list(_KIND_WEIGHTS), list(accumulate(_KIND_WEIGHTS.values()))
    first, last = PRODUCT_DAYS
    for number in range(len(products), count):
        day = first + number * (last - first) // count
        day, nature, picks = kitchen.cook(rng.choices(kinds, cum_weights=weights)[0], day)
        for lot, grams in picks:
            lots.draw(lot, grams)
        products.add(catalogue.find(nature), day, picks)
    return products


def add_showcase_products(products: Products, catalogue: Catalogue, lots: Lots, count: int) -> None:
    items: dict[Nature, int] = {}
    for number, (nature, text, picks) in enumerate(_SHOWCASE[:count]):
        if nature not in items:
            items[nature] = catalogue.add(nature, MAKERS_OF_SHOWCASE[number])
        for lot, grams in picks:
            lots.draw(lot, grams)
        products.add(items[nature], number_day(text), picks)


def write_products(products: Products) -> Iterator[str]:
    """Rows in order of id; the letter of a batch number counts an item's lots of one day."""
    seen: dict[int, int] = {}
    today = -1
    tails = [f"{item.maker}\t{item.gtin}\t{item.percent}" for item in products.items]
    heads = [f"{escape(item.name)}\t{escape(item.description)}" for item in products.items]
    for product in range(1, len(products) + 1):
        item, day = products.item[product], products.day[product]
        if day != today:
            # An item's lots of one day come one after the other: ids are given day by day.
            today = day
            seen.clear()
        count = seen[item] = seen.get(item, -1) + 1
        letter = chr(65 + count) if count < 26 else f"{chr(64 + count // 26)}{chr(65 + count % 26)}"
        yield (
            f"{product}\t{heads[item]}\t{BATCH_NUMBERS[day]}{letter}\t{tails[item]}\t{TEXTS[day]}\n"
        )


def write_uses(products: Products) -> Iterator[str]:
    picks, place = products.picks, 0
    for product in range(1, len(products) + 1):
        recorded = RECORDED[products.day[product]]
        for _ in range(products.uses[product]):
            yield f"{product}\t{picks[place]}\t{kilograms(picks[place + 1])}\t{recorded}\n"
            place += 2
