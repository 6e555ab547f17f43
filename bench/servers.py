"""Servers under test: how each is started and stopped, and how a request reaches it.

Every one of them listens on 127.0.0.1 only, has the same number of workers, and logs into a file.
"""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from bench.database import ROOT
from bench.queries import LISTS, POSTGRAPHILE, PROJECT, Cursors, Dialect, request_body

SERVER_START_SECONDS, _STOP_SECONDS = 60, 20
# How often a server that starts is asked whether it answers.
_LOOK_SECONDS = 0.02
UVICORN = (
    *("--loop", "uvloop", "--http", "httptools", "--log-level", "warning", "--no-access-log"),
    *("--no-server-header", "--no-proxy-headers", "--host", "127.0.0.1"),
)


class ServerRefused(Exception):
    """A server answered with a status that is not 200."""


class NoStart(Exception):
    """A server ended, or did not answer in time; the message has the end of its log."""


@dataclass(frozen=True)
class Peer:
    """A server that can be started: `command` may name {port} and {workers}."""

    name: str
    title: str
    dialect: Dialect
    command: Sequence[str]


def python_peers() -> list[Peer]:
    """Return the project as a user starts it, the bare statement, and strawberry with DataLoaders."""
    uvicorn = [sys.executable, "-m", "uvicorn", *UVICORN, "--port", "{port}"]
    several = [*uvicorn, "--workers", "{workers}"]
    return [
        Peer("project", "cacaotrace", PROJECT, [sys.executable, "server.py", "serve"]),
        Peer("bare", "bare statement", PROJECT, [*several, "bench.peers.bare:app"]),
        Peer(
            "dataloader",
            "strawberry, DataLoaders",
            LISTS,
            [*several, "bench.peers.dataloader:app"],
        ),
    ]


def node_peers(node: Path, folder: Path, version: int, needed: int) -> list[Peer]:
    """Return what this node can run; one line about what it cannot."""
    scripts = folder / "node"
    mercurius = Peer(
        "mercurius", "Mercurius 16 JIT", LISTS, [str(node), str(scripts / "mercurius.mjs")]
    )
    if version < needed:
        print(f"Node {version} is too old: PostGraphile, which needs {needed}, is left out")
        return [mercurius]
    script = str(scripts / "postgraphile.mjs")
    return [Peer("postgraphile", "PostGraphile 5", POSTGRAPHILE, [str(node), script]), mercurius]


@dataclass(frozen=True)
class Server:
    """A running peer, the seconds to its first answer, and the bearer `token` of its clients."""

    peer: Peer
    port: int
    process: int
    cursors: Cursors
    seconds: float = 0.0
    token: str = ""

    def body(self, query: str, key: int | None) -> bytes:
        return request_body(self.peer.dialect, self.cursors, query, key)

    def post(self, body: bytes) -> bytes:
        """Return the response's body; raises Refused for any status but 200."""
        return post(self.port, body, self.token)


def post(port: int, body: bytes, token: str = "") -> bytes:
    """POST to /graphql; raises Refused for any status but 200, OSError without a server."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        bearer = {"Authorization": f"Bearer {token}"} if token else {}
        headers = {"Content-Type": "application/json", **bearer}
        connection.request("POST", "/graphql", body, headers)
        response = connection.getresponse()
        content = response.read()
    if response.status != 200:
        raise ServerRefused(f"status {response.status}: {content[:500].decode('utf-8', 'replace')}")
    return content


@contextmanager
def running(
    peers: Sequence[Peer], environment: Mapping[str, str], workers: int, logs: Path
) -> Iterator[list[Server]]:
    """All of them, started; each answers. They end with the `with` block."""
    logs.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        servers: list[Server] = []
        for peer in peers:
            started = _started(peer, environment, workers, logs / f"{peer.name}.log")
            servers.append(_acquainted(stack.enter_context(started), servers))
        yield servers


@contextmanager
def _started(
    peer: Peer, environment: Mapping[str, str], workers: int, journal: Path
) -> Iterator[Server]:
    port = _free_port()
    words = [word.format(port=port, workers=workers) for word in peer.command]
    variables = {"PORT": str(port), "HOST": "127.0.0.1", "WORKERS": str(workers)}
    production = {"NODE_ENV": "production", "GRAPHILE_ENV": "production"}
    # The other servers do not authenticate; the queries read fields that are not public.
    reading = {"DEV_ROLE": "auditor"}
    start = time.perf_counter()
    with journal.open("wb") as output:
        process = subprocess.Popen(
            words,
            cwd=ROOT,
            env={**os.environ, **environment, **variables, **production, **reading},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        server = Server(peer, port, process.pid, Cursors())
        _await_answer(server, process, journal)
        yield replace(server, seconds=time.perf_counter() - start)
    finally:
        _stop(process)


def _await_answer(server: Server, process: "subprocess.Popen[bytes]", journal: Path) -> None:
    body, reason = server.body("tiny", 1), "no answer"
    for _ in range(int(SERVER_START_SECONDS / _LOOK_SECONDS)):
        if process.poll() is not None:
            reason = f"ended with {process.returncode}"
            break
        try:
            server.post(body)
        except (OSError, ServerRefused, http.client.HTTPException) as error:
            reason = str(error)
            time.sleep(_LOOK_SECONDS)
        else:
            return
    told = journal.read_text("utf-8", "replace")[-2000:]
    raise NoStart(f"{server.peer.title} did not start: {reason}\n{told}")


def _acquainted(server: Server, others: Sequence[Server]) -> Server:
    """Return the server with its cursors: those of one that speaks alike, or learned from its first page."""
    dialect = server.peer.dialect
    if not dialect.opaque:
        return server
    known = [other.cursors for other in others if other.peer.dialect is dialect]
    cursors = known[0] if known else Cursors.learned(_first_cursor(server))
    return replace(server, cursors=cursors)


def _first_cursor(server: Server) -> str:
    content = server.post(server.body("page", None))
    cursor: str = json.loads(content)["data"]["products"]["pageInfo"]["endCursor"]
    return cursor


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _stop(process: "subprocess.Popen[bytes]") -> None:
    """End the process, then whatever it left in its session."""
    process.send_signal(signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(_STOP_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
