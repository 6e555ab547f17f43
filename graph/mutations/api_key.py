"""Mutations of API keys, by which machines sign in."""

import strawberry
from sqlalchemy.orm import Session

import models
from graph.auth.roles import ADMINS
from graph.mutations.caller import Caller, account_mutation
from graph.mutations.input import MutationInput, find_reference, reference, required, write_input
from graph.mutations.payload import extra, mutation_fields, payload, written
from graph.mutations.write import Written
from graph.types.role import Role
from graph.types.user import ApiKey
from models import api_key
from models.api_key import DEFAULT_DAYS, MAX_DAYS


@strawberry.input(description="A new API key.")
class CreateApiKeyInput:
    name: str = required(
        "Name of the key, with the characters of a username. No two keys have names that look alike."
    )
    role: Role = required(
        "Role of the key. It never has more rights than its maker, and ends with its maker."
    )
    expires_in_days: int = strawberry.field(
        description=f"For how many days it is valid, at most {MAX_DAYS}.", default=DEFAULT_DAYS
    )


@write_input("An API key that is not to be valid any more.")
class RevokeApiKeyInput(MutationInput):
    id: strawberry.ID | None = reference("The key.", former="api_key_id")


@payload("The new API key.")
class CreateApiKeyPayload:
    token: str | None = extra(
        "The key: what to send as `Authorization: Bearer TOKEN`, shown this once."
    )
    api_key: ApiKey | None = written("The stored key, without its secret.")


@payload("The API key that was revoked.")
class RevokeApiKeyPayload:
    api_key: ApiKey | None = written("The key.")


def _create_api_key(session: Session, input: CreateApiKeyInput, caller: Caller) -> Written:
    key, caller.extra["token"] = api_key.create_api_key(
        session, input.name, str(input.role.value), input.expires_in_days
    )
    return {"api_key": key}


def _revoke_api_key(session: Session, input: RevokeApiKeyInput, _asker: Caller) -> Written:
    key = find_reference(session, models.ApiKey, input, "id")
    api_key.revoke_api_key(session, key)
    return {"api_key": key}


@mutation_fields
class ApiKeyMutation:
    create_api_key = account_mutation(
        "Make an API key. Not for API keys.",
        CreateApiKeyInput,
        CreateApiKeyPayload,
        _create_api_key,
        of_person=True,
        roles=ADMINS,
    )
    revoke_api_key = account_mutation(
        "Revoke an API key, at once.",
        RevokeApiKeyInput,
        RevokeApiKeyPayload,
        _revoke_api_key,
        revokes=True,
        roles=ADMINS,
    )
