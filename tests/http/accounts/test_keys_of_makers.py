"""An API key never has more rights than its creator, and ends with the creator's account."""

import asyncio

import pytest

from graph.answer import Request
from graph.auth.tokens import Authenticator
from graph.context import Viewer
from graph.errors import Unauthenticated
from graph.execution.engine import Engine
from models.accounts.account import remove_user, set_role
from models.api_key import create_api_key
from models.database.engines import Database
from tests.http.accounts.accounts import (
    ADMIN,
    CREATE_KEY,
    SET_ROLE,
    answer,
    payload,
    refusal,
    viewer_of,
)
from tests.requests import rows
from tests.writing import make_user, run_sql, write

ROLES = ("viewer", "operator", "auditor", "admin")
CHANGE_SUPPLIER = (
    """mutation { createSupplier(input: {name: "A", location: "B"}) { supplier { name } } }"""
)


def key_of(database: Database, maker: str, role: str) -> str:
    """Return a key of this role, created by this user."""
    return write(database, lambda session: create_api_key(session, role, role), maker)[1]


@pytest.fixture
def ben(anna: Database) -> Database:
    """Two admins: anna, and ben, whose number is 2."""
    make_user(anna, "ben", "admin")
    return anna


def least(role: str, maker: str) -> str:
    """Return the role with the rights that both roles have."""
    if "admin" in (role, maker):
        return maker if role == "admin" else role
    return role if role == maker else "viewer"


@pytest.mark.parametrize("by_sql", [False, True])
def test_key_is_capped_to_what_its_maker_may_now(ben: Database, by_sql: bool) -> None:
    keys = {role: key_of(ben, "user:ben", role) for role in ROLES}
    assert {role: viewer_of(ben, key).role for role, key in keys.items()} == dict(zip(ROLES, ROLES, strict=True))  # fmt: skip
    for now in (*ROLES, "admin"):
        if by_sql:
            run_sql(ben, "UPDATE users SET role = :role WHERE user_id = 2", role=now)
        else:
            write(ben, lambda session, now=now: set_role(session, 2, now))  # type: ignore[misc]
        found = {role: viewer_of(ben, key).role for role, key in keys.items()}
        assert found == {role: least(role, now) for role in ROLES}
    assert rows(ben, "SELECT role FROM api_keys ORDER BY api_key_id") == [(role,) for role in ROLES]


def test_key_of_a_demoted_admin_writes_nothing_more(ben: Database) -> None:
    key = key_of(ben, "user:ben", "admin")
    write(ben, lambda session: set_role(session, 2, "auditor"))
    refused = answer(ben, CHANGE_SUPPLIER, viewer_of(ben, key))
    assert refusal(refused) == "FORBIDDEN"
    assert rows(ben, "SELECT count(*) FROM suppliers") == [(0,)]
    assert answer(ben, "{ users { totalCount } }", viewer_of(ben, key)).errors == []


@pytest.mark.parametrize(
    "statement",
    [
        "",
        "UPDATE users SET removed_at = now() WHERE user_id = 2",
        "DELETE FROM users WHERE user_id = 2",
        "UPDATE users SET username = 'benno' WHERE user_id = 2",
    ],
)
def test_key_ends_with_its_maker(ben: Database, statement: str) -> None:
    keys = [key_of(ben, "user:ben", role) for role in ("viewer", "admin")]
    kept = write(ben, lambda session: create_api_key(session, "erp", "operator"), "user:anna")[1]
    if statement:
        run_sql(ben, statement)
    else:
        write(ben, lambda session: remove_user(session, 2))
    for key in keys:
        with pytest.raises(Unauthenticated):
            viewer_of(ben, key)
    assert viewer_of(ben, kept).role == "operator"


@pytest.mark.parametrize(
    "maker", ["oidc:8f3c", "oidc:ben", "cli:ben", "dev:admin", "", "USER:ben", "xuser:ben"]
)
def test_key_of_a_creator_without_an_account_keeps_its_role(ben: Database, maker: str) -> None:
    key = key_of(ben, maker, "operator")
    write(ben, lambda session: remove_user(session, 2))
    assert viewer_of(ben, key).role == "operator"


def test_cap_holds_at_once_in_its_own_process(ben: Database) -> None:
    key = key_of(ben, "user:ben", "admin")

    async def roles() -> list[str]:
        authenticator, engine = Authenticator(ben), Engine(ben)
        before = await authenticator.viewer(f"Bearer {key}".encode(), "")
        await engine.answer(Request(SET_ROLE, {"input": {"userId": "2", "role": "VIEWER"}}), ADMIN)
        return [before.role, (await authenticator.viewer(f"Bearer {key}".encode(), "")).role]

    assert asyncio.run(roles()) == ["admin", "viewer"]


def test_removal_is_seen_by_another_process_within_five_seconds(
    ben: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr("graph.auth.tokens.monotonic", lambda: now)
    header = f"Bearer {key_of(ben, 'user:ben', 'admin')}".encode()

    async def scenario() -> Viewer:
        nonlocal now
        authenticator = Authenticator(ben)
        await authenticator.viewer(header, "")
        write(ben, lambda session: remove_user(session, 2))
        now += 5.1
        return await authenticator.viewer(header, "")

    with pytest.raises(Unauthenticated):
        asyncio.run(scenario())


@pytest.mark.parametrize(("name", "code"), [("ERP", "ALREADY_EXISTS"), ("er\u0440", "INVALID")])
def test_names_of_keys_do_not_look_alike(anna: Database, name: str, code: str) -> None:
    viewer = Viewer("admin", actor="user:anna", username="anna")
    payload(anna, CREATE_KEY, viewer, name="erp", role="VIEWER")
    found = payload(anna, CREATE_KEY, viewer, name=name, role="VIEWER")
    assert (found["token"], found["apiKey"]) == (None, None)
    assert [(e["field"], e["code"]) for e in found["userErrors"]] == [(["input", "name"], code)]
    assert rows(anna, "SELECT name FROM api_keys") == [("erp",)]
