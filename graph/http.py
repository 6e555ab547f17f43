"""GraphQL over HTTP: request bytes -> Request, Answer -> response bytes, with media types and codes.

(GraphQL over HTTP, draft of 2025: sections 5 to 7.) A request that is not well-formed gets 400 with
GraphQL errors. A well-formed one gets 200 as `application/json`; as
`application/graphql-response+json` one that was refused before execution gets 400.
"""

import asyncio
import json
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from graphql import GraphQLError
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import FileResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from graph import checkpoint, recall, rest, trace_page
from graph.answer import Answer, Request
from graph.assets import Assets
from graph.browser import METHODS, NOBODY, CrossOrigin, StrictTransport, check_get
from graph.budget import client_of
from graph.client_limiter import ClientLimiter
from graph.context import Viewer
from graph.door import Access, Door
from graph.engine import Engine
from graph.envelope import JSON, BadRequest, WrongMethod, read_request
from graph.errors import RateLimited, RequestError, Unauthenticated, refuse
from graph.limits import DEFAULTS, Limits
from graph.trusted import NONE, TrustedDocuments
from graph.unexpected import Unexpected
from graph.wire import (
    IDENTITY,
    Coding,
    Fields,
    choose_coding,
    entity_tag,
    fields_of,
    names_tag,
    qualities,
)
from models.database import Database

GRAPHQL = "application/graphql-response+json"
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "font-src 'self' data:; img-src 'self' data:; connect-src 'self'; worker-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
PATH = "/graphql"
EXPLAIN_SECONDS = 5
# Bytes of a body that come with its head, as a rule.
ARRIVED = 4_096
CONTENT = {name: (b"content-type", f"{name}; charset=utf-8".encode()) for name in (JSON, GRAPHQL)}
OPENING, CLOSING = b'{"data":', b"}"
NAMES_DOCUMENT = re.compile(rb"(?:^|&)(?:query|documentId)=")
# To copy more bytes than this costs more than to send them apart from what encloses them.
LONG = 100_000
VARY = (b"vary", b"Accept, Accept-Encoding")
# Data may change at any time: a client keeps it, and asks each time whether it still holds.
REVALIDATE = (b"cache-control", b"private, no-cache")
DO_NOT_KEEP = (b"cache-control", b"no-store")
STATUS_OF_CODE = {
    "METHOD_NOT_ALLOWED": 405,
    "RATE_LIMITED": 429,
    "SERVICE_UNAVAILABLE": 503,
    "INTERNAL_SERVER_ERROR": 500,
}
DEVELOPMENT = Access()
STATUS_OF_REFUSAL = {
    "UNAUTHENTICATED": 401,
    "FORBIDDEN": 403,
    "DOCUMENT_NOT_TRUSTED": 403,
    "PERSISTED_DOCUMENT_NOT_FOUND": 404,
}


