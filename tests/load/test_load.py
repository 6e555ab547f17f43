"""The load test runs; `python -m tests.load` measures what it is for, in two minutes."""

from tests.load.__main__ import measure


def test_valid_clients_are_answered_beside_hostile_ones() -> None:
    """The rate is not judged here: a machine that tests are run on has other things to do."""
    kept, failures, hostile = measure(8, 13, 3, 1)
    assert kept > 0
    assert failures == []
    assert hostile["dropped"] > 0
