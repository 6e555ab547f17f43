"""How the sample's matter flows: harvests, then processing day by day from what is ripe by then.

A lot is made only of lots that are older and have enough left, so there is no cycle and no
overdraw by construction.
"""

from bisect import bisect
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import accumulate
from random import Random

from models.sample_data.calendar import BATCH_DAYS, MONTHS, count_days
from models.sample_data.lots import (
    BEANS,
    BUTTER,
    COUVERTURE,
    LIQUOR,
    NIBS,
    NONE,
    POWDER,
    Lots,
    Pick,
    Stock,
)
from models.sample_data.parties import BLEND, SampleSupplier
from models.sample_data.places import INDEX, ORIGINS

EXPORT = 6
_KINDS = (BEANS, EXPORT, NIBS, LIQUOR, BUTTER, POWDER, COUVERTURE)
_KIND_WEIGHTS = (62, 5, 4, 11, 3, 3, 12)
# Until here only beans come in: a season's harvest, before anything can be made of it.
WARM_UP = 0.1
# Days until a lot can be used: fermentation, drying and the way there; then cooling and tests.
LAG = {BEANS: 14, NIBS: 2, LIQUOR: 3, BUTTER: 3, POWDER: 3, COUVERTURE: 5}
FEWEST_GRAMS = 200_000
ANY = -9

# Percent cocoa of a couverture: white has butter only, milk much of it.
COCOA = (55, 60, 64, 66, 70, 72, 75, 80, 85, 100, 34, 38, 41, 30, 33)
COCOA_WEIGHTS = (12, 6, 8, 4, 18, 12, 6, 5, 3, 1, 7, 12, 6, 4, 2)


def part_of_butter(cocoa: int) -> float:
    if cocoa < 34:
        return 1.0
    return 0.5 if cocoa < 50 else 0.12


# (stage, supplier, harvested, produced, kg, scheme, country of origin, cocoa, kg of inputs)
Scripted = tuple[int, int, str, str, int, int, str, int, dict[int, int]]
SHOWCASE: tuple[Scripted, ...] = (
    (BEANS, 1, "2025-11-04", "", 18_600, 2, "CI", 100, {}),
    (BEANS, 2, "2025-11-11", "", 9_400, 2, "GH", 100, {}),
    (BEANS, 4, "2025-05-20", "", 5_200, 2, "EC", 100, {}),
    (BEANS, 3, "2025-11-02", "", 3_150, 3, "MG", 100, {}),
    (BEANS, 1, "2025-11-18", "", 12_000, 2, "CI", 100, {}),
    (BEANS, 5, "2025-11-18", "2025-12-02", 23_500, 2, "CI", 100, {1: 12_000, 5: 11_500}),
    (NIBS, 6, "", "2026-01-12", 2_158, 3, "MG", 100, {4: 2_600}),
    (LIQUOR, 6, "", "2026-01-15", 16_400, 2, "", 100, {6: 14_000, 2: 6_000}),
    (LIQUOR, 7, "", "2026-01-09", 9_840, 2, "CI", 100, {6: 9_000, 1: 3_000}),
    (BUTTER, 7, "", "2026-01-20", 2_820, 2, "CI", 100, {9: 6_000}),
    (POWDER, 7, "", "2026-01-21", 1_530, 2, "CI", 100, {9: 3_000}),
    (LIQUOR, 6, "", "2026-01-19", 1_881, 3, "MG", 100, {7: 1_900}),
    (COUVERTURE, 8, "", "2026-02-03", 15_000, 2, "", 72, {8: 9_000, 10: 1_800}),
    (LIQUOR, 6, "", "2026-01-22", 3_280, 2, "EC", 100, {3: 4_000}),
    (COUVERTURE, 8, "", "2026-02-09", 5_000, 2, "", 72, {14: 3_000, 10: 600}),
    (COUVERTURE, 8, "", "2026-02-11", 2_500, 3, "MG", 72, {12: 1_800}),
)
FEWEST_BATCHES = 60


