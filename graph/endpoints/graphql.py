"""GraphQL over HTTP: request bytes -> Request, Answer -> response bytes, with media types and codes.

(GraphQL over HTTP, draft of 2025: sections 5 to 7.) A request that is not well-formed gets 400 with
GraphQL errors. A well-formed one gets 200 as `application/json`; as
`application/graphql-response+json` one that was refused before execution gets 400.
"""

import asyncio
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import FileResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from graph.admission.limits import DEFAULTS, Limits
from graph.answer import Answer, Request
from graph.auth.authentication import AccessPolicy, RequestAuthenticator
from graph.context import Viewer
from graph.endpoints import checkpoint, impact_csv, rest, trace_page
from graph.endpoints.graphiql_assets import Assets
from graph.errors import RequestError, refuse
from graph.execution.engine import Engine
from graph.execution.persisted_queries import PersistedQueries
from graph.execution.sign_in_documents import SIGN_IN_FIRST, SignInRequired
from graph.execution.trusted_documents import NO_TRUSTED_DOCUMENTS, TrustedDocuments
from graph.headers import Headers, headers_of
from graph.transport.cors import METHODS, NO_ORIGINS, CrossOrigin, StrictTransport, check_get
from graph.transport.error_middleware import UnexpectedErrorMiddleware
from graph.transport.negotiation import IDENTITY, Coding, choose_coding, is_browser, qualities
from graph.transport.redirects import SlashRedirect
from graph.transport.request_parsing import JSON, BadRequest, WrongMethod, read_request
from graph.transport.response import GRAPHQL, VARY, Exchange, may_be_unread, status_of_refusal
from models.database.engines import Database

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "font-src 'self' data:; img-src 'self' data:; connect-src 'self'; worker-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
PATH = "/graphql"
EXPLAIN_SECONDS = 5
NAMES_DOCUMENT = re.compile(rb"(?:^|&)(?:query|documentId|extensions)=")
DEVELOPMENT = AccessPolicy()


