"""The bare statement: a route, four hand-written statements, PostgreSQL's bytes as they are.

What a service on this stack can reach at most: no GraphQL, no checks, psycopg2's asynchronous
connections, each statement prepared once a connection. It knows the texts of the four operations.
"""

import asyncio
import base64
import gc
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2 import extensions
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bench.queries import PROJECT

POOL_SIZE = 10
_SQL = {
    name: (Path(__file__).parents[1] / "sql" / f"{name}.sql").read_text("utf-8")
    for name in PROJECT.texts
}
_NAMES = {text: name for name, text in PROJECT.texts.items()}
# orjson, where bench.install could get it: four microseconds a request.
loads: Callable[[bytes], Any] = (import_module("orjson") if find_spec("orjson") else json).loads


class Connection:
    """One asynchronous connection, one statement at a time; where to is libpq's environment."""

    def __init__(self) -> None:
        self._raw: Any = psycopg2.connect("", options="-c timezone=UTC", async_=1)
        self._loop = asyncio.get_running_loop()
        self._answered: asyncio.Future[None] | None = None

    async def open(self) -> None:
        """Finish the handshake and prepare the statements."""
        await self._settle()
        extensions.register_type(extensions.BYTES, self._raw)
        self._cursor = self._raw.cursor()
        for name, text in _SQL.items():
            self._cursor.execute(f"prepare {name} (int) as {text.replace(':id', '$1')}")
            await self._settle()
        self._loop.add_reader(self._raw.fileno(), self._ready)

    async def _settle(self) -> None:
        while self._raw.poll() != extensions.POLL_OK:
            await asyncio.sleep(0.001)

    def _ready(self) -> None:
        if self._answered is not None and self._raw.poll() == extensions.POLL_OK:
            answered, self._answered = self._answered, None
            answered.set_result(None)

    async def fetch(self, name: str, key: int) -> bytes:
        self._cursor.execute(f"execute {name}({key})")
        self._answered = answered = self._loop.create_future()
        await answered
        value: bytes = self._cursor.fetchone()[0]
        return value


free: "asyncio.Queue[Connection]" = asyncio.Queue()


async def answer(request: Request) -> Response:
    """One request: the text names the statement, the variable is its parameter."""
    body = loads(await request.body())
    variables = body["variables"]
    key = variables["id"] if "id" in variables else _key_of(variables["after"])
    connection = await free.get()
    try:
        data = await connection.fetch(_NAMES[body["query"]], int(key))
    finally:
        free.put_nowait(connection)
    return Response(data, media_type="application/json")


def _key_of(cursor: str | None) -> int:
    return loads(base64.b64decode(cursor))[-1] if cursor else 0


@asynccontextmanager
async def lifespan(_app: Starlette) -> AsyncIterator[None]:
    for _ in range(POOL_SIZE):
        connection = Connection()
        await connection.open()
        free.put_nowait(connection)
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 50)
    yield


app = Starlette(routes=[Route("/graphql", answer, methods=["POST"])], lifespan=lifespan)
