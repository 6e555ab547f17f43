"""Errors reveal nothing of the schema to a client that may not see it."""

import re
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from starlette.testclient import TestClient

from graph.execution.sign_in_documents import is_sign_in
from models.database.engines import Database
from serving.app import create_app
from serving.settings import Settings
from tests.conftest import local
from tests.recorder import recording
from tests.requests import GRAPHQL, JSON, Answer, request, send

TRUSTED = "query Known { products { totalCount } }"
# Words of graphql-core, graphql-js and strawberry.
WORDING = re.compile(
    r"cannot query field|did you mean|syntax error|expected|unknown (type|argument|directive)"
    r"|got invalid value|cannot represent|is not defined by|of required type|is required"
    r"|OneOf|undefined|selection of subfields|must have a",
    re.IGNORECASE,
)
WRONG: list[tuple[str, Any]] = [
    ("{ userz { totalCount } }", None),
    ("{ users { totalCoun } }", None),
    ("{ products }", None),
    ("{ products { nodes { name { x } } } }", None),
    ("{ products(firs: 1) { totalCount } }", None),
    ("{ product { name } }", None),
    ('{ product(by: {productId: "x"}) { name } }', None),
    ("{ product(by: {}) { name } }", None),
    ("query ($i: Int) { product(by: {productId: $i}) { name } }", {"i": 1}),
    ("{ cacaoBatches(filter: {stage: {eq: BEAN}}) { totalCount } }", None),
    ("{ ...F } fragment F on Produc { name }", None),
    ("query ($f: ProductFilte) { products(filter: $f) { totalCount } }", None),
    ("query ($f: ProductFilter) { products(filter: $f) { totalCount } }", {"f": {"nam": 1}}),
    ("query ($i: Int!) { product(by: {productId: $i}) { name } }", {}),
    ("query ($i: Int!) { product(by: {productId: $i}) { name } }", {"i": "x"}),
    ("{ products @includ(if: true) { totalCount } }", None),
    ("mutation { createProduct { userErrors { code } } }", None),
    ("mutation { createProduct(input: {}) { userErrors { code } } }", None),
    ("mutation { signIn(input: {nam: 1}) { token } }", None),
    ("mutation { signIn { token } }", None),
    ("subscription { x }", None),
    ("{ products {", None),
    ("qwerty", None),
]


@pytest.fixture(scope="module")
def production(sample: Database) -> Iterator[TestClient]:
    """Provide a client that has not signed in, of a server that hides its schema."""
    with local(create_app(Settings(production=True), sample)) as client:
        yield client


@pytest.fixture(scope="module")
def closed(sample: Database) -> Iterator[TestClient]:
    with local(create_app(Settings(public_read=False), sample)) as client:
        yield client


@pytest.mark.parametrize(("query", "variables"), WRONG)
def test_errors_name_neither_the_schema_nor_the_library(
    production: TestClient, sample: Database, query: str, variables: Any
) -> None:
    with recording(sample) as statements:
        answer = request(production, query, variables)
    assert "data" not in answer.json
    assert statements == []
    for error in answer.errors:
        assert not WORDING.search(error["message"]), error
        named = {*re.findall(r"[A-Za-z]\w+", error["message"])}
        assert not {
            word for word in named if word not in query and word[1:] != word[1:].lower()
        } - {"GraphQL"}, error
        assert error["extensions"]["code"] in {
            "GRAPHQL_VALIDATION_FAILED",
            "GRAPHQL_PARSE_FAILED",
            "BAD_USER_INPUT",
            "OPERATION_RESOLUTION_FAILURE",
        }


@pytest.mark.parametrize("public_read", [True, False])
@pytest.mark.parametrize(
    ("query", "variables"),
    [
        (
            'mutation ($u: String = "a") { signIn(input: {username: $u, password: "b"}) { token } }',
            "u",
        ),
        (
            'mutation ($i: SignInInput = {username: "a", password: "b"}) { signIn(input: $i) { token } }',
            "i",
        ),
    ],
)
def test_inputs_that_turn_out_null_when_a_mutation_runs_are_refused_without_names(
    sample: Database, public_read: bool, query: str, variables: str
) -> None:
    settings = Settings(production=True, public_read=public_read)
    with local(create_app(settings, sample)) as client:
        (error,) = request(client, query, {variables: None}).errors
    assert error["message"] == "The value is not valid for this argument."
    assert error["extensions"] == {"code": "BAD_USER_INPUT"}


def test_documents_that_sign_in_may_name_what_that_takes() -> None:
    assert is_sign_in(
        "mutation ($i: SignInInput!) { signIn(input: $i) { ...F } } fragment F on SignInPayload { token }"
    )
    assert is_sign_in("query ($b: Boolean!) { viewer { ... on Viewer { role @skip(if: $b) } } }")


