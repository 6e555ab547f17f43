"""The first design's REST endpoint, /api/products, in exactly the shapes that it promised.

GET   200 {"products": [{product_id, name, description, manufacturer_id, batch_number}, ...]}
POST  201 {"message": "Product created successfully", "product_id": 501}
      400 {"error": "Missing required fields", "missing": [...]}

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
from graph.auth.authentication import RequestAuthenticator
from graph.context import Viewer
from graph.execution.engine import Engine
from graph.headers import headers_of
from graph.pagination import MAX_PAGE_SIZE
from graph.transport.request_parsing import BadRequest, decode, read_body

_PRODUCT = "productId name description manufacturer { manufacturerId } batchNumber"
LIST = f"""query Products($first: Int!, $after: String) {{
  products(first: $first, after: $after) {{
    nodes {{ {_PRODUCT} }} pageInfo {{ hasNextPage endCursor }} }} }}"""
CREATE = """mutation CreateProduct($input: CreateProductInput!) {
  createProduct(input: $input) { product { productId } userErrors { field message code } } }"""
CREATED = "Product created successfully"
MEMBERS = {
    "name": "name",
    "description": "description",
    "manufacturer_id": "manufacturer",
    "batch_number": "batchNumber",
}
REQUIRED = ("name", "manufacturer_id", "batch_number")
_Products = list[dict[str, Any]]
# Products, and the cursor that more follow.
_Listed = tuple[_Products, str | None]
STATUS = {
    "UNAUTHENTICATED": 401,
    "FORBIDDEN": 403,
    "RATE_LIMITED": 429,
    "SERVICE_UNAVAILABLE": 503,
    "INTERNAL_SERVER_ERROR": 500,
}
_HEADERS = {
    401: {"WWW-Authenticate": "Bearer"},
    # More of the body may be on its way.
    413: {"Connection": "close"},
    415: {"Connection": "close", "Accept-Encoding": "identity"},
}


def routes(engine: Engine, authenticator: RequestAuthenticator) -> list[BaseRoute]:
    products = ProductEndpoint(engine, authenticator)
    return [Route("/api/products", products, methods=["GET", "POST"])]


class ProductEndpoint:
    """GET lists products by number, POST creates one."""

    def __init__(self, engine: Engine, authenticator: RequestAuthenticator) -> None:
        self._engine = engine
        self._authenticator = authenticator

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, as an ASGI application."""
        http = HTTPRequest(scope, receive)
        response = await (self.create(http) if http.method == "POST" else self.list(http))
        await response(scope, receive, send)

    async def list(self, http: HTTPRequest) -> JSONResponse:
        """All products up to the limit; where more follow, `next` and a Link header (RFC 8288)."""
        most = self._engine.limits.listed_products
        given = http.query_params.get("limit", str(most))
        limit = int(given) if given.isascii() and given.isdigit() and len(given) < 10 else -1
        if not 0 <= limit <= most:
            return error_response(f"limit must be a number from 0 to {most}")
        viewer = await viewer_of(self._authenticator, http)
        if isinstance(viewer, Answer):
            return failure(viewer)
        found = await self._pages(viewer, limit, http.query_params.get("after"))
        if isinstance(found, Answer):
            return failure(found)
        products, after = found
        body: dict[str, Any] = {"products": products}
        headers = {"Cache-Control": "private, no-cache", "Vary": "Authorization"}
        if after is not None:
            body["next"] = f"/api/products?{urlencode({'limit': limit, 'after': after})}"
            headers["Link"] = f'<{body["next"]}>; rel="next"'
        return JSONResponse(body, headers=headers)

    async def _pages(self, viewer: Viewer, limit: int, after: str | None) -> _Listed | Answer:
        """So many products behind a cursor, and the cursor that more follow; or what failed.

        They are read by pages of GraphQL, each of which is one priced statement.
        """
        products: _Products = []
        while True:
            size = min(limit - len(products), MAX_PAGE_SIZE)
            answer = await self._engine.answer(
                Request(LIST, {"first": size, "after": after}), viewer
            )
            if answer.through is None:
                return answer
            page = json.loads(answer.through)["products"]
            products += [product_of(node) for node in page["nodes"]]
            more = page["pageInfo"]["hasNextPage"] and bool(page["nodes"])
            after = page["pageInfo"]["endCursor"] if more else None
            if after is None or len(products) >= limit:
                return products, after

    async def create(self, http: HTTPRequest) -> JSONResponse:
        """201 with the product's number, or 400 with what is wrong; nothing is written then."""
        try:
            fields = headers_of(http.scope["headers"])
            given = decode(await read_body(fields, http.receive, self._engine.limits.body))
        except BadRequest as error:
            return error_response(str(error), error.status)
        if not isinstance(given, dict):
            return error_response("the body must be a JSON object")
        missing = [name for name in REQUIRED if given.get(name) in (None, "")]
        if missing:
            return JSONResponse({"error": "Missing required fields", "missing": missing}, 400)
        # The first design made a product at each request.
        members = {MEMBERS[k]: v for k, v in given.items() if k in MEMBERS}
        return await self._write(http, members | {"allowDuplicate": True})

    async def _write(self, http: HTTPRequest, given: dict[str, Any]) -> JSONResponse:
        viewer = await viewer_of(self._authenticator, http)
        if isinstance(viewer, Answer):
            return failure(viewer)
        answer = await self._engine.answer(Request(CREATE, {"input": given}), viewer)
        if answer.errors or answer.data is None:
            return failure(answer)
        payload = answer.data["createProduct"]
        if payload["userErrors"]:
            wrong = payload["userErrors"][0]
            return error_response(f"{column_of(wrong['field'])}{wrong['message']}")
        created = payload["product"]["productId"]
        return JSONResponse({"message": CREATED, "product_id": created}, 201)


async def viewer_of(authenticator: RequestAuthenticator, http: HTTPRequest) -> Viewer | Answer:
    """Who asks, or the failure that is answered where that cannot be told."""
    try:
        return await authenticator.viewer(http.scope, headers_of(http.scope["headers"]))
    except Exception as error:  # noqa: BLE001 - masked and logged by translate
        return Answer.failed("The sign-in could not be checked.", error)


def product_of(node: dict[str, Any]) -> dict[str, Any]:
    """Return a product under the first design's names."""
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


def error_response(message: str, status: int = 400) -> JSONResponse:
    return JSONResponse({"error": message}, status, _HEADERS.get(status))


def failure(answer: Answer) -> JSONResponse:
    error = answer.errors[0]
    code = str((error.extensions or {}).get("code"))
    response = error_response(error.message, STATUS.get(code, 400))
    if response.status_code in (429, 503):
        response.headers["Retry-After"] = str(answer.retry_after())
    return response
