"""Malformed envelopes: HTTP bytes by seed, each reproducible from (seed, number)."""

import gzip
import json
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import quote, quote_from_bytes

from tests.slow.fuzz.values import (
    ACCEPTS,
    AUTHORIZATIONS,
    CODINGS,
    CONTENT_TYPES,
    NASTY,
    anything,
    nested,
    nonsense,
    number,
)

ROOT = Path(__file__).parents[3]
JSON = b"application/json"
DOCUMENTS = (
    "{ __typename }",
    "query One($id: Int!) { product(by: {productId: $id}) { name gtin manufacturer { name } } }",
    "query ($f: ProductFilter) { products(first: 2, filter: $f) { totalCount nodes { id name } } }",
    "query ($n: Int, $a: String) { suppliers(first: $n, after: $a) { nodes { name } pageInfo { endCursor } } }",
    "query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }",
    "{ __schema { types { name } } }",
    'mutation { createSupplier(input: {name: "A", location: "B"}) { supplier { id } userErrors { code } } }',
    *(path.read_text() for path in sorted((ROOT / "web/src/tabs").glob("*.graphql"))),
)
METHODS = ("GET", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "M-SEARCH")
PATHS = (
    *("/graphql", "/graphql/", "//graphql", "/api/products", "/api/products/1", "/api/health"),
    *("/api/health/ready", "/static/", "/static/%00", "/static/..%2f..%2fsettings.py", "/%ff", "/"),
    *("/static/assets/a.js", "/graphql%00", "/api/products?limit=9&after=x", "/graphql;x=1"),
)


@dataclass(frozen=True)
class Envelope:
    """Bytes to send over one connection.

    `answers` is how many responses are due, 0 where to be cut off is an answer too; `ends` is
    whether the client says then that it has no more to say.
    """

    kind: str
    parts: tuple[bytes, ...]
    answers: int = 1
    ends: bool = False
    methods: tuple[str, ...] = ("POST",)


def envelope(seed: int, number: int) -> Envelope:
    """Return the envelope of this number."""
    random = Random(f"{seed}:{number}")
    return random.choice(KINDS)(random)


def envelopes(seed: int, count: int) -> Iterator[Envelope]:
    """Return the first `count` of a seed."""
    return (envelope(seed, number) for number in range(count))


# ---------------------------------------------------------------- a request's bytes


def request(
    method: str, path: str, body: bytes | None = None, *fields: tuple[bytes, bytes]
) -> bytes:
    """Return a request as RFC 9112 wants it, but for what it is given."""
    named = {name.lower() for name, _ in fields}
    usual = [(b"host", b"127.0.0.1")]
    if body is not None:
        usual += [(b"content-type", JSON), (b"content-length", str(len(body)).encode())]
    elif b"accept" not in named:
        usual += [(b"accept", JSON)]
    lines = [line for line in usual if line[0] not in named] + list(fields)
    head = b"".join(b"%b: %b\r\n" % line for line in lines)
    return b"%b %b HTTP/1.1\r\n%b\r\n%b" % (method.encode(), path.encode(), head, body or b"")


def post(kind: str, body: bytes, *fields: tuple[bytes, bytes]) -> Envelope:
    return Envelope(kind, (request("POST", "/graphql", body, *fields),))


def cut(random: Random, data: bytes, most: int = 6) -> tuple[bytes, ...]:
    """Return the same bytes in some parts."""
    ends = sorted(random.randrange(len(data) + 1) for _ in range(random.randrange(most)))
    return tuple(data[a:b] for a, b in zip([0, *ends], [*ends, len(data)], strict=True))


def valid(random: Random) -> bytes:
    """Return the body of a request that could be answered."""
    variables = {
        "id": random.choice([1, 7, 10**6]),
        "f": {"name": {"contains": "a"}},
        "n": random.randrange(5),
        "ids": ["UHJvZHVjdDox"],
        "name": "dark",
    }
    return json.dumps({"query": random.choice(DOCUMENTS), "variables": variables}).encode()


def mutate(random: Random, data: bytes) -> bytes:
    """Return some bytes of it changed, doubled or left out."""
    changed = bytearray(data)
    for _ in range(random.randrange(1, 6)):
        at = random.randrange(len(changed) + 1)
        width = random.randrange(8)
        new = random.choice([random.randbytes(width), changed[at : at + width] * 2, b"", *NASTY])
        changed[at : at + width] = new
    return bytes(changed)


# ---------------------------------------------------------------- bodies


def bodies_of_bytes(random: Random) -> Envelope:
    return post("bytes", random.randbytes(random.choice([0, 1, 7, 300, 5_000])))


def bodies_mutated(random: Random) -> Envelope:
    return post("mutated", mutate(random, valid(random)))


def bodies_nested(random: Random) -> Envelope:
    deep = nested(random)
    wrapped = b'{"query": "query ($f: ProductFilter) { __typename }", "variables": {"f": %b}}'
    return post("nested", random.choice([deep, wrapped % deep, b'{"query": %b}' % deep]))