class GraphQLEndpoint:
    """/graphql: GraphiQL for a browser, GraphQL for everyone else."""

    def __init__(
        self,
        engine: Engine,
        door: Door,
        access: Access,
        web: Path,
        trusted: TrustedDocuments = NONE,
        origins: frozenset[bytes] = NOBODY,
    ) -> None:
        self._engine = engine
        self._door = door
        self._access = access
        self._web = web
        self._trusted = trusted
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI application behind the route: any method."""
        fields = fields_of(scope["headers"])
        method = scope["method"]
        if method != "POST" and not self._access.production and wants_page(scope, fields):
            return await self._page()(scope, receive, send)
        accepted = fields.get(b"accept-encoding")
        coding = choose_coding(accepted) if accepted else IDENTITY
        media_type = negotiate(fields.get(b"accept", b"*/*"))
        exchange = Exchange(scope, fields, send, media_type or JSON, coding or IDENTITY)
        if method == "OPTIONS":
            return await exchange.say_methods()
        try:
            check(method, media_type, coding)
            if method != "POST":
                check_get(fields, self._origins)
            viewer = await self._door.viewer(scope, fields)
            engine = self._engine
            exchange.viewer, exchange.compressions = viewer, engine.admission.compressions
            aside = partial(engine.admission.plan, viewer)
            request = await read_request(
                scope, fields, receive, self._trusted, engine.limits.body, aside
            )
        except RequestError as error:
            answer = Answer(None, [refuse(error)], executed=False)
            exchange.closing = may_be_unread(fields)
            return await exchange.reply(answer, status_of_refusal(error), ", ".join(METHODS))
        except Exception as error:  # noqa: BLE001 - masked and logged by translate
            return await exchange.reply(Answer.failed("The sign-in could not be checked.", error))
        answer = await self._engine.answer(request, viewer)
        if b"x-explain" in fields and self._access.explains(viewer):
            explained = await self._explain(request, viewer)
            answer = replace(answer, extensions={"explain": explained})
        return await exchange.reply(answer)

    async def _explain(self, request: Request, viewer: Viewer) -> dict[str, Any]:
        """How the request was answered; {} where that cannot be told in time."""
        with suppress(Exception):
            async with asyncio.timeout(EXPLAIN_SECONDS):
                return await self._engine.explain(request, viewer)
        return {}

    def _page(self) -> FileResponse:
        built = self._web / "dist" / "graphiql.html"
        headers = {"Cache-Control": "no-cache", "Vary": VARY[1].decode()}
        if built.exists():
            headers["Content-Security-Policy"] = PAGE_POLICY
            return FileResponse(built, media_type="text/html", headers=headers)
        return FileResponse(self._web / "cdn.html", media_type="text/html", headers=headers)


class Application(Starlette):
    """Starlette, except that what it wraps around every route costs GraphQL nothing."""

    def __init__(
        self,
        graphql: GraphQLEndpoint,
        routes: Sequence[BaseRoute],
        around: Sequence[Middleware],
        **given: Any,
    ) -> None:
        # The route is for where the application is mounted beneath a path.
        super().__init__(routes=[Route(PATH, graphql), *routes], middleware=around, **given)
        self._graphql: ASGIApp = graphql
        for each in reversed(around):
            self._graphql = each.cls(self._graphql, *each.args, **each.kwargs)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == PATH:
            return await self._graphql(scope, receive, send)
        return await super().__call__(scope, receive, send)


def application(
    database: Database,
    *,
    access: Access = DEVELOPMENT,
    web: Path,
    trusted: TrustedDocuments = NONE,
    origins: frozenset[bytes] = NOBODY,
    proxied: bool = False,
    limits: Limits = DEFAULTS,
    routes: Sequence[BaseRoute] = (),
    **given: Any,
) -> Starlette:
    """The ASGI application: /graphql, /api/products, /trace, GraphiQL's own files under /static, `routes`.

    `origins` are those whose scripts may ask, `proxied` is whether https ends at a proxy. `given` is
    Starlette's. Raises UnusableDocuments where a trusted document is not valid.
    """
    engine = Engine(database, access.permissions(), limits)
    trusted.teach(engine)
    door = Door(database, access)
    static = Mount("/static", Assets(directory=web / "dist", check_dir=False))
    return Application(
        GraphQLEndpoint(engine, door, access, web, trusted, origins),
        [
            *rest.routes(engine, door),
            *recall.routes(engine, door),
            *checkpoint.routes(engine, door),
            *trace_page.routes(engine, door, web),
            *([] if access.production else [static]),
            *routes,
        ],
        around(origins, proxied=proxied),
        **given,
    )


def around(origins: frozenset[bytes], *, proxied: bool) -> list[Middleware]:
    """What stands around every route, outermost first; nothing that has nothing to do."""
    return [
        *([Middleware(StrictTransport)] if proxied else ()),
        *([Middleware(CrossOrigin, origins=origins)] if origins else ()),
        Middleware(Unexpected),
    ]


# ---------------------------------------------------------------- what the client accepts


def wants_page(scope: Scope, fields: Fields) -> bool:
    """Whether a browser asks for the page: it accepts HTML first, and names no document."""
    if scope["method"] not in ("GET", "HEAD") or not prefers_page(fields.get(b"accept", b"*/*")):
        return False
    return NAMES_DOCUMENT.search(scope["query_string"]) is None


@lru_cache(64)
def prefers_page(accept: bytes) -> bool:
    """Whether HTML stands first among what is accepted."""
    return next(iter(qualities(accept))) in ("text/html", "application/xhtml+xml")


@lru_cache(64)
def negotiate(accept: bytes) -> str | None:
    """The media type of the response; None where none of ours is accepted."""
    wanted = qualities(accept or b"*/*")
    for media_range, quality in wanted.items():
        for media_type in (JSON, GRAPHQL):
            matches = media_range in (media_type, "*/*", "application/*")
            if quality > 0 and matches and wanted.get(media_type, 1) > 0:
                return media_type
    return None


def check(method: str, media_type: str | None, coding: Coding | None) -> None:
    """Raises BadRequest where the request cannot be answered in any way that is accepted."""
    if method not in METHODS:
        raise WrongMethod(f"{method} is not a method of GraphQL over HTTP.", 405)
    if media_type is None:
        raise BadRequest(f"Only {GRAPHQL} and {JSON} can be produced.", 406)
    if coding is None:
        raise BadRequest("Only the codings zstd, gzip and identity can be produced.", 406)


# ---------------------------------------------------------------- what the client gets


@dataclass(slots=True)
class Exchange:
    """A request that is to be replied to in this media type and, where it pays, this coding."""

    scope: Scope
    fields: Fields
    send: Send
    media_type: str
    coding: Coding
    closing: bool = False
    """Whether the connection ends with the reply, since more of the request may be on its way."""
    viewer: Viewer | None = None
    compressions: ClientLimiter | None = None

    async def reply(self, answer: Answer, status: int | None = None, allow: str = "POST") -> None:
        """Send the answer; by GET and HEAD with an entity tag, or 304 where the client has it."""
        head = [CONTENT[self.media_type], VARY]
        try:
            parts = parts_of(answer)
        except RecursionError as error:
            failed = Answer.failed("The answer could not be written.", error, executed=True)
            answer = replace(failed, price=answer.price)
            parts = parts_of(answer)
        status = status or status_of(answer, self.media_type)
        length = sum(map(len, parts))
        posted = self.scope["method"] == "POST"
        coding = self.coding if length >= self.coding.least else IDENTITY
        if length > LONG and posted and coding is IDENTITY:
            return await self._send(status, head, *parts)
        body = b"".join(parts)
        if not posted:
            tag = await self._tag(answer, body, coding) if status == 200 else None
            head += [REVALIDATE, (b"etag", tag)] if tag else [DO_NOT_KEEP]
            if tag and names_tag(self.fields.get(b"if-none-match", b""), tag):
                return await self._send(304, head[1:])
        if coding is not IDENTITY:
            try:
                body = await self._encode(body, coding)
            except RateLimited as error:
                return await self.reply(Answer(None, [refuse(error)], executed=False))
            head.append((b"content-encoding", coding.name.encode()))
        if status == 405:
            head.append((b"allow", allow.encode()))
        if status in (429, 503):
            head.append((b"retry-after", b"%d" % answer.retry_after()))
        if status == 401:
            head.append((b"www-authenticate", b"Bearer"))
        if self.closing:
            head.append((b"connection", b"close"))
        return await self._send(status, head, body)

    async def _encode(self, body: bytes, coding: Coding) -> bytes:
        """The body in this coding; raises RateLimited for a client with too many large ones at a time."""
        if self.viewer is None or self.compressions is None or len(body) <= coding.most:
            return await coding.encode(body)
        client = client_of(self.viewer)
        await self.compressions.enter(client)
        try:
            return await coding.encode(body)
        finally:
            self.compressions.leave(client)

    async def say_methods(self) -> None:
        """204, and what may be asked (RFC 9110, section 9.3.7)."""
        await self._send(204, [(b"allow", ", ".join(METHODS).encode()), VARY])

    async def _tag(self, answer: Answer, body: bytes, coding: Coding) -> bytes | None:
        """The tag of this very representation; None for one with errors, which is not to be kept."""
        if answer.errors:
            return None
        variant = "-graphql" if self.media_type == GRAPHQL else ""
        return await entity_tag(body, variant + ("" if coding is IDENTITY else f"-{coding.name}"))

    async def _send(self, status: int, head: list[tuple[bytes, bytes]], *parts: bytes) -> None:
        send = self.send
        if parts:
            head.append((b"content-length", b"%d" % sum(map(len, parts))))
        await send({"type": "http.response.start", "status": status, "headers": head})
        if len(parts) != 1 or self.scope["method"] == "HEAD":
            for part in parts if self.scope["method"] != "HEAD" else ():
                await send({"type": "http.response.body", "body": part, "more_body": True})
            parts = (b"",)
        await send({"type": "http.response.body", "body": parts[0]})


def may_be_unread(fields: Fields) -> bool:
    """Whether a request may have been refused ahead of its body's end."""
    length = fields.get(b"content-length", b"0")
    return b"transfer-encoding" in fields or not length.isdigit() or int(length) > ARRIVED


