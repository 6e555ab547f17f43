"""Bytes that are not HTTP, requests that never end, and what a proxy reports of a client."""

import asyncio
import json
import socket
from contextlib import suppress
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest

from models.database.engines import Database
from serving.connection import CoalescingTransport
from tests.bounds import within
from tests.conftest import Serving, start_serving

HEAD = b"POST /graphql HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n"
LINE = b"x: " + b"y" * 1_000 + b"\r\n"


def say(url: str, data: bytes) -> bytes:
    """Return the answer to these bytes, up to the end of the connection."""
    with socket.create_connection((urlsplit(url).hostname, urlsplit(url).port), 10) as connection:
        # It hangs up before all was sent, which is what it should do with what has no end.
        with suppress(OSError):
            connection.sendall(data)
        answer = b""
        with suppress(ConnectionError):
            while part := connection.recv(65_536):
                answer += part
    return answer


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"\x16\x03\x01\x02\x00 this is TLS \r\n\r\n", b"400"),
        (b"POST /graphql HTTP/9.9\r\n\r\n", b"400"),
        (b"GET /\xff HTTP/1.1\r\n\r\n", b"400"),
        (HEAD + b"content-length: -1\r\n\r\n", b"400"),
        (HEAD + b"content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n{}", b"400"),
        (HEAD + b"x: y\r\n" * 100 + b"\r\n", b"400"),
    ],
    ids=lambda given: ascii(given)[:40],
)
def test_what_is_no_http_is_refused_in_json(
    live_server_url: str, data: bytes, status: bytes
) -> None:
    head, _, body = say(live_server_url, data).partition(b"\r\n\r\n")
    assert head.split()[1] == status
    assert b"content-type: application/json; charset=utf-8" in head
    assert b"x-content-type-options: nosniff" in head
    assert b"server:" not in head
    (error,) = json.loads(body)["errors"]
    assert error["extensions"] == {"code": "BAD_REQUEST"}


@pytest.mark.parametrize(
    "data",
    [
        HEAD + LINE * 2_000,
        HEAD + b"x: " + b"y" * 2_000_000,
        HEAD + b"transfer-encoding: chunked\r\n\r\n0\r\n" + LINE * 2_000,
    ],
    ids=["fields", "one field", "fields behind the body"],
)
def test_head_without_an_end_is_cut_off(live_server_url: str, data: bytes) -> None:
    # The refusal itself may be lost where the client is still sending.
    answer = say(live_server_url, data)
    assert answer == b"" or answer.split()[1] == b"431"
    assert b"200 OK" in say(live_server_url, b"GET /api/health HTTP/1.0\r\n\r\n")


def transport_security(serving: Serving) -> str | None:
    """Return the Strict-Transport-Security header of an answer to a proxied https request."""
    connection = HTTPConnection(urlsplit(serving.url).netloc, timeout=within(10))
    forwarded = {"x-forwarded-proto": "https", "x-forwarded-for": "203.0.113.9"}
    connection.request("GET", "/api/health", headers=forwarded)
    response = connection.getresponse()
    response.read()
    connection.close()
    return response.headers["strict-transport-security"]


@pytest.mark.parametrize(
    ("proxies", "expected"),
    [("", None), ("127.0.0.1", "max-age=31536000"), ("10.0.0.0/8", None)],
)
def test_only_a_trusted_proxy_says_where_a_client_comes_from(
    sample: Database, proxies: str, expected: str | None
) -> None:
    url = sample.engine().url.render_as_string(hide_password=False)
    serving = start_serving(DATABASE_URL=url.replace("+psycopg2", ""), FORWARDED_ALLOW_IPS=proxies)
    found = transport_security(serving)
    code, _, errors = serving.stop()
    assert (found, code) == (expected, 0)
    assert "ERROR" not in errors


GET = b"GET /api/health HTTP/1.1\r\nconnection: close\r\n"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (b"", "There is no Host header."),
        (b"host: a\r\nhost: a\r\n", "There is more than one Host header."),
        (b"host: a\r\nx: y\r\nHOST: b\r\n", "There is more than one Host header."),
        *(
            (b"host: %b\r\n" % host, "The Host header is not a host with an optional port.")
            for host in (
                *(b"", b" ", b"a b/c@d", b"a b", b"a/b", b"me@a", b"a,b", b"a?b", b"a#b", b"<a>"),
                *(b"http://a", b"a:b", b"a:1:2", b"a:65536", b"a:-1", b":80", b"::1", b"[::1", b"[a b]"),
                *(b"%", b"%4", b"%zz", b"\xc3\xa4", b"a\\b", b'a"b', b"[::1]x", b"a" * 301),
            )
        ),
    ],
)  # fmt: skip
def test_request_without_one_valid_host_is_400(
    live_server_url: str, fields: bytes, message: str
) -> None:
    head, _, body = say(live_server_url, GET + fields + b"\r\n").partition(b"\r\n\r\n")
    assert head.split(b"\r\n")[0] == b"HTTP/1.1 400 Bad Request"
    assert b"connection: close" in head
    assert json.loads(body) == {
        "errors": [{"message": message, "extensions": {"code": "BAD_REQUEST"}}]
    }


@pytest.mark.parametrize(
    "host",
    [b"a", b"a.example", b"a.example.", b"A_b-c~1:8000", b"127.0.0.1:80", b"[::1]", b"[::1]:8000", b"a:",
     b"a%20b", b"  a  ", b"a:65535"],
)  # fmt: skip
def test_valid_host_is_answered(live_server_url: str, host: bytes) -> None:
    answer = say(live_server_url, GET + b"host: %b\r\n\r\n" % host)
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")


