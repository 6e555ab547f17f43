"""What a scanner of GraphQL endpoints tries first, against the production profile: it finds nothing.

The twelve probes of graphql-cop and how it judges their answers, written anew; a finding there is
any answer that `finds` accepts here. Beside each stands what the answer must be instead.
"""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from starlette.testclient import TestClient

from models.database.engines import Database
from serving.app import create_app
from serving.settings import Settings
from tests.conftest import local
from tests.recorder import recording
from tests.requests import JSON, Answer, encode, request, send

FORM = "application/x-www-form-urlencoded"
PAGES = ("/graphiql", "/playground", "/console", "/graphql")
PAGE_WORDS = ("graphiql.min.css", "GraphQL Playground", "GraphiQL", "graphql-playground")
CIRCLE = "type { fields { " * 4 + "name" + " } }" * 4


@pytest.fixture(scope="module")
def scanned(protected_world: Database) -> Iterator[TestClient]:
    """Provide a client without a token, of a server in production."""
    app = create_app(Settings(production=True), protected_world)
    with local(app, raise_server_exceptions=False) as client:
        yield client


def get(client: TestClient, path: str, accept: str = "*/*", **parameters: str) -> Answer:
    return send(client, b"", f"{path}?{urlencode(parameters)}", "GET", accept=accept)


def data_of(answer: Answer) -> Any:
    """Return the data of an answer that has some."""
    found = answer.json if answer.headers["content-type"].startswith(JSON) else {}
    return found.get("data") if isinstance(found, dict) else None


def code_of(answer: Answer) -> str:
    """Return the code that all errors of a refusal have."""
    assert list(answer.json) in (["errors"], ["errors", "extensions"])
    (code,) = set(answer.codes)
    return code


# ---------------------------------------------------------------- too much at once


def test_many_aliases_are_refused(scanned: TestClient) -> None:
    aliases = " ".join(f"alias{n}: __typename" for n in range(101))
    answer = request(scanned, f"query {{ {aliases} }}")
    assert data_of(answer) is None
    assert code_of(answer) == "DOCUMENT_TOO_LARGE"


def test_batch_is_refused(scanned: TestClient) -> None:
    answer = send(scanned, encode([{"query": "query { __typename }"}] * 11))
    assert data_of(answer) is None
    assert (answer.status, code_of(answer)) == (400, "BATCHING_NOT_SUPPORTED")


def test_many_directives_are_one_error(scanned: TestClient) -> None:
    answer = request(scanned, "query { __typename " + "@aa" * 10 + " }")
    assert len(answer.errors) == 1
    assert code_of(answer) == "DOCUMENT_TOO_LARGE"


def test_repeated_field_is_refused(scanned: TestClient) -> None:
    answer = request(scanned, "query { " + "__typename \n" * 500 + "}")
    assert data_of(answer) is None
    assert code_of(answer) == "DOCUMENT_TOO_LARGE"


def test_circle_of_introspection_is_refused(scanned: TestClient) -> None:
    answer = request(scanned, f"query {{ __schema {{ types {{ fields {{ {CIRCLE} }} }} }} }}")
    assert data_of(answer) is None
    assert answer.status == 200


# ---------------------------------------------------------------- what is not to be known