def bodies_of_wrong_types(random: Random) -> Envelope:
    names = ("query", "variables", "operationName", "extensions", "documentId", "x")
    members = {name: anything(random) for name in random.sample(names, random.randrange(1, 6))}
    if random.random() < 0.7:
        members["query"] = random.choice(DOCUMENTS)
    return post("types", json.dumps(random.choice([members, [members]])).encode())


def bodies_with_numbers(random: Random) -> Envelope:
    document = (
        "query ($a: Int, $b: ID, $c: String, $d: Boolean) { products(first: $a) { totalCount } }"
    )
    variables = ", ".join(f'"{name}": {number(random)}' for name in "abcd")
    literal = f"{{ products(first: {number(random)}) {{ totalCount }} }}"
    text = random.choice(
        [
            f'{{"query": {json.dumps(document)}, "variables": {{{variables}}}}}',
            json.dumps({"query": literal}),
            f'{{"query": {number(random)}}}',
        ]
    )
    return post("numbers", text.encode())


def bodies_of_bad_text(random: Random) -> Envelope:
    text = nonsense(random)
    document = json.dumps({"query": f'{{ product(by: {{id: "{text}"}}) {{ id }} }}'})
    variables = {"f": {"name": {"contains": text}}, "a": text, "n": 1, "ids": [text], "id": text}
    named = json.dumps(
        {"query": random.choice(DOCUMENTS), "variables": variables, "operationName": text}
    )
    raw = random.choice([document, named]).encode()
    coded = random.choice([raw, raw.decode().encode("utf-16"), b"\xef\xbb\xbf" + raw])
    at = random.randrange(len(coded))
    return post("text", random.choice([coded, coded[:at] + random.choice(NASTY) + coded[at:]]))


def bodies_of_documents(random: Random) -> Envelope:
    words = random.choice(DOCUMENTS).replace("{", " { ").replace("}", " } ").split()
    for _ in range(random.randrange(1, 8)):
        at = random.randrange(len(words))
        other = random.choice([*words, "...", "@skip(if: true)", "$id", "fragment F on Product"])
        words[at : at + 1] = random.choice([[], [words[at]] * 2, [other], [other, words[at]]])
        words = words or ["{"]
    body = {"query": " ".join(words), "variables": {"id": 1, "name": "a"}}
    return post("documents", json.dumps(body).encode())


def bodies_repeated(random: Random) -> Envelope:
    many = random.choice([2, 50, 1_000, 9_000])
    field = random.choice(
        ["__typename ", "__typename @include(if: true) ", "products { totalCount } "]
    )
    aliased = " ".join(f"a{n}: {field}" for n in range(many))
    directives = f"__typename {'@skip(if: false) ' * many}"
    query = random.choice([field * many, aliased, directives])
    return post("repeated", json.dumps({"query": f"{{ {query} }}"}).encode())


def bodies_too_long(random: Random) -> Envelope:
    length = random.choice([99_999, 100_000, 100_001, 150_000, 400_000])
    body = valid(random)
    return post("long", body + b" " * (length - len(body)))


def bodies_to_rest(random: Random) -> Envelope:
    members = {
        name: anything(random)
        for name in ("name", "manufacturer_id", "batch_number", "description")
    }
    body = random.choice([json.dumps(members).encode(), random.randbytes(40), nested(random)])
    return Envelope("rest", (request("POST", "/api/products", body),))


# ---------------------------------------------------------------- headers, methods, addresses


def headers_odd(random: Random) -> Envelope:
    choices = (
        (b"accept", random.choice(ACCEPTS)),
        (b"accept-encoding", random.choice(CODINGS)),
        (b"content-type", random.choice(CONTENT_TYPES)),
        (b"authorization", random.choice(AUTHORIZATIONS)),
        (b"if-none-match", random.choice([b"*", b'"', b'W/"x", "y', b"\xff", b'"a"' * 500])),
        (b"origin", random.choice([b"null", b"https://evil.example", b"", b"\xff"])),
        (b"x-explain", random.choice([b"1", b""])),
        (b"cookie", random.randbytes(20).hex().encode() * 50),
        (b"x-forwarded-for", random.choice([b"1.2.3.4", b"::1, unknown", b"\xff", b"," * 500])),
        (b"sec-fetch-mode", random.choice([b"navigate", b"no-cors", b"cors", b"x"])),
        (b"expect", random.choice([b"100-continue", b"x"])),
        (b"range", b"bytes=0-1,5-"),
        (b"x-" + b"a" * random.choice([1, 3_000]), b"b" * random.choice([0, 1, 8_000])),
    )
    fields = [random.choice(choices) for _ in range(random.choice([1, 2, 3, 6, 40]))]
    if random.random() < 0.5:
        return post("headers", valid(random), *fields)
    method = random.choice(["GET", "HEAD"])
    query = quote(random.choice(DOCUMENTS))
    data = request(method, f"/graphql?query={query}", None, *fields)
    return Envelope("headers", (data,), methods=(method,))


