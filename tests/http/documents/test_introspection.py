"""Introspection: within production's limits, cached, and with bounded memory."""

import asyncio
import json
from typing import Any

import pytest
from graphql import build_client_schema, get_introspection_query, print_schema
from starlette.testclient import TestClient

from graph.answer import Answer, Request
from graph.auth.permissions import Permissions
from graph.auth.roles import SIGNED_IN
from graph.context import Viewer
from graph.execution.engine import Engine
from graph.execution.introspection_cache import (
    INTROSPECTION_OVERHEAD,
    MAX_INTROSPECTION_BYTES,
    IntrospectionCache,
)
from graph.schema import schema
from models.database.engines import Database
from serving.settings import PRODUCTION
from tests.requests import Answer as Response
from tests.requests import ask, encode, send
from tests.unit.admission.test_introspection_cost import INTROSPECTION

ANNA = Viewer("viewer", "user:anna", address="192.0.2.1")


def run(database: Database, *asked: tuple[Viewer, Request]) -> list[Answer]:
    """Return the answers of one engine in production, in turn."""

    async def main() -> list[Answer]:
        engine = Engine(database, Permissions(introspection=SIGNED_IN), PRODUCTION)
        return [await engine.answer(request, viewer) for viewer, request in asked]

    return asyncio.run(main())


@pytest.mark.parametrize("name", INTROSPECTION)
def test_client_reads_the_whole_schema_in_production(world_to_read: Database, name: str) -> None:
    query = get_introspection_query(**INTROSPECTION[name])
    first, again = run(world_to_read, (ANNA, Request(query)), (ANNA, Request(query)))
    assert first.errors == again.errors == []
    assert first.through is not None
    assert first.through == again.through
    shown = print_schema(build_client_schema(json.loads(first.through)))
    assert {line for line in shown.splitlines() if line.startswith("type ")} == {
        line for line in print_schema(schema._schema).splitlines() if line.startswith("type ")
    }


def test_cached_introspection_is_hidden_from_roles_without_it(world_to_read: Database) -> None:
    request = Request("{ __schema { queryType { name } } }")
    nobody = Viewer("public", address="192.0.2.1")
    told, refused = run(world_to_read, (ANNA, request), (nobody, request))
    assert told.through == b'{"__schema":{"queryType":{"name":"Query"}}}'
    assert (refused.through, refused.data) == (None, None)
    assert (refused.errors[0].extensions or {})["code"] == "UNAUTHENTICATED"


def test_answers_of_others_beside_the_schema_are_not_kept(world_to_read: Database) -> None:
    request = Request('{ viewer { role } __type(name: "Product") { name } }')
    operator = Viewer("operator", "user:ben", address="192.0.2.2")
    answers = run(world_to_read, (ANNA, request), (operator, request))
    roles = [answer.data["viewer"]["role"] for answer in answers if answer.data]
    assert roles == ["VIEWER", "OPERATOR"]


def test_variables_decide_what_introspection_answers(reader: TestClient) -> None:
    query = "query ($name: String!) { __type(name: $name) { name } }"
    for name in ("Product", "Supplier", "Product"):
        assert ask(reader, query, name=name) == {"__type": {"name": name}}
    query = 'query A { __type(name: "Product") { name } } query B { __type(name: "Plot") { name } }'
    for operation, name in (("A", "Product"), ("B", "Plot"), ("A", "Product")):
        body = {"query": query, "operationName": operation}
        answer: Response = send(reader, encode(body))
        assert answer.json == {"data": {"__type": {"name": name}}}


def test_kept_answers_are_bounded_and_the_oldest_is_forgotten() -> None:
    kept = IntrospectionCache()
    piece: Any = b"x" * (MAX_INTROSPECTION_BYTES // 4 - INTROSPECTION_OVERHEAD - 1)
    for number in range(4):
        kept.keep((str(number),), piece)
    assert kept.find(("0",)) == piece
    kept.keep(("4",), piece)
    assert [kept.find((str(number),)) is not None for number in range(5)] == [
        True,
        False,
        True,
        True,
        True,
    ]


def test_documents_of_kept_answers_count_as_well() -> None:
    kept = IntrospectionCache()
    for number in range(100):
        kept.keep((f"{number}#".ljust(MAX_INTROSPECTION_BYTES // 10), None), b"{}")
    assert (
        sum(
            kept.find((f"{n}#".ljust(MAX_INTROSPECTION_BYTES // 10), None)) is not None
            for n in range(100)
        )
        == 9
    )
