"""The addresses of PostgreSQL's hosts, found in a thread: libpq would look them up on the event loop.

The name is kept with its address: libpq verifies the certificate and looks up passwords by name.
Refuses nothing: what cannot be resolved here is left to libpq to fail on, where others remain.
"""

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from ipaddress import ip_address
from itertools import zip_longest
from threading import Thread

import psycopg2
from psycopg2 import extensions


class Addresses:
    """The connection string of one event loop, its hosts looked up anew for each connection."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        given = extensions.parse_dsn(dsn)
        self._hosts = given.get("host", "").split(",")
        self._ports = given.get("port", "").split(",")
        # Someone who gave addresses has looked them up; a socket's folder is none to look up.
        self._settled = "hostaddr" in given or not any(map(is_name, self._hosts))
        self._finding: asyncio.Future[str] | None = None

    async def dsn(self) -> str:
        """Return the connection string with `hostaddr`; raises psycopg2.OperationalError."""
        if self._settled:
            return self._dsn
        # A look-up that hangs is waited for by all, and not begun again and again.
        if self._finding is None or self._finding.done():
            loop = asyncio.get_running_loop()
            self._finding = loop.create_future()
            # Not an executor's thread: the end of the process does not wait for it.
            Thread(target=self._find, args=(loop, self._finding), daemon=True).start()
        return await asyncio.shield(self._finding)

    def _find(self, loop: asyncio.AbstractEventLoop, found: "asyncio.Future[str]") -> None:
        try:
            settle: Callable[[], None] = partial(found.set_result, self._resolved())
        except Exception as error:  # noqa: BLE001 - raised where it is waited for
            settle = partial(found.set_exception, error)
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(settle)

    def _resolved(self) -> str:
        ports = self._ports if len(self._ports) > 1 else self._ports * len(self._hosts)
        places: list[tuple[str, str, str]] = []
        reason: OSError | None = None
        for host, port in zip_longest(self._hosts, ports, fillvalue=""):
            try:
                places += [(host, address, port) for address in addresses_of(host)]
            except OSError as error:
                reason = error
        if not places:
            raise psycopg2.OperationalError(f"could not find the database's address: {reason}")
        hosts, found, numbers = (",".join(column) for column in zip(*places, strict=True))
        return extensions.make_dsn(self._dsn, host=hosts, hostaddr=found, port=numbers)


def is_name(host: str) -> bool:
    """Whether a host is neither a socket's folder nor an address."""
    if not host or host.startswith(("/", "@")):
        return False
    try:
        ip_address(host.partition("%")[0])
    except ValueError:
        return True
    return False


def addresses_of(host: str) -> list[str]:
    """Return what libpq is to try for a host, in the resolver's order; '' is to use the host as it is."""
    if not is_name(host):
        return [""]
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(place[4][0]) for place in found))
