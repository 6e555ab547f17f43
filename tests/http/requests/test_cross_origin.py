"""Requests of browsers: CORS by a list of origins, no writes by GET, safe headers."""

from collections.abc import Iterator
from http.client import HTTPConnection
from urllib.parse import urlencode, urlsplit

import pytest
from starlette.testclient import TestClient

from graph.admission.limits import DEFAULTS
from graph.transport.cors import HEADERS
from graph.transport.request_parsing import BadRequest, parameters_of
from models.database.engines import Database
from serving.app import create_app
from serving.settings import Settings
from tests.bounds import within
from tests.conftest import local
from tests.recorder import recording
from tests.requests import GRAPHQL, JSON, Answer, encode, fetch, send

SHOP, OTHER = "https://shop.example", "https://evil.example"
TYPENAME = encode({"query": "{ __typename }"})
DATA = {"data": {"__typename": "Query"}}
QUERY = f"/graphql?{urlencode({'query': '{ __typename }'})}"
PRODUCTS = f"/graphql?{urlencode({'query': '{ products { totalCount } }'})}"
METHODS = "GET, HEAD, OPTIONS, POST"
CORS = (
    "access-control-allow-origin",
    "access-control-allow-methods",
    "access-control-allow-headers",
    "access-control-max-age",
    "access-control-allow-credentials",
)


def client_with(database: Database, **settings: object) -> Iterator[TestClient]:
    app = create_app(Settings(**settings), database)  # type: ignore[arg-type]
    with local(app, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def shop(world_to_read: Database) -> Iterator[TestClient]:
    """Provide a client of a server that allows one origin."""
    yield from client_with(world_to_read, cors_origins=(SHOP,))


@pytest.fixture
def proxied(world_to_read: Database) -> Iterator[TestClient]:
    """Provide a client of a server behind a proxy, by https."""
    app = create_app(Settings(proxies=("10.0.0.1",)), world_to_read)
    with TestClient(app, base_url="https://testserver") as client:
        yield client


def ask_methods(client: TestClient, path: str = "/graphql", **headers: str) -> Answer:
    """OPTIONS as a browser sends it before a request of another site's script."""
    given = {"origin": OTHER, "access_control_request_method": "POST"} | headers
    return send(client, b"", path, "OPTIONS", **given)


# ---------------------------------------------------------------- GET only where a program means it


@pytest.mark.parametrize(
    "marks",
    [
        {"accept": JSON},
        {"accept": GRAPHQL},
        {"accept": f"{GRAPHQL}, {JSON};q=0.9"},
        {"accept": f"*/*;q=0.1, {JSON.upper()}"},
        {"graphql_require_preflight": "1"},
        {"x_requested_with": "XMLHttpRequest"},
        {"sec_fetch_mode": "cors", "sec_fetch_site": "same-origin"},
        {"sec_fetch_mode": "same-origin"},
        {"sec_fetch_mode": "cors", "accept": JSON},
    ],
    ids=str,
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_query_by_get_is_answered_if_a_header_marks_it(
    reader: TestClient, method: str, marks: dict[str, str]
) -> None:
    answer = send(reader, b"", QUERY, method, **({"accept": "*/*"} | marks))
    assert answer.status == 200
    assert method == "HEAD" or answer.json == DATA


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"accept": "image/avif,image/webp,*/*;q=0.8"},
        {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"},
        {"accept": "application/*"},
        {"sec_fetch_mode": "navigate", "sec_fetch_dest": "document"},
        {"sec_fetch_mode": "no-cors", "sec_fetch_dest": "image"},
        {"sec_fetch_mode": "no-cors", "accept": JSON},
        {"content_type": "application/x-www-form-urlencoded"},
    ],
    ids=str,
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_query_by_get_that_a_page_may_have_caused_is_refused(
    reader: TestClient, world_to_read: Database, method: str, headers: dict[str, str]
) -> None:
    with recording(world_to_read) as statements:
        answer = send(reader, b"", PRODUCTS, method, **({"accept": "*/*"} | headers))
    assert answer.status == 400
    assert statements == []
    if method == "GET":
        (error,) = answer.errors
        assert error["extensions"]["code"] == "BAD_REQUEST"
        assert f"Accept: {GRAPHQL}" in error["extensions"]["hint"]


def test_query_by_get_of_another_sites_script_is_refused(
    reader: TestClient, world_to_read: Database
) -> None:
    with recording(world_to_read) as statements:
        answer = fetch(reader, PRODUCTS, origin=OTHER, sec_fetch_mode="cors")
    assert (answer.status, answer.codes, statements) == (403, ["FORBIDDEN"], [])


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"],
)
def test_post_that_a_form_can_send_is_refused(reader: TestClient, content_type: str) -> None:
    answer = send(reader, TYPENAME, content_type=content_type, origin=OTHER)
    assert (answer.status, answer.codes) == (415, ["BAD_REQUEST"])


# ---------------------------------------------------------------- OPTIONS and CORS


def test_options_names_the_methods(reader: TestClient) -> None:
    answer = send(reader, b"", method="OPTIONS")
    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers["allow"] == METHODS


@pytest.mark.parametrize("origin", [SHOP, OTHER, "null"])
def test_no_other_site_may_ask_by_default(reader: TestClient, origin: str) -> None:
    answers = [ask_methods(reader, origin=origin), send(reader, TYPENAME, origin=origin)]
    assert [answer.status for answer in answers] == [204, 200]
    assert all(name not in answer.headers for answer in answers for name in CORS)


