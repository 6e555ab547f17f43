"""The load tests, briefly; `python -m tests.slow.load` measures for two minutes."""

from tests.slow.load.__main__ import measure
from tests.slow.load.heavy import ATTACKS, LOTS, heavy_environment, measured


def test_valid_clients_are_answered_beside_hostile_ones() -> None:
    """The rate is not judged here: a machine that tests are run on has other things to do."""
    kept, failures, hostile = measure(8, 13, 1, 1)
    assert kept > 0
    assert failures == []
    assert hostile["dropped"] > 0


def test_readers_are_answered_beside_heavy_requests_of_one_client() -> None:
    """How much slower they are answered is measured by `make load`."""
    with heavy_environment(2_000, LOTS, WORKERS="1") as serving:
        port = int(serving.url.rpartition(":")[2])
        for name in ATTACKS:
            figures = measured(port, 8, 1, name)
            assert figures["requests"] > 8
            assert figures["failures"] == []