@pytest.mark.parametrize(("fields", "status"), [(b"", b"200"), (b"host: a b\r\n", b"400")])
def test_client_of_http_1_0_may_leave_out_its_host(
    live_server_url: str, fields: bytes, status: bytes
) -> None:
    answer = say(live_server_url, b"GET /api/health HTTP/1.0\r\n" + fields + b"\r\n")
    assert answer.split()[1] == status


def test_faulty_host_of_a_second_request_ends_the_connection(live_server_url: str) -> None:
    first = b"GET /api/health HTTP/1.1\r\nhost: a\r\n\r\n"
    body = b'{"query": "{ __typename }"}'
    with socket.create_connection(
        (urlsplit(live_server_url).hostname, urlsplit(live_server_url).port), 10
    ) as connection:
        connection.sendall(first)
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200 OK\r\n")
        post = HEAD.replace(b"host: a", b"host: a\r\nhost: b")
        connection.sendall(post + b"content-length: %d\r\n\r\n%b" % (len(body), body))
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))
    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"__typename" not in answer


@pytest.mark.parametrize("coding", [b"gzip, chunked", b"identity, chunked"])
def test_unknown_transfer_coding_is_400(live_server_url: str, coding: bytes) -> None:
    data = HEAD + b"transfer-encoding: %b\r\n\r\n0\r\n\r\n" % coding
    assert say(live_server_url, data).startswith(b"HTTP/1.1 400 Bad Request\r\n")


@pytest.mark.parametrize(
    ("path", "location"),
    [
        (b"/", b"/graphql"),
        (b"/graphql/", b"/graphql"),
        (b"/graphql///", b"/graphql"),
        (b"/graphql/?query=%7Ba%7D&x=/y", b"/graphql?query=%7Ba%7D&x=/y"),
        (b"/api/products/", b"/api/products"),
        (b"/api/health/", b"/api/health"),
        (b"/trace/1/", b"/trace/1"),
        (b"/trace/a%3Fb%23c%0D%0Ad/", b"/trace/a%3Fb%23c%0D%0Ad"),
        (b"/trace/@evil.example/", b"/trace/@evil.example"),
        (b"/static", b"/static/"),
    ],
)
@pytest.mark.parametrize("target", [b"", b"http://evil.example"], ids=["path", "absolute"])
def test_redirect_never_repeats_the_host(
    live_server_url: str, target: bytes, path: bytes, location: bytes
) -> None:
    request = b"GET %b%b HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n"
    head, _, body = say(live_server_url, request % (target, path)).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 307 Temporary Redirect\r\n")
    assert [line[10:] for line in head.split(b"\r\n") if line.startswith(b"location: ")] == [
        location
    ]
    assert b"evil.example" not in head.replace(location, b"")
    assert body == b""


@pytest.mark.parametrize(
    "path", [b"//evil.example/", b"//evil.example/graphql/", b"//graphql/", b"/nowhere/", b"/%5Cevil.example/"]
)  # fmt: skip
def test_path_that_leads_nowhere_is_not_redirected(live_server_url: str, path: bytes) -> None:
    request = b"GET %b HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n"
    answer = say(live_server_url, request % path)
    assert answer.startswith(b"HTTP/1.1 404 Not Found\r\n")
    assert b"location:" not in answer


class RecordingTransport(asyncio.Transport):
    """A transport that records each write."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.sent.append(bytes(data))

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed


def test_a_head_travels_with_the_first_of_its_body() -> None:
    transport = RecordingTransport()
    together = CoalescingTransport(transport)
    for part in (b"head", b"one", b"two", b""):
        together.write(part)
    together.close()
    assert (transport.sent, together.is_closing()) == ([b"headone", b"two", b""], True)


@pytest.mark.parametrize(
    "parts", [[b"head"], [b"head", b""], [b"HTTP/1.1 100 Continue\r\n\r\n", b"head"], []]
)
def test_nothing_that_was_written_is_kept_back_at_the_end(parts: list[bytes]) -> None:
    transport = RecordingTransport()
    together = CoalescingTransport(transport)
    for part in parts:
        together.write(part)
    together.close()
    assert b"".join(transport.sent) == b"".join(parts)
    assert transport.sent[:1] == parts[:1]


def test_expect_continue_is_answered_with_100(live_server_url: str) -> None:
    url, body = urlsplit(live_server_url), b'{"query": "{ __typename }"}'
    with socket.create_connection((url.hostname, url.port), 10) as connection:
        connection.sendall(HEAD + b"expect: 100-continue\r\ncontent-length: %d\r\n\r\n" % len(body))
        assert connection.recv(65_536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        answer = connection.recv(65_536)
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(b"}")


def test_answers_come_whole_in_their_order_also_to_heads_and_pipelined(
    live_server_url: str,
) -> None:
    body = b'{"query": "{ __typename }"}'
    post = HEAD + b"content-length: %d\r\n\r\n%b" % (len(body), body)
    head = b"HEAD /api/health HTTP/1.1\r\nhost: a\r\n\r\n"
    last = b"GET /api/health HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"
    answer = say(live_server_url, post + head + post + last)
    assert answer.count(b"HTTP/1.1 200 OK\r\n") == 4
    assert answer.count(b'{"data":{"__typename":"Query"}') == 2
    _, _, behind = answer.rpartition(b"\r\n\r\n")
    assert json.loads(behind)["status"] == "OK"