@pytest.mark.parametrize(
    "query",
    [
        "query { __schema { types { name fields { name } } } }",
        '{ __type(name: "User") { fields { name } } }',
        "query ($x: Boolean = true) { a: __schema @include(if: $x) { queryType { name } } }",
        "{ ...F } fragment F on Query { __schema { queryType { name } } }",
        "mutation { __schema { types { name } } }",
    ],
)
def test_introspection_is_refused(
    scanned: TestClient, protected_world: Database, query: str
) -> None:
    with recording(protected_world) as statements:
        answer = request(scanned, query)
    assert data_of(answer) is None
    assert statements == []
    if not query.startswith("mutation"):
        assert code_of(answer) in ("INTROSPECTION_DISABLED", "FORBIDDEN", "UNAUTHENTICATED")


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        ("query { __schema { directive } }", None),
        ("{ productz { totalCount } }", None),
        ("{ products { totalCoun } }", None),
        ("{ products(firs: 1) { totalCount } }", None),
        ("{ products(filter: {nam: {eq: 1}}) { totalCount } }", None),
        ("{ cacaoBatches(filter: {stage: {eq: BEAN}}) { totalCount } }", None),
        ("{ ...F } fragment F on Produc { name }", None),
        ("query ($f: ProductFilte) { products(filter: $f) { totalCount } }", None),
        ("query ($f: ProductFilter) { products(filter: $f) { totalCount } }", {"f": {"nam": 1}}),
        (
            "query ($f: CacaoBatchFilter) { cacaoBatches(filter: $f) { totalCount } }",
            {"f": {"stage": {"eq": "BEAN"}}},
        ),
        ("{ products @includ(if: true) { totalCount } }", None),
    ],
)
def test_nothing_is_suggested(scanned: TestClient, query: str, variables: Any) -> None:
    answer = request(scanned, query, variables)
    assert data_of(answer) is None
    assert answer.errors
    assert b"did you mean" not in answer.body.lower()


@pytest.mark.parametrize(
    "accept", ["*/*", "text/html", "text/html,application/xhtml+xml,*/*;q=0.8"]
)
@pytest.mark.parametrize("path", PAGES)
def test_no_page_is_found(scanned: TestClient, path: str, accept: str) -> None:
    answer = get(scanned, path, accept)
    assert not any(word in answer.body.decode() for word in PAGE_WORDS)
    assert answer.status in (400, 404, 406)
    assert answer.headers["content-type"].startswith(JSON)


def test_answer_shows_no_trace(scanned: TestClient) -> None:
    for headers in ({}, {"x_explain": "1"}, {"x_apollo_tracing": "1"}, {"x_debug": "true"}):
        answer = request(scanned, "query { __typename }", **headers)
        assert data_of(answer) == {"__typename": "Query"}
        assert set(answer.json.get("extensions", {})) <= {"cost"}
        assert "stacktrace" not in answer.body.decode().lower()


def test_error_shows_no_exception(scanned: TestClient) -> None:
    answer = request(scanned, "qwerty cop { abc }")
    assert code_of(answer) == "GRAPHQL_PARSE_FAILED"
    assert all("exception" not in error["extensions"] for error in answer.errors)


# ---------------------------------------------------------------- what another site could send

By = Callable[[TestClient], Answer]


@pytest.mark.parametrize(
    ("ask", "status"),
    [
        (lambda client: get(client, "/graphql", query="{__typename}"), 400),
        (lambda client: get(client, "/graphql", query="mutation {__typename}"), 400),
        (lambda client: get(client, "/graphql", JSON, query="mutation {__typename}"), 405),
        (
            lambda client: send(
                client, urlencode({"query": "{__typename}"}).encode(), content_type=FORM
            ),
            415,
        ),
        (
            lambda client: send(client, b"", "/graphql?query={__typename}", content_type=FORM),
            415,
        ),
    ],
    ids=[
        "query by GET",
        "mutation by GET",
        "marked mutation by GET",
        "form by POST",
        "URL by POST",
    ],
)
def test_request_that_a_form_could_send_is_refused(
    scanned: TestClient, ask: By, status: int
) -> None:
    answer = ask(scanned)
    assert data_of(answer) is None
    assert answer.status == status


def test_query_is_answered(scanned: TestClient) -> None:
    """Queries that are public still succeed."""
    answer = request(scanned, "{ __typename product(by: {productId: 1}) { name } }")
    assert data_of(answer) == {"__typename": "Query", "product": {"name": "Noir Café 70%"}}
    marked = get(scanned, "/graphql", JSON, query="{__typename}")
    assert data_of(marked) == {"__typename": "Query"}
