"""PUBLIC_READ=off: a client that has not signed in reads nothing, but may sign in."""

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from models.database.engines import Database
from serving.app import create_app
from serving.settings import Settings
from tests.conftest import local
from tests.recorder import recording
from tests.requests import request, send


@pytest.fixture(scope="module")
def closed(sample: Database) -> Iterator[TestClient]:
    with local(create_app(Settings(public_read=False), sample)) as client:
        yield client


@pytest.mark.parametrize(
    "document",
    [
        "{ products { nodes { name } } }",
        "{ product(by: {productId: 1}) { name } }",
        "{ __schema { queryType { name } } }",
        '{ __type(name: "Product") { name } }',
        "{ viewer { role } manufacturers { totalCount } }",
    ],
)
def test_closed_server_shows_the_public_nothing(
    closed: TestClient, sample: Database, document: str
) -> None:
    with recording(sample) as statements:
        answer = request(closed, document)
    assert answer.codes == ["UNAUTHENTICATED"]
    assert statements == []


def test_closed_server_lets_the_public_ask_who_it_is_and_sign_in(sample_copy: Database) -> None:
    sign_in = """mutation { signIn(input: {username: "nobody", password: "nothing at all"}) {
        token viewer { role } userErrors { code } } }"""
    with local(create_app(Settings(public_read=False), sample_copy)) as client:
        asked = request(client, "{ __typename viewer { role } }")
        answer = request(client, sign_in)
    assert asked.json == {"data": {"__typename": "Query", "viewer": {"role": "PUBLIC"}}}
    assert answer.json["data"]["signIn"]["token"] is None
    assert "errors" not in answer.json


def test_closed_server_answers_the_rest_endpoint_with_401(closed: TestClient) -> None:
    assert send(closed, b"", "/api/products", "GET").status == 401
    assert send(closed, b"", "/api/health", "GET").status == 200
