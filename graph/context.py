"""The viewer of a request, and the context that resolvers get."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from strawberry.types.info import Info as StrawberryInfo

DEVELOPMENT_ACTOR = "dev:"
"""Prefix of the actor of a request without sign-in that has its role in development mode."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """The client of a request.

    `role` is `public` or one of models.user.ROLES, `actor` is recorded with writes, `session` is the hash
    of the session's token, `address` is the client's IP address.
    """

    role: str
    actor: str = ""
    username: str | None = None
    api_key: str | None = None
    expires_at: datetime | None = None
    user_id: int | None = None
    session: bytes | None = None
    address: str = ""


@dataclass(slots=True)
class Context:
    """The context of one operation; graph.mutations.context has that of a mutation."""

    viewer: Viewer


Info: TypeAlias = StrawberryInfo[Context, None]
