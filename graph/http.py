"""GraphQL over HTTP: request bytes -> Request, Answer -> response bytes, with media types and codes.

(GraphQL over HTTP, draft of 2025: sections 5 to 7.) A request that is not well-formed gets 400 with
GraphQL errors. A well-formed one gets 200 as `application/json`; as
`application/graphql-response+json` one that was refused before execution gets 400.
"""

import json
from collections.abc import Sequence
from pathlib import Path

from graphql import GraphQLError
from starlette.requests import Request as HTTPRequest
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from graph import rest
from graph.context import Viewer
from graph.engine import Answer, Engine
from graph.envelope import JSON, BadRequest, read_request
from graph.errors import refuse
from models.database import Database

GRAPHQL = "application/graphql-response+json"
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "font-src 'self' data:; img-src 'self' data:; connect-src 'self'; worker-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
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

    async def __call__(self, http: HTTPRequest) -> Response:
        if http.method in ("GET", "HEAD") and wants_page(http):
            return self._page()
        media_type = negotiate(http.headers.get("accept"))
        try:
            if media_type is None:
                raise BadRequest(f"Only {GRAPHQL} and {JSON} can be produced.", 406)
            request = await read_request(http)
        except BadRequest as error:
            answer = Answer(None, [refuse(error)], executed=False)
            return respond(answer, media_type or JSON, error.status)
        answer = await self._engine.answer(request, self._viewer)
        return respond(answer, media_type, status_of(answer, media_type))

    def _page(self) -> Response:
        built = self._web / "dist" / "graphiql.html"
        headers = {"Cache-Control": "no-cache"}
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
        Route("/graphql", endpoint.__call__, methods=["GET", "POST"]),
        *rest.routes(engine, viewer),
        Mount("/static", static),
    ]


# ---------------------------------------------------------------- what the client accepts


def accepted(header: str | None) -> Sequence[str]:
    """Media ranges of an Accept header that are wanted at all, the most wanted first."""
    ranges = []
    for item in (header or "*/*").split(","):
        name, *parameters = (part.strip().lower() for part in item.split(";"))
        quality = next((p[2:] for p in parameters if p.startswith("q=")), "1")
        try:
            weight = float(quality)
        except ValueError:
            weight = 0.0
        if name and weight > 0:
            ranges.append((weight, name))
    return [name for _, name in sorted(ranges, key=lambda item: -item[0])]


def wants_page(http: HTTPRequest) -> bool:
    """Whether a browser asks for the page: it accepts HTML first, and names no query."""
    ranges = accepted(http.headers.get("accept"))
    html = bool(ranges) and ranges[0] in ("text/html", "application/xhtml+xml")
    return html and "query" not in http.query_params


def negotiate(header: str | None) -> str | None:
    """The media type of the response; None where none of ours is accepted."""
    for media_range in accepted(header):
        if media_range in (GRAPHQL, JSON):
            return media_range
        if media_range in ("*/*", "application/*"):
            return JSON
    return None


# ---------------------------------------------------------------- what the client gets


def status_of(answer: Answer, media_type: str) -> int:
    """The HTTP status of an answer."""
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


def respond(answer: Answer, media_type: str, status: int) -> Response:
    """The response's bytes: UTF-8 JSON, surrogates escaped."""
    text = json.dumps(answer.body(), ensure_ascii=False, separators=(",", ":"))
    headers = {"Vary": "Accept"}
    if status == 405:
        headers["Allow"] = "POST"
    if status == 503:
        headers["Retry-After"] = "1"
    body = text.encode("utf-8", "backslashreplace")
    return Response(body, status, headers, media_type=f"{media_type}; charset=utf-8")