def content_coded(random: Random) -> Envelope:
    body = valid(random)
    coded = random.choice([gzip.compress(body), zlib.compress(body), body, random.randbytes(30)])
    named = random.choice([b"gzip", b"deflate", b"br", b"zstd", b"identity", b"x"])
    return post("coding", coded, (b"content-encoding", named))


def methods_odd(random: Random) -> Envelope:
    method, path = random.choice(METHODS), random.choice(PATHS)
    body = random.choice([None, b"", valid(random)])
    data = request(method, path, body)
    return Envelope("methods", (data,), methods=(method,))


def addresses(random: Random) -> Envelope:
    value = random.choice(
        [
            quote_from_bytes(random.randbytes(30)),
            quote(random.choice(DOCUMENTS)),
            quote(nonsense(random), errors="surrogatepass"),
            "%", "%zz", "%c3", "+", "{__typename}", "&&&=&=", ";",
            "x" * random.choice([5_000, 60_000, 100_001]),
        ]
    )  # fmt: skip
    names = random.choices(
        ["query", "variables", "operationName", "extensions", "documentId", "limit", "after", "x"],
        k=random.choice([1, 1, 2, 3, 150]),
    )
    value = value if len(names) < 4 else value[:50]
    path = random.choice(["/graphql", "/graphql", "/api/products"])
    query = "&".join(f"{name}={value}" for name in names)
    method = random.choice(["GET", "HEAD"])
    return Envelope("addresses", (request(method, f"{path}?{query}"),), methods=(method,))


# ---------------------------------------------------------------- connections


def chunked(random: Random) -> Envelope:
    chunks = (part for part in cut(random, valid(random)) if part)
    body = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in chunks) + b"0\r\n\r\n"
    fields = ((b"transfer-encoding", b"chunked"), (b"content-type", JSON))
    data = request("POST", "/graphql", None, *fields) + body
    if random.random() < 0.5:
        return Envelope("chunked", cut(random, data))
    return Envelope("chunked, broken", (mutate(random, data),), answers=0, ends=True)


def truncated(random: Random) -> Envelope:
    data = request("POST", "/graphql", valid(random))
    return Envelope("truncated", (data[: random.randrange(len(data))],), answers=0, ends=True)


def in_parts(random: Random) -> Envelope:
    return Envelope("parts", cut(random, request("POST", "/graphql", valid(random)), 12))


def pipelined(random: Random) -> Envelope:
    many = random.randrange(2, 9)
    made = [
        ("POST", request("POST", "/graphql", valid(random)))
        if random.random() < 0.7
        else ("HEAD", request("HEAD", "/graphql?query={__typename}"))
        for _ in range(many)
    ]
    data = b"".join(each for _, each in made)
    return Envelope("pipelined", cut(random, data), many, methods=tuple(m for m, _ in made))


def no_http(random: Random) -> Envelope:
    good = request("POST", "/graphql", valid(random))
    data = random.choice(
        [
            random.randbytes(random.choice([1, 20, 3_000])),
            mutate(random, good),
            good.replace(b"HTTP/1.1", random.choice([b"HTTP/9.9", b"HTTP/1.0", b"", b"ICY/1.1"])),
            good.replace(b"content-length: ", random.choice([b"content-length: -", b"content-length: 9" * 9])),
            good.replace(b"\r\n", random.choice([b"\n", b"\r", b"\0\r\n"])),
            good.replace(b"POST", random.choice([b"post", b"", b"P\xffST", b"FOO", b"CONNECT"])),
            good.replace(b"/graphql", random.choice([b"http://x/graphql", b"*", b"graphql", b"/\xff", b"//:x", b"x:y"])),
            good.replace(b"host: 127.0.0.1\r\n", random.choice([b"", b"host: a\r\nhost: b\r\n", b"host: \xff\r\n"])),
            good.replace(b"\r\n", b"\r\nconnection: upgrade\r\nupgrade: %b\r\n" % random.choice([b"websocket", b"h2c"]), 1),
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + random.randbytes(64),
            b"GET /graphql HTTP/1.1\r\n" + b"a: b\r\n" * 2_000 + b"\r\n",
            b"GET /graphql HTTP/1.1\r\na: " + b"b" * 600_000,
        ]
    )  # fmt: skip
    return Envelope("no HTTP", (data,), answers=0, ends=True)


KINDS: tuple[Callable[[Random], Envelope], ...] = (
    bodies_of_bytes,
    bodies_mutated,
    bodies_nested,
    bodies_of_wrong_types,
    bodies_with_numbers,
    bodies_of_bad_text,
    bodies_of_documents,
    bodies_repeated,
    bodies_too_long,
    bodies_to_rest,
    headers_odd,
    content_coded,
    methods_odd,
    addresses,
    chunked,
    truncated,
    in_parts,
    pipelined,
    no_http,
)


def describe(value: Any) -> str:
    """Return an envelope's bytes as they may be printed."""
    return ascii(value)[:300]