def status_of_refusal(error: RequestError) -> int | None:
    """The HTTP status of a request that was not understood; None where its media type decides."""
    if isinstance(error, BadRequest):
        return error.status
    return 401 if isinstance(error, Unauthenticated) else None


def status_of(answer: Answer, media_type: str) -> int:
    """The HTTP status of an answer."""
    if answer.through is not None:
        return 200
    codes = [_code(error) for error in answer.errors]
    if "METHOD_NOT_ALLOWED" in codes:
        return 405
    if answer.data is None:
        for code in codes:
            if code in STATUS_OF_CODE:
                return STATUS_OF_CODE[code]
    if answer.executed or media_type == JSON:
        return 200
    return next((STATUS_OF_REFUSAL[code] for code in codes if code in STATUS_OF_REFUSAL), 400)


def _code(error: GraphQLError) -> str:
    return str((error.extensions or {}).get("code", ""))


def parts_of(answer: Answer) -> tuple[bytes, ...]:
    """The response's JSON in UTF-8, surrogates escaped, in parts to be joined."""
    if answer.through is None or answer.extensions is not None or answer.price is None:
        return _parts_of_any(answer)
    return (OPENING, answer.through, b',"extensions":{"cost":%b}}' % answer.price.json)


def _parts_of_any(answer: Answer) -> tuple[bytes, ...]:
    if answer.through is None:
        return (encode(answer.body()),)
    extensions = answer.all_extensions()
    shown = (b',"extensions":', encode(extensions)) if extensions else ()
    return (OPENING, answer.through, *shown, CLOSING)


def encode(value: Any) -> bytes:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "backslashreplace")
