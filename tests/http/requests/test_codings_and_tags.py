"""HTTP on the wire: content codings, entity tags, keep-alive."""

import asyncio
import json
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from typing import Any

import pytest
from graphql import get_introspection_query
from sqlalchemy import text

from graph.admission.client_limiter import ClientLimiter
from graph.answer import Answer
from graph.context import Viewer
from graph.headers import headers_of
from graph.transport.negotiation import Coding, choose_coding, names_tag
from graph.transport.response import Exchange
from models.database.engines import Database
from tests.http.conftest import serving
from tests.http.requests.raw_connection import DECODE, RawConnection
from tests.requests import GRAPHQL, JSON

SHORT = "{ product(by: {productId: 1}) { name } }"
COST = '"extensions":{"cost":{"requested":1,"maximum":5000000}}'
SHORT_BODY = f'{{"data":{{"product":{{"name":"Noir Café 70%"}}}},{COST}}}'.encode()
LONG = "{ product(by: {productId: 3}) { description } }"
# Longer than what the event loop compresses, and than what is sent as one part.
VERY_LONG = "{" + " ".join(f"a{n}: products {{ nodes {{ description }} }}" for n in range(20)) + "}"
CREATE = 'mutation { createSupplier(input: {name: "A", location: "B"}) { supplier { id } } }'
VARY = "Accept, Accept-Encoding"


@pytest.fixture(scope="module")
def address(protected_world: Database) -> Iterator[tuple[str, int]]:
    with serving(protected_world) as address:
        yield address


@pytest.fixture
def raw(address: tuple[str, int], assert_unchanged: None) -> Iterator[RawConnection]:
    """Provide a connection to a server of the shared world."""
    connection = RawConnection(*address)
    yield connection
    connection.close()


# ---------------------------------------------------------------- content codings


@pytest.mark.parametrize(
    ("accepted", "chosen"),
    [
        ("gzip", "gzip"),
        ("zstd", "zstd"),
        ("gzip, deflate, br, zstd", "gzip"),
        ("br, zstd, gzip", "gzip"),
        ("zstd, gzip", "zstd"),
        ("gzip;q=0.5, zstd", "zstd"),
        ("gzip;q=0.8, zstd;q=0.9, br", "gzip"),
        ("deflate, br, zstd", "zstd"),
        ("gzip;q=0, br, zstd", "zstd"),
        ("gzip, deflate, br", "gzip"),
        ("GZIP", "gzip"),
        ("x-gzip", "gzip"),
        ("zstd;q=0.5, gzip", "gzip"),
        ("zstd;q=0.5, gzip;q=0.8", "gzip"),
        ("zstd;q=0, gzip;q=0.1", "gzip"),
        ("gzip ; q=1.0 , br", "gzip"),
        ("*", "gzip"),
        ("zstd;q=0, *", "gzip"),
        ("gzip, *;q=0", "gzip"),
        ("gzip, identity", "gzip"),
        ("gzip;q=0.5, identity", "identity"),
        ("identity", "identity"),
        ("identity;q=0.1", "identity"),
        ("br, deflate", "identity"),
        ("gzip;q=0", "identity"),
        ("gzip;q=x", "identity"),
        ("gzip;q=0, zstd;q=0, identity;q=0", None),
        ("*;q=0", None),
        ("identity;q=0", None),
        ("br, identity;q=0", None),
        ("identity;q=0, gzip;q=0.1", "gzip"),
        ("identity;q=0, *", "gzip"),
        ("*;q=0, identity", "identity"),
        (", ,", "identity"),
    ],
)
def test_accept_encoding_is_read_as_rfc_9110_says(accepted: str, chosen: str | None) -> None:
    coding = choose_coding(accepted.encode())
    assert (coding.name if coding else None) == chosen


@pytest.mark.parametrize(
    ("accepted", "chosen"),
    [
        ("gzip, deflate, br, zstd", "zstd"),
        ("gzip;q=0.8, zstd;q=0.5", "gzip"),
        ("gzip, deflate, br", "gzip"),
        ("*", "zstd"),
        ("identity;q=0, *", "zstd"),
    ],
)
def test_browser_gets_zstd_wherever_it_names_it(accepted: str, chosen: str) -> None:
    coding = choose_coding(accepted.encode(), browser=True)
    assert (coding.name if coding else None) == chosen


