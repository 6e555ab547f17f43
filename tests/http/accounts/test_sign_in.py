"""Sign-in over HTTP: by a password, a key, or a token of the company's issuer."""

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from graph.auth.authentication import AccessPolicy
from graph.endpoints.graphql import application
from models.database.engines import Database
from serving.app import WEB, create_app
from serving.settings import Settings
from tests.conftest import local
from tests.http.accounts.accounts import CREATE_KEY, REVOKE, SIGN_IN, SIGN_OUT, VIEWER
from tests.http.accounts.provider import Provider, claims_of, providing, signed
from tests.recorder import recording
from tests.requests import Answer, ask, request
from tests.writing import PASSWORD, make_user, run_sql

CREATE = """mutation { createSupplier(input: {name: "By hand", location: "Tema"}) {
  supplier { contactPerson } userErrors { code } } }"""
RECORD = """mutation { recordTransaction(input: {productId: 1, event: "tasted",
  timestamp: "2026-01-01T00:00:00Z"}) { transaction { recordedBy } userErrors { message } } }"""
PERSON = "{ suppliers(first: 1) { nodes { contactPerson } } }"


@pytest.fixture
def public(sample_copy: Database) -> Iterator[TestClient]:
    """Provide a client of a server in production, which has users."""
    for name, role in (("root", "admin"), ("olga", "operator"), ("vera", "viewer")):
        make_user(sample_copy, name, role)
    settings = Settings(production=True)
    with local(create_app(settings, sample_copy), raise_server_exceptions=False) as client:
        yield client


def token_of(client: TestClient, name: str) -> str:
    given = {"input": {"username": name, "password": PASSWORD}}
    told = request(client, SIGN_IN, given).json["data"]["signIn"]
    assert told["userErrors"] == []
    return str(told["token"])


def bearing(client: TestClient, token: str, query: str, variables: object = None) -> Answer:
    return request(client, query, variables, authorization=f"Bearer {token}")


def test_operator_signs_in_and_writes_under_their_name(public: TestClient) -> None:
    assert request(public, CREATE).codes == ["UNAUTHENTICATED"]
    token = token_of(public, "olga")

    shown = bearing(public, token, VIEWER).json["data"]["viewer"]
    created = bearing(public, token, CREATE).json["data"]["createSupplier"]
    recorded = bearing(public, token, RECORD).json["data"]["recordTransaction"]

    assert (shown["role"], shown["username"], shown["apiKey"]) == ("OPERATOR", "olga", None)
    assert created == {"supplier": {"contactPerson": None}, "userErrors": []}
    assert recorded == {"transaction": {"recordedBy": "user:olga"}, "userErrors": []}


def test_viewer_cannot_see_contact_person(public: TestClient) -> None:
    refused = bearing(public, token_of(public, "vera"), PERSON)
    allowed = bearing(public, token_of(public, "olga"), PERSON)

    assert refused.codes == ["FORBIDDEN"]
    assert refused.errors[0]["path"] == ["suppliers", "nodes", "contactPerson"]
    assert "errors" not in allowed.json


def test_session_that_ended_is_refused_at_once(public: TestClient) -> None:
    token = token_of(public, "olga")
    assert "errors" not in bearing(public, token, VIEWER).json

    assert bearing(public, token, SIGN_OUT, {"input": {}}).json["data"]["signOut"] == {
        "endedSessions": 1,
        "userErrors": [],
    }
    answer = bearing(public, token, VIEWER)
    assert answer.status == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.codes == ["UNAUTHENTICATED"]


@pytest.mark.parametrize(
    "header", ["Bearer nonsense", "Basic b2xnYTpvbGdh", "Bearer", "", "Bearer " + "x" * 20_000]
)
def test_token_that_is_not_valid_never_reads_as_the_public(
    public: TestClient, sample_copy: Database, header: str
) -> None:
    with recording(sample_copy) as statements:
        graphql = request(public, "{ __typename }", authorization=header)
        rest = public.get("/api/products", headers={"authorization": header})
    assert (graphql.status, graphql.codes) == (401, ["UNAUTHENTICATED"])
    assert (rest.status_code, rest.headers["www-authenticate"]) == (401, "Bearer")
    assert statements == []


def test_key_reads_and_writes_until_it_is_revoked(public: TestClient) -> None:
    admin = token_of(public, "root")
    given = {"input": {"name": "erp", "role": "OPERATOR"}}
    made = bearing(public, admin, CREATE_KEY, given).json["data"]["createApiKey"]
    key = made["token"]

    assert bearing(public, key, VIEWER).json["data"]["viewer"]["apiKey"] == "erp"
    recorded = bearing(public, key, RECORD).json["data"]["recordTransaction"]
    assert recorded["transaction"] == {"recordedBy": "key:erp"}
    assert bearing(public, key, "{ users { nodes { username } } }").codes == ["FORBIDDEN"]

    revoke = {"input": {"apiKeyId": str(made["apiKey"]["apiKeyId"])}}
    assert bearing(public, admin, REVOKE, revoke).json["data"]["revokeApiKey"]["userErrors"] == []
    assert bearing(public, key, VIEWER).status == 401


