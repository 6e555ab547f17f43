"""Trusted documents, by `documentId`: where they are read from, and the errors."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlencode

import pytest
from graphql import get_introspection_query
from starlette.testclient import TestClient

from graph.answer import Request
from graph.context import Viewer
from graph.execution.engine import Engine
from graph.execution.plan_cache import MAX_ENTRIES, MAX_ENTRY_TEXT
from graph.execution.trusted_documents import (
    TrustedDocuments,
    UnusableDocuments,
    load_trusted_documents,
)
from models.database.engines import Database
from serving.app import create_app
from serving.settings import Settings, SettingsError
from tests.conftest import free_port, local, run
from tests.recorder import recording
from tests.requests import GRAPHQL, JSON, Answer, encode, fetch, send

pytestmark = pytest.mark.usefixtures("assert_unchanged")

NAME = "query Name($id: Int = 1) { product(by: {productId: $id}) { name } }\n"
BY_NUMBER = "query ByNumber($id: Int!) { product(by: {productId: $id}) { name } }"
TWO = "query One { suppliers { totalCount } }\nquery Other { products { totalCount } }"
CREATE = """mutation Create($name: String!) {
  createSupplier(input: {name: $name, location: "B"}) { supplier { id } userErrors { code } } }"""
ONE = {"data": {"product": {"name": "Noir Café 70%"}}}


def id_of(text: str) -> str:
    return f"sha256:{sha256(text.encode()).hexdigest()}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Provide a folder of four documents, one of them in a subfolder."""
    (tmp_path / "deeper").mkdir()
    for path, text in (
        ("name.graphql", NAME),
        ("by_number.graphql", BY_NUMBER),
        ("deeper/two.graphql", TWO),
        ("create.graphql", CREATE),
        ("notes.txt", "no document"),
    ):
        (tmp_path / path).write_text(text, encoding="utf-8", newline="")
    return tmp_path