@pytest.mark.parametrize(
    ("given", "coding"),
    [
        ({}, "gzip"),
        # What the fetch of Node.js 20 sends, which cannot read zstd.
        ({"sec_fetch_mode": "cors", "user_agent": "node"}, "gzip"),
        ({"sec_fetch_mode": "cors", "sec_fetch_site": "same-origin"}, "zstd"),
        ({"sec_fetch_mode": "cors", "sec_fetch_site": "cross-site"}, "zstd"),
    ],
)
@pytest.mark.parametrize("query", [LONG, VERY_LONG])
def test_zstd_among_others_is_for_browsers(
    raw: RawConnection, query: str, given: dict[str, str], coding: str
) -> None:
    answer = raw.post(query, accept_encoding="gzip, deflate, br, zstd", **given)
    assert answer.headers["content-encoding"] == coding
    assert "data" in json.loads(answer.decoded)


NODE = """
const answer = await fetch(process.argv[1], { method: "POST",
  headers: { "content-type": "application/json", "accept-encoding": "gzip, deflate, br, zstd" },
  body: JSON.stringify({ query: process.argv[2] }) });
console.log(Object.keys((await answer.json()).data.__schema).join());"""


@pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not installed")
def test_fetch_of_node_reads_the_schema(address: tuple[str, int], assert_unchanged: None) -> None:
    url = "http://{}:{}/graphql".format(*address)
    command = ["node", "--input-type=module", "-e", NODE, url, get_introspection_query()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "queryType,mutationType,subscriptionType,types,directives\n"


@pytest.mark.parametrize("method", ["POST", "GET"])
@pytest.mark.parametrize("query", [LONG, VERY_LONG])
@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_long_answer_is_compressed_where_it_is_accepted(
    raw: RawConnection, coding: str, query: str, method: str
) -> None:
    plain = raw.post(query)
    answer = (raw.post if method == "POST" else raw.get)(query, accept_encoding=coding)
    assert answer.status == 200
    assert answer.headers["content-encoding"] == coding
    assert answer.headers["content-length"] == str(len(answer.body))
    assert len(answer.body) < len(plain.body) / 10
    assert answer.decoded == plain.body


@pytest.mark.parametrize("query", [LONG, VERY_LONG])
@pytest.mark.parametrize("accepted", [{}, {"accept_encoding": ""}, {"accept_encoding": "br"}])
def test_answer_stays_as_it_is_where_no_coding_is_accepted(
    raw: RawConnection, query: str, accepted: dict[str, str]
) -> None:
    answer = raw.post(query, **accepted)
    assert "content-encoding" not in answer.headers
    assert answer.headers["content-length"] == str(len(answer.body))
    assert list(json.loads(answer.body)) == ["data", "extensions"]


def test_very_long_answers_are_longer_than_any_limit(raw: RawConnection) -> None:
    assert len(raw.post(VERY_LONG).body) > 250_000


def test_answer_of_one_packet_stays_as_it_is(raw: RawConnection) -> None:
    answer = raw.post(SHORT, accept_encoding="gzip, zstd")
    assert (answer.body, "content-encoding" in answer.headers) == (SHORT_BODY, False)


def test_answer_of_one_packet_is_compressed_where_nothing_else_is_accepted(
    raw: RawConnection,
) -> None:
    answer = raw.post(SHORT, accept_encoding="gzip, identity;q=0")
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.decoded == SHORT_BODY


def test_long_errors_are_compressed_too(raw: RawConnection) -> None:
    answer = raw.post("{" + " ".join(f"nope{n}" for n in range(50)) + "}", accept_encoding="gzip")
    assert answer.headers["content-encoding"] == "gzip"
    assert len(json.loads(answer.decoded)["errors"]) == 21


def test_no_acceptable_coding_is_406_and_nothing_is_executed(raw: RawConnection) -> None:
    answer = raw.post(CREATE, accept_encoding="br, identity;q=0")
    assert answer.status == 406
    assert json.loads(answer.body)["errors"][0]["extensions"]["code"] == "BAD_REQUEST"


def test_lines_of_one_header_are_one_list() -> None:
    assert headers_of([(b"a", b"1"), (b"b", b"2"), (b"a", b"3")]) == {b"a": b"1, 3", b"b": b"2"}


@pytest.mark.parametrize("query", [SHORT, LONG, "{", "{ nope }", CREATE])
@pytest.mark.parametrize("method", ["POST", "GET", "HEAD"])
def test_every_answer_varies_by_both_headers(raw: RawConnection, method: str, query: str) -> None:
    if query != CREATE or method != "POST":
        answer = raw.post(query) if method == "POST" else raw.get(query, method)
        assert answer.headers["vary"] == VARY


def test_compressors_give_every_thread_its_own_bytes() -> None:
    coding = choose_coding(b"zstd")
    assert isinstance(coding, Coding)
    bodies = [bytes([n]) * 5_000 + bytes(range(256)) * n for n in range(100)]
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(coding.compress, bodies))
    assert [DECODE["zstd"](body) for body in found] == bodies


