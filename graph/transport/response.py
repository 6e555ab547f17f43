"""An answer as an HTTP response: status, headers, coding, entity tag, the bytes of its JSON.

(GraphQL over HTTP, draft of 2025: section 6.)
"""

from dataclasses import dataclass, replace
from typing import Any

from graphql import GraphQLError
from starlette.types import Scope, Send

from graph.admission.client_limiter import ClientLimiter
from graph.admission.rate_limit import client_of
from graph.answer import Answer
from graph.context import Viewer
from graph.errors import RateLimited, RequestError, Unauthenticated, refuse
from graph.execution.sign_in_documents import SignInRequired
from graph.headers import Headers
from graph.transport.cors import METHODS
from graph.transport.negotiation import IDENTITY, Coding, entity_tag, names_tag
from graph.transport.request_parsing import JSON, BadRequest
from models.exact_json import dumps

GRAPHQL = "application/graphql-response+json"
# Bytes of a body that come with its headers, as a rule.
ARRIVED = 4_096
CONTENT = {name: (b"content-type", f"{name}; charset=utf-8".encode()) for name in (JSON, GRAPHQL)}
OPENING, CLOSING = b'{"data":', b"}"
# To copy more bytes than this costs more than to send them apart from what encloses them.
_LONG = 100_000
VARY = (b"vary", b"Accept, Accept-Encoding")
# Data may change at any time: a client keeps it, and asks each time whether it still holds.
REVALIDATE = (b"cache-control", b"private, no-cache")
DO_NOT_KEEP = (b"cache-control", b"no-store")
STATUS_OF_CODE = {
    "METHOD_NOT_ALLOWED": 405,
    "RATE_LIMITED": 429,
    "SERVICE_UNAVAILABLE": 503,
    "INTERNAL_SERVER_ERROR": 500,
}
STATUS_OF_REFUSAL = {
    "UNAUTHENTICATED": 401,
    "FORBIDDEN": 403,
    "DOCUMENT_NOT_TRUSTED": 403,
    "PERSISTED_DOCUMENT_NOT_FOUND": 404,
    "PERSISTED_QUERY_NOT_FOUND": 404,
}


