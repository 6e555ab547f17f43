"""Queries about accounts: the viewer, the users, the authors of records; no secret has a field."""

import json
from datetime import datetime
from functools import partial

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from graph.context import Viewer
from graph.pagination import write_global_id
from models.database.engines import Database
from models.exact_json import dumps
from tests.http.accounts.accounts import (
    ADMIN,
    VIEWER,
    answer,
    refusal,
    viewer_of,
)
from tests.recorder import recording
from tests.requests import rows
from tests.writing import make_user, run_sql, signed_in, write

BATCHES = """INSERT INTO cacao_batches (supplier_id, harvest_date, quantity)
  VALUES (1, '2026-01-01', 5), (1, '2026-01-01', 5)"""
USES = "INSERT INTO product_cacao_batch VALUES (1, 1, 5), (1, 2, 5)"


def test_viewer_is_answered_without_a_statement(anna: Database) -> None:
    viewer = viewer_of(anna, signed_in(anna, "anna").token)
    with recording(anna) as statements:
        answered = answer(anna, VIEWER, viewer)
    assert viewer.expires_at is not None
    assert answered.data == {
        "viewer": {
            "role": "ADMIN",
            "username": "anna",
            "apiKey": None,
            "expiresAt": viewer.expires_at.isoformat(timespec="seconds"),
        }
    }
    assert statements == []


def test_viewer_without_a_token(anna: Database) -> None:
    answered = answer(anna, VIEWER)
    assert answered.data == {
        "viewer": {"role": "PUBLIC", "username": None, "apiKey": None, "expiresAt": None}
    }


def test_users_and_keys_are_read_like_everything_else(anna: Database) -> None:
    make_user(anna, "ben", "operator")
    run_sql(
        anna,
        "INSERT INTO api_keys (name, role, key_hash, expires_at)"
        " VALUES ('erp', 'viewer', sha256('x'), '2027-01-01')",
    )
    query = """{ users(orderBy: [{field: USERNAME, direction: DESC}], filter: {role: {in: [ADMIN, OPERATOR]}}) {
        totalCount nodes { username role } }
      apiKeys { nodes { name role expiresAt } } }"""
    with recording(anna) as statements:
        answered = answer(anna, query, ADMIN)
    assert answered.through is not None
    assert json.loads(answered.through) == {
        "users": {
            "totalCount": 2,
            "nodes": [
                {"username": "ben", "role": "OPERATOR"},
                {"username": "anna", "role": "ADMIN"},
            ],
        },
        "apiKeys": {
            "nodes": [{"name": "erp", "role": "VIEWER", "expiresAt": "2027-01-01T00:00:00+00:00"}]
        },
    }
    assert len(statements) == 1
    assert "password" not in statements[0]
    assert "key_hash" not in statements[0]


def execute(statement: str, session: Session) -> None:
    session.execute(text(statement))


def test_changes_tell_who_wrote_what(anna: Database) -> None:
    run_sql(anna, "INSERT INTO products (name) VALUES ('A')")
    run_sql(anna, "INSERT INTO suppliers (name, location) VALUES ('A', 'B')")
    for statement in (BATCHES, USES):
        write(anna, partial(execute, statement), "user:anna")
    query = """{ changes(filter: {actor: {eq: "user:anna"}}, orderBy: [{field: CHANGE_ID, direction: DESC}]) {
        totalCount nodes { id changeId at actor relation operation keys } } %s }"""
    batches = {"actor": "user:anna", "relation": "cacao_batches", "operation": "INSERT"}
    edges = {"actor": "user:anna", "relation": "product_cacao_batch", "operation": "INSERT"}
    times = rows(anna, "SELECT at FROM changes WHERE actor = 'user:anna' ORDER BY change_id DESC")
    for also in ("", "viewer { role }"):
        answered = answer(anna, query % also, Viewer("auditor"))
        data = json.loads(answered.through or dumps(answered.data))
        assert data is not None
        found = data["changes"]
        numbers = [node.pop("changeId") for node in found["nodes"]]
        ids = [node.pop("id") for node in found["nodes"]]
        assert [(datetime.fromisoformat(node.pop("at")),) for node in found["nodes"]] == times
        assert ids == [write_global_id("Change", number) for number in numbers]
        assert numbers == sorted(numbers, reverse=True)
        assert found == {
            "totalCount": 2,
            "nodes": [{**edges, "keys": [[1, 1], [1, 2]]}, {**batches, "keys": [1, 2]}],
        }


@pytest.mark.parametrize(
    "query",
    [
        "{ users { nodes { password } } }",
        '{ users(filter: {password: {contains: "a"}}) { nodes { username } } }',
        "{ users(orderBy: [{field: PASSWORD}]) { nodes { username } } }",
        "{ apiKeys { nodes { keyHash } } }",
        "{ apiKeys(orderBy: [{field: KEY_HASH}]) { nodes { name } } }",
        '{ node(id: "VXNlcjox") { ... on User { password } } }',
    ],
)
def test_what_is_secret_has_no_name_in_graphql(anna: Database, query: str) -> None:
    with recording(anna) as statements:
        assert refusal(answer(anna, query, ADMIN)) == "GRAPHQL_VALIDATION_FAILED"
    assert statements == []


def test_transaction_shows_who_recorded_it(anna: Database) -> None:
    run_sql(anna, "INSERT INTO products (name) VALUES ('A')")
    record = """mutation { recordTransaction(input: {productId: "1", event: "shipped"}) {
      transaction { recordedBy } } }"""
    viewer = Viewer("operator", actor="key:erp", api_key="erp")
    assert answer(anna, record, viewer).data == {
        "recordTransaction": {"transaction": {"recordedBy": "key:erp"}}
    }
    found = rows(anna, "SELECT actor FROM changes WHERE relation = 'transactions'")
    assert found == [("key:erp",)]