def test_token_of_the_issuer_acts_in_its_role(sample_copy: Database) -> None:
    def role(client: TestClient, provider: Provider, **claims: object) -> Answer:
        return bearing(client, signed(claims_of(provider, **claims)), VIEWER)

    with providing() as provider:
        access = AccessPolicy(production=True, issuer=provider.issuer())
        with local(application(sample_copy, access=access, web=WEB)) as client:
            operator = role(client, provider).json["data"]["viewer"]
            stranger = role(client, provider, aud="https://other.example")
            nobody = role(client, provider, role="sommelier")
            recorded = bearing(client, signed(claims_of(provider)), RECORD)

    assert (operator["role"], operator["username"]) == ("OPERATOR", "anna@example.com")
    assert (stranger.status, nobody.status) == (401, 401)
    by = recorded.json["data"]["recordTransaction"]["transaction"]["recordedBy"]
    assert by == "oidc:anna@example.com"


def test_signed_in_reads_cost_one_statement(public: TestClient, sample_copy: Database) -> None:
    token = token_of(public, "olga")
    bearing(public, token, PERSON)
    with recording(sample_copy) as statements:
        for _ in range(3):
            assert "errors" not in bearing(public, token, PERSON).json
    assert len(statements) == 3


def test_development_acts_in_a_role_without_a_token(sample_copy: Database) -> None:
    with local(create_app(Settings(dev_role="operator"), sample_copy)) as client:
        assert ask(client, "{ viewer { role username } }") == {
            "viewer": {"role": "OPERATOR", "username": None}
        }
        recorded = ask(client, RECORD)["recordTransaction"]
    assert recorded["transaction"] == {"recordedBy": "dev:operator"}


@pytest.mark.parametrize(
    ("host", "role"),
    [
        ("localhost:8000", "OPERATOR"),
        ("127.0.0.1", "OPERATOR"),
        ("[::1]:80", "OPERATOR"),
        ("rebound.example:8000", "PUBLIC"),
        ("localhost.rebound.example", "PUBLIC"),
        ("127.0.0.1.rebound.example", "PUBLIC"),
    ],
)
def test_role_of_development_is_not_for_other_names(sample: Database, host: str, role: str) -> None:
    with local(create_app(Settings(dev_role="operator"), sample)) as client:
        answer = request(client, "{ viewer { role } }", host=host)
    assert answer.json["data"]["viewer"]["role"] == role


@pytest.mark.parametrize("field", ["forwarded", "x_forwarded_for", "x_real_ip", "via"])
def test_role_of_development_is_not_for_whom_a_proxy_speaks(sample: Database, field: str) -> None:
    with local(create_app(Settings(dev_role="operator"), sample)) as client:
        answer = request(client, "{ viewer { role } }", **{field: "203.0.113.9"})
    assert answer.json["data"]["viewer"]["role"] == "PUBLIC"


def test_production_serves_no_files_of_the_page(public: TestClient) -> None:
    assert public.get("/static/graphiql.html").status_code == 404


def test_token_cannot_be_checked_while_the_database_is_away(
    public: TestClient, sample_copy: Database
) -> None:
    token = token_of(public, "olga")
    run_sql(sample_copy, "ALTER TABLE sessions RENAME TO sessions_away")
    answer = bearing(public, token, VIEWER)
    run_sql(sample_copy, "ALTER TABLE sessions_away RENAME TO sessions")
    assert answer.status in (500, 503)
    assert "sessions" not in answer.body.decode()


# ---------------------------------------------------------------- what production keeps closed


def test_production_shows_its_schema_after_sign_in(public: TestClient) -> None:
    schema = '{ __schema { queryType { name } } __type(name: "Product") { name } }'
    assert request(public, schema).codes == ["UNAUTHENTICATED"] * 2
    shown = bearing(public, token_of(public, "vera"), schema).json
    assert shown["data"]["__type"] == {"name": "Product"}


def test_production_has_no_page_and_explains_nothing(public: TestClient) -> None:
    page = public.get("/graphql", headers={"accept": "text/html"})
    assert "<html" not in page.text
    token = token_of(public, "root")
    explained = request(public, PERSON, authorization=f"Bearer {token}", x_explain="1")
    assert "extensions" not in explained.json


def test_production_suggests_no_names(public: TestClient) -> None:
    answer = request(public, "{ product(by: {productId: 1}) { nam } }")
    assert answer.errors[0]["message"] == "The document is not valid."
