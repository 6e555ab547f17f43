"""What requests are charged: none past the maximum, none past what its client may spend.

Each client has a token bucket in this process.

Of a bucket only the moment is kept at which it will be full again: a client that is not known has a
full one. The oldest are forgotten, so that a client of many addresses fills nothing.
"""

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv6Address

from graph.admission.limits import Limits
from graph.context import DEVELOPMENT_ACTOR, Viewer
from graph.errors import CostLimitExceeded, RateLimited, RequestError, refuse

MAX_CLIENTS = 50_000
MAX_PRICES = 4_096


@dataclass(frozen=True, slots=True)
class Price:
    """What a request costs, and what one may cost at most; `json` says so."""

    requested: int
    maximum: int
    json: bytes

    def shown(self) -> dict[str, int]:
        """The `cost` of a response's extensions."""
        return {"requested": self.requested, "maximum": self.maximum}


class RateLimiter:
    """Admits requests, or says why not."""

    def __init__(self, limits: Limits) -> None:
        maximum = self._maximum = limits.cost
        self._second = limits.cost_of_second
        rate = limits.cost_per_second
        self._budget = Budget(limits.cost_burst, rate) if rate else None

        @lru_cache(MAX_PRICES)
        def price(cost: int) -> Price:
            return Price(cost, maximum, b'{"requested":%d,"maximum":%d}' % (cost, maximum))

        self.price = price

    def charge(self, viewer: Viewer, cost: int, paid: int = 0) -> RequestError | None:
        """Take a cost from whoever asks; why that cannot be, in which case nothing is taken.

        `paid` is what the same request has cost so far.
        """
        if cost + paid > self._maximum:
            return CostLimitExceeded(
                f"The request may cost {cost + paid}; at most {self._maximum} is allowed."
            )
        if self._budget is None:
            return None
        seconds = self._budget.spend(client_of(viewer), cost)
        return RateLimited(_spent(cost, seconds), seconds) if seconds else None

    def settle(self, client: str, seconds: float, paid: int = 0) -> None:
        """Take what the seconds of a request cost beyond what it paid, even from an empty bucket."""
        if self._budget is not None:
            beyond = seconds * self._second - paid
            if beyond > 0:
                self._budget.owe(client, beyond)

    def spend(self, viewer: Viewer, work: int) -> None:
        """Take what it costs to understand a request; raises GraphQLError where that cannot be."""
        if self._budget is not None:
            seconds = self._budget.spend(client_of(viewer), work)
            if seconds:
                raise refuse(RateLimited(_spent(work, seconds), seconds))


def _spent(cost: int, seconds: int) -> str:
    plural = "" if seconds == 1 else "s"
    return f"Too much was asked: {cost} more can be had in {seconds} second{plural}."


class Budget:
    """Buckets that hold `burst` and are refilled by so much a second. For one event loop."""

    def __init__(
        self,
        burst: int,
        per_second: int,
        clock: Callable[[], float] = time.monotonic,
        most: int = MAX_CLIENTS,
    ) -> None:
        self._burst = burst
        self._each = 1 / per_second
        self._span = burst / per_second
        self._clock = clock
        self._most = most
        self._full_at: OrderedDict[str, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._full_at)

    def spend(self, client: str, cost: int) -> int:
        """Take a cost out of a client's bucket: 0. Or take nothing: the seconds until it holds as much.

        What is more than a bucket can hold takes all of a full one.
        """
        now = self._clock()
        full_at = self._full_at.get(client, now)
        full_at = max(full_at, now)
        full_at += min(cost, self._burst) * self._each
        # A nanosecond of grace: sums of floats may differ in their last digits.
        late = full_at - now - self._span - 1e-9
        if late > 0:
            return math.ceil(late)
        self._keep(client, full_at)
        return 0

    def owe(self, client: str, cost: float) -> None:
        """Take a cost whether the bucket holds as much or not: what is missing is refilled first."""
        now = self._clock()
        self._keep(client, max(self._full_at.get(client, now), now) + cost * self._each)

    def _keep(self, client: str, full_at: float) -> None:
        self._full_at[client] = full_at
        self._full_at.move_to_end(client)
        if len(self._full_at) > self._most:
            self._full_at.popitem(last=False)


def client_of(viewer: Viewer) -> str:
    """Who is counted: whoever has signed in, or else the network of an address."""
    actor = viewer.actor
    if actor and not actor.startswith(DEVELOPMENT_ACTOR):
        return actor
    return network_of(viewer.address)


@lru_cache(4096)
def network_of(address: str) -> str:
    """An IPv4 address, or the /64 that one client of IPv6 has."""
    if ":" not in address:
        return address
    try:
        parsed = IPv6Address(address.partition("%")[0])
    except ValueError:
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return f"{IPv6Address(int(parsed) >> 64 << 64)}/64"
