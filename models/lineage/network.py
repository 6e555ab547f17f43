"""A network of flows between lots, and walks through it: each lot once, with its shortest depth.

Pure: edges in, numbers out. A cycle, which only corrupt data has, is walked like anything else.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, TypeAlias

# Flows that all walks of one field pass through at most; a walk that comes to the end of it is cut off.
MAX_PASSED = 2_000_000

Flows: TypeAlias = tuple[Sequence[int], Sequence[int]]
"""Where the flows of a lot lead, and their grams."""
NO_MASS: Flows = ((), ())


@dataclass
class Network:
    """Flows as read, by the lot they are walked from; `read` are the lots whose flows are known.

    Of products: `product`, `lot` and `took` are the ends and the grams of each use, None where these
    are not known; `by_product` and `by_lot` the numbers of uses.
    """

    read: set[int]
    flows: dict[int, Flows]
    product: Sequence[int]
    lot: Sequence[int]
    took: Sequence[int | None]
    held: Mapping[str, int]
    stages: Mapping[str, str]
    blends: Mapping[str, int]
    makers: Mapping[str, int | None]
    customers: Sequence[tuple[int, int | None, str]] = ()
    """The first event that names each, of a product or else of a lot, and the name."""
    left: int = MAX_PASSED
    by_product: dict[int, list[int]] = field(default_factory=dict)
    by_lot: dict[int, list[int]] = field(default_factory=dict)

    @classmethod
    def of(cls, columns: Mapping[str, Any]) -> "Network":
        """Return the network in the columns that models.lineage reads."""
        near, far, grams = (columns[name] or () for name in ("near", "far", "grams"))
        network = cls(
            read=set(columns["read"] or ()),
            flows=dict(zip(near, zip(far, grams, strict=True), strict=True)),
            product=columns["product"] or (),
            lot=columns["lot"] or (),
            took=columns["took"] or (),
            held=columns.get("held") or {},
            stages=columns.get("stages") or {},
            blends=columns.get("blends") or {},
            makers=columns.get("makers") or {},
            customers=columns.get("customers") or (),
        )
        for number, (product, lot) in enumerate(zip(network.product, network.lot, strict=True)):
            network.by_product.setdefault(product, []).append(number)
            network.by_lot.setdefault(lot, []).append(number)
        return network

    def of_lot(self, lot: int) -> Flows:
        """Return the flows that lead on from a lot."""
        return self.flows.get(lot, NO_MASS)

    def next_lots(self, lots: Iterable[int]) -> Iterator[int]:
        """Where the flows of these lots lead, once for each flow."""
        flows = self.flows
        return chain.from_iterable(flows[lot][0] for lot in lots if lot in flows)

    def grams(self, near: int, far: int) -> int:
        """Return the mass of a flow."""
        ends, grams = self.flows[near]
        return grams[ends.index(far)]


@dataclass(frozen=True)
class Walked:
    """The lots that a walk reached with their depth, by depth and number; its beginning included."""

    depths: dict[int, int]
    truncated: bool


def walk(
    network: Network, starts: Iterable[int], depth: int, max_depth: int | None = None
) -> Walked:
    """Walk from lots of this depth, level by level, for as many steps as a depth may be."""
    level = sorted(network.read.intersection(starts))
    depths = dict.fromkeys(level, depth) if max_depth is None or depth <= max_depth else {}
    truncated = False
    while level and (max_depth is None or depth < max_depth):
        reached = list(network.next_lots(level))
        network.left -= len(reached)
        if network.left < 0:
            return Walked(depths, True)
        found = set(reached).difference(depths)
        known = found & network.read
        truncated = truncated or len(known) < len(found)
        depth += 1
        level = sorted(known)
        depths.update(dict.fromkeys(level, depth))
    return Walked(depths, truncated)


def in_order(network: Network, lots: Mapping[int, int]) -> list[int] | None:
    """Return the lots, each behind all lots that lead to it (Kahn, 1962); None where they go in a circle."""
    waiting = dict.fromkeys(lots, 0)
    for far in network.next_lots(lots):
        waiting[far] += 1
    ready = [lot for lot, count in waiting.items() if not count]
    for lot in ready:
        for far in network.of_lot(lot)[0]:
            waiting[far] -= 1
            if not waiting[far]:
                ready.append(far)
    return ready if len(ready) == len(waiting) else None
