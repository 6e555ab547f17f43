"""The fuzzers, briefly and with a fixed seed: no internal error, and an empty log."""

from collections.abc import Iterator
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest

from tests.conftest import Cluster, Serving, start_serving
from tests.slow.fuzz.envelopes import KINDS, envelope, envelopes
from tests.slow.fuzz.schema import fuzz_schema
from tests.slow.fuzz.sending import fuzz

SEED = 4
ENVELOPES, DOCUMENTS_EACH = 2_500, 3


@pytest.fixture(scope="module")
def target(cluster: Cluster, sample_template: str) -> Iterator[Serving]:
    """Provide a server on sample data of its own, where everything may be done."""
    serving = start_serving(DATABASE_URL=cluster.create(sample_template), DEV_ROLE="admin")
    yield serving
    if serving.process.poll() is None:
        serving.stop()


def test_envelope_is_made_again_from_its_seed_and_number() -> None:
    assert list(envelopes(SEED, 50)) == [envelope(SEED, number) for number in range(50)]
    assert envelope(SEED, 1) != envelope(SEED + 1, 1)


def test_no_envelope_is_a_fault_of_ours(target: Serving) -> None:
    address = urlsplit(target.url)
    assert address.hostname
    assert address.port
    tally = fuzz(address.hostname, address.port, envelopes(SEED, ENVELOPES))
    assert tally.faults == []
    assert len(tally.kinds) >= len(KINDS)
    assert {"200", "400", "405", "406", "413", "415", "431"} <= tally.statuses.keys()


def test_no_document_of_the_schema_is_a_fault_of_ours(target: Serving) -> None:
    tally = fuzz_schema(f"{target.url}/graphql", SEED, DOCUMENTS_EACH)
    assert tally.faults == []
    assert tally.requests >= 20 * DOCUMENTS_EACH


def test_server_is_ready_afterwards_and_logged_no_error(target: Serving) -> None:
    with urlopen(f"{target.url}/api/health/ready", timeout=10) as response:
        assert response.status == 200
    code, _, errors = target.stop()
    assert code == 0
    assert [line for line in errors.splitlines() if " WARNING " not in line] == []
