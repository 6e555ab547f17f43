"""A network of flows between lots, and walks through it: each lot once, with its shortest depth.

Pure: edges in, numbers out. A cycle, which only corrupt data has, is walked like anything else.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

# Flows that all walks of one field pass through at most; a walk that comes to the end of it is cut off.
MAX_PASSED = 2_000_000


@dataclass
class Network:
    """Flows as read, by the lot they are walked from; `far` is where each leads, `grams` its mass.

    Of products: `uses` are pairs of a use's number and its product or lot; `took` its grams, None
    where they are not known. `read` are the lots whose own flows are known.
    """

    read: set[int]
    far: list[int]
    grams: list[int]
    below: dict[int, list[int]]
    product: list[int]
    lot: list[int]
    took: list[int | None]
    held: Mapping[str, int]
    stages: Mapping[str, str]
    blends: Mapping[str, int]
    makers: Mapping[str, int | None]
    left: int = MAX_PASSED
    by_product: dict[int, list[int]] = field(default_factory=dict)
    by_lot: dict[int, list[int]] = field(default_factory=dict)

    @classmethod
    def of(cls, columns: Mapping[str, Any]) -> "Network":
        """The network in the columns that models.lineage reads."""
        below: dict[int, list[int]] = {}
        for number, near in enumerate(columns["near"] or ()):
            if near in below:
                below[near].append(number)
            else:
                below[near] = [number]
        network = cls(
            read=set(columns["read"] or ()),
            far=columns["far"] or [],
            grams=columns["grams"] or [],
            below=below,
            product=columns["product"] or [],
            lot=columns["lot"] or [],
            took=columns["took"] or [],
            held=columns.get("held") or {},
            stages=columns.get("stages") or {},
            blends=columns.get("blends") or {},
            makers=columns.get("makers") or {},
        )
        for number, (product, lot) in enumerate(zip(network.product, network.lot, strict=True)):
            network.by_product.setdefault(product, []).append(number)
            network.by_lot.setdefault(lot, []).append(number)
        return network

    def flows_of(self, lot: int) -> list[int]:
        """The numbers of the flows that lead on from a lot."""
        return self.below.get(lot, NONE)

    def ahead(self, lots: Iterable[int]) -> Iterator[tuple[int, int]]:
        """Each flow that leads on from these lots: the lot and the flow's number."""
        return ((lot, number) for lot in lots for number in self.below.get(lot, NONE))


NONE: list[int] = []


@dataclass(frozen=True)
class Walked:
    """The lots that a walk reached with their depth, by depth and number; its beginning included."""

    depths: dict[int, int]
    truncated: bool


def walk(
    network: Network, starts: Iterable[int], depth: int, max_depth: int | None = None
) -> Walked:
    """Walk from lots of this depth, level by level, for as many steps as a depth may be."""
    level = sorted(lot for lot in set(starts) if lot in network.read)
    depths = dict.fromkeys(level, depth) if max_depth is None or depth <= max_depth else {}
    truncated = False
    while level and (max_depth is None or depth < max_depth):
        numbers = [number for lot in level for number in network.below.get(lot, NONE)]
        network.left -= len(numbers)
        if network.left < 0:
            return Walked(depths, True)
        far = network.far
        found = {far[number] for number in numbers}.difference(depths)
        known = found & network.read
        truncated = truncated or len(known) < len(found)
        depth += 1
        level = sorted(known)
        depths.update(dict.fromkeys(level, depth))
    return Walked(depths, truncated)


def in_order(network: Network, lots: Mapping[int, int]) -> list[int] | None:
    """The lots, each behind all lots that lead to it (Kahn, 1962); None where they go in a circle."""
    waiting = dict.fromkeys(lots, 0)
    for _, number in network.ahead(lots):
        waiting[network.far[number]] += 1
    ready = [lot for lot, count in waiting.items() if not count]
    for lot in ready:
        for number in network.below.get(lot, NONE):
            far = network.far[number]
            waiting[far] -= 1
            if not waiting[far]:
                ready.append(far)
    return ready if len(ready) == len(waiting) else None
