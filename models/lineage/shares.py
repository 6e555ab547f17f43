"""Mass through blends: what part of a lot comes from which, and numbers that add up when printed.

A blend is mixed, and what is lost on the way is lost evenly: a lot is made of its inputs in the
proportion of their kilograms. Parts are whole numbers of 2^-256 of the whole and none gets lost, so
that they always add up; each is off by less than 2^-200 where fewer than 2^50 flows were passed.
"""

from collections.abc import Mapping, Sequence

from models.lineage.network import Network, in_order

WHOLE = 1 << 256
# Digits of a part that are compared: below that two remainders are equal.
GUARD = 1 << 200
SPARE = WHOLE // GUARD


def divide(amount: int, weights: Sequence[int]) -> list[int]:
    """Whole parts in proportion to the weights that add up to the amount; the last takes the rest."""
    total = sum(weights)
    parts = [amount * weight // total for weight in weights[:-1]]
    return [*parts, amount - sum(parts)]


def sources(
    network: Network, depths: Mapping[int, int], given: Mapping[int, int]
) -> dict[int, int] | None:
    """Return the lots without inputs, each with its part of the whole that was given to some lots.

    None where lots go in a circle, so that no part is known.
    """
    order = in_order(network, depths)
    if order is None:
        return None
    parts = dict.fromkeys(depths, 0) | dict(given)
    found: dict[int, int] = {}
    for lot in order:
        far, grams = network.of_lot(lot)
        if not far:
            found[lot] = parts[lot]
            continue
        for giver, part in zip(far, divide(parts[lot], grams), strict=True):
            parts[giver] += part
    return found


def concentrations(
    network: Network, depths: Mapping[int, int], start: int
) -> dict[int, int] | None:
    """Return what part of each lot that was made from a lot comes from it; None where they go in a circle."""
    order = in_order(network, depths)
    if order is None:
        return None
    weighed = dict.fromkeys(depths, 0)
    found: dict[int, int] = {}
    for lot in order:
        found[lot] = WHOLE if lot == start else weighed[lot] // network.blends[str(lot)]
        for taker, grams in zip(*network.of_lot(lot), strict=True):
            weighed[taker] += found[lot] * grams
    return found


def rounded(parts: Mapping[int, int], units: int, whole: int = WHOLE) -> dict[int, int]:
    """Parts of a whole as whole numbers of so many units, which add up to them (largest remainder).

    What is left over goes, one each, to the largest remainders, of equal ones to the lower number.
    """
    scaled = {key: (part * units * GUARD + whole // 2) // whole for key, part in parts.items()}
    made = {key: value // GUARD for key, value in scaled.items()}
    total = (sum(scaled.values()) + GUARD // 2) // GUARD
    order = sorted(scaled, key=lambda key: (-(scaled[key] % GUARD), key))
    for key in order[: total - sum(made.values())]:
        made[key] += 1
    return made


def decimal(units: int | None, places: int) -> str | None:
    """Return a number of units of 10^-places, as a decimal number."""
    if units is None:
        return None
    digits = str(abs(units)).zfill(places + 1)
    return f"{'-' if units < 0 else ''}{digits[:-places]}.{digits[-places:]}"
