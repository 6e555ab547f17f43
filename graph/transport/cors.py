"""What a browser may do here: other sites by allow-list, and headers that keep answers to ourselves.

There are no cookies, so that no other site can act as its visitor. Refused all the same is a GET that
a form, a link or an image of another site could have sent, and a GET of a script not on the list.
"""

from collections.abc import Iterable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from graph.error_code import ErrorCode
from graph.headers import Headers
from graph.transport.request_parsing import BadRequest

ResponseHeaders = tuple[tuple[bytes, bytes], ...]

HEADERS = (
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-resource-policy", "same-origin"),
    ("content-security-policy", "frame-ancestors 'none'"),
)
"""What every response says; the server adds them, once made, to all it sends."""
STRICT_TRANSPORT: ResponseHeaders = ((b"strict-transport-security", b"max-age=31536000"),)
NO_ORIGINS: frozenset[bytes] = frozenset()
METHODS = ("GET", "HEAD", "OPTIONS", "POST")
# Scripts of other sites cannot add these without asking first, forms and images cannot at all.
MARKS = frozenset((b"graphql-require-preflight", b"x-requested-with", b"authorization"))
MEDIA_TYPES = (b"application/json", b"application/graphql-response+json")
SCRIPTED = (b"cors", b"same-origin")
_VARY: ResponseHeaders = ((b"vary", b"Origin"),)
EXPOSED = b"ETag, Link, Retry-After"
PREFLIGHT: ResponseHeaders = (
    (b"access-control-allow-methods", ", ".join(METHODS).encode()),
    (
        b"access-control-allow-headers",
        b"Authorization, Content-Type, If-None-Match, GraphQL-Require-Preflight, X-Requested-With",
    ),
    # Two hours: no browser keeps it longer.
    (b"access-control-max-age", b"7200"),
)


class UnmarkedGet(BadRequest):
    """A GET that another site's form, link or image could have sent."""

    hint = (
        "Send `Accept: application/graphql-response+json` (or application/json), "
        "or `GraphQL-Require-Preflight: 1`; or POST."
    )


class ForeignOrigin(BadRequest):
    """A GET by a script of a site that is not allowed here."""

    code = ErrorCode.FORBIDDEN
    hint = "CORS_ORIGINS lists the origins whose scripts may ask."


def check_get(fields: Headers, origins: frozenset[bytes]) -> None:
    """Raise BadRequest for a GET or HEAD that a page of another site may have caused.

    (W3C Fetch Metadata: browsers say themselves in Sec-Fetch-Mode what sends a request, and name
    the Origin of a GET only where it is another one.)
    """
    origin = fields.get(b"origin")
    if origin is not None and not {origin, b"*"} & origins:
        raise ForeignOrigin("Scripts of this Origin may not ask.", 403)
    mode = fields.get(b"sec-fetch-mode")
    if mode is None or mode in SCRIPTED:
        accepted = fields.get(b"accept", b"").lower()
        if any(name in accepted for name in MEDIA_TYPES) or not MARKS.isdisjoint(fields):
            return
        if mode is not None and origin is None:
            return
    raise UnmarkedGet("A query by GET needs a header that no other site's page can send.")


class CrossOrigin:
    """Middleware: lets scripts of these origins ask and read; without credentials, which are tokens.

    (Fetch Standard, CORS protocol.) `*` is every origin.
    """

    def __init__(self, app: ASGIApp, origins: Iterable[bytes]) -> None:
        self.app = app
        self._allowed = {origin: allow(origin) for origin in origins}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        fields = dict(scope["headers"])
        allowed = self._allowed.get(fields.get(b"origin", b"")) or self._allowed.get(b"*")
        if allowed and scope["method"] == "OPTIONS" and b"access-control-request-method" in fields:
            headers = [*allowed, *PREFLIGHT]
            await send({"type": "http.response.start", "status": 204, "headers": headers})
            return await send({"type": "http.response.body", "body": b""})
        return await self.app(scope, receive, adding(allowed or _VARY, send))


class StrictTransport:
    """Middleware that adds Strict-Transport-Security to answers over https."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["scheme"] == "https":
            send = adding(STRICT_TRANSPORT, send)
        return await self.app(scope, receive, send)


def allow(origin: bytes) -> ResponseHeaders:
    """Return the headers of a response that this origin may read."""
    exposed = (b"access-control-expose-headers", EXPOSED)
    return ((b"access-control-allow-origin", origin), exposed, *_VARY)


def adding(headers: ResponseHeaders, send: Send) -> Send:
    """Return a `send` that adds these headers to the response."""

    async def add(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), *headers]
        await send(message)

    return add
