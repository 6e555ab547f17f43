"""Authentication: an HTTP request -> Viewer, and the role of a request without a token.

In development a request without a token may act in a role, so that GraphiQL and curl work at once;
in production it is public.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from starlette.types import Scope

from graph.auth.issuer import Issuer
from graph.auth.permissions import Permissions
from graph.auth.roles import ANYONE, PUBLIC, SIGNED_IN, STAFF
from graph.auth.tokens import Authenticator
from graph.context import DEVELOPMENT_ACTOR, Viewer
from graph.headers import Headers
from models.database.engines import Database

_LOOPBACK = re.compile(rb"(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])?(?::\d+)?", re.IGNORECASE)
# What a proxy or a tunnel says of whom it speaks for.
FORWARDED = frozenset((b"forwarded", b"x-forwarded-for", b"x-real-ip", b"via"))
ELSEWHERE = b"elsewhere"
MAX_ADDRESSES = 10_000


@dataclass(frozen=True)
class AccessPolicy:
    """How open a server is: `role` is that of a request without a token."""

    production: bool = False
    public_read: bool = True
    role: str = PUBLIC
    issuer: Issuer | None = None

    def permissions(self) -> Permissions:
        """Return the table of permissions under these settings."""
        introspection = SIGNED_IN if self.production else ANYONE
        return Permissions(public_read=self.public_read, introspection=introspection)

    def explains(self, viewer: Viewer) -> bool:
        """Whether statements and plans may be shown."""
        return not self.production and viewer.role in STAFF


class RequestAuthenticator:
    """Authenticates requests. Each process has one.

    The role of development is for those who ask for a loopback name: a page of another site may have
    its own name lead to this machine (DNS rebinding), but cannot have it called otherwise. Nor is it
    for those on whose behalf a proxy asks.
    """

    def __init__(self, database: Database, access: AccessPolicy) -> None:
        self._authenticator = Authenticator(database, access.issuer)
        role = access.role
        actor = "" if role == PUBLIC else f"{DEVELOPMENT_ACTOR}{role}"

        @lru_cache(MAX_ADDRESSES)
        def nobody(address: str, host: bytes) -> Viewer:
            if role == PUBLIC or not names_this_machine(host):
                return Viewer(role=PUBLIC, address=address)
            return Viewer(role=role, actor=actor, address=address)

        self._nobody = nobody

    async def viewer(self, scope: Scope, fields: Headers) -> Viewer:
        """Who asks; raises Unauthenticated for a token that is not valid, or what a database raises."""
        client = scope.get("client")
        address = client[0] if client else ""
        authorization = fields.get(b"authorization")
        if authorization is None:
            host = fields.get(b"host", b"") if FORWARDED.isdisjoint(fields) else ELSEWHERE
            return self._nobody(address, host)
        return await self._authenticator.viewer(authorization, address)


def names_this_machine(host: bytes) -> bool:
    """Whether a Host field names this machine, with any port; HTTP/1.0 need not have one."""
    return _LOOPBACK.fullmatch(host) is not None
