"""GraphQL over HTTP: methods, media types, status codes, and the page for browsers."""

import asyncio
import json
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from starlette.testclient import TestClient
from starlette.types import Message

from graph.admission.rate_limit import RequestCost
from graph.answer import Answer as GraphQLAnswer
from graph.endpoints.graphql import application
from graph.transport.negotiation import IDENTITY
from graph.transport.response import Exchange
from models.database.engines import Database
from tests.bounds import within
from tests.conftest import local
from tests.recorder import recording
from tests.requests import GRAPHQL, JSON, Answer, encode, fetch, send

QUERY = "query One($id: Int!) { product(by: {productId: $id}) { name } }"
ONE = {"data": {"product": {"name": "Noir Café 70%"}}}
NONE = "{ product(by: {productId: 1}) { nope } }"
FIREFOX = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
CHROME = (
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,"
    "*/*;q=0.8,application/signed-exchange;v=b3;q=0.7"
)


def get(client: TestClient, accept: str = JSON, **parameters: str) -> Answer:
    return fetch(client, f"/graphql?{urlencode(parameters)}", accept=accept)


def post(client: TestClient, accept: str = "*/*", /, **members: object) -> Answer:
    return send(client, encode(members), accept=accept)


def test_answer_that_cannot_be_serialized_is_a_graphql_error() -> None:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    exchange = Exchange({"type": "http", "method": "POST"}, {}, send, JSON, IDENTITY)
    request_cost = RequestCost(3, 5, b"")
    asyncio.run(exchange.reply(GraphQLAnswer({"a": deep}, [], executed=True, cost=request_cost)))
    body = json.loads(sent[1]["body"])
    assert sent[0]["status"] == 500
    assert body["data"] is None
    assert [each["extensions"]["code"] for each in body["errors"]] == ["INTERNAL_SERVER_ERROR"]
    assert body["extensions"] == {"cost": {"requested": 3, "maximum": 5}}


# ---------------------------------------------------------------- methods


def test_query_by_get(reader: TestClient) -> None:
    answer = get(reader, query=QUERY, variables='{"id": 1}')
    assert (answer.status, answer.json) == (200, ONE)


def test_query_by_get_without_variables(reader: TestClient) -> None:
    answer = get(reader, query="{ product(by: {productId: 1}) { name } }", variables="")
    assert (answer.status, answer.json) == (200, ONE)


def test_query_by_get_chooses_an_operation_by_name(reader: TestClient) -> None:
    document = f"{QUERY} query Two {{ suppliers {{ totalCount }} }}"
    answer = get(reader, query=document, variables='{"id": 1}', operationName="One")
    assert answer.json == ONE
    assert get(reader, query=document, operationName="Two").json == {
        "data": {"suppliers": {"totalCount": 2}}
    }


def test_query_by_get_ignores_what_it_does_not_know(reader: TestClient) -> None:
    answer = get(reader, query=QUERY, variables='{"id": 1}', extensions="{}", utm_source="x")
    assert (answer.status, answer.json) == (200, ONE)


def test_get_without_a_query_is_400(reader: TestClient) -> None:
    answer = get(reader)
    assert (answer.status, answer.codes) == (400, ["BAD_REQUEST"])


def test_query_by_post(reader: TestClient) -> None:
    answer = post(reader, query=QUERY, variables={"id": 1})
    assert (answer.status, answer.json) == (200, ONE)


@pytest.mark.parametrize(
    "members",
    [
        {"variables": None, "operationName": None, "extensions": None},
        {"variables": {}, "operationName": "", "extensions": {"persistedQuery": {}}},
        {"variables": {"unused": 1}, "id": 1},
    ],
)
def test_members_of_a_request_may_be_null_or_empty(
    reader: TestClient, members: dict[str, object]
) -> None:
    answer = send(reader, encode({"query": "{ __typename }", **members}))
    assert (answer.status, answer.json) == (200, {"data": {"__typename": "Query"}})


