"""GraphiQL's own files: each compressed once, as small as it gets, and kept in memory.

Only text files are kept, and no more of them than a build of the page has.
"""

import os
import re
from functools import lru_cache
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import FileResponse, Response
from starlette.staticfiles import NotModifiedResponse, PathLike, StaticFiles
from starlette.types import Scope

from graph.transport.negotiation import IDENTITY, Coding, choose_coding, is_browser

_MAX_FILES = 200
_TEXTS = ("text/", "application/javascript", "application/json", "image/svg+xml", "font/ttf")
# The build names a file after a hash of what is in it.
_HASHED = re.compile(r"-[\w-]{8}\.\w+$")


class Assets(StaticFiles):
    """Files of a folder, with entity tags, in the coding that the client wants."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return the file, compressed where it pays; 304 where the client has it; raises HTTPException."""
        response = await super().get_response(path, scope)
        if not isinstance(response, FileResponse):
            return response
        fields = Headers(scope=scope)
        accepted = fields.get("accept-encoding", "").encode("latin-1")
        coding = choose_coding(accepted, browser=is_browser(dict(fields.raw))) or IDENTITY
        response.headers["vary"] = "Accept-Encoding, Sec-Fetch-Site"
        if _HASHED.search(path):
            response.headers["cache-control"] = "public, max-age=31536000, immutable"
        if "range" not in fields and _pays(response, coding):
            tag = response.headers["etag"].removesuffix('"')
            response.headers["etag"] = f'{tag}-{coding.name}"'
            if not self.is_not_modified(response.headers, fields):
                return await _compressed(response, coding)
        if self.is_not_modified(response.headers, fields):
            return NotModifiedResponse(response.headers)
        return response

    def file_response(
        self,
        full_path: PathLike,
        stat_result: os.stat_result,
        scope: Scope,  # noqa: ARG002 - the base class's signature
        status_code: int = 200,
    ) -> Response:
        """Return the file as it is; whether the client has it is asked once its coding is known."""
        return FileResponse(full_path, status_code, stat_result=stat_result)


def _pays(response: FileResponse, coding: Coding) -> bool:
    assert response.stat_result is not None
    is_text = (response.media_type or "").startswith(_TEXTS)
    return is_text and coding is not IDENTITY and response.stat_result.st_size >= coding.least


async def _compressed(response: FileResponse, coding: Coding) -> Response:
    """Return the file's response with its compressed bytes."""
    assert response.stat_result is not None
    modified = response.stat_result.st_mtime_ns
    body = await run_in_threadpool(_shrink, Path(response.path), modified, coding)
    headers = {
        k: v for k, v in response.headers.items() if k not in ("content-length", "accept-ranges")
    }
    return Response(body, headers={**headers, "content-encoding": coding.name})


@lru_cache(_MAX_FILES)
def _shrink(path: Path, _modified: int, coding: Coding) -> bytes:
    return coding.shrink(path.read_bytes())
