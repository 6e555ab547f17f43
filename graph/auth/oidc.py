"""Bearer tokens of a company's own identity provider: JWTs of one configured issuer.

Refuses what is not signed by a key the issuer publishes (RFC 8725: the key decides the algorithm,
and it is never symmetric), is for another audience, has no subject, or claims no role known here.
A key set that cannot be fetched leaves the keys that are known; one that never could be is a fault
of ours, not of the token.
"""

import asyncio
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic
from typing import Any
from urllib.request import HTTPRedirectHandler, Request, build_opener

import jwt
from jwt import PyJWK, PyJWT
from jwt.exceptions import PyJWTError

from graph.auth.issuer import Issuer, UntrustedToken, require_safe, shown
from models.database.connection_limiter import DatabaseUnavailable
from models.user import USER_ROLES

log = logging.getLogger("cacaotrace.oidc")

ALGORITHMS = ("RS256", "ES256", "PS256", "EdDSA")
KEY_TYPES = ("RSA", "EC", "OKP")
_DECODER = PyJWT({"require": ["exp", "iss", "aud", "sub"], "enforce_minimum_key_length": True})
LEEWAY_SECONDS = 30
FETCH_SECONDS = 5
# An unknown key is asked for this often at most, and known ones are confirmed this often.
_RETRY_SECONDS, REFRESH_SECONDS = 30, 600
MAX_TOKEN, MAX_SUBJECT, MAX_DOCUMENT = 8_192, 200, 1_000_000
LAST_SECOND = 253_402_300_799


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a token is about, what they may do, and until when, in UTC and seconds since 1970."""

    subject: str
    role: str
    expires_at: datetime
    expires: float


class _NoRedirects(HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


class KeySet:
    """The public keys of an issuer, by key id, fetched in a thread."""

    def __init__(self, issuer: Issuer) -> None:
        self._issuer = issuer
        self._published: list[dict[str, Any]] = []
        self._made: dict[tuple[str | None, str], PyJWK] = {}
        self._tried = float("-inf")
        self._turn = asyncio.Lock()

    async def find(self, key_id: str | None, algorithm: str) -> PyJWK:
        """Return the key to verify with; raises UntrustedToken, or DatabaseUnavailable where no keys are known."""
        key = self._pick(key_id, algorithm)
        if key is None:
            async with self._turn:
                if self._pick(key_id, algorithm) is None and self._may_try(_RETRY_SECONDS):
                    await asyncio.get_running_loop().run_in_executor(None, self._fetch)
            key = self._pick(key_id, algorithm)
        elif self._may_try(REFRESH_SECONDS):
            asyncio.get_running_loop().run_in_executor(None, self._fetch)
        if key is None and not self._published:
            raise DatabaseUnavailable("the issuer's keys are not known yet")
        if key is None:
            raise UntrustedToken("no such key")
        return key

    def _may_try(self, seconds: float) -> bool:
        now = monotonic()
        due = now - self._tried >= seconds
        if due:
            self._tried = now
        return due

    def _pick(self, key_id: str | None, algorithm: str) -> PyJWK | None:
        made = self._made.get((key_id, algorithm))
        if made is not None:
            return made
        fitting = [key for key in self._published if _fits(key, key_id, algorithm)]
        # Without a key id it must be clear which key is meant.
        if len(fitting) != 1:
            return None
        try:
            key = self._made[key_id, algorithm] = PyJWK(fitting[0], algorithm)
        except (PyJWTError, ValueError, TypeError):
            return None
        return key

    def _fetch(self) -> None:
        try:
            url = self._issuer.jwks_url or self._discover()
            keys = _read(url).get("keys")
            if not isinstance(keys, list):
                raise TypeError("a key set without keys")
            usable = [key for key in keys if isinstance(key, dict) and _is_public(key)]
        except (OSError, ValueError, TypeError, RecursionError) as error:
            log.warning("the keys of %s cannot be fetched: %s", shown(self._issuer.url), error)
            return
        self._published, self._made = usable, {}

    def _discover(self) -> str:
        """OpenID Connect Discovery 1.0, section 4; its issuer must be ours (4.3)."""
        found = _read(self._issuer.url.rstrip("/") + "/.well-known/openid-configuration")
        if found.get("issuer") != self._issuer.url:
            raise ValueError("the configuration is of another issuer")
        return require_safe(str(found.get("jwks_uri")))


class Verifier:
    """Verifies the tokens of one issuer."""

    def __init__(self, issuer: Issuer) -> None:
        self._issuer = issuer
        self._keys = KeySet(issuer)

    async def verify(self, token: str) -> Identity:
        """Who the token is about; raises UntrustedToken, or DatabaseUnavailable without any keys."""
        if len(token) > MAX_TOKEN:
            raise UntrustedToken("too long")
        key_id, algorithm = _read_header(token)
        key = await self._keys.find(key_id, algorithm)
        try:
            claims = _DECODER.decode(
                token,
                key,
                algorithms=[algorithm],
                audience=self._issuer.audience,
                issuer=self._issuer.url,
                leeway=LEEWAY_SECONDS,
            )
            expires = min(float(claims["exp"]), LAST_SECOND)
            ends = datetime.fromtimestamp(expires, UTC)
        except (PyJWTError, ValueError, TypeError, OverflowError, RecursionError) as error:
            raise UntrustedToken(str(error)) from None
        subject = claims["sub"]
        if not (isinstance(subject, str) and subject.isprintable()):
            raise UntrustedToken("a subject that is no name")
        if not 0 < len(subject) <= MAX_SUBJECT:
            raise UntrustedToken("a subject that is no name")
        return Identity(subject, role_of(claims, self._issuer.role_claim), ends, expires)


def role_of(claims: Mapping[str, Any], claim: str) -> str:
    """Return the highest role known here that the claim names; raises UntrustedToken where there is none."""
    value: Any = claims.get(claim)
    if value is None and "." in claim:
        value = claims
        for name in claim.split("."):
            value = value.get(name) if isinstance(value, dict) else None
    named = value if isinstance(value, list) else [value]
    for role in reversed(USER_ROLES):
        if role in named:
            return role
    raise UntrustedToken("no role that is known here")


def _read_header(token: str) -> tuple[str | None, str]:
    """Return the key id and the algorithm of a token that is not verified yet."""
    try:
        header = jwt.get_unverified_header(token)
    except (PyJWTError, ValueError, TypeError, RecursionError) as error:
        raise UntrustedToken(str(error)) from None
    key_id, algorithm = header.get("kid"), header.get("alg")
    if algorithm not in ALGORITHMS:
        raise UntrustedToken("an algorithm that is not accepted")
    if "crit" in header or not (key_id is None or isinstance(key_id, str)):
        raise UntrustedToken("a header that is not understood")
    return key_id, str(algorithm)


def _is_public(key: Mapping[str, Any]) -> bool:
    return key.get("kty") in KEY_TYPES and key.get("use", "sig") == "sig"


def _fits(key: Mapping[str, Any], key_id: str | None, algorithm: str) -> bool:
    family = {"R": "RSA", "P": "RSA", "E": "EC"}[algorithm[0]] if algorithm != "EdDSA" else "OKP"
    same = key_id is None or key.get("kid") == key_id
    return same and key["kty"] == family and key.get("alg", algorithm) == algorithm


def _read(url: str) -> dict[str, Any]:
    """Return a JSON object from the issuer; raises OSError, ValueError or TypeError."""
    request = Request(url, headers={"Accept": "application/json"})
    with build_opener(_NoRedirects).open(request, timeout=FETCH_SECONDS) as response:
        content = response.read(MAX_DOCUMENT + 1)
    if len(content) > MAX_DOCUMENT:
        raise ValueError("the document is too long")
    document = json.loads(content)
    if not isinstance(document, dict):
        raise TypeError("the document is no object")
    return document