def number_day(text: str) -> int:
    return count_days(date.fromisoformat(text)) if text else NONE


def add_showcase_flow(lots: Lots) -> None:
    for stage, supplier, harvested, produced, kg, scheme, country, cocoa, inputs in SHOWCASE:
        origin = INDEX[country] if country else BLEND
        days = (number_day(harvested), number_day(produced))
        lot = lots.add(stage, supplier, days, kg * 1000, (scheme, origin), cocoa)
        lots.use(lot, [(source, used * 1000) for source, used in inputs.items()])


@dataclass(frozen=True, slots=True)
class Likeness:
    """What the inputs of one lot shall have in common; ANY where it does not matter."""

    scheme: int = ANY
    origin: int = ANY

    def accepts(self, lots: Lots, lot: int) -> bool:
        return (self.scheme in (ANY, lots.scheme[lot])) and (self.origin in (ANY, lots.origin[lot]))


@dataclass(frozen=True, slots=True)
class Recipe:
    """Needs as (stage, grams, most lots); `output` is what a gram of inputs gives."""

    needs: tuple[tuple[int, int, int], ...]
    output: float
    cocoa: int = 100


def choose_recipe(rng: Random, kind: int) -> Recipe:
    """Draw yields as in the trade: shells and water leave the beans, a press parts the liquor."""
    if kind == EXPORT:
        return Recipe(((BEANS, rng.randint(10_000, 25_000) * 1000, 6),), 1.0)
    if kind == NIBS:
        return Recipe(((BEANS, rng.randint(4_000, 22_000) * 1000, 5),), rng.uniform(0.80, 0.87))
    if kind == LIQUOR:
        need = rng.randint(9_000, 28_000) * 1000
        if rng.random() < 0.3:
            return Recipe(((NIBS, need, 4),), rng.uniform(0.98, 1.0))
        return Recipe(((BEANS, need, 6),), rng.uniform(0.79, 0.85))
    if kind in (BUTTER, POWDER):
        yields = (0.45, 0.50) if kind == BUTTER else (0.48, 0.53)
        return Recipe(((LIQUOR, rng.randint(4_000, 18_000) * 1000, 3),), rng.uniform(*yields))
    return choose_couverture(rng)


def choose_couverture(rng: Random) -> Recipe:
    """Cocoa, sugar and milk: the lot weighs its cacao divided by its share of cocoa."""
    cocoa = rng.choices(COCOA, COCOA_WEIGHTS)[0]
    cacao = rng.randint(4_000, 24_000) * 10 * cocoa
    butter = int(cacao * part_of_butter(cocoa))
    needs = ((LIQUOR, cacao - butter, 3), (BUTTER, butter, 2))
    return Recipe(tuple(need for need in needs if need[1]), 100 / cocoa, cocoa)


