"""The statements that a Database sends: by SQLAlchemy's events, and on the wire.

`recording` listens to both engines of a Database. `wiretap` is a relay between the driver and the
server, and so also sees the statements of the driver and of the pool.
"""

import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from unittest.mock import patch

from sqlalchemy import Engine, event, make_url

from models.database.asynchronous import AsyncConnection, Statement
from models.database.engines import Database

CHUNK = 65_536
SOCKET_NAME = ".s.PGSQL.5432"


@contextmanager
def recording(database: Database) -> Iterator[list[str]]:
    """Provide the statements that this database executes while inside, of reads and of writes.

    A prepared statement is listed with its own text, once for each execution.
    """
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    engines: list[Engine] = [database._reads, database._writes]
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    try:
        with recording_loop(statements):
            yield statements
    finally:
        for engine in engines:
            event.remove(engine, "before_cursor_execute", note)


@contextmanager
def recording_loop(statements: list[str]) -> Iterator[None]:
    """Note what the connections of an event loop execute while inside."""
    run, fetch = AsyncConnection._run, AsyncConnection.fetch
    texts: dict[str, str] = {}

    def note_run(connection: AsyncConnection, text: str, values: Any = None) -> Any:
        if not text.startswith(("PREPARE ", "DEALLOCATE ")):
            name = text.removeprefix("EXECUTE ").partition("(")[0]
            statements.append(texts.get(name, text))
        return run(connection, text, values)

    def note_fetch(connection: AsyncConnection, statement: Statement, values: Any) -> Any:
        texts[statement.name] = statement.text
        return fetch(connection, statement, values)

    with (
        patch.object(AsyncConnection, "_run", note_run),
        patch.object(AsyncConnection, "fetch", note_fetch),
    ):
        yield


class Wiretap:
    """A relay to a PostgreSQL server that keeps the text of every simple query that passes."""

    def __init__(self, server: str, folder: Path) -> None:
        self._server = make_url(server)
        self.queries: list[str] = []
        options = {**self._server.query, "host": str(folder), "port": "5432"}
        relayed = self._server.set(host=None, port=None, query=options)
        self.url = relayed.render_as_string(hide_password=False)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(folder / SOCKET_NAME))
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._relay, args=(client,), daemon=True).start()

    def _connect(self) -> socket.socket:
        host = self._server.query.get("host", self._server.host) or "/tmp"
        port = int(str(self._server.query.get("port", self._server.port or 5432)))
        if isinstance(host, str) and host.startswith("/"):
            upstream = socket.socket(socket.AF_UNIX)
            upstream.connect(f"{host}/.s.PGSQL.{port}")
            return upstream
        return socket.create_connection((str(host), port))

    def _relay(self, client: socket.socket) -> None:
        with client, self._connect() as server:
            back = threading.Thread(target=copy, args=(server, client), daemon=True)
            back.start()
            with suppress(OSError), client.makefile("rb") as stream:
                startup = True
                while message := read_message(stream, startup):
                    startup = False
                    if message[:1] == b"Q":
                        self.queries.append(message[5:-1].decode())
                    server.sendall(message)
            with suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)
            back.join()


def copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while chunk := source.recv(CHUNK):
            target.sendall(chunk)
        target.shutdown(socket.SHUT_RDWR)


def read_message(stream: Any, startup: bool) -> bytes:
    """One message of the frontend protocol, as it is; the first has no type byte."""
    kind: bytes = b"" if startup else stream.read(1)
    length: bytes = stream.read(4)
    if len(length) < 4:
        return b""
    rest: bytes = stream.read(int.from_bytes(length, "big") - 4)
    return kind + length + rest


@contextmanager
def wiretap(url: str) -> Iterator[Wiretap]:
    """Provide a relay in front of the server of this URL; connect to its `url` instead."""
    with tempfile.TemporaryDirectory(prefix="cacaotrace-") as folder:
        tap = Wiretap(url, Path(folder))
        try:
            yield tap
        finally:
            tap.close()
