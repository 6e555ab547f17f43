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

from graph.context import Viewer
from graph.engine import Answer, Engine, Request
from graph.envelope import BadRequest, decode, read_body
from graph.pagination import MAX_PAGE_SIZE

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
STATUS = {"SERVICE_UNAVAILABLE": 503, "INTERNAL_SERVER_ERROR": 500, "WRITES_DISABLED": 403}


def routes(engine: Engine, viewer: Viewer) -> list[BaseRoute]:
    door = ProductDoor(engine, viewer)
    return [Route("/api/products", door, methods=["GET", "POST"])]


class ProductDoor:
    """GET lists products by number, POST creates one."""

    def __init__(self, engine: Engine, viewer: Viewer) -> None:
        self._engine = engine
        self._viewer = viewer

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
        answer = await self._engine.answer(Request(LIST, variables), self._viewer)
        if answer.through is None:
            return failure(answer)
        page = json.loads(answer.through)["products"]
        headers = {}
        if page["pageInfo"]["hasNextPage"] and page["nodes"]:
            query = urlencode({"limit": limit, "after": page["pageInfo"]["endCursor"]})
            headers["Link"] = f'</api/products?{query}>; rel="next"'
        return JSONResponse([product_of(node) for node in page["nodes"]], headers=headers)

    async def create(self, http: HTTPRequest) -> JSONResponse:
        """201 with the product, or 400 with what is wrong; nothing is written then."""
        try:
            content_type = http.headers.get("content-type", "").encode("latin-1")
            given = decode(await read_body(content_type, http.receive))
        except BadRequest as error:
            return refusal(str(error), error.status)
        if not isinstance(given, dict):
            return refusal("the body must be a JSON object")
        missing = [name for name in REQUIRED if given.get(name) in (None, "")]
        if missing:
            return refusal(f"missing: {', '.join(missing)}")
        variables = {"input": {MEMBERS[k]: v for k, v in given.items() if k in MEMBERS}}
        answer = await self._engine.answer(Request(CREATE, variables), self._viewer)
        if answer.errors or answer.data is None:
            return failure(answer)
        payload = answer.data["createProduct"]
        if payload["userErrors"]:
            wrong = payload["userErrors"][0]
            return refusal(f"{column_of(wrong['field'])}{wrong['message']}")
        return JSONResponse(product_of(payload["product"]), 201)


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
    return JSONResponse({"error": message}, status)


def failure(answer: Answer) -> JSONResponse:
    error = answer.errors[0]
    code = str((error.extensions or {}).get("code"))
    return refusal(error.message, STATUS.get(code, 400))
