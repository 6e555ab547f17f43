"""Requests to the API over HTTP: bytes in; status, headers and JSON out."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from starlette.testclient import TestClient

from models import Base
from models.database.engines import Database

JSON = "application/json"
GRAPHQL = "application/graphql-response+json"
# What a client must never see: SQL, drivers, files, code.
INTERNALS = ("Traceback", "psycopg2", "sqlalchemy", "SELECT ", "INSERT ", "UPDATE ", ".py", "p0)s")


@dataclass(frozen=True)
class Answer:
    """An HTTP response."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body without `extensions.cost`."""
        return without_cost(json.loads(self.body))

    @property
    def cost(self) -> dict[str, int]:
        """The cost in the body."""
        cost: dict[str, int] = json.loads(self.body)["extensions"]["cost"]
        return cost

    @property
    def errors(self) -> list[dict[str, Any]]:
        errors: list[dict[str, Any]] = self.json["errors"]
        return errors

    @property
    def codes(self) -> list[str]:
        """The code of each error."""
        return [error["extensions"]["code"] for error in self.errors]


def without_cost(body: Any) -> Any:
    """Return a response map without `extensions.cost`."""
    if isinstance(body, dict) and "cost" in body.get("extensions", ()):
        extensions = {**body["extensions"]}
        assert set(extensions.pop("cost")) == {"requested", "maximum"}
        body = {name: value for name, value in body.items() if name != "extensions"}
        if extensions:
            body["extensions"] = extensions
    return body


def encode(value: Any) -> bytes:
    """JSON in ASCII: halves of surrogate pairs and NUL can be written, as escapes."""
    return json.dumps(value).encode()


def send(
    client: TestClient,
    body: bytes,
    path: str = "/graphql",
    method: str = "POST",
    **headers: str,
) -> Answer:
    """Send these bytes, as JSON unless a header says otherwise."""
    given = {"content-type": JSON} | {k.replace("_", "-"): v for k, v in headers.items()}
    response = client.request(method, path, content=body, headers=given)
    return Answer(response.status_code, response.headers, response.content)


def fetch(client: TestClient, path: str, **headers: str) -> Answer:
    """GET this path, as a program that wants JSON unless a header says otherwise."""
    named = {"accept": JSON} | {k.replace("_", "-"): v for k, v in headers.items()}
    response = client.get(path, headers=named, follow_redirects=False)
    return Answer(response.status_code, response.headers, response.content)


def request(client: TestClient, query: str, variables: Any = None, **headers: str) -> Answer:
    """POST a GraphQL request; asserts that the answer reveals no internals."""
    answer = send(client, encode({"query": query, "variables": variables}), **headers)
    shown = answer.body.decode()
    assert [internal for internal in INTERNALS if internal in shown] == []
    return answer


def ask(client: TestClient, query: str, **variables: Any) -> dict[str, Any]:
    """Return the data of a request that must succeed, without a single error."""
    answer = request(client, query, variables)
    assert answer.status == 200
    assert list(answer.json) == ["data"], answer.json
    data: dict[str, Any] = answer.json["data"]
    return data


def refusal(client: TestClient, query: str, variables: Any = None) -> dict[str, Any]:
    """Return the only error of a request that must fail before its execution."""
    answer = request(client, query, variables)
    assert answer.status == 200
    assert list(answer.json) == ["errors"], answer.json
    assert len(answer.errors) == 1, answer.errors
    return answer.errors[0]


def code_of(client: TestClient, query: str, variables: Any = None) -> str:
    """Return the code of the only error of a request that must fail before its execution."""
    code: str = refusal(client, query, variables)["extensions"]["code"]
    return code


def mutation_code(client: TestClient, mutation: str, **given: Any) -> str:
    """Return the code of a mutation whose whole input is invalid."""
    answer = request(client, mutation, {"input": given})
    assert answer.status == 200
    assert set((answer.json.get("data") or {"": None}).values()) == {None}
    (code,) = answer.codes
    return code


def user_error(client: TestClient, mutation: str, **given: Any) -> tuple[Any, str]:
    """Field and code of the only user error of a mutation, whose objects are all null."""
    payload = dict(payload_of(client, mutation, **given))
    (error,) = payload.pop("userErrors")
    assert set(payload.values()) == {None}
    assert error["message"]
    return error["field"], error["code"]


def payload_of(client: TestClient, mutation: str, **given: Any) -> dict[str, Any]:
    """Return the payload of a document of one mutation with this input."""
    (payload,) = ask(client, mutation, input=given).values()
    assert isinstance(payload, dict)
    return payload


def written(client: TestClient, mutation: str, **given: Any) -> dict[str, Any]:
    """Return the payload of a mutation that must succeed, without its empty list of user errors."""
    payload = payload_of(client, mutation, **given)
    assert payload.pop("userErrors") == []
    return payload


def global_id(type_: str, key: int) -> str:
    """Return a global id as the API writes it."""
    return base64.b64encode(f"{type_}:{key}".encode()).decode()


def cursor(*parts: Any) -> str:
    """Return a cursor made of these parts of a JSON array."""
    return base64.b64encode(encode(list(parts))).decode()


UNSEEN = ("changes", "ledger_queue")


def contents(database: Database) -> dict[str, tuple[int, str]]:
    """Return the number of rows of every table, and a digest of all that is in them.

    Without `changes`, which has the time of each write, and without the queue of the ledger.
    """
    digest = "count(*), coalesce(md5(string_agg(t::text, chr(10) ORDER BY t::text)), '')"
    names = [table.name for table in Base.metadata.sorted_tables if table.name not in UNSEEN]
    each = (f"SELECT '{name}', {digest} FROM {name} t" for name in names)
    return {name: (count, sum_) for name, count, sum_ in rows(database, " UNION ALL ".join(each))}


def rows(database: Database, query: str) -> list[tuple[Any, ...]]:
    """Return the rows of a query of the test's own."""
    with database.reader() as connection:
        return [tuple(row) for row in connection.execute(text(query))]
