"""The connection beneath the application: what is no HTTP is refused in JSON, and no head is endless.

uvicorn's own takes as many header fields, of any length, as a client likes to send, and sends an
answer in two packets, each of which wakes the client up.
"""

import asyncio
import json
import re
from collections.abc import Iterable
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from graph.error_code import ErrorCode

MAX_FIELDS = 100
"""Header fields of a request."""
MAX_HEAD = 500_000
"""Bytes in which a head must come: more than is read at once, for a body may stand before it."""
# RFC 3986, section 3.2.2, without the delimiters that no name of a machine has; a port is checked apart.
HOST = re.compile(
    rb"(?:\[[0-9A-Fa-f:.]+\]|(?:[0-9A-Za-z._~-]|%[0-9A-Fa-f]{2})+)(?::(?P<port>\d{0,5}))?"
)
_MAX_PORT = 65_535
# The longest name of the DNS has 253 bytes; each that is heard of may be remembered.
MAX_HOST = 300
CONTINUE = b"HTTP/1.1 100"


class TooManyFields(Exception):
    """More header fields than any client sends."""


class FaultyHead(Exception):
    """Header fields that contradict RFC 9112."""


class CoalescingTransport(asyncio.Transport):
    """What one response is written to: its head waits for the first of its body, and they go together.

    Not for HEAD, whose response has no body.
    """

    __slots__ = ("_begun", "_head", "_transport")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._begun = False
        self._head = b""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send what comes, unless it is the head: that is what uvicorn writes first."""
        if self._head:
            head, self._head = self._head, b""
            # To copy an answer is cheaper than to have the transport keep two.
            self._transport.write(head + data)
        elif self._begun or data[:12] == CONTINUE:
            self._transport.write(data)
        else:
            self._begun, self._head = True, bytes(data)

    def close(self) -> None:
        """Close, once all is sent."""
        if self._head and not self.is_closing():
            self._transport.write(self._head)
        self._transport.close()

    def is_closing(self) -> bool:
        return self._transport.is_closing()


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's, but that a head has bounds, a response is one packet where it fits, and refusals are JSON."""

    _head = 0
    _fault: str | None = None

    def data_received(self, data: bytes) -> None:
        """Parse what came, unless it is more than a head may be."""
        super().data_received(data)
        if self._cycle_of_head() is not None:
            self._head = 0
        else:
            self._head += len(data)
        # Trailers count as well.
        if self._head > MAX_HEAD or len(self.headers or ()) > MAX_FIELDS:
            self._refuse(431, "The header fields are too large.")

    def on_headers_complete(self) -> None:
        """Check the headers of a request; the parser gives up where this raises."""
        if len(self.headers) > MAX_FIELDS:
            raise TooManyFields
        self._fault = fault_of(self.headers, self.parser.get_http_version())
        if self._fault is not None:
            raise FaultyHead
        super().on_headers_complete()
        cycle = self._cycle_of_head()
        if cycle is not None and self.scope["method"] != "HEAD":
            cycle.transport = CoalescingTransport(self.transport)

    def _cycle_of_head(self) -> Any:
        """Return the request and response of the head that came last; None while one is coming."""
        cycle: Any = self.cycle
        return cycle if cycle is not None and cycle.scope is self.scope else None

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP, or a request whose header fields are faulty."""
        self._refuse(400, self._fault or msg)

    def _refuse(self, status: int, message: str) -> None:
        if self.transport.is_closing():
            return
        body = refusal(message)
        fields = [
            *self.server_state.default_headers,
            (b"content-type", b"application/json; charset=utf-8"),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
        ]
        head = b"".join(b"%b: %b\r\n" % field for field in fields)
        self.transport.write(STATUS_LINE[status] + head + b"\r\n" + body)
        self.transport.close()


def fault_of(fields: Iterable[tuple[bytes, bytes]], version: str) -> str | None:
    """Return what is wrong with a head without one valid Host, or with a transfer coding that is not read.

    (RFC 9112, sections 3.2 and 6.1.) A client of HTTP/1.0 may leave Host out.
    """
    hosts = 0
    for name, value in fields:
        if name == b"host":
            hosts += 1
            if not is_host(value):
                return "The Host header is not a host with an optional port."
        elif name == b"transfer-encoding" and value.strip().lower() != b"chunked":
            return "The only transfer coding that can be read is chunked."
    if hosts > 1:
        return "There is more than one Host header."
    return None if hosts or version == "1.0" else "There is no Host header."


def is_host(value: bytes) -> bool:
    """Whether a value of Host is a name or an address, with a port or without."""
    found = HOST.fullmatch(value.strip(b" \t")) if len(value) <= MAX_HOST else None
    return found is not None and int(found["port"] or 0) <= _MAX_PORT


def refusal(message: str) -> bytes:
    """Return the body of a refusal, as GraphQL has it."""
    error = {"message": message, "extensions": {"code": ErrorCode.BAD_REQUEST}}
    return json.dumps({"errors": [error]}, separators=(",", ":")).encode()