class Flow:
    """Makes lots one after the other, `make` a day's; the state is what is in stock."""

    def __init__(self, rng: Random, suppliers: Sequence[SampleSupplier], lots: Lots) -> None:
        self._rng = rng
        self._suppliers = suppliers
        self._lots = lots
        self._stocks = {stage: Stock(lots) for stage in LAG}
        self._processors = self._find("processor")
        self._exporters = self._find("exporter")
        self._growers: list[list[int]] = [[] for _ in ORIGINS]
        for number in self._find("cooperative") + self._find("farm"):
            self._growers[suppliers[number - 1].origin].append(number)
        self._harvests = [self._weigh_harvests(month) for month in range(13)]

    def _find(self, role: str) -> list[int]:
        return [n for n, one in enumerate(self._suppliers, 1) if one.role == role]

    def _weigh_harvests(self, month: int) -> list[float]:
        """Cumulated over ORIGINS: what each brings in that month."""
        return list(
            accumulate(
                origin.harvest_weight(month) if growers else 0.0
                for origin, growers in zip(ORIGINS, self._growers, strict=True)
            )
        )

    def make(self, kind: int, day: int) -> None:
        """One lot; beans where nothing is ripe that the kind could be made of."""
        for stock in self._stocks.values():
            stock.ripen(day)
        if kind == BEANS or not self._process(kind, day):
            self._harvest(day)
        lot = len(self._lots)
        stage = self._lots.stage[lot]
        self._stocks[stage].put(lot, day + LAG[stage])

    def _harvest(self, day: int) -> None:
        rng = self._rng
        while self._harvests[MONTHS[day]][-1] == 0.0:
            day -= 1
        weights = self._harvests[MONTHS[day]]
        origin = bisect(weights, rng.random() * weights[-1])
        number = rng.choice(self._growers[origin])
        supplier = self._suppliers[number - 1]
        median, fewest, most = (
            (1_100, 60, 9_000) if supplier.role == "farm" else (4_000, 500, 25_000)
        )
        kg = min(most, max(fewest, int(median * rng.lognormvariate(0, 0.75))))
        scheme = supplier.scheme if rng.random() < 0.85 else 0
        self._lots.add(BEANS, number, (day, NONE), kg * 1000, (scheme, origin))

    def _process(self, kind: int, day: int) -> bool:
        recipe = choose_recipe(self._rng, kind)
        maker = self._rng.choice(self._exporters if kind == EXPORT else self._processors)
        picks = self._gather(recipe, self._choose_likeness(kind, recipe, maker))
        used = sum(grams for _, grams in picks)
        if used < FEWEST_GRAMS:
            return False
        grams = int(used * recipe.output) // 100 * 100
        stage = BEANS if kind == EXPORT else kind
        harvest = max(self._lots.harvest[lot] for lot, _ in picks) if kind == EXPORT else NONE
        nature = self._lots.blend(picks)
        lot = self._lots.add(stage, maker, (harvest, day), grams, nature, recipe.cocoa)
        self._lots.use(lot, picks)
        return True

    def _choose_likeness(self, kind: int, recipe: Recipe, maker: int) -> Likeness:
        """Most lots keep one scheme, a third one origin; an exporter has one country's beans."""
        rng, lots = self._rng, self._lots
        first = self._stocks[recipe.needs[0][0]].peek(rng)
        scheme = lots.scheme[first] if rng.random() < 0.8 else ANY
        if kind == EXPORT:
            return Likeness(scheme, INDEX[self._suppliers[maker - 1].country])
        return Likeness(scheme, lots.origin[first] if rng.random() < 0.35 else ANY)

    def _gather(self, recipe: Recipe, likeness: Likeness) -> list[Pick]:
        picks: list[Pick] = []
        for stage, need, most in recipe.needs:
            picks += self._gather_stage(stage, need, most, likeness)
        return picks

    def _gather_stage(self, stage: int, need: int, most: int, likeness: Likeness) -> list[Pick]:
        rng, lots, stock = self._rng, self._lots, self._stocks[stage]
        picks: dict[int, int] = {}
        for _ in range(most * 6):
            lot = stock.peek(rng)
            if lot == 0 or need <= 0 or len(picks) == most:
                break
            if lot in picks or not likeness.accepts(lots, lot):
                continue
            part = 1.0 if rng.random() < 0.5 else rng.uniform(0.4, 0.9)
            grams = min(lots.left[lot], max(50_000, int(need * part) // 500 * 500))
            if lots.left[lot] - grams < 20_000:
                grams = lots.left[lot]
            picks[lot] = grams
            need -= grams
        return list(picks.items())


def make_lots(rng: Random, suppliers: Sequence[SampleSupplier], count: int) -> Lots:
    """`count` lots over all stages: about 70 % beans."""
    lots = Lots()
    add_showcase_flow(lots)
    flow = Flow(rng, suppliers, lots)
    weights = list(accumulate(_KIND_WEIGHTS))
    following = count - len(lots)
    for number in range(following):
        early = number < following * WARM_UP
        kind = BEANS if early else rng.choices(_KINDS, cum_weights=weights)[0]
        flow.make(kind, number * BATCH_DAYS // following)
    return lots
