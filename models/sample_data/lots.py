"""The sample's cacao batches as columns in memory: who made which from how much of which others.

Weights are whole grams, so that nothing is lost to rounding: what is left of a lot is exact.
"""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from random import Random

from models.lot import STAGES
from models.sample_data.calendar import DAYS, RECORDED, TEXTS
from models.sample_data.parties import BLEND, CERTIFICATION_SCHEMES
from models.sample_data.plots import PlotRanges, share_out

BEANS, NIBS, LIQUOR, BUTTER, POWDER, COUVERTURE = range(len(STAGES))
NONE = -1
LOT_CODES = ("", "NIB", "LIQ", "BUT", "POW", "CVT")

Pick = tuple[int, int]


def column(code: str) -> array[int]:
    """Batch ids start at 1: the first place stays unused."""
    return array(code, [0])


@dataclass(frozen=True)
class Lots:
    """Column `x[batch_id]` each; days are numbers of sample_calendar, NONE where there is none."""

    stage: array[int] = field(default_factory=lambda: column("b"))
    supplier: array[int] = field(default_factory=lambda: column("i"))
    harvest: array[int] = field(default_factory=lambda: column("h"))
    production: array[int] = field(default_factory=lambda: column("h"))
    grams: array[int] = field(default_factory=lambda: column("q"))
    left: array[int] = field(default_factory=lambda: column("q"))
    scheme: array[int] = field(default_factory=lambda: column("b"))
    origin: array[int] = field(default_factory=lambda: column("b"))
    cocoa: array[int] = field(default_factory=lambda: column("b"))
    inputs: array[int] = field(default_factory=lambda: array("q"))

    def __len__(self) -> int:
        return len(self.stage) - 1

    def add(
        self,
        stage: int,
        supplier: int,
        days: tuple[int, int],
        grams: int,
        nature: tuple[int, int],
        cocoa: int = 100,
    ) -> int:
        """Return a new lot; `days` are harvest and production, `nature` its scheme and origin."""
        self.stage.append(stage)
        self.supplier.append(supplier)
        self.harvest.append(days[0])
        self.production.append(days[1])
        self.grams.append(grams)
        self.left.append(grams)
        self.scheme.append(nature[0])
        self.origin.append(nature[1])
        self.cocoa.append(cocoa)
        return len(self)  # fmt: skip

    def use(self, output: int, picks: Sequence[Pick]) -> None:
        for lot, grams in picks:
            self.draw(lot, grams)
            self.inputs.extend((output, lot, grams))

    def draw(self, lot: int, grams: int) -> None:
        if grams > self.left[lot]:
            raise ValueError(f"cacao batch {lot} has {self.left[lot]} g left, not {grams} g")
        self.left[lot] -= grams

    def day(self, lot: int) -> int:
        """When it came to be: the day of production, or of harvest."""
        return self.production[lot] if self.production[lot] != NONE else self.harvest[lot]

    def blend(self, picks: Sequence[Pick]) -> tuple[int, int]:
        """Scheme and origin of what these make: only what all of them share."""
        schemes = {self.scheme[lot] for lot, _ in picks}
        origins = {self.origin[lot] for lot, _ in picks}
        return (
            schemes.pop() if len(schemes) == 1 else 0,
            origins.pop() if len(origins) == 1 else BLEND,
        )


class Stock:
    """Lots of one kind that can be drawn from: each from its ready day on, until it is empty."""

    def __init__(self, lots: Lots, least: int = 1) -> None:
        self._left = lots.left
        self._least = least
        self._waiting: deque[tuple[int, int]] = deque()
        self._ripe: list[int] = []

    def put(self, lot: int, ready_day: int) -> None:
        self._waiting.append((ready_day, lot))

    def ripen(self, day: int) -> None:
        while self._waiting and self._waiting[0][0] <= day:
            self._ripe.append(self._waiting.popleft()[1])

    def peek(self, rng: Random) -> int:
        """Any ripe lot with enough left; 0 if there is none."""
        ripe, left, least = self._ripe, self._left, self._least
        while ripe:
            k = int(rng.random() * len(ripe))
            lot = ripe[k]
            if left[lot] >= least:
                return lot
            ripe[k] = ripe[-1]
            ripe.pop()
        return 0


def kilograms(grams: int) -> str:
    return f"{grams // 1000}.{grams % 1000:03}"


def write_day(day: int) -> str:
    return r"\N" if day == NONE else TEXTS[day]


def write_batches(lots: Lots) -> Iterator[str]:
    counts: dict[int, int] = {}
    for lot in range(1, len(lots) + 1):
        supplier, stage = lots.supplier[lot], lots.stage[lot]
        counts[supplier] = counts.get(supplier, 0) + 1
        number = number_lot(lots, lot, counts[supplier])
        yield (
            f"{lot}\t{supplier}\t{write_day(lots.harvest[lot])}\t{kilograms(lots.grams[lot])}\t"
            f"{CERTIFICATION_SCHEMES[lots.scheme[lot]] or chr(92) + 'N'}\t{STAGES[stage]}\t{number}\t"
            f"{write_day(lots.production[lot])}\n"
        )


def number_lot(lots: Lots, lot: int, count: int) -> str:
    """Return a lot number, unique with the supplier: beans by crop year, other lots by their day."""
    day = DAYS[lots.day(lot)]
    if lots.stage[lot] != BEANS:
        return f"{LOT_CODES[lots.stage[lot]]}-{day:%y%m%d}-{count:03}"
    crop = day.year % 100 - (day.month < 10)
    prefix = "EXP" if lots.production[lot] != NONE else "LOT"
    return f"{prefix}-{crop}{crop + 1}-{count:04}"


def write_inputs(lots: Lots) -> Iterator[str]:
    flat = lots.inputs
    for k in range(0, len(flat), 3):
        output = flat[k]
        day = max(lots.production[output], lots.harvest[output])
        yield f"{output}\t{flat[k + 1]}\t{kilograms(flat[k + 2])}\t{RECORDED[day]}\n"


def write_batch_plots(rng: Random, lots: Lots, plots: PlotRanges) -> Iterator[str]:
    """Yield a harvested lot came from one to six of its supplier's plots; their kg add up to it."""
    for lot in range(1, len(lots) + 1):
        if lots.stage[lot] != BEANS or lots.production[lot] != NONE:
            continue
        first, count = plots.first[lots.supplier[lot]], plots.count[lots.supplier[lot]]
        fewest = min(count, 3) if lot <= 5 else 1
        chosen = rng.sample(range(first, first + count), min(count, rng.randint(fewest, 6)))
        parts = share_out(rng, lots.grams[lot], len(chosen))
        for plot, grams in zip(sorted(chosen), parts, strict=True):
            yield f"{lot}\t{plot}\t{kilograms(grams)}\n"
