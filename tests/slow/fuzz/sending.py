"""Sends envelopes to a live server and checks the answers. Waits no longer than TIMEOUT."""

import json
import socket
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.slow.fuzz.envelopes import Envelope, describe

TIMEOUT = 20
WITHOUT_BODY = (204, 304)
CUT_OFF, SILENT = "cut off", "silent"


@dataclass(frozen=True)
class Response:
    """What came back: a status, header fields and a body."""

    status: int
    fields: dict[bytes, bytes]
    body: bytes


@dataclass
class Tally:
    """What came back, counted by status, and what should not have."""

    statuses: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    @property
    def requests(self) -> int:
        return sum(self.statuses.values())

    def add(self, other: "Tally") -> None:
        """Count what another one counted as well."""
        self.statuses.update(other.statuses)
        self.kinds.update(other.kinds)
        self.faults += other.faults

    def __str__(self) -> str:
        found = ", ".join(f"{status}: {n}" for status, n in sorted(self.statuses.items()))
        return f"{self.requests} requests ({found}), {len(self.faults)} faults"


class Connection:
    """A connection that is kept while the server keeps it."""

    def __init__(self, host: str, port: int) -> None:
        self._address = (host, port)
        self._socket: socket.socket | None = None
        self._buffer = b""

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
        self._socket, self._buffer = None, b""

    def exchange(self, envelope: Envelope) -> tuple[list[Response], str]:
        """Return the responses to an envelope, and why there are no more: CUT_OFF, SILENT or nothing."""
        if envelope.answers == 0:
            self.close()
        found: list[Response] = []
        try:
            self._send(envelope)
            methods = iter(envelope.methods)
            while envelope.answers == 0 or len(found) < envelope.answers:
                response = self._receive(next(methods, "POST"))
                if response is None:
                    self.close()
                    return found, CUT_OFF
                found.append(response)
        except TimeoutError:
            self.close()
            return found, SILENT
        except OSError:
            self.close()
            return found, CUT_OFF
        if envelope.answers == 0 or found[-1].fields.get(b"connection") == b"close":
            self.close()
        return found, ""

    def _send(self, envelope: Envelope) -> None:
        if self._socket is None:
            self._socket = socket.create_connection(self._address, TIMEOUT)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for part in envelope.parts:
            self._socket.sendall(part)
        if envelope.ends:
            self._socket.shutdown(socket.SHUT_WR)

    def _receive(self, method: str) -> Response | None:
        """Return the next response; None where the server closed the connection instead."""
        while (end := self._buffer.find(b"\r\n\r\n")) < 0:
            if not self._more():
                return None
        head, self._buffer = self._buffer[:end], self._buffer[end + 4 :]
        first, *lines = head.split(b"\r\n")
        status = int(first.split()[1])
        if status == 100:
            return self._receive(method)
        pairs = (line.partition(b":") for line in lines)
        fields = {name.strip().lower(): value.strip() for name, _, value in pairs}
        if method == "HEAD" or status in WITHOUT_BODY:
            return Response(status, fields, b"")
        if fields.get(b"transfer-encoding") == b"chunked":
            return Response(status, fields, self._chunks())
        return Response(status, fields, self._take(int(fields[b"content-length"])))

    def _chunks(self) -> bytes:
        body = b""
        while True:
            while b"\r\n" not in self._buffer:
                if not self._more():
                    return body
            size, _, self._buffer = self._buffer.partition(b"\r\n")
            part = self._take(int(size, 16) + 2)[:-2]
            if not part:
                return body
            body += part

    def _take(self, length: int) -> bytes:
        while len(self._buffer) < length:
            if not self._more():
                raise ConnectionError("the body ended early")
        body, self._buffer = self._buffer[:length], self._buffer[length:]
        return body

    def _more(self) -> bool:
        assert self._socket is not None
        data = self._socket.recv(65_536)
        self._buffer += data
        return bool(data)


def fuzz(host: str, port: int, made: Iterable[Envelope], first: int = 0) -> Tally:
    """Send each envelope, the first of which has this number, and judge what comes back."""
    tally = Tally()
    connection = Connection(host, port)
    for number, envelope in enumerate(made, first):
        responses, ended = connection.exchange(envelope)
        tally.kinds[envelope.kind] += 1
        tally.statuses.update(str(response.status) for response in responses)
        if ended and not responses:
            tally.statuses[ended] += 1
        for wrong in judge(envelope, responses, ended):
            tally.faults.append(f"{number} ({envelope.kind}): {wrong}: {describe(envelope.parts)}")
    connection.close()
    return tally


def judge(envelope: Envelope, responses: list[Response], ended: str) -> list[str]:
    """Return what is wrong with the responses to an envelope; nothing should be.

    Bytes that are no HTTP may be answered by closing the connection; a request may not.
    """
    wrong = [f"status {each.status}" for each in responses if each.status >= 500]
    if ended == SILENT or (ended and envelope.answers):
        wrong.append(f"{ended} after {len(responses)} of {envelope.answers} responses")
    for each in responses:
        if each.body and each.fields.get(b"content-type", b"").startswith(b"application/"):
            wrong += misshapen(each)
    return wrong


def misshapen(response: Response) -> list[str]:
    """Return what is wrong with a body that says it is JSON."""
    if b"content-encoding" in response.fields or b"json" not in response.fields[b"content-type"]:
        return []
    try:
        json.loads(response.body)
    except ValueError as error:
        return [f"no JSON: {error}"]
    return []
