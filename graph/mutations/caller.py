"""Mutations about accounts: they know who asks, and tell what no row holds.

Where one takes a password or tells a token, it has no idempotency key, and stands first in its
operation: while a password is compared, no connection to the database is held, and no writer waits.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, Any

import strawberry
from sqlalchemy.orm import Session

from graph.auth.permissions import FIELD_ROLES
from graph.auth.roles import Roles
from graph.context import Info, Viewer
from graph.error_code import ErrorCode
from graph.errors import Forbidden, RequestError, Unauthenticated
from graph.mutations.unit_of_work import Ahead, UnitOfWork, Written
from models.accounts.account import Verified
from models.attempt import network_of
from models.database.engines import Database


@dataclass
class Caller:
    """Who asks, where it is written beside the operation, and what the payload will tell.

    `verified` is whose password was given, in a mutation that takes one.
    """

    viewer: Viewer
    database: Database
    extra: dict[str, Any] = field(default_factory=dict)
    verified: Verified | None = None


AccountWrite = Callable[[Session, Any, Caller], Written]
Verify = Callable[[Any, Caller], Verified]


class NotFirst(RequestError):
    """A mutation with a secret behind another one."""

    code = ErrorCode.BAD_USER_INPUT
    hint = "Send it in an operation of its own."


def account_mutation(
    description: str,
    input: Any,
    payload: Any,
    write: AccountWrite,
    *,
    roles: Roles,
    first: bool = False,
    of_session: bool = False,
    of_person: bool = False,
    revokes: bool = False,
    verify: Verify | None = None,
) -> Any:
    """A root field of Mutation, open to these roles.

    `first`: it stands first in its operation. `of_session`: it is about the session of whoever asks.
    `of_person`: not for an API key. `revokes`: what is remembered of tokens is forgotten afterwards.
    `verify` compares a password ahead of the operation, when it is its turn.
    """

    async def resolve(info: Info, input: Any) -> Any:
        work, viewer = info.context.work, info.context.viewer
        assert work is not None
        _require(work, viewer, first=first, of_session=of_session, of_person=of_person)
        caller = Caller(viewer, work.database)
        if revokes:
            work.afterwards(caller.database.credentials.forget)
        outcome = await work.perform(
            info,
            lambda session, given: write(session, given, caller),
            input,
            _ahead(verify, input, caller) if verify else None,
        )
        outcome.extra = {} if outcome.user_errors else caller.extra
        return outcome

    argument = Annotated[input, strawberry.argument(description="What to write.")]
    resolve.__annotations__ = {"info": Info, "input": argument, "return": payload | None}
    return strawberry.mutation(
        resolver=resolve, description=description, metadata={FIELD_ROLES: roles}
    )


def _require(
    work: UnitOfWork, viewer: Viewer, *, first: bool, of_session: bool, of_person: bool
) -> None:
    """Refuse, and the whole operation with it, what may not be done so or by this viewer."""
    refused: RequestError | None = None
    if first and not work.begins():
        refused = NotFirst("This mutation must be the first of its operation.")
    elif of_session and viewer.session is None:
        # A key has nothing to end, and no password.
        refused = Unauthenticated("This needs a session: sign in first.")
    elif of_person and viewer.api_key is not None:
        # Who steals a key shall not make others of it, which outlive it.
        refused = Forbidden("This is not for an API key: sign in as a person.")
    if refused is not None:
        work.fail()
        raise refused


def _ahead(verify: Verify, input: Any, caller: Caller) -> Ahead:
    async def ahead() -> None:
        turns, place = caller.database.verifiers(), network_of(caller.viewer.address)
        caller.verified = await turns.run(place, partial(verify, input, caller))

    return ahead
