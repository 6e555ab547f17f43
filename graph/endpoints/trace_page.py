"""/trace/{id}.svg, the drawing of a trace, and /trace/{id}, a page that shows it.

The page has scripts and styles of its own alone, and loads nothing from elsewhere. The picture is a
GraphQL request in, so that permissions and limits are those of the fields: kilograms and holds are for
who may read them.
"""

import json
from functools import partial
from pathlib import Path
from typing import Any

from starlette.requests import Request as HTTPRequest
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from graph.answer import Answer, Request
from graph.auth.authentication import RequestAuthenticator
from graph.auth.roles import SIGNED_IN
from graph.endpoints.rest import error_response, failure, viewer_of
from graph.execution.engine import Engine

# A drawing of more boxes cannot be read.
_MAX_LOTS, MAX_FLOWS = 200, 1_000
# Bytes of a trace that cost 1 to draw.
_BYTES = 10
_LOT = """lots(first: $lots) { nodes { cacaoBatch { ...lot } } }
  products(first: $lots) { nodes { product { ...product } } }
  flows(first: $flows) { nodes { from { id } to { id } product { id } quantityKg @include(if: $all) } }
  lotCount flowCount truncated"""
TRACE = f"""query Trace($id: ID!, $lots: Int!, $flows: Int!, $all: Boolean!, $way: TraceDirection!) {{
  node(id: $id) {{ __typename
    ... on Product {{ ...product trace {{ {_LOT} }} }}
    ... on CacaoBatch {{ ...lot trace(direction: $way) {{ {_LOT} }} }} }} }}
fragment lot on CacaoBatch {{ id cacaoBatchId lotNumber stage harvestDate quantityKg @include(if: $all)
  onHold @include(if: $all) supplier {{ name country }} }}
fragment product on Product {{ id productId name batchNumber onHold @include(if: $all)
  manufacturer {{ name }} }}"""
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# Opened by itself, a picture may load and run nothing.
PICTURE_POLICY = "default-src 'none'; frame-ancestors 'none'; sandbox"
WAYS = {"back": "BACK", "forward": "FORWARD"}


def routes(engine: Engine, authenticator: RequestAuthenticator, web: Path) -> list[BaseRoute]:
    async def svg(http: HTTPRequest) -> Response:
        return await picture(engine, authenticator, http)

    def page(_http: HTTPRequest) -> Response:
        headers = {"Content-Security-Policy": POLICY, "Cache-Control": "no-cache"}
        return FileResponse(web / "trace" / "page.html", media_type="text/html", headers=headers)

    return [
        Mount("/trace/static", StaticFiles(directory=web / "trace", check_dir=False)),
        Route("/trace/{id}.svg", svg, methods=["GET"]),
        Route("/trace/{id}", page, methods=["GET"]),
    ]


async def picture(
    engine: Engine, authenticator: RequestAuthenticator, http: HTTPRequest
) -> Response:
    """Return the drawing of a trace of a product or a batch; `?direction=forward` of a batch ahead."""
    way = WAYS.get(http.query_params.get("direction", "back"))
    if way is None:
        return error_response("direction must be back or forward")
    viewer = await viewer_of(authenticator, http)
    if isinstance(viewer, Answer):
        return failure(viewer)
    variables = {
        "id": http.path_params["id"],
        "lots": _MAX_LOTS,
        "flows": MAX_FLOWS,
        "all": viewer.role in SIGNED_IN,
        "way": way,
    }
    answer = await engine.answer(Request(TRACE, variables), viewer)
    if answer.through is None:
        return failure(answer)
    drawing = partial(_draw, answer.through)
    drawn = await engine.compute(
        viewer, drawing, len(answer.through), len(answer.through) // _BYTES
    )
    if isinstance(drawn, Answer):
        return failure(drawn)
    if isinstance(drawn, Undrawable):
        return error_response(str(drawn), drawn.status)
    headers = {"Content-Security-Policy": PICTURE_POLICY, "Cache-Control": "no-store"}
    return Response(drawn, media_type="image/svg+xml", headers=headers)


class Undrawable(Exception):
    """Nothing that has a trace; `status` is that of HTTP."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


def _draw(data: bytes) -> str | Undrawable:
    """Return the SVG of the node in an answer with its trace."""
    node: dict[str, Any] | None = json.loads(data)["node"]
    if node is None:
        return Undrawable("there is no such product or cacao batch", 404)
    if "trace" not in node:
        return Undrawable("only a product or a cacao batch has a trace", 400)
    # networkx takes 25 MB, which a worker that draws nothing need not hold.
    from graph.drawing.trace import draw_trace

    return draw_trace(node)
