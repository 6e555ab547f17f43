"""Whose tokens are believed beside our own. graph.oidc, which verifies them, loads only where needed."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


class UntrustedToken(Exception):
    """A token that is not to be believed; the message is for the log."""


@dataclass(frozen=True)
class Issuer:
    """Whose tokens are believed, for which audience, and which claim holds the role.

    `jwks_url` is found by discovery where it is empty. `role_claim` is a claim's name, or a path
    like `realm_access.roles`. Raises ValueError where keys would come over an open connection.
    """

    url: str
    audience: str
    jwks_url: str = ""
    role_claim: str = "role"

    def __post_init__(self) -> None:
        if not self.audience:
            raise ValueError("an issuer needs an audience")
        require_safe(self.url)
        if self.jwks_url:
            require_safe(self.jwks_url)


def require_safe(url: str) -> str:
    """Return the same URL; raises ValueError unless it is HTTPS, or of this machine."""
    parts = urlsplit(url)
    if parts.scheme == "https" and parts.hostname:
        return url
    if parts.scheme == "http" and parts.hostname in _LOOPBACK:
        return url
    raise ValueError(f"{shown(url)!r} is not an https:// address")


def shown(url: str) -> str:
    """Return a URL as it may be shown: without a name and a password."""
    return re.sub(r"//.*@", "//***@", url)
