"""The envelope of a request: HTTP bytes -> Request, or BadRequest saying what is wrong with them."""

import json
from typing import Any

from starlette.requests import Request as HTTPRequest

from graph.engine import Request
from graph.errors import RequestError
from graph.limits import MAX_BODY

JSON = "application/json"


class BadRequest(RequestError):
    """Bytes that are not a GraphQL request."""

    code = "BAD_REQUEST"

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


class WrongMethod(BadRequest):
    """An HTTP method that asks for nothing here."""

    code = "METHOD_NOT_ALLOWED"


async def read_request(http: HTTPRequest) -> Request:
    """The GraphQL request in an HTTP request; raises BadRequest."""
    if http.method == "POST":
        return request_of(decode(await read_body(http)), reading_only=False)
    parameters: dict[str, Any] = dict(http.query_params)
    for name in ("variables", "extensions"):
        if name in parameters:
            parameters[name] = decode(parameters[name].encode()) if parameters[name] else None
    return request_of(parameters, reading_only=True)


async def read_body(http: HTTPRequest) -> bytes:
    """The body of a POST of JSON, no longer than allowed; raises BadRequest."""
    content_type, *parameters = http.headers.get("content-type", "").lower().split(";")
    if content_type.strip() != JSON:
        raise BadRequest(f"The body must be {JSON}.", 415)
    named = dict(parameter.strip().partition("=")[::2] for parameter in parameters)
    if named.get("charset", "utf-8").strip('"') not in ("utf-8", "utf8"):
        raise BadRequest("The body must be in UTF-8.", 415)
    body = bytearray()
    async for chunk in http.stream():
        body += chunk
        if len(body) > MAX_BODY:
            raise BadRequest(f"The body is longer than {MAX_BODY} bytes.", 413)
    return bytes(body)


def decode(body: bytes) -> Any:
    """The value of a JSON text; raises BadRequest, also for NaN, which is not JSON."""
    try:
        return json.loads(body.decode("utf-8"), parse_constant=_refuse_constant)
    except UnicodeDecodeError:
        raise BadRequest("The body is not valid UTF-8.") from None
    except RecursionError:
        raise BadRequest("The JSON is nested too deeply.") from None
    except ValueError as error:
        raise BadRequest(f"This is not valid JSON: {error}.") from None


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON value")


def request_of(value: Any, *, reading_only: bool) -> Request:
    """The request in a decoded envelope; raises BadRequest naming the member that is wrong."""
    if not isinstance(value, dict):
        raise BadRequest("The request must be a JSON object with a `query`.")
    query = value.get("query")
    if not isinstance(query, str) or not query.strip():
        raise BadRequest("`query` must be a string with a GraphQL document.")
    variables = value.get("variables")
    if variables is not None and not isinstance(variables, dict):
        raise BadRequest("`variables` must be an object.")
    name = value.get("operationName")
    if name is not None and not isinstance(name, str):
        raise BadRequest("`operationName` must be a string.")
    if value.get("extensions") is not None and not isinstance(value["extensions"], dict):
        raise BadRequest("`extensions` must be an object.")
    return Request(query, variables or {}, name or None, reading_only)
