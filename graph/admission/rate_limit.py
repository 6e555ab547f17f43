"""Per-client rate limiting by request cost.

A request fails if it costs more than any request may, or more than its client has left. Each client has a
token bucket that holds `COST_BURST` and refills at `COST_PER_SECOND`. Buckets are per process and per event
loop.

The limiter keeps one number per client: the time at which its bucket will be full again (GCRA). An unknown
client has a full bucket, so evicting the oldest entries is safe and bounds memory.
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
# The JSON of a cost is cached: the response writer needs it for every answer.
_MAX_CACHED_COSTS = 4_096
# In seconds. Sums of floats differ in their last digits.
_ROUNDING_TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True)
class RequestCost:
    """The cost of a request and the maximum for one request, as reported in `extensions.cost`.

    `json` is the same as JSON.
    """

    requested: int
    maximum: int
    json: bytes

    def shown(self) -> dict[str, int]:
        """Return the `cost` of a response's extensions."""
        return {"requested": self.requested, "maximum": self.maximum}


class RateLimiter:
    """Admits requests by cost. With `cost_per_second` 0, clients are not limited."""

    def __init__(self, limits: Limits) -> None:
        maximum = self._maximum = limits.cost
        self._cost_of_second = limits.cost_of_second
        rate = limits.cost_per_second
        self._buckets = TokenBuckets(limits.cost_burst, rate) if rate else None

        @lru_cache(_MAX_CACHED_COSTS)
        def cost_of(cost: int) -> RequestCost:
            return RequestCost(cost, maximum, b'{"requested":%d,"maximum":%d}' % (cost, maximum))

        self.cost_of = cost_of

    def admit(self, viewer: Viewer, cost: int, paid: int = 0) -> RequestError | None:
        """Take the cost of a request from its client, or return the error and take nothing.

        `paid` is what the client has paid for this request so far.
        """
        if cost + paid > self._maximum:
            return CostLimitExceeded(
                f"The request may cost {cost + paid}; the maximum is {self._maximum}."
            )
        if self._buckets is None:
            return None
        retry_after = self._buckets.take(client_of(viewer), cost)
        return _rate_limited(retry_after) if retry_after else None

    def settle(self, client: str, seconds: float, paid: int = 0) -> None:
        """Take what the seconds of a request cost beyond what the client paid, also from an empty bucket."""
        if self._buckets is not None:
            unpaid = seconds * self._cost_of_second - paid
            if unpaid > 0:
                self._buckets.overdraw(client, unpaid)

    def take(self, viewer: Viewer, cost: int) -> None:
        """Take the cost of work that is not in a request's cost, such as planning.

        Raises GraphQLError with the code RATE_LIMITED, and takes nothing then.
        """
        if self._buckets is not None:
            retry_after = self._buckets.take(client_of(viewer), cost)
            if retry_after:
                raise refuse(_rate_limited(retry_after))


def _rate_limited(retry_after: int) -> RateLimited:
    return RateLimited(f"Rate limit exceeded; retry in {retry_after} s.", retry_after)


class TokenBuckets:
    """One token bucket per client, for one event loop."""

    def __init__(
        self,
        burst: int,
        per_second: int,
        clock: Callable[[], float] = time.monotonic,
        max_clients: int = MAX_CLIENTS,
    ) -> None:
        self._burst = burst
        self._seconds_per_token = 1 / per_second
        self._seconds_to_fill = burst / per_second
        self._clock = clock
        self._max_clients = max_clients
        self._full_at: OrderedDict[str, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._full_at)

    def take(self, client: str, tokens: int) -> int:
        """Take tokens and return 0, or take none and return the seconds to wait.

        A request for more tokens than a bucket holds takes a full bucket.
        """
        now = self._clock()
        full_at = max(self._full_at.get(client, now), now)
        full_at += min(tokens, self._burst) * self._seconds_per_token
        wait = full_at - now - self._seconds_to_fill - _ROUNDING_TOLERANCE
        if wait > 0:
            return math.ceil(wait)
        self._store(client, full_at)
        return 0

    def overdraw(self, client: str, tokens: float) -> None:
        """Take tokens even if the bucket does not hold them; the refill pays for them first."""
        now = self._clock()
        full_at = max(self._full_at.get(client, now), now)
        self._store(client, full_at + tokens * self._seconds_per_token)

    def _store(self, client: str, full_at: float) -> None:
        self._full_at[client] = full_at
        self._full_at.move_to_end(client)
        if len(self._full_at) > self._max_clients:
            self._full_at.popitem(last=False)


def client_of(viewer: Viewer) -> str:
    """Return the user or API key of a signed-in client, else its network."""
    actor = viewer.actor
    if actor and not actor.startswith(DEVELOPMENT_ACTOR):
        return actor
    return client_network(viewer.address)


@lru_cache(4096)
def client_network(address: str) -> str:
    """Return the IPv4 address, or the IPv6 /64 prefix, which one subscriber usually controls."""
    if ":" not in address:
        return address
    try:
        parsed = IPv6Address(address.partition("%")[0])
    except ValueError:
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return f"{IPv6Address(int(parsed) >> 64 << 64)}/64"
