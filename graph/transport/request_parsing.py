"""The envelope of a request: HTTP bytes -> Request, or BadRequest saying what is wrong with them."""

import json
import re
from collections.abc import Awaitable, Callable
from functools import lru_cache, partial
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl

from starlette.types import Receive, Scope

from graph.answer import Request
from graph.error_code import ErrorCode
from graph.errors import RequestError
from graph.execution.persisted_queries import PersistedQueries
from graph.headers import Headers
from models.exact_json import number

JSON = "application/json"
MAX_PARAMETERS = 100
"""Parameters of a URL."""
DIGEST = re.compile(r"[0-9A-Fa-f]{64}")

# Runs what takes long beside the event loop.
Aside = Callable[[Callable[[], Any]], Awaitable[Any]]
# Bytes whose JSON takes longer to read than others should wait.
_LONG = 20_000


class BadRequest(RequestError):
    """Bytes that are not a GraphQL request."""

    code = ErrorCode.BAD_REQUEST

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


class Batch(BadRequest):
    """Several requests in one body."""

    code = ErrorCode.BATCHING_NOT_SUPPORTED
    hint = "Send each request by itself, or ask for all of it in one document."


class WrongMethod(BadRequest):
    """An HTTP method that asks for nothing here."""

    code = ErrorCode.METHOD_NOT_ALLOWED


async def read_request(
    scope: Scope,
    fields: Headers,
    receive: Receive,
    persisted: PersistedQueries,
    most: int,
    aside: Aside,
) -> Request:
    """Return the GraphQL request in an HTTP request of at most so many bytes; raises RequestError."""
    if scope["method"] == "POST":
        body = await read_body(fields, receive, most)
        value = decode(body) if len(body) < _LONG else await aside(partial(decode, body))
        return request_of(value, persisted, len(body), reading_only=False)
    parameters: dict[str, Any] = parameters_of(scope, most)
    for name in ("variables", "extensions"):
        if name in parameters:
            parameters[name] = decode(parameters[name].encode()) if parameters[name] else None
    return request_of(parameters, persisted, len(scope["query_string"]), reading_only=True)


def parameters_of(scope: Scope, most: int) -> dict[str, str]:
    """Return the parameters in the query, of at most so many bytes, of a request's URL; raises BadRequest."""
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


async def read_body(fields: Headers, receive: Receive, most: int) -> bytes:
    """Return the body of a POST of JSON, of at most so many bytes; raises BadRequest."""
    coding = fields.get(b"content-encoding", b"identity").strip().lower()
    refusal = refuse_content(fields.get(b"content-type", b""))
    if coding not in (b"identity", b""):
        refusal = "The body must not be compressed: it is read without any Content-Encoding."
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
    """Return what is wrong with a Content-Type; empty where it is JSON in UTF-8."""
    name, *parameters = content_type.decode("latin-1").lower().split(";")
    if name.strip() != JSON:
        return f"The body must be {JSON}."
    named = dict(parameter.strip().partition("=")[::2] for parameter in parameters)
    if named.get("charset", "utf-8").strip('"') not in ("utf-8", "utf8"):
        return "The body must be in UTF-8."
    return ""


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON value")


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=number)
# What Python's int() refuses to read, however it comes to be a JSON number.
ENDLESS = "Exceeds the limit"


def decode(body: bytes) -> Any:
    """Return the value of a JSON text; raises BadRequest, also for NaN, which is not JSON."""
    try:
        return _DECODER.decode(body.decode("utf-8"))
    except UnicodeDecodeError:
        raise BadRequest("The body is not valid UTF-8.") from None
    except RecursionError:
        raise BadRequest("The JSON is nested too deeply.") from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise BadRequest(f"This is not valid JSON from {where} on.") from None
    except ValueError as error:
        if str(error).startswith(ENDLESS):
            raise BadRequest("The JSON has a number of more than 4,300 digits.") from None
        raise BadRequest(f"This is not valid JSON: {error}.") from None


def request_of(
    value: Any, persisted: PersistedQueries, size: int, *, reading_only: bool
) -> Request:
    """Return the request in a decoded envelope of so many bytes; raises RequestError naming what is wrong."""
    if isinstance(value, list) and value:
        raise Batch(f"The body holds {len(value)} requests; one is answered at a time.")
    if not isinstance(value, dict):
        raise BadRequest("The request must be a JSON object with a `query`.")
    extensions = value.get("extensions")
    if extensions is not None and not isinstance(extensions, dict):
        raise BadRequest("`extensions` must be an object.")
    named = (extensions or {}).get("persistedQuery")
    digest = "" if named in (None, {}) else _digest_of(named)
    query = _document_of(value, persisted, digest)
    variables = value.get("variables")
    if variables is not None and not isinstance(variables, dict):
        raise BadRequest("`variables` must be an object.")
    name = value.get("operationName")
    if name is not None and not isinstance(name, str):
        raise BadRequest("`operationName` must be a string.")
    beside = max(size - len(value.get("query") or ""), 0)
    return Request(query, variables or {}, name or None, reading_only, beside, digest)


def _document_of(value: dict[str, Any], persisted: PersistedQueries, digest: str) -> str:
    """Return the text of the document that is sent or named; raises RequestError."""
    query = value.get("query")
    identifier = value.get("documentId")
    if identifier is not None:
        if query is not None or digest:
            raise BadRequest("Either `query` or `documentId`, not both.")
        if not isinstance(identifier, str):
            raise BadRequest("`documentId` must be a string.")
        return persisted.trusted.text_of(identifier)
    if digest and query in (None, ""):
        return persisted.text_of(digest)
    if not isinstance(query, str) or not query.strip():
        raise BadRequest("`query` must be a string with a GraphQL document.")
    if digest and sha256(query.encode("utf-8", "surrogatepass")).hexdigest() != digest:
        raise BadRequest("`sha256Hash` is not the SHA-256 of `query`.")
    persisted.trusted.check(query)
    return query


def _digest_of(named: Any) -> str:
    """Return the hash in an extension `persistedQuery`; raises BadRequest."""
    if not isinstance(named, dict) or named.get("version") != 1:
        raise BadRequest("`persistedQuery` must be an object of `version` 1 with a `sha256Hash`.")
    digest = named.get("sha256Hash")
    if not isinstance(digest, str) or not DIGEST.fullmatch(digest):
        raise BadRequest("`sha256Hash` must be 64 hexadecimal digits.")
    return digest.lower()
