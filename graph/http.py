"""GraphQL over HTTP: request bytes -> Request, Answer -> response bytes, with media types and codes.

(GraphQL over HTTP, draft of 2025: sections 5 to 7.) A request that is not well-formed gets 400 with
GraphQL errors. A well-formed one gets 200 as `application/json`; as
`application/graphql-response+json` one that was refused before execution gets 400.
"""

import json
from functools import lru_cache
from pathlib import Path

from graphql import GraphQLError
from starlette.requests import Request as HTTPRequest
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from graph import rest
from graph.context import Viewer
from graph.engine import Answer, Engine
from graph.envelope import JSON, BadRequest, WrongMethod, read_request
from graph.errors import refuse
from models.database import Database

GRAPHQL = "application/graphql-response+json"
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "font-src 'self' data:; img-src 'self' data:; connect-src 'self'; worker-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
METHODS = ("GET", "HEAD", "POST")
CONTENT = {name: f"{name}; charset=utf-8" for name in (JSON, GRAPHQL)}
STATUS_OF_CODE = {
    "METHOD_NOT_ALLOWED": 405,
    "SERVICE_UNAVAILABLE": 503,
    "INTERNAL_SERVER_ERROR": 500,
}


class GraphQLEndpoint:
    """/graphql: GraphiQL for a browser, GraphQL for everyone else."""

    def __init__(self, engine: Engine, viewer: Viewer, web: Path) -> None:
        self._engine = engine
        self._viewer = viewer
        self._web = web

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI application behind the route."""
        response = await self.respond_to(HTTPRequest(scope, receive))
        await response(scope, receive, send)

    async def respond_to(self, http: HTTPRequest) -> Response:
        """The response to any method."""
        if http.method in ("GET", "HEAD") and wants_page(http):
            return self._page()
        media_type = negotiate(http.headers.get("accept"))
        try:
            if http.method not in METHODS:
                raise WrongMethod(f"{http.method} is not a method of GraphQL over HTTP.", 405)
            if media_type is None:
                raise BadRequest(f"Only {GRAPHQL} and {JSON} can be produced.", 406)
            request = await read_request(http)
        except BadRequest as error:
            answer = Answer(None, [refuse(error)], executed=False)
            return respond(answer, media_type or JSON, error.status, ", ".join(METHODS))
        answer = await self._engine.answer(request, self._viewer)
        return respond(answer, media_type, status_of(answer, media_type))

    def _page(self) -> Response:
        built = self._web / "dist" / "graphiql.html"
        headers = {"Cache-Control": "no-cache", "Vary": "Accept"}
        if built.exists():
            headers["Content-Security-Policy"] = PAGE_POLICY
            return FileResponse(built, media_type="text/html", headers=headers)
        return FileResponse(self._web / "cdn.html", media_type="text/html", headers=headers)


def routes(database: Database, *, writes: bool, web: Path) -> list[BaseRoute]:
    """The routes of the API: /graphql, /api/products, and GraphiQL's own files under /static."""
    engine = Engine(database)
    viewer = Viewer(role="operator" if writes else "viewer", may_write=writes)
    endpoint = GraphQLEndpoint(engine, viewer, web)
    static = StaticFiles(directory=web / "dist", check_dir=False)
    return [
        Route("/graphql", endpoint),
        *rest.routes(engine, viewer),
        Mount("/static", static),
    ]


# ---------------------------------------------------------------- what the client accepts


def qualities(header: str | None) -> dict[str, float]:
    """Media ranges of an Accept header with their quality, the most wanted first (RFC 9110, 12.5.1)."""
    ranges: dict[str, float] = {}
    for item in (header or "*/*").split(","):
        name, *parameters = (part.strip().lower() for part in item.split(";"))
        quality = next((p[2:] for p in parameters if p.startswith("q=")), "1")
        try:
            ranges.setdefault(name, float(quality))
        except ValueError:
            ranges[name] = 0.0
    return dict(sorted(ranges.items(), key=lambda item: -item[1]))


def wants_page(http: HTTPRequest) -> bool:
    """Whether a browser asks for the page: it accepts HTML first, and names no query."""
    first = next(iter(qualities(http.headers.get("accept"))))
    return first in ("text/html", "application/xhtml+xml") and "query" not in http.query_params


@lru_cache(256)
def negotiate(header: str | None) -> str | None:
    """The media type of the response; None where none of ours is accepted."""
    wanted = qualities(header)
    for media_range, quality in wanted.items():
        for media_type in (JSON, GRAPHQL):
            matches = media_range in (media_type, "*/*", "application/*")
            if quality > 0 and matches and wanted.get(media_type, 1) > 0:
                return media_type
    return None


# ---------------------------------------------------------------- what the client gets


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
    return 400 if not answer.executed and media_type == GRAPHQL else 200


def _code(error: GraphQLError) -> str:
    return str((error.extensions or {}).get("code", ""))


def respond(answer: Answer, media_type: str, status: int, allow: str = "") -> Response:
    """The response's bytes: UTF-8 JSON, surrogates escaped."""
    if answer.through is not None:
        return Response(
            b'{"data":%b}' % answer.through, 200, {"Vary": "Accept"}, CONTENT[media_type]
        )
    text = json.dumps(answer.body(), ensure_ascii=False, separators=(",", ":"))
    headers = {"Vary": "Accept"}
    if status == 405:
        headers["Allow"] = allow or "POST"
    if status == 503:
        headers["Retry-After"] = "1"
    body = text.encode("utf-8", "backslashreplace")
    return Response(body, status, headers, media_type=CONTENT[media_type])
