"""HTTP over one connection, without added headers and without decoding."""

import gzip
import sys
from dataclasses import dataclass
from http.client import HTTPConnection
from urllib.parse import urlencode

from tests.bounds import within
from tests.requests import JSON, encode

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

DECODE = {"gzip": gzip.decompress, "zstd": zstd.decompress}


@dataclass(frozen=True)
class Reply:
    """The received bytes, and whether the connection is still open."""

    status: int
    headers: dict[str, str]
    body: bytes
    open: bool

    @property
    def decoded(self) -> bytes:
        coding = self.headers.get("content-encoding")
        return DECODE[coding](self.body) if coding else self.body


class RawConnection:
    """One connection, which adds no header except Host and Content-Length."""

    def __init__(self, host: str, port: int) -> None:
        self._connection = HTTPConnection(host, port, timeout=within(20))

    def close(self) -> None:
        self._connection.close()

    def send(self, method: str, path: str, body: bytes | None = None, /, **headers: str) -> Reply:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        connection = self._connection
        connection.putrequest(method, path, skip_accept_encoding=True)
        if body is not None:
            given = {"content-type": JSON, "content-length": str(len(body)), **given}
        for name, value in given.items():
            connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        found = {name.lower(): value for name, value in answer.getheaders()}
        return Reply(answer.status, found, answer.read(), connection.sock is not None)

    def post(self, query: str, /, **headers: str) -> Reply:
        return self.send("POST", "/graphql", encode({"query": query}), **headers)

    def get(self, query: str, method: str = "GET", /, **headers: str) -> Reply:
        headers = {"accept": JSON, **headers}
        return self.send(method, f"/graphql?{urlencode({'query': query})}", **headers)