# ---------------------------------------------------------------- entity tags


def tag_of(body: bytes, variant: str = "") -> str:
    return f'"{blake2b(body, digest_size=16).hexdigest()}{variant}"'


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_answer_to_get_has_a_tag_and_is_to_be_revalidated(raw: RawConnection, method: str) -> None:
    answer = raw.get(SHORT, method)
    assert answer.status == 200
    assert answer.headers["etag"] == tag_of(SHORT_BODY)
    assert answer.headers["cache-control"] == "private, no-cache"
    assert answer.headers["content-length"] == str(len(SHORT_BODY))
    assert answer.body == (SHORT_BODY if method == "GET" else b"")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_known_answer_is_304_without_a_body(raw: RawConnection, method: str) -> None:
    first = raw.get(SHORT, method)
    again = raw.get(SHORT, method, if_none_match=first.headers["etag"])
    assert (again.status, again.body) == (304, b"")
    assert {name: again.headers[name] for name in ("etag", "cache-control", "vary")} == {
        "etag": first.headers["etag"],
        "cache-control": "private, no-cache",
        "vary": VARY,
    }
    assert {"content-type", "content-length", "content-encoding"} & again.headers.keys() == set()
    assert again.open


@pytest.mark.parametrize(
    ("given", "known"),
    [
        ("*", True),
        (" * ", True),
        ("TAG", True),
        ("W/TAG", True),
        ('"other", TAG', True),
        ('"a,b", W/"c" ,W/TAG,"d"', True),
        ('"other"', False),
        ("UNQUOTED", False),
        ('"*"', False),
        ("", False),
        ('"', False),
    ],
)
def test_if_none_match_is_a_list_compared_weakly(
    raw: RawConnection, given: str, known: bool
) -> None:
    tag = raw.get(SHORT).headers["etag"]
    header = given.replace("UNQUOTED", tag.strip('"')).replace("TAG", tag)
    assert raw.get(SHORT, if_none_match=header).status == (304 if known else 200)
    assert names_tag(header.encode(), tag.encode()) is known


def test_tags_differ_by_media_type_and_coding(raw: RawConnection) -> None:
    body = raw.get(LONG).body
    found = {
        (accept, coding): raw.get(LONG, accept=accept, accept_encoding=coding).headers["etag"]
        for accept in (JSON, GRAPHQL)
        for coding in ("identity", "gzip", "zstd")
    }
    assert found == {
        (JSON, "identity"): tag_of(body),
        (JSON, "gzip"): tag_of(body, "-gzip"),
        (JSON, "zstd"): tag_of(body, "-zstd"),
        (GRAPHQL, "identity"): tag_of(body, "-graphql"),
        (GRAPHQL, "gzip"): tag_of(body, "-graphql-gzip"),
        (GRAPHQL, "zstd"): tag_of(body, "-graphql-zstd"),
    }
    other = raw.get(LONG, accept=JSON, accept_encoding="gzip", if_none_match=tag_of(body, "-zstd"))
    assert other.status == 200
    same = raw.get(LONG, accept=JSON, accept_encoding="gzip", if_none_match=tag_of(body, "-gzip"))
    assert same.status == 304


def test_tag_of_a_short_answer_does_not_depend_on_what_could_have_been(raw: RawConnection) -> None:
    assert raw.get(SHORT, accept_encoding="gzip").headers["etag"] == tag_of(SHORT_BODY)