def test_head_answers_the_headers_of_get_without_its_body(served: tuple[str, int]) -> None:
    parameters = urlencode({"query": QUERY, "variables": '{"id": 1}'})
    found = {}
    for method in ("GET", "HEAD"):
        connection = HTTPConnection(*served, timeout=within(20))
        connection.request(method, f"/graphql?{parameters}", headers={"accept": JSON})
        response = connection.getresponse()
        assert response.status == 200
        assert response.headers["content-type"] == "application/json; charset=utf-8"
        found[method] = (response.headers["content-length"], response.read())
        connection.close()
    cost = '"extensions":{"cost":{"requested":1,"maximum":5000000}}'
    body = f'{{"data":{{"product":{{"name":"Noir Café 70%"}}}},{cost}}}'.encode()
    assert found == {"GET": (str(len(body)), body), "HEAD": (str(len(body)), b"")}


# ---------------------------------------------------------------- media types and status codes


@pytest.mark.parametrize(
    ("accept", "media_type", "refused"),
    [
        ("*/*", JSON, 200),
        ("application/*", JSON, 200),
        (JSON, JSON, 200),
        (GRAPHQL, GRAPHQL, 400),
        (f"{GRAPHQL}, {JSON}", GRAPHQL, 400),
        (f"{JSON}, {GRAPHQL}", JSON, 200),
        (f"{GRAPHQL};q=0.5, {JSON}", JSON, 200),
        (f"{JSON};q=0.9, {GRAPHQL}", GRAPHQL, 400),
        (f"{GRAPHQL}; charset=utf-8, {JSON}; charset=utf-8", GRAPHQL, 400),
        (GRAPHQL.upper(), GRAPHQL, 400),
        (f"image/png, {JSON};q=0.1", JSON, 200),
        (f"{JSON};q=0, */*", GRAPHQL, 400),
        (FIREFOX, JSON, 200),
    ],
)
def test_accept_decides_media_type_and_status(
    reader: TestClient, accept: str, media_type: str, refused: int
) -> None:
    answer = post(reader, accept, query=QUERY, variables={"id": 1})
    assert (answer.status, answer.json) == (200, ONE)
    assert answer.headers["content-type"] == f"{media_type}; charset=utf-8"
    for query, variables in ((NONE, {}), ("{", {}), (QUERY, {"id": "x"})):
        answer = post(reader, accept, query=query, variables=variables)
        assert answer.status == refused
        assert list(answer.json) == ["errors"]
        assert answer.headers["content-type"] == f"{media_type}; charset=utf-8"


def test_missing_accept_is_json(reader: TestClient) -> None:
    answer = send(reader, encode({"query": "{ __typename }"}), accept="")
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json; charset=utf-8"


def test_user_errors_are_200_in_both_media_types(writable_client: TestClient) -> None:
    mutation = "mutation { updateProduct(input: {productId: 9}) { userErrors { code } } }"
    for accept in (JSON, GRAPHQL):
        answer = post(writable_client, accept, query=mutation)
        assert answer.status == 200
        assert answer.json == {"data": {"updateProduct": {"userErrors": [{"code": "NOT_FOUND"}]}}}


def test_partial_data_is_200_in_both_media_types(writable_client: TestClient) -> None:
    mutation = """mutation { a: updateProduct(input: {productId: 1}) { userErrors { code } }
      b: updateProduct(input: {productId: 9}) { userErrors { code } } }"""
    for accept in (JSON, GRAPHQL):
        answer = post(writable_client, accept, query=mutation)
        assert (answer.status, answer.codes) == (200, ["ROLLED_BACK"])


@pytest.mark.parametrize("query", ["{ __typename }", "{", "{ nope }"])
@pytest.mark.parametrize("accept", [JSON, GRAPHQL, "text/html"])
def test_answer_varies_by_accept(reader: TestClient, accept: str, query: str) -> None:
    assert "accept" in post(reader, accept, query=query).headers["vary"].lower()


def test_errors_stand_before_data(writable_client: TestClient) -> None:
    mutation = """mutation { a: updateProduct(input: {productId: 1}) { userErrors { code } }
      b: updateProduct(input: {productId: 9}) { userErrors { code } } }"""
    assert list(post(writable_client, query=mutation).json) == ["errors", "data"]