def test_allowed_origin_may_ask_and_read(shop: TestClient) -> None:
    answer = ask_methods(shop, origin=SHOP)
    assert (answer.status, answer.body) == (204, b"")
    assert {name: answer.headers.get(name) for name in CORS} == {
        "access-control-allow-origin": SHOP,
        "access-control-allow-methods": METHODS,
        "access-control-allow-headers": "Authorization, Content-Type, If-None-Match, "
        "GraphQL-Require-Preflight, X-Requested-With",
        "access-control-max-age": "7200",
        "access-control-allow-credentials": None,
    }
    for asked in (send(shop, TYPENAME, origin=SHOP), fetch(shop, QUERY, origin=SHOP)):
        assert (asked.status, asked.json) == (200, DATA)
        assert asked.headers["access-control-allow-origin"] == SHOP
        assert "Retry-After" in asked.headers["access-control-expose-headers"]


@pytest.mark.parametrize(
    "origin",
    [
        OTHER,
        "null",
        "http://shop.example",
        f"{SHOP}.evil.example",
        f"{SHOP}:8443",
        "",
        SHOP.upper(),
    ],
)
def test_other_origin_may_not(shop: TestClient, origin: str) -> None:
    answers = [ask_methods(shop, origin=origin), send(shop, TYPENAME, origin=origin)]
    assert all(name not in answer.headers for answer in answers for name in CORS)
    assert fetch(shop, QUERY, origin=origin).status == 403


@pytest.mark.parametrize("origin", [{}, {"origin": SHOP}, {"origin": OTHER}])
def test_answer_varies_by_origin_where_some_are_allowed(
    shop: TestClient, origin: dict[str, str]
) -> None:
    for answer in (send(shop, TYPENAME, **origin), fetch(shop, "/api/health", **origin)):
        assert "origin" in answer.headers["vary"].lower()


def test_allowed_origin_reads_errors_too(shop: TestClient) -> None:
    for answer in (send(shop, b"{", origin=SHOP), send(shop, b"", "/nope", "PUT", origin=SHOP)):
        assert answer.status >= 400
        assert answer.headers["access-control-allow-origin"] == SHOP


def test_every_origin_may_ask_where_a_star_says_so(world_to_read: Database) -> None:
    for client in client_with(world_to_read, cors_origins=("*",)):
        answer = fetch(client, QUERY, origin=OTHER)
        assert (answer.status, answer.headers["access-control-allow-origin"]) == (200, "*")


# ---------------------------------------------------------------- what every answer says


def answer_headers(url: str, method: str, path: str, body: bytes | None = None) -> dict[str, str]:
    connection = HTTPConnection(urlsplit(url).netloc, timeout=within(20))
    given = {"accept": JSON, "content-type": JSON}
    connection.request(method, path, body, given)
    response = connection.getresponse()
    response.read()
    connection.close()
    return {name.lower(): value for name, value in response.getheaders()}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/graphql", TYPENAME),
        ("POST", "/graphql", b"{"),
        ("GET", QUERY, None),
        ("OPTIONS", "/graphql", None),
        ("PUT", "/graphql", b""),
        ("GET", "/", None),
        ("GET", "/nope", None),
        ("GET", "/api/health", None),
        ("GET", "/api/products", None),
    ],
)
def test_every_answer_has_the_security_headers_and_no_banner(
    live_server_url: str, method: str, path: str, body: bytes | None
) -> None:
    found = answer_headers(live_server_url, method, path, body)
    assert {name: found[name] for name, _ in HEADERS} == {
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cross-origin-resource-policy": "same-origin",
        "content-security-policy": "frame-ancestors 'none'",
    }
    banners = {"server", "x-powered-by", "via", "strict-transport-security"}
    assert banners & found.keys() == set()


def test_https_is_kept_to_behind_a_proxy(proxied: TestClient) -> None:
    for answer in (send(proxied, TYPENAME), fetch(proxied, "/api/health")):
        assert answer.headers["strict-transport-security"] == "max-age=31536000"
    plain = proxied.get("http://testserver/api/health")
    assert "strict-transport-security" not in plain.headers


# ---------------------------------------------------------------- long and broken URLs


@pytest.mark.parametrize(
    ("query", "status"),
    [
        (b"query={__typename}&x=" + b"x" * 100_000, 414),
        (b"query={__typename}" + b"&x=1" * 100, 400),
        (b"query=%ff", 400),
        (b"query=\xff", 400),
        (b"query={__typename}&variables=%c3", 400),
    ],
    ids=lambda given: str(given)[:30],
)
def test_url_that_is_too_long_or_no_utf_8_is_refused(query: bytes, status: int) -> None:
    with pytest.raises(BadRequest) as refused:
        parameters_of({"query_string": query}, DEFAULTS.body)
    assert refused.value.status == status


@pytest.mark.parametrize("query", ["query=%ff", "query={__typename}&variables=%c3"])
def test_refusal_of_a_url_is_json(reader: TestClient, query: str) -> None:
    answer = fetch(reader, f"/graphql?{query}")
    assert (answer.status, answer.codes) == (400, ["BAD_REQUEST"])