class GraphQLEndpoint:
    """/graphql: GraphiQL for a browser, GraphQL for everyone else."""

    def __init__(
        self,
        engine: Engine,
        authenticator: RequestAuthenticator,
        access: AccessPolicy,
        web: Path,
        persisted: PersistedQueries,
        origins: frozenset[bytes] = NO_ORIGINS,
    ) -> None:
        self._engine = engine
        self._authenticator = authenticator
        self._access = access
        self._web = web
        self._persisted = persisted
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request of any method, as an ASGI application."""
        fields = headers_of(scope["headers"])
        method = scope["method"]
        if method != "POST" and not self._access.production and wants_page(scope, fields):
            return await self._page()(scope, receive, send)
        accepted = fields.get(b"accept-encoding")
        coding = choose_coding(accepted, browser=is_browser(fields)) if accepted else IDENTITY
        media_type = negotiate(fields.get(b"accept", b"*/*"))
        exchange = Exchange(scope, fields, send, media_type or JSON, coding or IDENTITY)
        if method == "OPTIONS":
            return await exchange.say_methods()
        try:
            check_request(method, media_type, coding)
            if method != "POST":
                check_get(fields, self._origins)
            viewer = await self._authenticator.viewer(scope, fields)
            engine = self._engine
            exchange.viewer, exchange.compressions = viewer, engine.admission.compressions
            aside = partial(engine.admission.plan, viewer)
            request = await read_request(
                scope, fields, receive, self._persisted, engine.limits.body, aside
            )
        except RequestError as refused:
            # A stranger is not told which documents a closed server knows.
            known = exchange.viewer
            closed = known is not None and self._engine.is_closed_to(known)
            error = (
                SignInRequired(SIGN_IN_FIRST)
                if closed and not isinstance(refused, BadRequest)
                else refused
            )
            answer = Answer(None, [refuse(error)], executed=False)
            exchange.closing = may_be_unread(fields)
            return await exchange.reply(answer, status_of_refusal(error), ", ".join(METHODS))
        except Exception as error:  # noqa: BLE001 - masked and logged by translate
            return await exchange.reply(Answer.failed("The sign-in could not be checked.", error))
        if request.digest:
            answer = await self._persisted.answer(engine, request, viewer)
        else:
            answer = await engine.answer(request, viewer)
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
        # Starlette's own redirect repeats the host of the request, which the client chooses.
        self.router.redirect_slashes = False
        self.router.default = SlashRedirect(self.router)
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
    access: AccessPolicy = DEVELOPMENT,
    web: Path,
    trusted: TrustedDocuments = NO_TRUSTED_DOCUMENTS,
    registering: bool = True,
    origins: frozenset[bytes] = NO_ORIGINS,
    proxied: bool = False,
    limits: Limits = DEFAULTS,
    routes: Sequence[BaseRoute] = (),
    **given: Any,
) -> Starlette:
    """Return the ASGI application: /graphql, /api/products, /trace, GraphiQL's own files under /static, `routes`.

    `registering` lets clients register documents by their hash, `origins` are those whose scripts may
    ask, `proxied` is whether https ends at a proxy. `given` is Starlette's. Raises UnusableDocuments
    where a trusted document is not valid.
    """
    engine = Engine(database, access.permissions(), limits)
    trusted.preload(engine)
    persisted = PersistedQueries(trusted, registering=registering)
    authenticator = RequestAuthenticator(database, access)
    static = Mount("/static", Assets(directory=web / "dist", check_dir=False))
    return Application(
        GraphQLEndpoint(engine, authenticator, access, web, persisted, origins),
        [
            *rest.routes(engine, authenticator),
            *impact_csv.routes(engine, authenticator),
            *checkpoint.routes(engine, authenticator),
            *trace_page.routes(engine, authenticator, web),
            *([] if access.production else [static]),
            *routes,
        ],
        around(origins, proxied=proxied),
        **given,
    )


def around(origins: frozenset[bytes], *, proxied: bool) -> list[Middleware]:
    """Return the middleware around every route, outermost first, without what the settings turn off."""
    return [
        *([Middleware(StrictTransport)] if proxied else ()),
        *([Middleware(CrossOrigin, origins=origins)] if origins else ()),
        Middleware(UnexpectedErrorMiddleware),
    ]


# ---------------------------------------------------------------- what the client accepts


def wants_page(scope: Scope, fields: Headers) -> bool:
    """Whether a browser asks for the page: it accepts HTML first, and names no document."""
    if scope["method"] not in ("GET", "HEAD") or not prefers_page(fields.get(b"accept", b"*/*")):
        return False
    return NAMES_DOCUMENT.search(scope["query_string"]) is None


@lru_cache(64)
def prefers_page(accept: bytes) -> bool:
    """Return whether HTML comes first in Accept."""
    return next(iter(qualities(accept))) in ("text/html", "application/xhtml+xml")


@lru_cache(64)
def negotiate(accept: bytes) -> str | None:
    """Return the media type of the response; None if no supported type is accepted."""
    wanted = qualities(accept or b"*/*")
    for media_range, quality in wanted.items():
        for media_type in (JSON, GRAPHQL):
            matches = media_range in (media_type, "*/*", "application/*")
            if quality > 0 and matches and wanted.get(media_type, 1) > 0:
                return media_type
    return None


def check_request(method: str, media_type: str | None, coding: Coding | None) -> None:
    """Raise BadRequest where the request cannot be answered in any way that is accepted."""
    if method not in METHODS:
        raise WrongMethod(f"{method} is not a method of GraphQL over HTTP.", 405)
    if media_type is None:
        raise BadRequest(f"Only {GRAPHQL} and {JSON} can be produced.", 406)
    if coding is None:
        raise BadRequest("Only the codings zstd, gzip and identity can be produced.", 406)