def test_errors_still_say_where(production: TestClient) -> None:
    (error,) = request(production, "{ products { nodes { nam } } }").errors
    assert error["locations"] == [{"line": 1, "column": 22}]
    assert error["extensions"] == {"code": "GRAPHQL_VALIDATION_FAILED"}


def test_errors_name_the_schema_to_roles_that_may_see_it(sample: Database) -> None:
    with local(create_app(Settings(dev_role="viewer"), sample)) as client:
        (error,) = request(client, "{ products { nodes { nam } } }").errors
    assert "'nam'" in error["message"]


# ---------------------------------------------------------------- PUBLIC_READ=off

INTROSPECTION = "query IntrospectionQuery { __schema { queryType { name } types { name } } }"
STRANGERS = [
    *(query for query, _ in WRONG if "signIn" not in query),
    "{ users { totalCount } }",
    "{ products { totalCount } }",
    "{ viewer { role } products { totalCount } }",
    "{ viewer { rol } }",
    "{ viewer { role } __schema { queryType { name } } }",
    INTROSPECTION,
    '{ __type(name: "User") { name } }',
    "query A { viewer { role } } query B { users { totalCount } }",
    "{ viewer { role } ...F } fragment F on Query { users { totalCount } }",
    "{ viewer { ...F } } fragment F on User { role username }",
    "{ viewer { role @deprecated } }",
    "{ viewer { ... on Product { __typename } } }",
    "{ viewer { ... on Productz { __typename } } }",
    "{ viewer { role } } fragment F on Plot { __typename }",
    "query ($f: ProductFilter) { viewer { role } }",
    "query ($f: [ProductFilterz!]!) { viewer { role } }",
    "query ($f: String @x) { viewer { role } }",
    "query @x { viewer { role } }",
    "{ viewer { role } } type User { name: String }",
    "mutation { signOut { endedSessions } }",
    "mutation { viewer { role } }",
    "{ signIn { token } }",
    "{ viewer { role } }" + " " * 2_000,
    "{" * 500,
]


def by_get(client: TestClient, query: str, accept: str) -> Answer:
    path = f"/graphql?{urlencode({'query': query})}"
    return send(client, b"", path, "GET", accept=accept)


@pytest.mark.parametrize("query", STRANGERS, ids=lambda query: query[:60])
def test_closed_server_answers_strangers_all_the_same(
    closed: TestClient, sample: Database, query: str
) -> None:
    with recording(sample) as statements:
        answers = [
            request(closed, query),
            request(closed, query, accept=GRAPHQL),
            by_get(closed, query, JSON),
            by_get(closed, query, GRAPHQL),
        ]
    assert statements == []
    for answer in answers:
        assert answer.status == 401
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.json == {
            "errors": [
                {
                    "message": "Sign in first: this server answers only signed-in users.",
                    "extensions": {"code": "UNAUTHENTICATED"},
                }
            ]
        }


@pytest.mark.parametrize("known", [True, False])
def test_closed_server_tells_strangers_nothing_of_trusted_documents(
    sample: Database, tmp_path: Path, known: bool
) -> None:
    (tmp_path / "known.graphql").write_text(TRUSTED)
    settings = Settings(public_read=False, trusted_documents=tmp_path)
    name = "sha256:" + sha256(TRUSTED.encode()).hexdigest()
    with local(create_app(settings, sample)) as client:
        if known:
            answer = send(client, b'{"documentId": "%b"}' % name.encode())
        else:
            answer = request(client, TRUSTED)
    assert (answer.status, answer.codes) == (401, ["UNAUTHENTICATED"])


@pytest.mark.parametrize(
    "body",
    [
        b'{"documentId": "sha256:%b"}' % (b"0" * 64),
        b'{"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "%b"}}}' % (b"0" * 64),
    ],
)
def test_closed_server_tells_strangers_not_which_documents_it_lacks(
    closed: TestClient, body: bytes
) -> None:
    answer = send(closed, body)
    assert (answer.status, answer.codes) == (401, ["UNAUTHENTICATED"])


@pytest.mark.parametrize(
    "query",
    [
        "{ __typename }",
        "{ viewer { role username } }",
        "{ viewer { ...V } } fragment V on Viewer { role }",
        "query ($x: Boolean!) { viewer { role @include(if: $x) } }",
        "{ ... on Query { viewer { role } } }",
        """mutation ($input: SignInInput!) { signIn(input: $input) { token expiresAt
          viewer { role } userErrors { field message code } } }""",
    ],
)
def test_what_signing_in_needs_is_known(query: str) -> None:
    assert is_sign_in(query)


def test_an_error_in_a_document_that_signs_in_names_nothing(closed: TestClient) -> None:
    answer = request(closed, "mutation { signIn(input: {nam: 1}) { token } }")
    assert {*answer.codes} == {"GRAPHQL_VALIDATION_FAILED"}
    assert {error["message"] for error in answer.errors} == {"The document is not valid."}
