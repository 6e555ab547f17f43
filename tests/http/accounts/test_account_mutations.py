"""Mutations of accounts: the roles that may use them, their payloads, and the rows they write."""

import asyncio
from typing import Any

import pytest

from graph.answer import Request
from graph.auth.tokens import Authenticator
from graph.context import Viewer
from graph.errors import Unauthenticated
from graph.execution.engine import Engine
from models.accounts.account import verify
from models.database.engines import Database
from models.errors import InvalidCredentials
from models.session import hash_of
from tests.http.accounts.accounts import (
    ADMIN,
    ADMINISTERING,
    CHANGE,
    CREATE,
    CREATE_KEY,
    PUBLIC,
    REVOKE,
    SET_ROLE,
    SIGN_IN,
    SIGN_OUT,
    answer,
    payload,
    refusal,
    viewer_of,
)
from tests.recorder import recording
from tests.requests import contents, rows
from tests.writing import PASSWORD, make_user, signed_in

# ---------------------------------------------------------------- signing in


def test_sign_in_answers_with_a_token_that_is_valid(anna: Database) -> None:
    found = payload(anna, SIGN_IN, PUBLIC, username="anna", password=PASSWORD)
    viewer = viewer_of(anna, found["token"])
    assert found == {
        "token": found["token"],
        "expiresAt": found["expiresAt"],
        "viewer": {
            "role": "ADMIN",
            "username": "anna",
            "apiKey": None,
            "expiresAt": found["expiresAt"],
        },
        "userErrors": [],
    }
    assert (viewer.role, viewer.actor, viewer.user_id) == ("admin", "user:anna", 1)
    assert viewer.session == hash_of(found["token"])


@pytest.mark.parametrize(("name", "given"), [("anna", "wrong horse battery"), ("nobody", PASSWORD)])
def test_sign_in_does_not_say_what_is_wrong(anna: Database, name: str, given: str) -> None:
    assert payload(anna, SIGN_IN, PUBLIC, username=name, password=given) == {
        "token": None,
        "expiresAt": None,
        "viewer": None,
        "userErrors": [
            {
                "field": None,
                "message": "The username or the password is wrong.",
                "code": "INVALID_CREDENTIALS",
            }
        ],
    }
    # The operation was rolled back, and the failure counts.
    assert rows(anna, "SELECT address FROM sign_in_attempts") == [("192.0.2.1",)]
    assert rows(anna, "SELECT count(*) FROM sessions") == [(0,)]


def test_sixth_failure_says_how_long_to_wait(anna: Database) -> None:
    wrong = {"username": "anna", "password": "wrong horse battery"}
    for _ in range(5):
        payload(anna, SIGN_IN, PUBLIC, **wrong)
    (error,) = payload(anna, SIGN_IN, PUBLIC, username="anna", password=PASSWORD)["userErrors"]
    assert error["code"] == "TOO_MANY_ATTEMPTS"
    assert error["message"].startswith("Too many attempts: try again in ")


def test_aliases_try_one_password_an_operation(anna: Database) -> None:
    tries = " ".join(
        f'a{n}: signIn(input: {{username: "anna", password: "wrong {n}"}}) {{ token }}'
        for n in range(4)
    )
    answered = answer(anna, f"mutation {{ {tries} }}")
    assert [(e.extensions or {})["code"] for e in answered.errors] == ["BAD_USER_INPUT"] * 3
    assert rows(anna, "SELECT count(*) FROM sign_in_attempts") == [(1,)]


def test_sign_in_is_rolled_back_with_its_operation_and_tells_no_token(anna: Database) -> None:
    both = f"""mutation {{ signIn(input: {{username: "anna", password: "{PASSWORD}"}}) {{ token }}
      createSupplier(input: {{name: " ", location: "B"}}) {{ userErrors {{ code }} }} }}"""
    answered = answer(anna, both, Viewer("operator"))
    assert answered.data is not None
    assert answered.data["signIn"] is None
    assert rows(anna, "SELECT count(*) FROM sessions") == [(0,)]


