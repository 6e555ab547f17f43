"""The first design's REST door, /api/products: a GraphQL request in, its fields out.

It reads through the planner and writes through `createProduct`, so it has no rules of its own.
"""

import json
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request as HTTPRequest
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from graph.answer import Answer, Request
from graph.context import Viewer
from graph.door import Door
from graph.engine import Engine
from graph.envelope import BadRequest, decode, read_body
from graph.pagination import MAX_PAGE_SIZE
from graph.wire import fields_of

PRODUCT = "productId name description manufacturer { manufacturerId } batchNumber"
LIST = f"""query Products($first: Int!, $after: String) {{
  products(first: $first, after: $after) {{
    nodes {{ {PRODUCT} }} pageInfo {{ hasNextPage endCursor }} }} }}"""
CREATE = f"""mutation CreateProduct($input: CreateProductInput!) {{
  createProduct(input: $input) {{ product {{ {PRODUCT} }} userErrors {{ field message code }} }} }}"""
MEMBERS = {
    "name": "name",
    "description": "description",
    "manufacturer_id": "manufacturerId",
    "batch_number": "batchNumber",
}
REQUIRED = ("name", "manufacturer_id", "batch_number")
STATUS = {
    "UNAUTHENTICATED": 401,
    "FORBIDDEN": 403,
    "RATE_LIMITED": 429,
    "SERVICE_UNAVAILABLE": 503,
    "INTERNAL_SERVER_ERROR": 500,
}
HEADERS = {
    401: {"WWW-Authenticate": "Bearer"},
    # More of the body may be on its way.
    413: {"Connection": "close"},
    415: {"Connection": "close", "Accept-Encoding": "identity"},
}


def routes(engine: Engine, door: Door) -> list[BaseRoute]:
    products = ProductDoor(engine, door)
    return [Route("/api/products", products, methods=["GET", "POST"])]


class ProductDoor:
    """GET lists products by number, POST creates one."""

    def __init__(self, engine: Engine, door: Door) -> None:
        self._engine = engine
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI application behind the route."""
        http = HTTPRequest(scope, receive)
        response = await (self.create(http) if http.method == "POST" else self.list(http))
        await response(scope, receive, send)

    async def list(self, http: HTTPRequest) -> JSONResponse:
        """A JSON array of products; where more follow, a Link header (RFC 8288) says where."""
        limit = http.query_params.get("limit", str(MAX_PAGE_SIZE))
        if not (limit.isascii() and limit.isdigit() and len(limit) < 10):
            return refusal(f"limit must be a number from 0 to {MAX_PAGE_SIZE}")
        variables = {"first": int(limit), "after": http.query_params.get("after")}
        answer = await self._answer(http, Request(LIST, variables))
        if answer.through is None:
            return failure(answer)
        page = json.loads(answer.through)["products"]
        headers = {"Cache-Control": "private, no-cache", "Vary": "Authorization"}
        if page["pageInfo"]["hasNextPage"] and page["nodes"]:
            query = urlencode({"limit": limit, "after": page["pageInfo"]["endCursor"]})
            headers["Link"] = f'</api/products?{query}>; rel="next"'
        return JSONResponse([product_of(node) for node in page["nodes"]], headers=headers)

    async def create(self, http: HTTPRequest) -> JSONResponse:
        """201 with the product, or 400 with what is wrong; nothing is written then."""
        try:
            fields = fields_of(http.scope["headers"])
            given = decode(await read_body(fields, http.receive, self._engine.limits.body))
        except BadRequest as error:
            return refusal(str(error), error.status)
        if not isinstance(given, dict):
            return refusal("the body must be a JSON object")
        missing = [name for name in REQUIRED if given.get(name) in (None, "")]
        if missing:
            return refusal(f"missing: {', '.join(missing)}")
        # The first design made a product at each request.
        members = {MEMBERS[k]: v for k, v in given.items() if k in MEMBERS}
        variables = {"input": members | {"allowDuplicate": True}}
        answer = await self._answer(http, Request(CREATE, variables))
        if answer.errors or answer.data is None:
            return failure(answer)
        payload = answer.data["createProduct"]
        if payload["userErrors"]:
            wrong = payload["userErrors"][0]
            return refusal(f"{column_of(wrong['field'])}{wrong['message']}")
        return JSONResponse(product_of(payload["product"]), 201)

    async def _answer(self, http: HTTPRequest, request: Request) -> Answer:
        viewer = await viewer_of(self._door, http)
        if isinstance(viewer, Answer):
            return viewer
        return await self._engine.answer(request, viewer)


async def viewer_of(door: Door, http: HTTPRequest) -> Viewer | Answer:
    """Who asks, or the failure that is answered where that cannot be told."""
    try:
        return await door.viewer(http.scope, fields_of(http.scope["headers"]))
    except Exception as error:  # noqa: BLE001 - masked and logged by translate
        return Answer.failed("The sign-in could not be checked.", error)


def product_of(node: dict[str, Any]) -> dict[str, Any]:
    """A product under the first design's names."""
    manufacturer = node["manufacturer"]
    return {
        "product_id": node["productId"],
        "name": node["name"],
        "description": node["description"],
        "manufacturer_id": manufacturer and manufacturer["manufacturerId"],
        "batch_number": node["batchNumber"],
    }


def column_of(field: Any) -> str:
    names = {member: column for column, member in MEMBERS.items()}
    return f"{names.get(field[-1], field[-1])}: " if field else ""


def refusal(message: str, status: int = 400) -> JSONResponse:
    return JSONResponse({"error": message}, status, HEADERS.get(status))


def failure(answer: Answer) -> JSONResponse:
    error = answer.errors[0]
    code = str((error.extensions or {}).get("code"))
    response = refusal(error.message, STATUS.get(code, 400))
    if response.status_code in (429, 503):
        response.headers["Retry-After"] = str(answer.retry_after())
    return response
