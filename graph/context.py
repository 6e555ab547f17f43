"""What a resolver knows of the request around it: who asks, and how to read and write."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from strawberry.types.info import Info as StrawberryInfo

if TYPE_CHECKING:
    from graph.mutations.unit_of_work import UnitOfWork


# What the actor of a request begins with that acts in the role of development: it has not signed in.
DEVELOPMENT = "dev:"


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who asks: `role` is `public` or one of models.user.ROLES, `actor` what is recorded of writes.

    `session` is the hash of the token of whoever signed in, `address` where the request comes from.
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
    """One operation's context; `work` is there in a mutation, where it is one transaction."""

    viewer: Viewer
    work: UnitOfWork | None = None


Info = StrawberryInfo[Context, None]