def test_no_connection_is_held_while_a_password_is_compared(
    anna: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[int] = []
    pool: Any = anna._writes.pool

    def note(*_: Any) -> bool:
        held.append(pool.checkedout())
        return True

    monkeypatch.setattr("models.accounts.account.is_password", note)
    payload(anna, SIGN_IN, PUBLIC, username="anna", password=PASSWORD)
    assert held == [0]


def test_unusable_texts_are_no_fault_of_ours(anna: Database) -> None:
    for name in ("\ud800", "a\x00b"):
        answered = answer(anna, SIGN_IN, PUBLIC, {"username": name, "password": PASSWORD})
        assert refusal(answered) == "BAD_USER_INPUT"


# ---------------------------------------------------------------- signing out, another password


def test_sign_out_ends_this_session(anna: Database) -> None:
    first, second = signed_in(anna, "anna").token, signed_in(anna, "anna").token
    viewer = viewer_of(anna, first)
    assert payload(anna, SIGN_OUT, viewer) == {"endedSessions": 1, "userErrors": []}
    with pytest.raises(Unauthenticated):
        viewer_of(anna, first)
    assert viewer_of(anna, second).username == "anna"


def test_sign_out_everywhere_ends_all_sessions(anna: Database) -> None:
    tokens = [signed_in(anna, "anna").token for _ in range(3)]
    viewer = viewer_of(anna, tokens[0])
    assert payload(anna, SIGN_OUT, viewer, everywhere=True)["endedSessions"] == 3
    for token in tokens:
        with pytest.raises(Unauthenticated):
            viewer_of(anna, token)


def test_change_of_password_needs_the_old_one(anna: Database) -> None:
    viewer = viewer_of(anna, signed_in(anna, "anna").token)
    before = contents(anna)["users"]
    new = "another horse battery"
    found = payload(anna, CHANGE, viewer, oldPassword="wrong", newPassword=new)
    assert found["endedSessions"] is None
    assert [(e["field"], e["code"]) for e in found["userErrors"]] == [
        (["input", "oldPassword"], "INVALID_CREDENTIALS")
    ]
    assert contents(anna)["users"] == before
    found = payload(anna, CHANGE, viewer, oldPassword=PASSWORD, newPassword="short")
    assert [(e["field"], e["code"]) for e in found["userErrors"]] == [
        (["input", "newPassword"], "INVALID")
    ]
    assert contents(anna)["users"] == before


def test_change_of_password_ends_the_other_sessions(anna: Database) -> None:
    here, there = signed_in(anna, "anna").token, signed_in(anna, "anna").token
    viewer = viewer_of(anna, here)
    new = "another horse battery"
    found = payload(anna, CHANGE, viewer, oldPassword=PASSWORD, newPassword=new)
    assert found == {"endedSessions": 1, "userErrors": []}
    assert viewer_of(anna, here).username == "anna"
    with pytest.raises(Unauthenticated):
        viewer_of(anna, there)
    with pytest.raises(InvalidCredentials):
        verify(anna, "anna", PASSWORD, "")
    assert rows(anna, "SELECT actor, relation FROM changes WHERE operation = 'UPDATE'") == [
        ("user:anna", "users"),
        ("user:anna", "sessions"),
    ]


def test_change_of_password_is_not_stopped_by_failed_sign_ins(anna: Database) -> None:
    viewer = viewer_of(anna, signed_in(anna, "anna").token)
    for _ in range(5):
        payload(anna, SIGN_IN, PUBLIC, username="anna", password="wrong horse battery")
    refused = payload(anna, SIGN_IN, PUBLIC, username="anna", password=PASSWORD)
    assert [error["code"] for error in refused["userErrors"]] == ["TOO_MANY_ATTEMPTS"]
    new = "another horse battery"
    assert payload(anna, CHANGE, viewer, oldPassword=PASSWORD, newPassword=new)["userErrors"] == []


@pytest.mark.parametrize("query", [SIGN_OUT, CHANGE])
def test_who_has_no_session_has_nothing_to_end(anna: Database, query: str) -> None:
    given = {} if query == SIGN_OUT else {"oldPassword": PASSWORD, "newPassword": "x" * 12}
    for viewer in (PUBLIC, Viewer("admin", actor="key:erp", api_key="erp")):
        with recording(anna) as statements:
            answered = answer(anna, query, viewer, given)
        assert refusal(answered) == "UNAUTHENTICATED"
        assert statements == []


# ---------------------------------------------------------------- administering


@pytest.mark.parametrize("query", ADMINISTERING)
@pytest.mark.parametrize("role", ["public", "viewer", "operator", "auditor"])
def test_who_is_no_admin_administers_nothing(anna: Database, role: str, query: str) -> None:
    viewer = Viewer(role, actor="user:eve", username="eve")
    with recording(anna) as statements:
        answered = answer(anna, query, viewer, ADMINISTERING[query])
    assert refusal(answered) == ("UNAUTHENTICATED" if role == "public" else "FORBIDDEN")
    assert statements == []


@pytest.mark.parametrize("query", [CREATE, SET_ROLE, CREATE_KEY])
def test_key_makes_no_accounts_whatever_its_role(anna: Database, query: str) -> None:
    key = Viewer("admin", actor="key:erp", api_key="erp")
    with recording(anna) as statements:
        answered = answer(anna, query, key, ADMINISTERING[query])
    assert refusal(answered) == "FORBIDDEN"
    assert answered.errors[0].message == "This is not for an API key: sign in as a person."
    assert statements == []


def test_key_of_an_admin_revokes_keys(anna: Database) -> None:
    payload(anna, CREATE_KEY, ADMIN, name="erp", role="VIEWER")
    key = Viewer("admin", actor="key:ops", api_key="ops")
    assert payload(anna, REVOKE, key, apiKeyId="1")["userErrors"] == []


def test_refused_administration_takes_the_whole_operation_along(anna: Database) -> None:
    both = """mutation { createSupplier(input: {name: "A", location: "B"}) { supplier { name } }
      setRole(input: {userId: 1, role: VIEWER}) { user { role } } }"""
    answer(anna, both, Viewer("operator"))
    assert rows(anna, "SELECT count(*) FROM suppliers") == [(0,)]


def test_create_user(anna: Database) -> None:
    found = payload(anna, CREATE, ADMIN, username="ben", password=PASSWORD, role="OPERATOR")
    assert found["user"] == {"userId": 2, "username": "ben", "role": "OPERATOR"}
    assert verify(anna, "ben", PASSWORD, "").role == "operator"
    assert rows(anna, "SELECT actor, keys FROM changes WHERE change_id > 1") == [("user:root", [2])]


@pytest.mark.parametrize(
    ("given", "field", "code"),
    [
        ({"username": "anna"}, "username", "ALREADY_EXISTS"),
        ({"username": "ANNA"}, "username", "ALREADY_EXISTS"),
        ({"username": " "}, "username", "INVALID"),
        ({"username": "\u0430nna"}, "username", "INVALID"),
        ({"password": "abababababab"}, "password", "INVALID"),
        ({"password": "short"}, "password", "INVALID"),
        ({"role": "PUBLIC"}, "role", "INVALID"),
    ],
)
def test_unfit_user_is_not_created(
    anna: Database, given: dict[str, Any], field: str, code: str
) -> None:
    before = contents(anna)
    found = payload(anna, CREATE, ADMIN, **{"username": "ben", "password": PASSWORD, **given})
    assert found["user"] is None
    assert [(e["field"], e["code"]) for e in found["userErrors"]] == [(["input", field], code)]
    assert contents(anna) == before


def test_set_role_holds_at_once_in_sessions_that_are_there(anna: Database) -> None:
    make_user(anna, "ben", "operator")
    token = signed_in(anna, "ben").token

    async def roles() -> list[str]:
        authenticator, engine = Authenticator(anna), Engine(anna)
        header = f"Bearer {token}".encode()
        before = await authenticator.viewer(header, "")
        variables = {"input": {"userId": "2", "role": "VIEWER"}}
        await engine.answer(Request(SET_ROLE, variables), ADMIN)
        return [before.role, (await authenticator.viewer(header, "")).role]

    assert asyncio.run(roles()) == ["operator", "viewer"]


def test_last_admin_cannot_be_given_another_role(anna: Database) -> None:
    found = payload(anna, SET_ROLE, ADMIN, userId="1", role="OPERATOR")
    assert [(e["field"], e["code"]) for e in found["userErrors"]] == [
        (["input", "role"], "LAST_ADMIN")
    ]
    assert rows(anna, "SELECT role FROM users") == [("admin",)]


def test_api_key_is_shown_once_and_revoked_at_once(anna: Database) -> None:
    make_user(anna, "root", "admin")
    found = payload(anna, CREATE_KEY, ADMIN, name="erp", role="OPERATOR", expiresInDays=1)
    assert found["apiKey"] == {
        "apiKeyId": 1,
        "name": "erp",
        "role": "OPERATOR",
        "createdBy": "user:root",
        "revokedAt": None,
        "lastUsedAt": None,
    }
    viewer = viewer_of(anna, found["token"])
    assert (viewer.role, viewer.actor, viewer.api_key) == ("operator", "key:erp", "erp")
    revoked = payload(anna, REVOKE, ADMIN, apiKeyId="1")["apiKey"]
    assert revoked["name"] == "erp"
    assert revoked["revokedAt"] is not None
    with pytest.raises(Unauthenticated):
        viewer_of(anna, found["token"])


def test_api_key_outlives_no_year(anna: Database) -> None:
    found = payload(anna, CREATE_KEY, ADMIN, name="erp", role="VIEWER", expiresInDays=366)
    assert (found["token"], found["apiKey"]) == (None, None)
    assert [(e["field"], e["code"]) for e in found["userErrors"]] == [
        (["input", "expiresInDays"], "INVALID")
    ]


def test_idempotency_keys_hold_nothing_of_secrets(anna: Database) -> None:
    payload(anna, SET_ROLE, ADMIN, userId="1", role="ADMIN", idempotencyKey="k1")
    payload(anna, CREATE_KEY, ADMIN, name="erp", role="VIEWER")
    payload(anna, REVOKE, ADMIN, apiKeyId="1", idempotencyKey="k2")
    assert rows(anna, "SELECT key, mutation, objects FROM idempotency_keys ORDER BY key") == [
        ("k1", "setRole", {"user": 1}),
        ("k2", "revokeApiKey", {"api_key": 1}),
    ]
