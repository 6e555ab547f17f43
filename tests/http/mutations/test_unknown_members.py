"""An input with a member that its type does not declare is refused, and nothing is written."""

import pytest
from starlette.testclient import TestClient

from tests.http.mutations.documents import CREATE_BATCH, CREATE_PRODUCT, RECORD
from tests.http.mutations.test_bad_input import BAR, BEANS, EVENT, USER
from tests.requests import code_of

pytestmark = pytest.mark.usefixtures("assert_unchanged")


@pytest.mark.parametrize(
    ("mutation", "given"),
    [(CREATE_PRODUCT, BAR), (CREATE_BATCH, BEANS), (RECORD, EVENT)],
)
def test_unknown_member_of_an_input_is_refused(
    protected_client: TestClient, mutation: str, given: dict[str, str]
) -> None:
    assert code_of(protected_client, mutation, {"input": {**given, "colour": "brown"}}) == USER
