"""The sample's plots: areas and GeoJSON outlines near their cooperative's town, and kg per lot."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from math import cos, pi, radians, sin, sqrt
from random import Random
from unicodedata import normalize

from models.sample_data.load import escape
from models.sample_data.names import name_person
from models.sample_data.parties import SampleSupplier
from models.sample_data.places import ORIGINS

METRES_PER_DEGREE = 111_320
# EUDR, Article 2(28): from 4 ha on, a point is not enough.
POLYGON_FROM_HA = 4


@dataclass(frozen=True)
class PlotRanges:
    """Which plots are whose: supplier s (from 1) has `count[s]` plots, from id `first[s]` on."""

    first: array[int]
    count: array[int]

    @property
    def total(self) -> int:
        return sum(self.count)


def assign_plots(rng: Random, suppliers: list[SampleSupplier]) -> PlotRanges:
    first, count = array("i", [0]), array("i", [0])
    following = 1
    for one in suppliers:
        # The showcase's growers, the first four, have several plots in every sample.
        most = {"cooperative": 8, "farm": 4}.get(one.role, 0)
        few = 3 if len(first) <= 4 else 1
        plots = rng.randint(few, most) if most else 0
        first.append(following)
        count.append(plots)
        following += plots
    return PlotRanges(first, count)


def write_plots(rng: Random, suppliers: list[SampleSupplier], ranges: PlotRanges) -> Iterator[str]:
    for number, one in enumerate(suppliers, 1):
        if one.place is None:
            continue
        origin = ORIGINS[one.origin]
        longitude = one.place.longitude + rng.uniform(-origin.spread, origin.spread)
        latitude = one.place.latitude + rng.uniform(-origin.spread, origin.spread)
        region = abbreviate(one.place.region)
        for k in range(ranges.count[number]):
            area = measure_plot(rng, one)
            x, y = longitude + rng.uniform(-0.02, 0.02), latitude + rng.uniform(-0.02, 0.02)
            owner = one.contact_person if one.role == "farm" else name_person(rng, origin.language)
            yield (
                f"{ranges.first[number] + k}\t{number}\t{one.country}-{region}-{number:06}-{k + 1}\t"
                f"{escape(owner or one.name)}\t{one.country}\t{area:.2f}\t"
                f"{draw_geometry(rng, x, y, area)}\n"
            )


def abbreviate(region: str) -> str:
    letters = normalize("NFD", region).encode("ascii", "ignore").decode().upper()
    return "".join(letter for letter in letters if letter.isalpha())[:3]


def measure_plot(rng: Random, supplier: SampleSupplier) -> float:
    """Hectares: smallholders' plots, farms somewhat larger, a few estates."""
    if supplier.role == "farm":
        if supplier.country not in ("CI", "GH", "CM", "NG") and rng.random() < 0.1:
            return round(rng.uniform(40, 400), 2)
        return round(min(60.0, max(1.0, rng.lognormvariate(2.0, 0.7))), 2)
    return round(min(12.0, max(0.4, rng.lognormvariate(0.75, 0.65))), 2)


def draw_geometry(rng: Random, longitude: float, latitude: float, area_ha: float) -> str:
    if area_ha < POLYGON_FROM_HA:
        return f'{{"type": "Point", "coordinates": [{longitude:.6f}, {latitude:.6f}]}}'
    corners = draw_outline(rng, longitude, latitude, area_ha)
    ring = ", ".join(f"[{x:.6f}, {y:.6f}]" for x, y in [*corners, corners[0]])
    return f'{{"type": "Polygon", "coordinates": [[{ring}]]}}'


def draw_outline(
    rng: Random, longitude: float, latitude: float, area_ha: float
) -> list[tuple[float, float]]:
    """Corners counterclockwise (RFC 7946, 3.1.6) around a point, enclosing that area."""
    corners = rng.randint(5, 9)
    step = 2 * pi / corners
    radii = [rng.uniform(0.8, 1.2) for _ in range(corners)]
    unit = sum(radii[k - 1] * radii[k] for k in range(corners)) * sin(step) / 2
    scale = sqrt(area_ha * 10_000 / unit) / METRES_PER_DEGREE
    turn = rng.uniform(0, step)
    return [
        (
            longitude + radius * scale * cos(turn + k * step) / cos(radians(latitude)),
            latitude + radius * scale * sin(turn + k * step),
        )
        for k, radius in enumerate(radii)
    ]


def share_out(rng: Random, grams: int, parts: int) -> list[int]:
    """Split a weight into that many uneven parts, whole hundreds of grams but for the last."""
    weights = [rng.uniform(0.5, 1.5) for _ in range(parts)]
    total = sum(weights)
    shares = [max(100, int(grams * weight / total) // 100 * 100) for weight in weights[:-1]]
    return [*shares, grams - sum(shares)]
