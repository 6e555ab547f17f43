"""A client of an ASGI application in this process, with one change of threads a request.

Starlette's TestClient streams every body, which takes eight changes. DirectClient passes whole
requests and takes whole responses.
"""

import asyncio
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

import httpx2 as httpx
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Message, Scope


class DirectTransport(httpx.BaseTransport):
    """Runs the application on the event loop of a TestClient that has been entered."""

    def __init__(self, client: "DirectClient", streaming: httpx.BaseTransport) -> None:
        self._client = client
        self._streaming = streaming

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        portal = self._client.portal
        if portal is None or request.url.scheme not in ("http", "https"):
            return self._streaming.handle_request(request)
        status, headers, body = portal.call(
            self._answer, self._client.scope_of(request), request.read()
        )
        stream = httpx.ByteStream(body)
        return httpx.Response(status, headers=headers, stream=stream, request=request)

    async def _answer(
        self, scope: Scope, sent: bytes
    ) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
        messages: list[Message] = [{"type": "http.request", "body": sent, "more_body": False}]
        status, headers, parts, ended = 0, [], list[bytes](), asyncio.Event()

        async def receive() -> Message:
            if messages:
                return messages.pop()
            await ended.wait()
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            nonlocal status, headers
            if message["type"] == "http.response.start":
                assert not status
                status, headers = message["status"], [*message.get("headers", ())]
            elif message["type"] == "http.response.body":
                assert status
                assert not ended.is_set()
                parts.append(bytes(message.get("body", b"")))
                if not message.get("more_body", False):
                    ended.set()

        try:
            await self._client.app(scope, receive, send)
        except Exception:
            if self._client.raises:
                raise
            status = status or HTTPStatus.INTERNAL_SERVER_ERROR
        finally:
            ended.set()
        assert status
        return status, headers, b"" if scope["method"] == "HEAD" else b"".join(parts)


class DirectClient(TestClient):
    """A TestClient whose requests take the DirectTransport within its `with` block."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        raise_server_exceptions: bool = True,
        client: tuple[str, int] = ("testclient", 50_000),
        **given: Any,
    ) -> None:
        super().__init__(
            app, raise_server_exceptions=raise_server_exceptions, client=client, **given
        )
        self.raises = raise_server_exceptions
        self.peer = client
        self._transport = DirectTransport(self, self._transport)

    def scope_of(self, request: httpx.Request) -> Scope:
        """Return the ASGI scope of a request."""
        url = request.url
        path, _, query = url.raw_path.partition(b"?")
        return {
            "type": "http",
            "http_version": "1.1",
            "method": request.method,
            "path": unquote(url.path),
            "raw_path": path,
            "root_path": "",
            "scheme": url.scheme,
            "query_string": query,
            "headers": [(name.lower(), value) for name, value in request.headers.raw],
            "client": self.peer,
            "server": (url.host, url.port or (443 if url.scheme == "https" else 80)),
            "state": self.app_state.copy(),
        }