@contextmanager
def trusting(database: Database, path: Path | None, *, only: bool = False) -> Iterator[TestClient]:
    settings = Settings(dev_role="admin", trusted_documents=path, trusted_only=only)
    with local(create_app(settings, database), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def client(protected_world: Database, folder: Path) -> Iterator[TestClient]:
    """Provide a client that may name the folder's documents, or send others."""
    with trusting(protected_world, folder) as client:
        yield client


@pytest.fixture
def strict(protected_world: Database, folder: Path) -> Iterator[TestClient]:
    """Provide a client that may only name the folder's documents."""
    with trusting(protected_world, folder, only=True) as client:
        yield client


def post(client: TestClient, accept: str = JSON, /, **members: object) -> Answer:
    return send(client, encode(members), accept=accept)


def get(client: TestClient, accept: str = JSON, /, **parameters: str) -> Answer:
    return fetch(client, f"/graphql?{urlencode(parameters)}", accept=accept)


# ---------------------------------------------------------------- asking


def test_document_is_named_by_the_hash_of_its_bytes(client: TestClient) -> None:
    answer = post(client, documentId=id_of(BY_NUMBER), variables={"id": 1})
    assert (answer.status, answer.json) == (200, ONE)


def test_final_line_break_is_part_of_a_document(client: TestClient) -> None:
    assert post(client, documentId=id_of(NAME)).json == ONE
    unknown = post(client, documentId=id_of(NAME.strip()))
    assert unknown.codes == ["PERSISTED_DOCUMENT_NOT_FOUND"]


def test_document_is_named_by_get(client: TestClient) -> None:
    answer = get(client, documentId=id_of(BY_NUMBER), variables='{"id": 1}')
    assert (answer.status, answer.json) == (200, ONE)
    again = fetch(
        client,
        f"/graphql?{urlencode({'documentId': id_of(NAME)})}",
        accept=JSON,
        accept_encoding="identity",
        if_none_match=answer.headers["etag"],
    )
    assert (again.status, again.body) == (304, b"")


def test_browser_that_names_a_document_gets_a_refusal_in_json(client: TestClient) -> None:
    answer = get(client, "text/html, */*", documentId=id_of(NAME))
    assert (answer.status, answer.codes) == (400, ["BAD_REQUEST"])


def test_document_of_several_operations_needs_a_name(client: TestClient) -> None:
    document = id_of(TWO)
    assert post(client, documentId=document).codes == ["OPERATION_RESOLUTION_FAILURE"]
    assert post(client, documentId=document, operationName="Other").json == {
        "data": {"products": {"totalCount": 3}}
    }
    unknown = post(client, documentId=document, operationName="Third")
    assert unknown.codes == ["OPERATION_RESOLUTION_FAILURE"]


def test_variables_of_a_trusted_document_are_checked(client: TestClient) -> None:
    answer = post(client, documentId=id_of(BY_NUMBER), variables={"id": "x"})
    assert answer.codes == ["BAD_USER_INPUT"]


def test_trusted_mutation_by_get_is_405(client: TestClient) -> None:
    answer = get(client, documentId=id_of(CREATE), variables='{"name": "A"}')
    assert (answer.status, answer.codes) == (405, ["METHOD_NOT_ALLOWED"])


def test_trusted_mutation_is_run(client: TestClient) -> None:
    answer = post(client, documentId=id_of(CREATE), variables={"name": " "})
    assert answer.json == {
        "data": {"createSupplier": {"supplier": None, "userErrors": [{"code": "INVALID"}]}}
    }


@pytest.mark.parametrize(("accept", "status"), [(JSON, 200), (GRAPHQL, 404), (f"{JSON}, */*", 200)])
@pytest.mark.parametrize("identifier", ["sha256:00", "unknown", "", "x-mine:1", "../name.graphql"])
def test_unknown_document_is_refused(
    client: TestClient, protected_world: Database, identifier: str, accept: str, status: int
) -> None:
    with recording(protected_world) as statements:
        answers = [
            post(client, accept, documentId=identifier),
            get(client, accept, documentId=identifier),
        ]
    for answer in answers:
        assert (answer.status, answer.codes) == (status, ["PERSISTED_DOCUMENT_NOT_FOUND"])
        assert list(answer.json) == ["errors"]
    assert answers[1].headers["cache-control"] == "no-store"
    assert statements == []


def test_no_document_is_known_where_none_are_trusted(protected_client: TestClient) -> None:
    answer = post(protected_client, documentId=id_of(NAME))
    assert answer.codes == ["PERSISTED_DOCUMENT_NOT_FOUND"]


@pytest.mark.parametrize(
    "members",
    [
        {"documentId": id_of(NAME), "query": NAME},
        {"documentId": id_of(NAME), "query": ""},
        {"documentId": 1},
        {"documentId": [id_of(NAME)]},
        {"documentId": id_of(NAME), "variables": []},
        {"documentId": None},
    ],
)
def test_document_that_is_misnamed_is_bad(client: TestClient, members: dict[str, object]) -> None:
    answer = send(client, encode(members), accept=JSON)
    assert (answer.status, answer.codes) == (400, ["BAD_REQUEST"])


def test_document_that_is_both_named_and_sent_by_get_is_bad(client: TestClient) -> None:
    answer = get(client, documentId=id_of(NAME), query=NAME)
    assert (answer.status, answer.codes) == (400, ["BAD_REQUEST"])


def test_documents_of_the_client_are_still_answered(client: TestClient) -> None:
    assert post(client, query="{ __typename }", documentId=None).json == {
        "data": {"__typename": "Query"}
    }


# ---------------------------------------------------------------- only these


@pytest.mark.parametrize(("accept", "status"), [(JSON, 200), (GRAPHQL, 403)])
@pytest.mark.parametrize(
    "query", ["{ __typename }", get_introspection_query(), "{", NAME.strip(), CREATE + " "]
)
def test_document_that_is_not_trusted_is_refused(
    strict: TestClient, protected_world: Database, query: str, accept: str, status: int
) -> None:
    with recording(protected_world) as statements:
        answers = [post(strict, accept, query=query), get(strict, accept, query=query)]
    for answer in answers:
        assert (answer.status, answer.codes) == (status, ["DOCUMENT_NOT_TRUSTED"])
        assert list(answer.json) == ["errors"]
    assert statements == []


def test_trusted_documents_are_answered_where_no_others_are(strict: TestClient) -> None:
    assert post(strict, documentId=id_of(NAME)).json == ONE
    assert get(strict, documentId=id_of(NAME)).json == ONE
    # The same text, sent instead of named, is the same document.
    assert post(strict, query=NAME).json == ONE


def test_rest_endpoint_is_open_where_only_trusted_documents_are(strict: TestClient) -> None:
    answer = fetch(strict, "/api/products")
    assert answer.status == 200
    assert [product["product_id"] for product in answer.json["products"]] == [1, 2, 3]


# ---------------------------------------------------------------- files and manifests


@pytest.mark.parametrize(
    "manifest",
    [
        {"md5-of-relay": NAME},
        {"format": "apollo-persisted-query-manifest", "version": 1, "operations": [
            {"id": "md5-of-relay", "name": "Name", "type": "query", "body": NAME}]},
    ],
)  # fmt: skip
def test_manifest_names_documents_as_it_likes(
    protected_world: Database, tmp_path: Path, manifest: object
) -> None:
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps(manifest), encoding="utf-8")
    with trusting(protected_world, path, only=True) as client:
        assert post(client, documentId="md5-of-relay").json == ONE
        assert post(client, documentId=id_of(NAME)).json == ONE


def test_one_file_is_one_document(protected_world: Database, folder: Path) -> None:
    with trusting(protected_world, folder / "name.graphql") as client:
        assert post(client, documentId=id_of(NAME)).json == ONE
        assert post(client, documentId=id_of(TWO)).codes == ["PERSISTED_DOCUMENT_NOT_FOUND"]


