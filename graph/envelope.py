"""The envelope of a request: HTTP bytes -> Request, or BadRequest saying what is wrong with them."""

import json
from collections.abc import Awaitable, Callable
from functools import lru_cache, partial
from typing import Any
from urllib.parse import parse_qsl

from starlette.types import Receive, Scope

from graph.answer import Request
from graph.errors import RequestError
from graph.trusted import TrustedDocuments
from graph.wire import Fields

JSON = "application/json"
MAX_PARAMETERS = 100
"""Parameters of a URL."""


# Runs what takes long beside the event loop.
Aside = Callable[[Callable[[], Any]], Awaitable[Any]]
# Bytes whose JSON takes longer to read than others should wait.
LONG = 20_000


class BadRequest(RequestError):
    """Bytes that are not a GraphQL request."""

    code = "BAD_REQUEST"

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


class WrongMethod(BadRequest):
    """An HTTP method that asks for nothing here."""

    code = "METHOD_NOT_ALLOWED"


async def read_request(
    scope: Scope,
    fields: Fields,
    receive: Receive,
    trusted: TrustedDocuments,
    most: int,
    aside: Aside,
) -> Request:
    """The GraphQL request in an HTTP request of at most so many bytes; raises RequestError."""
    if scope["method"] == "POST":
        body = await read_body(fields.get(b"content-type", b""), receive, most)
        value = decode(body) if len(body) < LONG else await aside(partial(decode, body))
        return request_of(value, trusted, len(body), reading_only=False)
    parameters: dict[str, Any] = parameters_of(scope, most)
    for name in ("variables", "extensions"):
        if name in parameters:
            parameters[name] = decode(parameters[name].encode()) if parameters[name] else None
    return request_of(parameters, trusted, len(scope["query_string"]), reading_only=True)


def parameters_of(scope: Scope, most: int) -> dict[str, str]:
    """The parameters in the query, of at most so many bytes, of a request's URL; raises BadRequest."""
    query: bytes = scope["query_string"]
    if len(query) > most:
        raise BadRequest(f"The URL's query is longer than {most} bytes.", 414)
    try:
        return dict(
            parse_qsl(
                query.decode(),
                keep_blank_values=True,
                errors="strict",
                max_num_fields=MAX_PARAMETERS,
            )
        )
    except UnicodeDecodeError:
        raise BadRequest("The URL's query is not valid UTF-8.") from None
    except ValueError:
        raise BadRequest(f"The URL has more than {MAX_PARAMETERS} parameters.") from None


async def read_body(content_type: bytes, receive: Receive, most: int) -> bytes:
    """The body of a POST of JSON, of at most so many bytes; raises BadRequest."""
    refusal = refuse_content(content_type)
    if refusal:
        raise BadRequest(refusal, 415)
    message = await receive()
    body: bytes = message.get("body", b"")
    while message.get("more_body") and len(body) <= most:
        message = await receive()
        body += message.get("body", b"")
    if message["type"] == "http.disconnect":
        raise BadRequest("The body ended early.")
    if len(body) > most:
        raise BadRequest(f"The body is longer than {most} bytes.", 413)
    return body


@lru_cache(64)
def refuse_content(content_type: bytes) -> str:
    """What is wrong with a Content-Type; empty where it is JSON in UTF-8."""
    name, *parameters = content_type.decode("latin-1").lower().split(";")
    if name.strip() != JSON:
        return f"The body must be {JSON}."
    named = dict(parameter.strip().partition("=")[::2] for parameter in parameters)
    if named.get("charset", "utf-8").strip('"') not in ("utf-8", "utf8"):
        return "The body must be in UTF-8."
    return ""


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON value")


DECODER = json.JSONDecoder(parse_constant=_refuse_constant)


def decode(body: bytes) -> Any:
    """The value of a JSON text; raises BadRequest, also for NaN, which is not JSON."""
    try:
        return DECODER.decode(body.decode("utf-8"))
    except UnicodeDecodeError:
        raise BadRequest("The body is not valid UTF-8.") from None
    except RecursionError:
        raise BadRequest("The JSON is nested too deeply.") from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise BadRequest(f"This is not valid JSON from {where} on.") from None
    except ValueError as error:
        raise BadRequest(f"This is not valid JSON: {error}.") from None


def request_of(value: Any, trusted: TrustedDocuments, size: int, *, reading_only: bool) -> Request:
    """The request in a decoded envelope of so many bytes; raises BadRequest naming what is wrong."""
    if not isinstance(value, dict):
        raise BadRequest("The request must be a JSON object with a `query`.")
    query = _document_of(value, trusted)
    variables = value.get("variables")
    if variables is not None and not isinstance(variables, dict):
        raise BadRequest("`variables` must be an object.")
    name = value.get("operationName")
    if name is not None and not isinstance(name, str):
        raise BadRequest("`operationName` must be a string.")
    extensions = value.get("extensions")
    if extensions is not None and not isinstance(extensions, dict):
        raise BadRequest("`extensions` must be an object.")
    beside = max(size - len(value.get("query") or ""), 0)
    return Request(query, variables or {}, name or None, reading_only, beside)


def _document_of(value: dict[str, Any], trusted: TrustedDocuments) -> str:
    """The text of the document that is sent or named; raises RequestError."""
    query = value.get("query")
    identifier = value.get("documentId")
    if identifier is None:
        if not isinstance(query, str) or not query.strip():
            raise BadRequest("`query` must be a string with a GraphQL document.")
        if trusted.only:
            trusted.check(query)
        return query
    if query is not None:
        raise BadRequest("Either `query` or `documentId`, not both.")
    if not isinstance(identifier, str):
        raise BadRequest("`documentId` must be a string.")
    return trusted.text_of(identifier)
