"""The results for one lot or product: a trace, its origins, the impact of a recall.

Names here are those of the fields in graph.types.lineage. Masses are whole grams until they are shown.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from models.lineage.network import Network, Walked, walk
from models.lineage.pages import LineageResult, Listed, ListingKey
from models.lineage.shares import WHOLE, concentrations, decimal, divide, rounded, sources

KG, _SHARE = 3, 12
# What is read of events.
CUSTOMERS = ("customers", "customerCount")
# The second number of a flow's key where a product takes it: behind all lots of its depth.
_LOT, _PRODUCT = 0, 1


@dataclass(frozen=True)
class Asked:
    """A walk to be told of: from where, which way, how far, and which lots are listed."""

    start: int
    of_product: bool
    back: bool
    max_depth: int | None = None
    stages: Sequence[str] | None = None

    def walk(self, network: Network) -> Walked:
        """Walk; what a product was made from is one step away from it."""
        if self.of_product:
            lots = [network.lot[use] for use in network.by_product.get(self.start, ())]
            return walk(network, lots, 1, self.max_depth)
        return walk(network, [self.start], 0, self.max_depth)


# ---------------------------------------------------------------- traces


def trace(network: Network, asked: Asked) -> LineageResult:
    """Every lot and product that is reached, and each flow between them, once."""
    walked = asked.walk(network)
    lots = [(depth, lot) for lot, depth in walked.depths.items() if depth]
    if asked.stages is not None:
        stages = set(asked.stages)
        lots = [key for key in lots if network.stages.get(str(key[1])) in stages]
    products = reached_products(network, asked, walked)
    ordered = sorted((depth, product) for product, depth in products.items())
    flows = Passed(network, asked, walked, {lot for _, lot in lots})
    return LineageResult(
        {
            "lotCount": len(lots),
            "flowCount": flows.count(),
            "productCount": len(products),
            "depth": max([0, *walked.depths.values(), *products.values()]),
            "truncated": walked.truncated,
        },
        {
            "lots": lambda: Listed(lots, lambda key: {"depth": key[0], "cacaoBatch": key[1]}),
            "products": lambda: Listed(ordered, lambda key: {"depth": key[0], "product": key[1]}),
            "flows": lambda: Listed(flows.keys(), flows.show),
        },
    )


def reached_products(network: Network, asked: Asked, walked: Walked) -> dict[int, int]:
    """Products that the lots of a forward walk went into, with their shortest depth."""
    found: dict[int, int] = {}
    if asked.back:
        return found
    for lot, depth in walked.depths.items():
        if asked.max_depth is None or depth < asked.max_depth:
            for use in network.by_lot.get(lot, ()):
                found.setdefault(network.product[use], depth + 1)
    return found


@dataclass(frozen=True)
class Passed:
    """The flows that were walked and lead to a lot that is listed, or to a product."""

    network: Network
    asked: Asked
    walked: Walked
    listed: set[int]

    def count(self) -> int:
        """How many there are."""
        between = sum(len(self.listed.intersection(far)) for _, _, far in self._between())
        return between + len(self._uses())

    def keys(self) -> list[ListingKey]:
        """Depth of the near end, whether a product is an end, the near and the far end."""
        between = [
            (depth, _LOT, lot, end)
            for depth, lot, far in self._between()
            for end in self.listed.intersection(far)
        ]
        return sorted([*between, *self._uses()])

    def show(self, key: ListingKey) -> dict[str, Any]:
        """Return the ends of a flow in the direction of matter, whichever way it was walked."""
        _, kind, near, far = key
        giver, taker = (far, near) if self.asked.back else (near, far)
        if kind == _PRODUCT:
            uses = self.network.by_lot[giver]
            (use,) = (use for use in uses if self.network.product[use] == taker)
            took = decimal(self.network.took[use], KG)
            return {"from": giver, "to": None, "product": taker, "quantityKg": took}
        given = decimal(self.network.grams(near, far), KG)
        return {"from": giver, "to": taker, "product": None, "quantityKg": given}

    def _between(self) -> Iterator[tuple[int, int, Sequence[int]]]:
        """Depth and number of each lot that was walked on from, and where its flows lead."""
        most = self.asked.max_depth
        for lot, depth in self.walked.depths.items():
            if most is None or depth < most:
                yield depth, lot, self.network.of_lot(lot)[0]

    def _uses(self) -> list[ListingKey]:
        network, start = self.network, self.asked.start
        if self.asked.of_product:
            lots = (network.lot[use] for use in network.by_product.get(start, ()))
            return [(0, _PRODUCT, start, lot) for lot in lots if lot in self.listed]
        if self.asked.back:
            return []
        return [
            (depth, _PRODUCT, lot, network.product[use])
            for depth, lot, _ in self._between()
            for use in network.by_lot.get(lot, ())
        ]


# ---------------------------------------------------------------- origins


def origins(network: Network, asked: Asked) -> LineageResult:
    """Return the lots without inputs behind a lot or product, by their parts of its mass or by number.

    In the order of numbers no share is computed, so that no order, cursor or duration reveals one.
    """
    walked = asked.walk(network)
    found = sorted(lot for lot in walked.depths if not network.of_lot(lot)[0])
    return LineageResult(
        {"truncated": walked.truncated},
        {
            "origins": lambda: by_share(network, asked, walked, found),
            "origins_by_number": lambda: Listed(
                [(lot,) for lot in found], lambda key: {"cacaoBatch": key[0]}
            ),
        },
    )


def by_share(network: Network, asked: Asked, walked: Walked, found: Sequence[int]) -> Listed:
    """Lots without inputs with their parts of the mass of what they went into, the largest first."""
    parts, mass = None, None
    if not walked.truncated:
        given, mass = whole_of(network, asked)
        parts = None if given is None else sources(network, walked.depths, given)
    shares = rounded(parts, 10**_SHARE) if parts else {}
    kilograms = rounded(parts, mass) if parts and mass is not None else {}
    keys = sorted((-shares.get(lot, 0), lot) for lot in found)

    def show(key: ListingKey) -> dict[str, Any]:
        lot = key[1]
        return {
            "cacaoBatch": lot,
            "share": decimal(shares.get(lot), _SHARE),
            "quantityKg": decimal(kilograms.get(lot), KG),
        }

    return Listed(keys, show)


def whole_of(network: Network, asked: Asked) -> tuple[dict[int, int] | None, int | None]:
    """Return the parts of the whole that are in the lots where a walk back begins, and its grams.

    Where a product took several lots and of one it is not known how much, no part is known.
    """
    if not asked.of_product:
        return {asked.start: WHOLE}, network.held.get(str(asked.start))
    uses = network.by_product.get(asked.start, [])
    lots = [network.lot[use] for use in uses]
    known = [grams for use in uses if (grams := network.took[use]) is not None]
    if len(known) == len(uses) and uses:
        return dict(zip(lots, divide(WHOLE, known), strict=True)), sum(known)
    return (dict.fromkeys(lots, WHOLE) if len(lots) == 1 else None), None


# ---------------------------------------------------------------- recalls


def impact(network: Network, asked: Asked) -> LineageResult:
    """Every product with matter of a lot in it, how much of it, and who made these."""
    walked = asked.walk(network)
    products = reached_products(network, asked, walked)
    masses = masses_in(network, asked, walked, products)
    makers = makers_of(network, products)

    customers = customers_of(network)
    sold = names_by_product(customers.values())
    # What was not read may hold more: counts are lower bounds then, and no mass is the whole.
    mass = None if walked.truncated else total(masses.values())

    def show_product(key: ListingKey) -> dict[str, Any]:
        product = key[0]
        return {
            "depth": products[product],
            "product": product,
            "quantityKg": decimal(masses[product], KG),
            "customers": sold.get(product, []),
        }

    def show_maker(key: ListingKey) -> dict[str, Any]:
        made = makers[key[0]]
        in_made = decimal(total(masses[product] for product in made), KG)
        return {"manufacturer": key[0], "productCount": len(made), "quantityKg": in_made}

    def show_customer(key: ListingKey) -> dict[str, Any]:
        customer = customers[key[0]]
        count, lots = len(customer.products), customer.of_lots
        return {"name": customer.name, "productCount": count, "ofLots": lots}

    return LineageResult(
        {
            "affected": bool(products) or len(walked.depths) > 1 or walked.truncated,
            "lotCount": len(walked.depths) - 1 if walked.depths else 0,
            "productCount": len(products),
            "manufacturerCount": len(makers),
            "customerCount": len(customers),
            "quantityKg": decimal(mass, KG),
            "truncated": walked.truncated,
        },
        {
            "products": lambda: Listed([(key,) for key in sorted(products)], show_product),
            "manufacturers": lambda: Listed([(key,) for key in sorted(makers)], show_maker),
            "customers": lambda: Listed([(key,) for key in sorted(customers)], show_customer),
        },
    )


def makers_of(network: Network, products: Iterable[int]) -> dict[int, list[int]]:
    """Each maker with its products; not of those whose maker is not known."""
    makers: dict[int, list[int]] = {}
    for product in sorted(products):
        maker = network.makers.get(str(product))
        if maker is not None:
            makers.setdefault(maker, []).append(product)
    return makers


@dataclass
class Customer:
    """Whom events name: the products that they are of, and whether any is of a lot."""

    name: str
    products: list[int] = field(default_factory=list)
    of_lots: bool = False


def customers_of(network: Network) -> dict[int, Customer]:
    """Each customer once, by the first event that names it."""
    found: dict[str, tuple[int, Customer]] = {}
    for event, product, name in network.customers:
        _, customer = found.setdefault(name, (event, Customer(name)))
        if product is None:
            customer.of_lots = True
        else:
            customer.products.append(product)
    return dict(found.values())


def names_by_product(customers: Iterable[Customer]) -> dict[int, list[str]]:
    """Return the customers that each product's events name."""
    names: dict[int, list[str]] = {}
    for customer in customers:
        for product in customer.products:
            names.setdefault(product, []).append(customer.name)
    return names


def masses_in(
    network: Network, asked: Asked, walked: Walked, products: dict[int, int]
) -> dict[int, int | None]:
    """Grams of a lot in each product; None where what the product took is not known.

    They add up to the grams in all products of which it is known.
    """
    unknown: dict[int, int | None] = dict.fromkeys(products)
    found = None if walked.truncated else concentrations(network, walked.depths, asked.start)
    if found is None:
        return unknown
    parts: dict[int, int] = dict.fromkeys(products, 0)
    for lot, part in found.items():
        for use in network.by_lot.get(lot, ()):
            grams = network.took[use]
            if grams is None:
                parts.pop(network.product[use], None)
            elif network.product[use] in parts:
                parts[network.product[use]] += grams * part
    return unknown | rounded(parts, 1)


def total(masses: Any) -> int | None:
    """Return the sum, or None where one is not known."""
    added = 0
    for mass in masses:
        if mass is None:
            return None
        added += mass
    return added


ANSWERS = {"trace": trace, "origins": origins, "impact": impact}