WRONG: dict[str, tuple[str, str | bytes | None]] = {
    "a.graphql, line 2: Cannot query field 'zzz' on type 'Product'.": (
        "a.graphql", "{ product(by: {productId: 1})\n  { zzz } }"),
    "a.graphql, line 1: Syntax Error: Expected Name, found <EOF>.": ("a.graphql", "{"),
    "a.graphql, line 1: Syntax Error: Unexpected <EOF>.": ("a.graphql", ""),
    "a.graphql, line 3: `first` is 101; it must be from 0 to 100.": (
        "a.graphql", "query A { __typename }\nquery B {\n  products(first: 101) { totalCount } }"),
    "a.graphql, line 1: \"x\" is not a global id.": (
        "a.graphql", '{ node(id: "x") { id } }'),
    "a.graphql: is not valid UTF-8": ("a.graphql", b"\xff"),
    "a.json: expected a JSON object of documents by identifier": ("a.json", '["{ __typename }"]'),
    "a.json: expected a JSON object of documents by identifier ": ("a.json", '{"a": 1}'),
    "a.json: expected a JSON object of documents by identifier  ": ("a.json", '{"operations": [1]}'),
    "a.json: expected a JSON object of documents by identifier   ": ("a.json", "{"),
    "a.json: abc, line 1: Cannot query field 'zzz' on type 'Query'.": (
        "a.json", '{"ok": "{ __typename }", "abc": "{ zzz }"}'),
    f"a.json: sha256:00: the text's identifier is {id_of('{ __typename }')}": (
        "a.json", '{"sha256:00": "{ __typename }"}'),
    "a.json: contains no document": ("a.json", "{}"),
    "b.graphql: No such file or directory": ("b.graphql", None),
    "empty: contains no document": ("empty", None),
}  # fmt: skip


@pytest.mark.parametrize("message", WRONG)
def test_document_that_cannot_be_used_is_one_line_that_names_it(
    protected_world: Database, tmp_path: Path, message: str
) -> None:
    name, content = WRONG[message]
    (tmp_path / "empty").mkdir()
    if content is not None:
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    settings = Settings(trusted_documents=tmp_path / name)
    with pytest.raises(SettingsError) as refused:
        create_app(settings, protected_world)
    assert str(refused.value) == f"TRUSTED_DOCUMENTS: {tmp_path}/{message.rstrip()}"


@pytest.mark.parametrize("workers", ["1", "2"])
def test_server_does_not_start_with_a_document_that_is_not_valid(
    protected_world: Database, tmp_path: Path, workers: str
) -> None:
    document = tmp_path / "a.graphql"
    document.write_text("{ zzz }")
    url = protected_world.engine().url.render_as_string(hide_password=False)
    result = run(
        "serve",
        DATABASE_URL=url.replace("+psycopg2", ""),
        TRUSTED_DOCUMENTS=str(document),
        WORKERS=workers,
        PORT=str(free_port()),
        LOG_LEVEL="error",
    )
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == (
        f"error: TRUSTED_DOCUMENTS: {document}, line 1: Cannot query field 'zzz' on type 'Query'.\n"
    )


# ---------------------------------------------------------------- planned at start, never forgotten


def preloaded(database: Database, trusted: TrustedDocuments) -> Engine:
    engine = Engine(database)
    trusted.preload(engine)
    return engine


def misses(engine: Engine, *requests: Request) -> int:
    """Return the number of plans made for these requests, which all succeed."""
    before = engine.plans.misses

    async def ask() -> None:
        for request in requests:
            answer = await engine.answer(request, Viewer("viewer"))
            assert answer.errors == []

    asyncio.run(ask())
    return engine.plans.misses - before


def test_operations_that_need_no_values_are_planned_at_start(
    protected_world: Database, folder: Path
) -> None:
    engine = preloaded(protected_world, load_trusted_documents(folder))
    requests = (
        Request(NAME),
        Request(NAME, operation_name="Name"),
        Request(NAME, {"id": 2}),
        Request(TWO, operation_name="One"),
        Request(TWO, operation_name="Other"),
    )
    assert misses(engine, *requests) == 0
    assert misses(engine, Request(BY_NUMBER, {"id": 1}), Request(BY_NUMBER, {"id": 2})) == 1


def test_trusted_documents_are_not_forgotten(protected_world: Database, tmp_path: Path) -> None:
    long = "{ __typename }" + " " * MAX_ENTRY_TEXT
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps({"name": NAME, "long": long}))
    engine = preloaded(protected_world, load_trusted_documents(path))
    kept = [engine.plans.find(text, None) for text in (NAME, long)]
    assert None not in kept
    others = (Request(f"{{ a{n}: __typename }}") for n in range(MAX_ENTRIES + 1))
    assert misses(engine, *others) == MAX_ENTRIES + 1
    assert [engine.plans.find(text, None) for text in (NAME, long)] == kept
    # Name by its name and without, the long one, and as many others as are ever kept.
    assert len(engine.plans) == 3 + MAX_ENTRIES


def test_folder_without_documents_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnusableDocuments):
        load_trusted_documents(tmp_path)
