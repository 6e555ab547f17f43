"""Declares the mutations of accounts, which depend on the caller and return values of no row.

A mutation that takes a password or returns a token has no idempotency key, and must be the first of its
operation: the password is compared before a connection is taken, so that no other writer waits.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from sqlalchemy.orm import Session

from graph.auth.roles import Roles
from graph.context import Viewer
from graph.errors import Forbidden, RequestError, Unauthenticated
from graph.mutations.context import MutationInfo
from graph.mutations.field import declare
from graph.mutations.unit_of_work import BeforeTransaction, UnitOfWork
from graph.mutations.write import Written
from models.accounts.account import Verified
from models.attempt import network_of
from models.database.engines import Database


@dataclass
class Caller:
    """The caller of a mutation, the database, and the payload's values that no row contains.

    `verified` is the account whose password the mutation has verified, if it takes a password.
    """

    viewer: Viewer
    database: Database
    extra: dict[str, Any] = field(default_factory=dict)
    verified: Verified | None = None


AccountWrite = Callable[[Session, Any, Caller], Written]
Verify = Callable[[Any, Caller], Verified]


class NotFirst(RequestError):
    """A mutation that must be the first of its operation, and is not."""

    code = "BAD_USER_INPUT"
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
    """Declare a root field of Mutation that these roles may use.

    `first`: it must be the first of its operation. `of_session`: it needs a session. `of_person`: an API
    key may not call it. `revokes`: the cache of verified credentials is cleared after the commit.
    `verify` compares a password in the queue of passwords, before the transaction.
    """

    async def resolve(info: MutationInfo, input: Any) -> Any:
        unit_of_work, viewer = info.context.unit_of_work, info.context.viewer
        _require(unit_of_work, viewer, first=first, of_session=of_session, of_person=of_person)
        caller = Caller(viewer, unit_of_work.database)
        if revokes:
            unit_of_work.on_commit(caller.database.credentials.forget)
        outcome = await unit_of_work.run(
            info,
            lambda session, input: write(session, input, caller),
            input,
            _verification(verify, input, caller) if verify else None,
        )
        outcome.extra = {} if outcome.user_errors else caller.extra
        return outcome

    return declare(resolve, description, input, payload, roles)


def _require(
    unit_of_work: UnitOfWork, viewer: Viewer, *, first: bool, of_session: bool, of_person: bool
) -> None:
    """Raise RequestError, and fail the whole operation, if the mutation may not run for this viewer."""
    error: RequestError | None = None
    if first and unit_of_work.has_begun():
        error = NotFirst("This mutation must be the first of its operation.")
    elif of_session and viewer.session is None:
        # An API key has no session and no password.
        error = Unauthenticated("This needs a session: sign in first.")
    elif of_person and viewer.api_key is not None:
        # A stolen API key must not create further keys, which would outlive it.
        error = Forbidden("This is not for an API key: sign in as a person.")
    if error is not None:
        unit_of_work.fail()
        raise error


def _verification(verify: Verify, input: Any, caller: Caller) -> BeforeTransaction:
    async def verify_first() -> None:
        queue, network = caller.database.verifiers(), network_of(caller.viewer.address)
        caller.verified = await queue.run(network, partial(verify, input, caller))

    return verify_first
