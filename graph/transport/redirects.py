"""Redirects to the path with or without its last slash.

The Location is a path alone: a client can put any host into a request.
"""

from urllib.parse import quote

from starlette.responses import RedirectResponse
from starlette.routing import Match, Router
from starlette.types import Receive, Scope, Send


class SlashRedirect:
    """What answers where no route matches; Starlette's own redirect repeats the Host of the request."""

    def __init__(self, router: Router) -> None:
        self._router = router

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Redirect a request, as an ASGI application; raises HTTPException where the other path has no route either."""
        path: str = scope["path"]
        other = path.rstrip("/") if path.endswith("/") else f"{path}/"
        if scope["type"] != "http" or not self._leads(scope, other):
            return await self._router.not_found(scope, receive, send)
        query = scope["query_string"].decode("latin-1")
        # What would end the path is quoted here, what no header can hold by Starlette.
        location = quote(other, safe="/:@!$&'()*+,;=~") + (f"?{query}" if query else "")
        return await RedirectResponse(location)(scope, receive, send)

    def _leads(self, scope: Scope, path: str) -> bool:
        """Whether a route has this path; a URL of two slashes ahead would name a host."""
        there = {**scope, "path": path}
        found = any(route.matches(there)[0] is not Match.NONE for route in self._router.routes)
        return found and not path.startswith("//")
