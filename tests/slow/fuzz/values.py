"""Malformed values: JSON of any type, numbers, nesting, invalid text."""

import json
from random import Random
from typing import Any

NASTY = (
    *(b"\xff", b"\xc3\x28", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc0\x80", b"\0", b"\\u0000"),
    *(
        b"\\ud800",
        b"\\udfff\\ud800",
        b"\xef\xbb\xbf",
        b'"',
        b"\\",
        b"{",
        b"}",
        b"[[[",
        b"$",
        b"...",
    ),
)
ACCEPTS = (
    *(
        b"",
        b"*/*",
        b"text/html",
        b"application/json;q=0",
        b"application/json;q=nan",
        b", ,",
        b"\xff",
    ),
    *(b"application/graphql-response+json", b"application/json;q=", b"a/b;" * 500, b"*/*;q=inf"),
    *(b"application/json;q=1e999", b"application/json; charset=utf-16", b"text/html, */*", b"/"),
)
CODINGS = (
    *(b"", b"gzip", b"zstd", b"br", b"*;q=0", b"identity;q=0", b"gzip;q=nan", b"zstd;q=1e99"),
    *(b"gzip, " * 300, b"\xff", b"identity;q=0, gzip", b"x-gzip", b";;;", b"zstd;q=-1"),
)
CONTENT_TYPES = (
    *(b"", b"text/plain", b"application/json; charset=utf-16", b"application/json; charset="),
    *(b"multipart/form-data; boundary=x", b"application/x-www-form-urlencoded", b"\xff", b";;;;"),
    *(
        b"application/json;" * 200,
        b"APPLICATION/JSON",
        b"application/graphql",
        b"application/json\t",
    ),
)
AUTHORIZATIONS = (
    *(
        b"",
        b"Bearer",
        b"Bearer ",
        b"Bearer x",
        b"Basic dTpw",
        b"bearer \xff",
        b"Bearer a.b.c",
        b"\0",
    ),
    *(
        b"Bearer " + b"x" * 9_000,
        b"Bearer eyJhbGciOiJub25lIn0.e30.",
        b"Bearer x, Bearer y",
        b"Digest",
    ),
)
NUMBERS = (
    *("0", "-0", "1", "-1", "2147483647", "2147483648", "-2147483649", "9223372036854775808"),
    *("1e400", "-1e400", "1e-400", "0.1", "1E+2", "00", "01", "+1", "1.", ".5", "0x10", "NaN"),
    *("Infinity", "-Infinity", "9" * 400, "9" * 5_000, "1" + "0" * 4_300, "0." + "9" * 5_000),
)
TEXTS = (
    *(
        "",
        " ",
        "a",
        "\0",
        "\ud800",
        "\udfff",
        "\U0001f36b",
        "\u202e",
        "\ufeff",
        "a" * 5_000,
        "%",
        "_",
    ),
    *(
        "'; DROP TABLE products; --",
        "$1",
        "%s",
        "{}",
        "\\",
        '"',
        "\n",
        "UHJvZHVjdDox",
        "W10=",
        "=" * 9,
    ),
    *("UHJvZHVjdDo5OTk5OTk5OTk5OTk5OTk5OTk5OQ==", "__proto__", "__typename", "\x7f", "\u0130"),
)


def number(random: Random) -> str:
    """Return a number as JSON writes one, or almost."""
    return random.choice(NUMBERS)


def nonsense(random: Random) -> str:
    """Return a text that may be none."""
    return "".join(random.choice(TEXTS) for _ in range(random.randrange(1, 4)))


def anything(random: Random, depth: int = 3) -> Any:
    """Return a JSON value of any type."""
    plain: tuple[Any, ...] = (
        None,
        True,
        False,
        0,
        -1,
        1.5,
        2**31,
        2**63,
        2**200,
        "",
        "1",
        [],
        {},
        nonsense(random),
    )
    if depth == 0 or random.random() < 0.6:
        return random.choice(plain)
    if random.random() < 0.5:
        return [anything(random, depth - 1) for _ in range(random.randrange(4))]
    return {nonsense(random): anything(random, depth - 1) for _ in range(random.randrange(4))}


def nested(random: Random) -> bytes:
    """JSON of many levels, closed or not."""
    opening, closing = random.choice(
        [(b"[", b"]"), (b'{"a":', b"}"), (b'[{"not":', b"}]"), (b'{"not": ', b"}")]
    )
    levels = random.choice([10, 100, 900, 5_000, 12_000])
    inner = random.choice([b"", b"1", b"{}", json.dumps(nonsense(random)).encode()])
    return opening * levels + inner + closing * random.choice([levels, levels, 0, levels - 1])
