"""Unexpected exceptions: logged once, and answered with the id of the log entry instead of their text."""

import asyncio
import logging
import uuid

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger("cacaotrace")


class UnexpectedErrorMiddleware:
    """Middleware that logs an unexpected exception once and answers with the id of the log entry."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        started = False

        async def watch(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, watch)
        except asyncio.CancelledError:
            # Nobody but uvicorn cancels a request: it has waited for this one long enough.
            log.warning("gave up %s %r at the end", scope["method"], scope["path"])
            if not started:
                await JSONResponse({"error": "The server is stopping."}, 503)(scope, receive, send)
        except Exception:
            correlation = uuid.uuid4().hex
            where = (scope["method"], scope["path"][:200])
            extra = {"correlation": correlation}
            log.exception("internal error %s: %s %r", correlation, *where, extra=extra)
            if not started:
                message = f"Internal error, reference {correlation}."
                answer = JSONResponse({"error": message, "correlationId": correlation}, 500)
                await answer(scope, receive, send)
