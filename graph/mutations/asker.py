"""Mutations about accounts: they know who asks, and tell what no row holds.

Where one takes a password or tells a token, it has no idempotency key, and stands first in its
operation: while a password is compared, no connection to the database is held.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any

import strawberry
from sqlalchemy.orm import Session

from graph.context import Info, Viewer
from graph.errors import RequestError, Unauthenticated
from graph.mutations.work import Written
from models.database import Database


@dataclass(frozen=True)
class Asker:
    """Who asks, where it is written beside the operation, and what the payload will tell."""

    viewer: Viewer
    database: Database
    told: dict[str, Any] = field(default_factory=dict)


AccountWrite = Callable[[Session, Any, Asker], Written]


class NotFirst(RequestError):
    """A mutation with a secret behind another one."""

    code = "BAD_USER_INPUT"
    hint = "Send it in an operation of its own."


def account_mutation(
    description: str,
    input: Any,
    payload: Any,
    write: AccountWrite,
    *,
    first: bool = False,
    of_session: bool = False,
    revokes: bool = False,
) -> Any:
    """A root field of Mutation; who may use it stands in graph/permissions.py, as for any other.

    `first`: it stands first in its operation. `of_session`: it is about the session of whoever asks.
    `revokes`: what is remembered of tokens is forgotten afterwards.
    """

    async def resolve(info: Info, input: Any) -> Any:
        work, viewer = info.context.work, info.context.viewer
        assert work is not None
        if first and not work.begins():
            work.fail()
            raise NotFirst("This mutation must be the first of its operation.")
        if of_session and viewer.session is None:
            # A key has nothing to end, and no password.
            work.fail()
            raise Unauthenticated("This needs a session: sign in first.")
        asker = Asker(viewer, work.database)
        if revokes:
            work.afterwards(asker.database.credentials.forget)
        outcome = await work.perform(
            info, lambda session, given: write(session, given, asker), input
        )
        outcome.told = {} if outcome.user_errors else asker.told
        return outcome

    argument = Annotated[input, strawberry.argument(description="What to write.")]
    resolve.__annotations__ = {"info": Info, "input": argument, "return": payload | None}
    return strawberry.mutation(resolver=resolve, description=description)
