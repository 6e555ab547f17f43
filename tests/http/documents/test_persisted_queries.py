"""Persisted queries: a document by its hash, its registration, and the errors."""

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from starlette.testclient import TestClient

from graph.admission.limits import DEFAULTS, Limits
from graph.execution.persisted_queries import (
    REGISTRY_OVERHEAD,
    PersistedQueries,
    PersistedQueryNotFound,
)
from models.database.engines import Database
from serving.app import create_app
from serving.settings import Settings
from tests.conftest import local
from tests.recorder import recording
from tests.requests import GRAPHQL, JSON, Answer, encode, fetch, send

pytestmark = pytest.mark.usefixtures("assert_unchanged")

NAME = "query Name($id: Int = 1) { product(by: {productId: $id}) { name } }"
ONE = {"data": {"product": {"name": "Noir Café 70%"}}}
COUNT = "{ products { totalCount } }"
THREE = {"data": {"products": {"totalCount": 3}}}
CREATE = (
    """mutation { createSupplier(input: {name: " ", location: "B"}) { userErrors { code } } }"""
)


def digest_of(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def named(text: str, **members: object) -> dict[str, Any]:
    return {"persistedQuery": {"version": 1, "sha256Hash": digest_of(text), **members}}


@contextmanager
def serving(
    database: Database, role: str = "admin", limits: Limits = DEFAULTS, **given: Any
) -> Iterator[TestClient]:
    settings = Settings(dev_role=role, limits=limits, **given)
    with local(create_app(settings, database), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def client(protected_world: Database) -> Iterator[TestClient]:
    """Provide a client of a server without registered documents."""
    with serving(protected_world) as client:
        yield client


@pytest.fixture
def document(tmp_path: Path) -> Path:
    """Provide a trusted document."""
    path = tmp_path / "name.graphql"
    path.write_text(NAME, encoding="utf-8")
    return path


def post(client: TestClient, accept: str = JSON, /, **members: object) -> Answer:
    return send(client, encode(members), accept=accept)


def by_hash(client: TestClient, text: str, accept: str = JSON, /, **members: object) -> Answer:
    return post(client, accept, extensions=named(text), **members)


def get_by_hash(client: TestClient, text: str, /, **headers: str) -> Answer:
    query = urlencode({"extensions": encode(named(text)).decode()})
    return fetch(client, f"/graphql?{query}", **headers)


def not_found(answer: Answer) -> bool:
    extensions = {"code": "PERSISTED_QUERY_NOT_FOUND"}
    expected = {"errors": [{"message": "PersistedQueryNotFound", "extensions": extensions}]}
    return bool(answer.json == expected)


# ---------------------------------------------------------------- asking


@pytest.mark.parametrize(("accept", "status"), [(JSON, 200), (GRAPHQL, 404)])
def test_hash_that_is_not_known_asks_for_the_text(
    client: TestClient, protected_world: Database, accept: str, status: int
) -> None:
    with recording(protected_world) as statements:
        posted, got = by_hash(client, NAME, accept), get_by_hash(client, NAME, accept=accept)
    assert [answer.status for answer in (posted, got)] == [status, status]
    assert not_found(posted)
    assert not_found(got)
    assert got.headers["cache-control"] == "no-store"
    assert statements == []


@pytest.mark.parametrize("text", [NAME, f"{NAME}\n", f'{NAME} # "ü🍫"'])
def test_text_that_came_with_its_hash_is_known_by_it(client: TestClient, text: str) -> None:
    assert not_found(by_hash(client, text))
    assert by_hash(client, text, query=text).json == ONE
    assert by_hash(client, text).json == ONE
    assert by_hash(client, text, query="").json == ONE
    assert by_hash(client, text, variables={"id": 99}).json == {"data": {"product": None}}
    assert not_found(by_hash(client, f"{text} "))


def test_query_by_its_hash_can_be_revalidated(client: TestClient) -> None:
    by_hash(client, NAME, query=NAME)
    first = get_by_hash(client, NAME, accept_encoding="identity")
    assert (first.status, first.json) == (200, ONE)
    etag = first.headers["etag"]
    again = get_by_hash(client, NAME, accept_encoding="identity", if_none_match=etag)
    assert (again.status, again.body) == (304, b"")


def test_text_is_registered_by_get_too(client: TestClient) -> None:
    given = {"query": NAME, "extensions": encode(named(NAME)).decode()}
    assert fetch(client, f"/graphql?{urlencode(given)}").json == ONE
    assert get_by_hash(client, NAME).json == ONE


def test_mutation_by_its_hash_is_not_run_by_get(client: TestClient) -> None:
    created = {"data": {"createSupplier": {"userErrors": [{"code": "INVALID"}]}}}
    assert by_hash(client, CREATE, query=CREATE).json == created
    assert by_hash(client, CREATE).json == created
    answer = get_by_hash(client, CREATE)
    assert (answer.status, answer.codes) == (405, ["METHOD_NOT_ALLOWED"])


def test_hash_may_be_in_capitals(client: TestClient) -> None:
    by_hash(client, NAME, query=NAME)
    capitals = named(NAME, sha256Hash=digest_of(NAME).upper())
    assert post(client, extensions=capitals).json == ONE


def test_registered_text_is_read_with_the_rights_of_who_names_it(protected_world: Database) -> None:
    users = "{ users { totalCount } }"
    with serving(protected_world) as client:
        assert "data" in by_hash(client, users, query=users).json
        assert "data" in by_hash(client, users).json
        answer = send(
            client, encode({"extensions": named(users)}), host="elsewhere.example", accept=JSON
        )
        assert answer.codes == ["UNAUTHENTICATED"]


# ---------------------------------------------------------------- what is not registered


@pytest.mark.parametrize(
    "text", ["{", "{ nope }", "{ products(first: 101) { totalCount } }", "", " ", "{ a: users }"]
)
def test_text_that_is_refused_is_not_registered(protected_world: Database, text: str) -> None:
    with serving(protected_world, "public") as client:
        assert by_hash(client, text, query=text).errors
        assert not_found(by_hash(client, text))


def test_what_a_role_may_not_read_it_cannot_register(protected_world: Database) -> None:
    users = "{ users { totalCount } }"
    with serving(protected_world, "public") as client:
        assert by_hash(client, users, query=users).codes == ["UNAUTHENTICATED"]
        assert not_found(by_hash(client, users))


def test_text_of_another_hash_is_refused_and_not_run(
    client: TestClient, protected_world: Database
) -> None:
    with recording(protected_world) as statements:
        answer = by_hash(client, NAME, query=COUNT)
    assert (answer.status, answer.codes) == (400, ["BAD_REQUEST"])
    assert answer.errors[0]["message"] == "`sha256Hash` is not the SHA-256 of `query`."
    assert statements == []
    assert not_found(by_hash(client, NAME))
    assert not_found(by_hash(client, COUNT))


@pytest.mark.parametrize(
    "extension",
    [
        *(1, "x", [], {"version": 1}, {"sha256Hash": digest_of(NAME)}),
        {"version": 2, "sha256Hash": digest_of(NAME)},
        {"version": "1", "sha256Hash": digest_of(NAME)},
        *({"version": 1, "sha256Hash": digest} for digest in ("", "abc", "g" * 64)),
        *({"version": 1, "sha256Hash": digest} for digest in (None, 1, 1.5)),
        {"version": 1, "sha256Hash": f"sha256:{digest_of(NAME)}"},
    ],
    ids=str,
)
@pytest.mark.parametrize("query", [None, NAME])
def test_extension_that_names_nothing_is_bad(
    client: TestClient, extension: object, query: str | None
) -> None:
    answer = post(client, query=query, extensions={"persistedQuery": extension})
    assert (answer.status, answer.codes) == (400, ["BAD_REQUEST"])


def test_hash_beside_another_name_is_bad(client: TestClient) -> None:
    answer = by_hash(client, NAME, documentId="x")
    assert (answer.status, answer.codes) == (400, ["BAD_REQUEST"])


def test_other_extensions_are_nothing_to_us(client: TestClient) -> None:
    assert post(client, query=NAME, extensions={"persistedQuery": None, "x": 1}).json == ONE


# ---------------------------------------------------------------- switched off, and trusted documents


def test_no_text_is_registered_where_that_is_off(protected_world: Database) -> None:
    unsupported = {
        "errors": [
            {
                "message": "PersistedQueryNotSupported",
                "extensions": {"code": "PERSISTED_QUERY_NOT_SUPPORTED"},
            }
        ]
    }
    with serving(protected_world, persisted_queries=False) as client:
        assert by_hash(client, NAME).json == unsupported
        assert by_hash(client, NAME, query=NAME).json == ONE
        answer = by_hash(client, NAME, GRAPHQL)
    assert (answer.status, answer.json) == (400, unsupported)


@pytest.mark.parametrize(
    "given", [{}, {"persisted_queries": False}, {"trusted_only": True}], ids=str
)
def test_trusted_document_is_known_by_the_same_hash(
    protected_world: Database, document: Path, given: dict[str, Any]
) -> None:
    with serving(protected_world, trusted_documents=document, **given) as client:
        assert by_hash(client, NAME).json == ONE
        assert get_by_hash(client, NAME).json == ONE
        assert by_hash(client, NAME, query=NAME).json == ONE
        assert post(client, documentId=f"sha256:{digest_of(NAME)}").json == ONE


def test_only_trusted_documents_have_a_hash_where_no_others_are_answered(
    protected_world: Database, document: Path
) -> None:
    with (
        serving(protected_world, trusted_documents=document, trusted_only=True) as client,
        recording(protected_world) as statements,
    ):
        assert by_hash(client, COUNT).codes == ["PERSISTED_QUERY_NOT_SUPPORTED"]
        answer = by_hash(client, COUNT, GRAPHQL, query=COUNT)
        assert (answer.status, answer.codes) == (403, ["DOCUMENT_NOT_TRUSTED"])
        assert by_hash(client, COUNT).codes == ["PERSISTED_QUERY_NOT_SUPPORTED"]
    assert statements == []


# ---------------------------------------------------------------- charged and bounded


def test_registration_is_charged(protected_world: Database) -> None:
    # To understand the document takes 140, to plan it 500, to register it 640.
    text = "{ __typename }"
    poor = Limits(cost=1_000, cost_burst=1_000, cost_per_second=1, cost_of_second=0)
    rich = Limits(cost=1_400, cost_burst=1_400, cost_per_second=1, cost_of_second=0)
    typename = {"data": {"__typename": "Query"}}
    with serving(protected_world, limits=poor) as client:
        assert post(client, query=text).json == typename
    with serving(protected_world, limits=poor) as client:
        answer = by_hash(client, text, query=text)
        assert (answer.status, answer.codes) == (429, ["RATE_LIMITED"])
        assert int(answer.headers["retry-after"]) > 0
        assert not_found(by_hash(client, text))
    with serving(protected_world, limits=rich) as client:
        assert by_hash(client, text, query=text).json == typename
        # What is known is not charged again.
        assert by_hash(client, text, query=text).json == typename
        assert by_hash(client, text).json == typename


def keep(persisted: PersistedQueries, client: str, *texts: str) -> None:
    for text in texts:
        persisted.register(digest_of(text), text, client)


def known(persisted: PersistedQueries, *texts: str) -> list[str]:
    found = []
    for text in texts:
        try:
            found.append(persisted.text_of(digest_of(text)))
        except PersistedQueryNotFound:
            continue
    return found


def test_client_of_many_texts_displaces_its_own() -> None:
    persisted = PersistedQueries(max_size=10 * (REGISTRY_OVERHEAD + 4))
    keep(persisted, "quiet", "q001", "q002")
    many = [f"{n:04}" for n in range(1_000)]
    keep(persisted, "loud", *many)
    assert len(persisted) == 10
    assert known(persisted, "q001", "q002", *many) == ["q001", "q002", *many[-8:]]


def test_text_that_was_used_least_recently_goes_first() -> None:
    persisted = PersistedQueries(max_size=3 * (REGISTRY_OVERHEAD + 1))
    keep(persisted, "a", "x", "y", "z")
    assert known(persisted, "x") == ["x"]
    keep(persisted, "a", "w")
    assert known(persisted, "w", "x", "y", "z") == ["w", "x", "z"]


def test_texts_are_bounded_in_size() -> None:
    persisted = PersistedQueries(max_size=20_000)
    for client in range(100):
        keep(persisted, str(client), *(f"{client} {n} " + "x" * 3_000 for n in range(5)))
    assert len(persisted) == 5
    too_long = "x" * 200_001
    keep(persisted, "c", too_long)
    assert known(persisted, too_long) == []
    assert len(persisted) == 5
