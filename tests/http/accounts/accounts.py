"""Operations about accounts, executed by the engine as a given viewer."""

import asyncio
from typing import Any

from graph.answer import Answer, Request
from graph.auth.tokens import Authenticator
from graph.context import Viewer
from graph.execution.engine import Engine
from models.database.engines import Database
from tests.writing import PASSWORD

ERRORS = "userErrors { field message code }"
SIGN_IN = f"""mutation ($input: SignInInput!) {{ signIn(input: $input) {{
  token expiresAt viewer {{ role username apiKey expiresAt }} {ERRORS} }} }}"""
SIGN_OUT = f"""mutation ($input: SignOutInput!) {{
  signOut(input: $input) {{ endedSessions {ERRORS} }} }}"""
CHANGE = f"""mutation ($input: ChangePasswordInput!) {{
  changePassword(input: $input) {{ endedSessions {ERRORS} }} }}"""
CREATE = f"""mutation ($input: CreateUserInput!) {{ createUser(input: $input) {{
  user {{ userId username role }} {ERRORS} }} }}"""
SET_ROLE = f"""mutation ($input: SetRoleInput!) {{ setRole(input: $input) {{
  user {{ username role }} {ERRORS} }} }}"""
CREATE_KEY = f"""mutation ($input: CreateApiKeyInput!) {{ createApiKey(input: $input) {{
  token apiKey {{ apiKeyId name role createdBy revokedAt lastUsedAt }} {ERRORS} }} }}"""
REVOKE = f"""mutation ($input: RevokeApiKeyInput!) {{ revokeApiKey(input: $input) {{
  apiKey {{ name revokedAt }} {ERRORS} }} }}"""
VIEWER = "{ viewer { role username apiKey expiresAt } }"

PUBLIC = Viewer("public", address="192.0.2.1")
ADMIN = Viewer("admin", actor="user:root", username="root")
ADMINISTERING = {
    CREATE: {"username": "ben", "password": PASSWORD},
    SET_ROLE: {"userId": "1", "role": "VIEWER"},
    CREATE_KEY: {"name": "erp", "role": "VIEWER"},
    REVOKE: {"apiKeyId": "1"},
}


def answer(
    database: Database, query: str, viewer: Viewer = PUBLIC, given: dict[str, Any] | None = None
) -> Answer:
    variables = {"input": given} if given is not None else {}
    return asyncio.run(Engine(database).answer(Request(query, variables), viewer))


def payload(database: Database, query: str, viewer: Viewer, **given: Any) -> dict[str, Any]:
    """Return the payload of one mutation, which must be answered without top-level errors."""
    answered = answer(database, query, viewer, given)
    assert answered.errors == []
    assert answered.data is not None
    (found,) = answered.data.values()
    assert isinstance(found, dict)
    return found


def refusal(answered: Answer) -> str:
    """Return the code of the only error."""
    (error,) = answered.errors
    assert error.extensions is not None
    return str(error.extensions["code"])


def viewer_of(database: Database, token: str) -> Viewer:
    return asyncio.run(Authenticator(database).viewer(f"Bearer {token}".encode(), "192.0.2.1"))
