"""The serving process: its socket, its workers and the timeouts of slow clients.

Never waits without a limit for a request, for a client that reads its response, or for a worker that
hangs. After a signal to end, the kernel refuses new connections.
"""

import asyncio
import http.client
import logging
import signal
import socket
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

from starlette.applications import Starlette
from uvicorn import Config, Server
from uvicorn.config import STARTUP_FAILURE
from uvicorn.server import ServerState
from uvicorn.supervisors import Multiprocess

from graph.transport.cors import HEADERS
from serving.connection import BoundedProtocol
from serving.settings import Settings

# Seconds for running requests to end at a shutdown, and for their worker beyond that.
SHUTDOWN_SECONDS, LAST_SECONDS = 10, 4
# A worker that has not answered its supervisor for so many seconds is replaced.
HUNG_SECONDS = 10
# Seconds for a client to send a request's headers or its body, and to read a response.
HEADER_SECONDS, BODY_SECONDS, READ_SECONDS = 10, 15, 30
CLOSING_SECONDS = 1
MAX_FILES = 65_536

log = logging.getLogger("cacaotrace")


class CannotListen(Exception):
    """The address is taken, or not ours."""


# ---------------------------------------------------------------- slow clients


class Protocol(BoundedProtocol):
    """uvicorn's protocol with timeouts for slow clients."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the server's SlowClientReaper at its first connection."""
        super().connection_made(transport)
        if self.server_state not in REAPERS:
            REAPERS[self.server_state] = SlowClientReaper(self.loop)
            REAPERS[self.server_state].check(self.server_state)

    def on_response_complete(self) -> None:
        """Close a connection whose response was complete before its request's body."""
        # Of pipelined requests, the one that is being read may not be the one that was answered.
        unread = self.cycle.response_complete and self.cycle.more_body
        super().on_response_complete()
        if unread and not self.transport.is_closing():
            # The client can read the response before the connection closes.
            self.transport.pause_reading()
            self.loop.call_later(CLOSING_SECONDS, self.transport.abort)


class SlowClientReaper:
    """Closes slow connections: one check of all each second, which costs less than a timer a request."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: dict[Any, tuple[Any, float, float]] = {}

    def check(self, state: ServerState) -> None:
        """Abort the connections that have waited for their client for too long."""
        now, waiting = self._loop.time(), dict[Any, tuple[Any, float, float]]()
        connections: list[Any] = list(state.connections)
        for protocol in connections:
            seconds = seconds_allowed(protocol)
            if not seconds:
                continue
            cycle, allowed, since = self._waiting.get(protocol, (None, 0.0, 0.0))
            if cycle is not protocol.cycle or allowed != seconds:
                since = now
            if now - since > seconds:
                protocol.transport.abort()
            waiting[protocol] = (protocol.cycle, seconds, since)
        self._waiting = waiting
        self._loop.call_later(1, self.check, state)


REAPERS: WeakKeyDictionary[ServerState, SlowClientReaper] = WeakKeyDictionary()


def seconds_allowed(protocol: Any) -> float:
    """Seconds that the server may wait for the client; 0 where it does not wait."""
    cycle = protocol.cycle
    if cycle is None or cycle.response_complete:
        # Between two requests uvicorn's own timer runs, until the next one begins.
        return 0 if protocol.timeout_keep_alive_task is not None else HEADER_SECONDS
    if protocol.flow.write_paused:
        return READ_SECONDS
    return BODY_SECONDS if cycle.more_body else 0


# ---------------------------------------------------------------- the process


class Supervisor(Multiprocess):
    """uvicorn's supervisor that stops listening with its workers and kills those that hang."""

    def terminate_all(self) -> None:
        """Ask the workers to end. The last one that closes the socket refuses new connections."""
        for listener in self.sockets:
            listener.close()
        super().terminate_all()

    def join_all(self) -> None:
        """Wait for the workers, and kill those that do not end."""
        deadline = time.monotonic() + SHUTDOWN_SECONDS + LAST_SECONDS
        for worker in self.processes:
            worker.process.join(max(0.1, deadline - time.monotonic()))
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()


def run(settings: Settings, create_app: Callable[[Settings], Starlette]) -> int:
    """Serve until SIGINT or SIGTERM; the exit code. Raises CannotListen, and what `create_app` raises."""
    several = settings.workers > 1
    if several and settings.trusted_documents:
        # What cannot be used is said here, once, rather than by each worker.
        create_app(settings)
    config = Config(
        "serving.cli:worker" if several else create_app(settings),
        factory=several,
        workers=settings.workers,
        http=Protocol,
        loop="serving.fair_accepting:FairLoop" if several else "auto",
        lifespan="on",
        log_config=None,
        access_log=settings.log_level == "debug",
        server_header=False,
        headers=list(HEADERS),
        proxy_headers=bool(settings.proxies),
        forwarded_allow_ips=list(settings.proxies),
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        timeout_worker_healthcheck=HUNG_SECONDS,
    )
    _allow_files()
    with _bind(settings) as listener:
        threading.Thread(target=_announce, args=(settings, listener), daemon=True).start()
        if not several:
            Server(config).run([listener])
            return 0
        hangup = signal.getsignal(signal.SIGHUP)
        supervisor = Supervisor(config, [listener])
        # The supervisor would restart its workers; a closed terminal is meant to end them.
        signal.signal(signal.SIGHUP, hangup)
        supervisor.run()
        return int(any(p.exitcode == STARTUP_FAILURE for p in supervisor.processes))


def _allow_files() -> None:
    """Many connections are many open files: take as many as this user may have."""
    with suppress(ImportError, ValueError, OSError):
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = MAX_FILES if hard == resource.RLIM_INFINITY else min(hard, MAX_FILES)
        if soft != resource.RLIM_INFINITY and soft < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _bind(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
        # From here on no other process gets this port; clients wait until the workers accept.
        listener.listen(2048)
    except OSError as error:
        listener.close()
        where = f"{settings.host} port {settings.port}"
        raise CannotListen(f"cannot listen on {where}: {error.strerror}") from error
    return listener


def _announce(settings: Settings, listener: socket.socket) -> None:
    """Print where the server is, once it answers; where the log is JSON, log it."""
    host, port = settings.host, listener.getsockname()[1]
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    with (
        suppress(OSError, http.client.HTTPException),
        closing(http.client.HTTPConnection(reachable, port)) as connection,
    ):
        connection.request("GET", "/api/health")
        connection.getresponse().read()
        shown = f"[{reachable}]" if ":" in reachable else reachable
        what = "GraphQL" if settings.production else "GraphiQL"
        tell = log.info if settings.log_format == "json" else partial(print, flush=True)
        tell(f"{what}: http://{shown}:{port}/graphql   (Ctrl-C stops)")
        if settings.dev_role != "public":
            tell(f"A request without a token acts as {settings.dev_role} (DEV_ROLE).")