@pytest.mark.parametrize("query", [LONG, VERY_LONG])
def test_head_has_the_headers_of_get_in_a_coding(raw: RawConnection, query: str) -> None:
    replies = [raw.get(query, method, accept_encoding="gzip") for method in ("GET", "HEAD")]
    get, head = ({k: v for k, v in reply.headers.items() if k != "date"} for reply in replies)
    assert get == head
    assert (len(replies[0].body), replies[1].body) == (int(head["content-length"]), b"")


def test_introspection_by_get_has_a_tag(raw: RawConnection) -> None:
    first = raw.get('{ __type(name: "Product") { name } }')
    assert first.headers["etag"] == tag_of(first.body)


def test_changed_data_has_another_tag(own_world: Database) -> None:
    with serving(own_world) as address:
        raw = RawConnection(*address)
        first = raw.get(SHORT)
        with own_world.engine().begin() as connection:
            connection.execute(text("UPDATE products SET name = 'Lait' WHERE product_id = 1"))
        again = raw.get(SHORT, if_none_match=first.headers["etag"])
        raw.close()
    body = f'{{"data":{{"product":{{"name":"Lait"}}}},{COST}}}'.encode()
    assert (again.status, again.body, again.headers["etag"]) == (200, body, tag_of(body))


def test_answer_to_post_has_no_tag_and_ignores_those_it_gets(raw: RawConnection) -> None:
    answer = raw.post(SHORT, if_none_match="*")
    assert (answer.status, answer.body) == (200, SHORT_BODY)
    assert {"etag", "cache-control"} & answer.headers.keys() == set()


@pytest.mark.parametrize("accept", [JSON, GRAPHQL])
@pytest.mark.parametrize("query", ["{", "{ nope }", "", CREATE])
def test_refusal_by_get_is_not_to_be_kept(raw: RawConnection, query: str, accept: str) -> None:
    answer = raw.get(query, accept=accept, if_none_match="*")
    assert answer.status in (200, 400, 405)
    assert list(json.loads(answer.body)) == ["errors"]
    assert answer.headers["cache-control"] == "no-store"
    assert "etag" not in answer.headers


# ---------------------------------------------------------------- connections


def test_connection_stays_open_unless_a_body_was_not_read(raw: RawConnection) -> None:
    replies = [
        raw.post(SHORT),
        raw.post(VERY_LONG),
        raw.post(VERY_LONG, accept_encoding="gzip"),
        raw.get(SHORT, if_none_match="*"),
        raw.get(VERY_LONG, "HEAD"),
        raw.post("{", accept=GRAPHQL),
        raw.send("GET", "/nope"),
        raw.send("PUT", "/graphql", b"{}"),
        raw.post(SHORT, accept="image/png"),
        raw.send("POST", "/graphql", b" " * 100_001),
        raw.send("POST", "/graphql", b"query", content_type="text/plain"),
        raw.post(SHORT),
    ]
    expected = [200, 200, 200, 304, 200, 400, 404, 405, 406, 413, 415, 200]
    assert [reply.status for reply in replies] == expected
    # More of a body that is too long may be on its way: the connection ends, and says so.
    assert [reply.open for reply in replies] == [True] * 9 + [False] + [True] * 2
    assert replies[9].headers["connection"] == "close"
    assert replies[-1].body == SHORT_BODY


@pytest.mark.parametrize(
    ("method", "accepted", "status"),
    [("POST", b"gzip", 200), ("POST", b"gzip, identity;q=0", 429), ("GET", b"gzip", 429)],
)
def test_answer_whose_turn_to_be_compressed_does_not_come_goes_out_as_it_is(
    method: str, accepted: bytes, status: int
) -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def reply() -> None:
        coding = choose_coding(accepted)
        assert coding is not None
        busy = ClientLimiter(1, 0.01)
        assert busy.enter_now("192.0.2.1")
        viewer = Viewer("public", address="192.0.2.1")
        exchange = Exchange({"method": method}, {}, send, JSON, coding, False, viewer, busy)
        await exchange.reply(Answer({"written": "x" * 300_000}, [], executed=True))

    asyncio.run(reply())
    assert sent[0]["status"] == status
    names = dict(sent[0]["headers"])
    assert (b"content-encoding" in names) == (b"identity;q=0" in accepted)
    assert (len(sent[1]["body"]) > 300_000) == (status == 200)