@dataclass(slots=True)
class Exchange:
    """A request that is to be replied to in this media type and, where it pays, this coding."""

    scope: Scope
    fields: Headers
    send: Send
    media_type: str
    coding: Coding
    closing: bool = False
    """Whether the connection ends with the reply, since more of the request may be on its way."""
    viewer: Viewer | None = None
    compressions: ClientLimiter | None = None

    async def reply(self, answer: Answer, status: int | None = None, allow: str = "POST") -> None:
        """Send the answer; by GET and HEAD with an entity tag, or 304 where the client has it."""
        head = [CONTENT[self.media_type], VARY]
        try:
            parts = parts_of(answer)
        except RecursionError as error:
            failed = Answer.failed("The answer could not be written.", error, executed=True)
            answer = replace(failed, cost=answer.cost)
            parts = parts_of(answer)
        status = status or status_of(answer, self.media_type)
        length = sum(map(len, parts))
        posted = self.scope["method"] == "POST"
        coding = self.coding if length >= self.coding.least else IDENTITY
        if length > _LONG and posted and coding is IDENTITY:
            return await self._send(status, head, *parts)
        body = b"".join(parts)
        if not posted:
            tag = await self._tag(answer, body, coding) if status == 200 else None
            head += [REVALIDATE, (b"etag", tag)] if tag else [DO_NOT_KEEP]
            if tag and names_tag(self.fields.get(b"if-none-match", b""), tag):
                return await self._send(304, head[1:])
        if coding is not IDENTITY:
            try:
                body = await self._encode(body, coding)
                head.append((b"content-encoding", coding.name.encode()))
            except RateLimited as error:
                # The answer of a mutation is sent, if necessary uncompressed: after a 429 the client would send it again.
                if not posted or not self.coding.least:
                    return await self.reply(Answer(None, [refuse(error)], executed=False))
        if status == 405:
            head.append((b"allow", allow.encode()))
        if status == 415:
            # What a client may send is not compressed (RFC 9110, section 15.5.16).
            head.append((b"accept-encoding", b"identity"))
        if status in (429, 503):
            head.append((b"retry-after", b"%d" % answer.retry_after()))
        if status == 401:
            head.append((b"www-authenticate", b"Bearer"))
        if self.closing:
            head.append((b"connection", b"close"))
        return await self._send(status, head, body)

    async def _encode(self, body: bytes, coding: Coding) -> bytes:
        """Return the body in this coding; raises RateLimited for a client with too many large ones at a time."""
        if self.viewer is None or self.compressions is None or len(body) <= coding.most:
            return await coding.encode(body)
        client = client_of(self.viewer)
        await self.compressions.enter(client)
        try:
            return await coding.encode(body)
        finally:
            self.compressions.leave(client)

    async def say_methods(self) -> None:
        """204, and what may be asked (RFC 9110, section 9.3.7)."""
        await self._send(204, [(b"allow", ", ".join(METHODS).encode()), VARY])

    async def _tag(self, answer: Answer, body: bytes, coding: Coding) -> bytes | None:
        """Return the tag of this very representation; None for one with errors, which is not to be kept."""
        if answer.errors:
            return None
        variant = "-graphql" if self.media_type == GRAPHQL else ""
        return await entity_tag(body, variant + ("" if coding is IDENTITY else f"-{coding.name}"))

    async def _send(self, status: int, head: list[tuple[bytes, bytes]], *parts: bytes) -> None:
        send = self.send
        if parts:
            head.append((b"content-length", b"%d" % sum(map(len, parts))))
        await send({"type": "http.response.start", "status": status, "headers": head})
        if len(parts) != 1 or self.scope["method"] == "HEAD":
            for part in parts if self.scope["method"] != "HEAD" else ():
                await send({"type": "http.response.body", "body": part, "more_body": True})
            parts = (b"",)
        await send({"type": "http.response.body", "body": parts[0]})


def may_be_unread(fields: Headers) -> bool:
    """Whether a request may have been refused ahead of its body's end."""
    length = fields.get(b"content-length", b"0")
    return b"transfer-encoding" in fields or not length.isdigit() or int(length) > ARRIVED


def status_of_refusal(error: RequestError) -> int | None:
    """Return the HTTP status of a request that was not understood; None where its media type decides."""
    if isinstance(error, BadRequest):
        return error.status
    return 401 if isinstance(error, Unauthenticated) else None


def status_of(answer: Answer, media_type: str) -> int:
    """Return the HTTP status of an answer."""
    if answer.through is not None:
        return 200
    if any(isinstance(error.original_error, SignInRequired) for error in answer.errors):
        return 401
    codes = [_code(error) for error in answer.errors]
    if "METHOD_NOT_ALLOWED" in codes:
        return 405
    if answer.data is None:
        for code in codes:
            if code in STATUS_OF_CODE:
                return STATUS_OF_CODE[code]
    if answer.executed or media_type == JSON:
        return 200
    return next((STATUS_OF_REFUSAL[code] for code in codes if code in STATUS_OF_REFUSAL), 400)


def _code(error: GraphQLError) -> str:
    return str((error.extensions or {}).get("code", ""))


def parts_of(answer: Answer) -> tuple[bytes, ...]:
    """Return the response's JSON in UTF-8, surrogates escaped, in parts to be joined."""
    if answer.through is None or answer.extensions is not None or answer.cost is None:
        return _parts_of_any(answer)
    return (OPENING, answer.through, b',"extensions":{"cost":%b}}' % answer.cost.json)


def _parts_of_any(answer: Answer) -> tuple[bytes, ...]:
    if answer.through is None:
        return (encode(answer.body()),)
    extensions = answer.all_extensions()
    shown = (b',"extensions":', encode(extensions)) if extensions else ()
    return (OPENING, answer.through, *shown, CLOSING)


def encode(value: Any) -> bytes:
    text = dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "backslashreplace")
