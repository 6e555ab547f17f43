"""GET /ledger/checkpoint: the newest signed checkpoint as text, for whoever keeps it apart.

A GraphQL request in, a C2SP signed note out, so that permissions and limits are those of the field.
"""

import json

from starlette.requests import Request as HTTPRequest
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from graph.answer import Answer, Request
from graph.door import Door
from graph.engine import Engine
from graph.rest import failure, refusal
from graph.wire import fields_of

NEWEST = "{ ledger { checkpoint } }"


def routes(engine: Engine, door: Door) -> list[BaseRoute]:
    async def checkpoint(http: HTTPRequest) -> Response:
        return await newest(engine, door, http)

    return [Route("/ledger/checkpoint", checkpoint, methods=["GET"])]


async def newest(engine: Engine, door: Door, http: HTTPRequest) -> Response:
    """The note; 404 before the first one."""
    try:
        viewer = await door.viewer(http.scope, fields_of(http.scope["headers"]))
    except Exception as error:  # noqa: BLE001 - masked and logged by translate
        return failure(Answer.failed("The sign-in could not be checked.", error))
    answer = await engine.answer(Request(NEWEST), viewer)
    if answer.through is None:
        return failure(answer)
    note = json.loads(answer.through)["ledger"]["checkpoint"]
    if note is None:
        return refusal("there is no checkpoint yet", 404)
    return Response(note, media_type="text/plain", headers={"Cache-Control": "no-cache"})
