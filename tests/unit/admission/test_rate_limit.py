"""The rate limiter: how buckets empty and refill, which clients share one, its memory."""

import time
from unittest.mock import patch

import pytest
from graphql import GraphQLError

from graph.admission.limits import Limits
from graph.admission.rate_limit import RateLimiter, TokenBuckets, client_network, client_of
from graph.context import Viewer
from graph.errors import CostLimitExceeded, RateLimited

PUBLIC = Viewer(role="public", address="192.0.2.1")


class Clock:
    """A monotonic clock that a test turns."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_bucket_holds_the_burst_and_no_more(clock: Clock) -> None:
    buckets = TokenBuckets(100, 10, clock)
    assert [buckets.take("a", 25) for _ in range(4)] == [0, 0, 0, 0]
    assert buckets.take("a", 1) == 1


def test_bucket_is_refilled_by_so_much_a_second(clock: Clock) -> None:
    buckets = TokenBuckets(100, 10, clock)
    assert buckets.take("a", 100) == 0
    for _ in range(50):
        clock.now += 0.1
        assert buckets.take("a", 1) == 0
        assert buckets.take("a", 1) == 1


def test_wait_is_whole_seconds_until_the_cost_fits(clock: Clock) -> None:
    buckets = TokenBuckets(100, 10, clock)
    assert buckets.take("a", 100) == 0
    assert [buckets.take("a", cost) for cost in (1, 10, 11, 100)] == [1, 1, 2, 10]
    clock.now += 2
    assert buckets.take("a", 20) == 0


def test_refused_cost_is_not_taken(clock: Clock) -> None:
    buckets = TokenBuckets(100, 10, clock)
    assert buckets.take("a", 90) == 0
    assert [buckets.take("a", 50) for _ in range(100)] == [4] * 100
    assert buckets.take("a", 10) == 0


def test_full_bucket_does_not_overflow(clock: Clock) -> None:
    buckets = TokenBuckets(100, 10, clock)
    assert buckets.take("a", 1) == 0
    clock.now += 1_000_000
    assert buckets.take("a", 100) == 0
    assert buckets.take("a", 1) == 1


def test_cost_past_the_burst_takes_a_full_bucket(clock: Clock) -> None:
    buckets = TokenBuckets(100, 10, clock)
    assert buckets.take("a", 5_000) == 0
    assert buckets.take("a", 5_000) == 10


def test_clients_have_buckets_of_their_own(clock: Clock) -> None:
    buckets = TokenBuckets(100, 10, clock)
    assert buckets.take("a", 100) == 0
    assert buckets.take("b", 100) == 0
    assert (buckets.take("a", 1), buckets.take("b", 1)) == (1, 1)


def test_jump_of_the_wall_clock_neither_refills_nor_locks_out() -> None:
    buckets = TokenBuckets(100, 10)
    assert buckets.take("a", 100) == 0
    for moment in (0.0, 4e9):
        with patch.object(time, "time", lambda moment=moment: moment):
            assert buckets.take("a", 10) == 1


def test_clients_are_forgotten_the_oldest_first(clock: Clock) -> None:
    buckets = TokenBuckets(100, 10, clock, max_clients=1_000)
    for number in range(5_000):
        assert buckets.take(f"client {number}", 100) == 0
        # A client that sends requests is not forgotten, however many addresses there are.
        assert buckets.take("busy", 1 if number < 100 else 0) == 0
    assert len(buckets) == 1_000
    assert buckets.take("busy", 1) == 1
    assert buckets.take("client 4999", 1) == 1
    assert buckets.take("client 1", 1) == 0


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("::1", "::/64"),
        ("", ""),
        ("a:b", "a:b"),
    ],
)
def test_client_is_an_address_or_the_network_of_one(address: str, network: str) -> None:
    assert client_network(address) == network
    assert client_of(Viewer(role="public", address=address)) == network


def test_client_who_has_signed_in_is_the_same_from_everywhere() -> None:
    homes = [Viewer("viewer", actor="user:anna", address=a) for a in ("192.0.2.1", "2001:db8::1")]
    assert {client_of(home) for home in homes} == {"user:anna"}


def test_limiter_refuses_what_is_past_the_maximum_and_takes_nothing_for_it() -> None:
    rate_limiter = RateLimiter(Limits(cost=50, cost_burst=50, cost_per_second=1))
    refused = rate_limiter.admit(PUBLIC, 51)
    assert isinstance(refused, CostLimitExceeded)
    assert str(refused) == "The request may cost 51; the maximum is 50."
    assert rate_limiter.admit(PUBLIC, 50) is None


def test_limiter_refuses_what_a_client_cannot_spend() -> None:
    rate_limiter = RateLimiter(Limits(cost=50, cost_burst=60, cost_per_second=10))
    assert rate_limiter.admit(PUBLIC, 50) is None
    refused = rate_limiter.admit(PUBLIC, 50)
    assert isinstance(refused, RateLimited)
    assert (refused.seconds, refused.code) == (4, "RATE_LIMITED")
    with pytest.raises(GraphQLError, match="Rate limit exceeded; retry in 2 s"):
        rate_limiter.take(PUBLIC, 30)


def test_limiter_without_a_rate_allows_everything() -> None:
    rate_limiter = RateLimiter(Limits(cost=50, cost_burst=50, cost_per_second=0))
    assert [rate_limiter.admit(PUBLIC, 50) for _ in range(1_000)] == [None] * 1_000


def test_price_is_written_as_it_is_shown() -> None:
    cost = RateLimiter(Limits(cost=50)).cost_of(7)
    assert cost.json == b'{"requested":7,"maximum":50}'
    assert cost.shown() == {"requested": 7, "maximum": 50}


def test_workers_share_the_budget_but_each_can_answer_any_request() -> None:
    limits = Limits(cost=50, cost_burst=400, cost_per_second=10)
    assert limits.shared(1) == limits
    assert limits.shared(4) == Limits(cost=50, cost_burst=100, cost_per_second=3)
    assert limits.shared(64).cost_burst == 50
    assert limits.shared(64).cost_per_second == 1
    assert Limits(cost_per_second=0).shared(4).cost_per_second == 0
