"""GET /ledger/checkpoint: the newest signed checkpoint as text, to be stored elsewhere.

A GraphQL request in, a C2SP signed note out, so that permissions and limits are those of the field.
"""

import json

from starlette.requests import Request as HTTPRequest
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from graph.answer import Answer, Request
from graph.auth.authentication import RequestAuthenticator
from graph.endpoints.rest import error_response, failure, viewer_of
from graph.execution.engine import Engine

NEWEST = "{ ledger { checkpoint } }"


def routes(engine: Engine, authenticator: RequestAuthenticator) -> list[BaseRoute]:
    async def checkpoint(http: HTTPRequest) -> Response:
        return await newest(engine, authenticator, http)

    return [Route("/ledger/checkpoint", checkpoint, methods=["GET"])]


async def newest(
    engine: Engine, authenticator: RequestAuthenticator, http: HTTPRequest
) -> Response:
    """Return the note; 404 before the first one."""
    viewer = await viewer_of(authenticator, http)
    if isinstance(viewer, Answer):
        return failure(viewer)
    answer = await engine.answer(Request(NEWEST), viewer)
    if answer.through is None:
        return failure(answer)
    note = json.loads(answer.through)["ledger"]["checkpoint"]
    if note is None:
        return error_response("there is no checkpoint yet", 404)
    return Response(note, media_type="text/plain", headers={"Cache-Control": "no-cache"})