def test_location_of_an_error_counts_from_one(reader: TestClient) -> None:
    (error,) = post(reader, query="{\n  suppliers {\n    nope\n  }\n}").errors
    assert error["locations"] == [{"line": 3, "column": 5}]


# ---------------------------------------------------------------- the page, and its files


@pytest.fixture
def site(world_to_read: Database, tmp_path: Path) -> Iterator[TestClient]:
    """Provide a client of the API with web files of this test's own."""
    (tmp_path / "cdn.html").write_text("<p>from elsewhere</p>")
    app = application(world_to_read, web=tmp_path)
    with local(app) as client:
        yield client


def build(tmp_path: Path) -> None:
    (tmp_path / "dist" / "assets").mkdir(parents=True)
    (tmp_path / "dist" / "graphiql.html").write_text("<p>Schokolade für alle</p>", encoding="utf-8")
    (tmp_path / "dist" / "assets" / "a.js").write_text("export {}")
    (tmp_path / "dist" / "assets" / "a.css").write_text("p {}")


@pytest.mark.parametrize("accept", [FIREFOX, CHROME, "text/html", "text/html, */*"])
def test_browser_gets_the_page(
    site: TestClient, world_to_read: Database, tmp_path: Path, accept: str
) -> None:
    build(tmp_path)
    with recording(world_to_read) as statements:
        answer = fetch(site, "/graphql", accept=accept)
    assert answer.status == 200
    assert answer.body.decode() == "<p>Schokolade für alle</p>"
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert statements == []


def test_page_allows_nothing_but_its_own_origin(site: TestClient, tmp_path: Path) -> None:
    build(tmp_path)
    policy = fetch(site, "/graphql", accept=FIREFOX).headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "http" not in policy


def test_page_varies_by_accept(site: TestClient, tmp_path: Path) -> None:
    build(tmp_path)
    assert "accept" in fetch(site, "/graphql", accept=FIREFOX).headers.get("vary", "").lower()


def test_browser_that_names_a_query_gets_a_refusal_in_json(
    site: TestClient, tmp_path: Path
) -> None:
    build(tmp_path)
    answer = get(site, FIREFOX, query="{ __typename }")
    assert (answer.status, answer.codes) == (400, ["BAD_REQUEST"])


@pytest.mark.parametrize("accept", ["*/*", JSON, f"{JSON}, text/html;q=0.5"])
def test_program_never_gets_the_page(site: TestClient, tmp_path: Path, accept: str) -> None:
    build(tmp_path)
    answer = fetch(site, "/graphql", accept=accept)
    assert (answer.status, answer.codes) == (400, ["BAD_REQUEST"])


def test_page_falls_back_where_nothing_was_built(site: TestClient) -> None:
    answer = fetch(site, "/graphql", accept=FIREFOX)
    assert (answer.status, answer.body) == (200, b"<p>from elsewhere</p>")


@pytest.mark.parametrize(
    ("path", "media_type"), [("a.js", "text/javascript"), ("a.css", "text/css")]
)
def test_assets_have_their_media_types(
    site: TestClient, tmp_path: Path, path: str, media_type: str
) -> None:
    build(tmp_path)
    answer = fetch(site, f"/static/assets/{path}")
    assert answer.status == 200
    assert answer.headers["content-type"] == f"{media_type}; charset=utf-8"


@pytest.mark.parametrize(
    "path",
    [
        "/static/assets/none.js",
        "/static/",
        "/static/../cdn.html",
        "/static/%2e%2e/cdn.html",
        "/static/..%2fcdn.html",
        "/static//etc/passwd",
        "/static/assets",
    ],
)
def test_nothing_but_the_built_files_is_served(site: TestClient, tmp_path: Path, path: str) -> None:
    build(tmp_path)
    assert fetch(site, path).status == 404


def test_root_leads_to_the_page(reader: TestClient) -> None:
    answer = fetch(reader, "/")
    assert (answer.status, answer.headers["location"]) == (307, "/graphql")


def test_unknown_path_is_404_in_json(reader: TestClient) -> None:
    answer = fetch(reader, "/nope")
    assert (answer.status, answer.json) == (404, {"error": "Not Found"})
