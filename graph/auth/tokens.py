"""Token -> Viewer: sessions and API keys by their hash, JWTs of a configured issuer by its keys.

What was found valid is remembered for five seconds at most, never past its end, so that a client
that has signed in costs no statement a request. A revocation is therefore effective within five
seconds in other processes, and at once in its own. Anything but a valid token is refused: a request
that carries one never falls back to being nobody's.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from time import monotonic, time
from typing import TYPE_CHECKING, Any

from graph.auth.issuer import Issuer, UntrustedToken
from graph.context import Viewer
from graph.errors import Unauthenticated
from models.accounts.account import actor_of
from models.api_key import FIND_KEY, USE_SECONDS, note_use
from models.database.engines import Database
from models.session import (
    FIND_SESSION,
    KEY_PREFIX,
    RENEWAL,
    SESSION_PREFIX,
    TOKEN_LENGTH,
    renew_session,
)

if TYPE_CHECKING:
    from graph.auth.oidc import Verifier

__all__ = ["Authenticator", "Issuer", "Unauthenticated"]

log = logging.getLogger("cacaotrace.auth")

REMEMBERED_SECONDS = 5.0
REMEMBERED_JWT_SECONDS = 60.0
MAX_REMEMBERED = 10_000
# RFC 6750, section 2.1.
BEARER = re.compile(rb"bearer ([A-Za-z0-9._~+/-]+=*)", re.IGNORECASE)
MAX_HEADER = 10_000


@dataclass(frozen=True, slots=True)
class Found:
    """Whose a token is, and for how many seconds that may be remembered."""

    viewer: Viewer
    seconds: float


class Authenticator:
    """Knows who sends a token. One for each process; its methods run on one event loop."""

    def __init__(self, database: Database, issuer: Issuer | None = None) -> None:
        self._database = database
        self._credentials = database.credentials
        self._verifier = _verifier_of(issuer) if issuer else None
        self._known: OrderedDict[tuple[bytes, str], tuple[float, Viewer]] = OrderedDict()
        self._revocations = self._credentials.revocations
        # When the use of a session or a key was last noted, by its name here.
        self._noted: dict[object, float] = {}

    async def viewer(self, authorization: bytes, address: str) -> Viewer:
        """Who sends this header from this address; raises Unauthenticated, or what the database raises.

        DatabaseUnavailable where an issuer's keys could not be fetched yet.
        """
        known = self._known.get((authorization, address))
        if (
            known is not None
            and known[0] > monotonic()
            and self._revocations == self._credentials.revocations
        ):
            self._known.move_to_end((authorization, address))
            return known[1]
        revocations = self._credentials.revocations
        if self._revocations != revocations:
            self._known.clear()
            self._revocations = revocations
        self._known.pop((authorization, address), None)
        async with asyncio.timeout(self._database.timeouts.request):
            found = await self._find(authorization, address)
        # What was revoked while the database was asked may have been read before.
        if found.seconds > 0 and revocations == self._credentials.revocations == self._revocations:
            self._known[authorization, address] = (monotonic() + found.seconds, found.viewer)
            if len(self._known) > MAX_REMEMBERED:
                self._known.popitem(last=False)
        return found.viewer

    async def _find(self, authorization: bytes, address: str) -> Found:
        match = BEARER.fullmatch(authorization) if len(authorization) <= MAX_HEADER else None
        if match is None:
            raise Unauthenticated("Authorization must be `Bearer TOKEN`.")
        token = match[1].decode("ascii")
        found = None
        if len(token) == TOKEN_LENGTH and token.startswith(SESSION_PREFIX):
            found = await self._find_session(token, address)
        elif len(token) == TOKEN_LENGTH and token.startswith(KEY_PREFIX):
            found = await self._find_key(token, address)
        elif self._verifier and token.count(".") == 2:
            found = await self._verify(self._verifier, token, address)
        if found is None:
            raise Unauthenticated("The token is not valid, or not any more: sign in again.")
        return found

    async def _find_session(self, token: str, address: str) -> Found | None:
        digest = sha256(token.encode()).digest()
        row = json.loads(await self._database.pool().fetch(FIND_SESSION, [digest.hex()]))
        if row is None:
            return None
        if row["unused"] > RENEWAL.total_seconds():
            self._note(digest, renew_session, digest)
        viewer = Viewer(
            role=row["role"],
            actor=actor_of(row["name"]),
            username=row["name"],
            expires_at=datetime.fromisoformat(row["expires"]),
            user_id=row["user"],
            session=digest,
            address=address,
        )
        return Found(viewer, min(REMEMBERED_SECONDS, row["seconds"]))

    async def _find_key(self, token: str, address: str) -> Found | None:
        digest = sha256(token.encode()).digest()
        row = json.loads(await self._database.pool().fetch(FIND_KEY, [digest.hex()]))
        if row is None:
            return None
        if row["unused"] is None or row["unused"] >= USE_SECONDS:
            self._note(digest, note_use, row["key"])
        viewer = Viewer(
            role=row["role"],
            actor=f"key:{row['name']}",
            api_key=row["name"],
            expires_at=datetime.fromisoformat(row["expires"]),
            address=address,
        )
        return Found(viewer, min(REMEMBERED_SECONDS, row["seconds"]))

    async def _verify(self, verifier: Verifier, token: str, address: str) -> Found | None:
        try:
            identity = await verifier.verify(token)
        except UntrustedToken as reason:
            log.debug("a token of the issuer was refused: %s", reason)
            return None
        viewer = Viewer(
            role=identity.role,
            actor=f"oidc:{identity.subject}",
            username=identity.subject,
            expires_at=identity.expires_at,
            address=address,
        )
        return Found(viewer, min(REMEMBERED_JWT_SECONDS, identity.expires - time()))

    def _note(self, name: object, note: Callable[[Database, Any], None], subject: object) -> None:
        """Record a use in a thread, at most once a minute; no request waits for it."""
        now = monotonic()
        if now - self._noted.get(name, float("-inf")) < USE_SECONDS:
            return
        if len(self._noted) >= MAX_REMEMBERED:
            self._noted.clear()
        self._noted[name] = now
        asyncio.get_running_loop().run_in_executor(None, _try, note, self._database, subject)


def _verifier_of(issuer: Issuer) -> Verifier:
    """Return what verifies this issuer's tokens; its libraries take 9 MB that others need not."""
    from graph.auth.oidc import Verifier

    return Verifier(issuer)


def _try(note: Callable[[Database, Any], None], database: Database, subject: object) -> None:
    try:
        note(database, subject)
    except Exception as error:  # noqa: BLE001 - a use that is not recorded does no harm
        log.warning("the use of a token was not noted: %s", type(error).__name__)
