"""What the bytes of an answer are on the wire: header fields, content codings, entity tags.

(RFC 9110: sections 5.3, 8.8.3, 12.5.3 and 13.1.2.) No time is spent on bodies that one packet
holds anyway, and to compress long ones on the event loop.
"""

import re
import sys
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import blake2b

from starlette.concurrency import run_in_threadpool

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


# A body up to here travels in one packet with its headers, compressed or not.
ONE_PACKET = 1_400
# Hashing this many bytes takes a quarter of a millisecond.
MAX_HASHED_AT_ONCE = 250_000
GZIP_LEVEL, ZSTD_LEVEL = 3, 1
GZIP_LEVEL_ONCE, ZSTD_LEVEL_ONCE = 9, 12
GZIP_WINDOW = 31
# Made once: to make a compressor takes longer than to compress a short body.
ZSTD = zstd.ZstdCompressor(ZSTD_LEVEL)
TAG = re.compile(rb'"[^"]*"')


@dataclass(frozen=True, slots=True)
class Coding:
    """A content coding. `compress` is fast, `shrink` is for what is compressed once and kept."""

    name: str
    compress: Callable[[bytes], bytes]
    compress_aside: Callable[[bytes], bytes]
    shrink: Callable[[bytes], bytes]
    most: int
    """Bytes that take well under a millisecond, so that the event loop may compress them."""
    least: int = ONE_PACKET
    """Bytes from which it pays."""

    async def encode(self, body: bytes) -> bytes:
        """Return the body in this coding."""
        if len(body) <= self.most:
            return self.compress(body)
        return await run_in_threadpool(self.compress_aside, body)


def _gzip(body: bytes, level: int = GZIP_LEVEL) -> bytes:
    compressor = zlib.compressobj(level, zlib.DEFLATED, GZIP_WINDOW)
    return compressor.compress(body) + compressor.flush()


IDENTITY = Coding("identity", bytes, bytes, bytes, sys.maxsize, sys.maxsize)
CODINGS = (
    Coding(
        "zstd",
        lambda body: ZSTD.compress(body, ZSTD.FLUSH_FRAME),
        lambda body: zstd.compress(body, ZSTD_LEVEL),
        lambda body: zstd.compress(body, ZSTD_LEVEL_ONCE),
        250_000,
    ),
    Coding("gzip", _gzip, _gzip, lambda body: _gzip(body, GZIP_LEVEL_ONCE), 64_000),
)


def is_browser(fields: Mapping[bytes, bytes]) -> bool:
    """Whether a browser sent a request (W3C Fetch Metadata); one that says so reads all our codings.

    Sec-Fetch-Mode does not tell: the fetch of Node.js sends that one, too.
    """
    return b"sec-fetch-site" in fields


def qualities(header: bytes) -> dict[str, float]:
    """Return what a header such as Accept names, with its quality, the most wanted first."""
    named: dict[str, float] = {}
    for item in header.decode("latin-1").split(","):
        name, *parameters = (part.strip().lower() for part in item.split(";"))
        quality = next((p[2:] for p in parameters if p.startswith("q=")), "1")
        try:
            named.setdefault(name, float(quality))
        except ValueError:
            named[name] = 0.0
    return dict(sorted(named.items(), key=lambda item: -item[1]))


@lru_cache(128)
def choose_coding(accepted: bytes, *, browser: bool = False) -> Coding | None:
    """Return the coding for this Accept-Encoding; None where not even the body as it is is accepted.

    Libraries name zstd where the fetch beneath them cannot read it (Node.js before 22.15), so that it
    is only for browsers, for clients that name it first, and for clients that do not accept gzip.
    """
    wanted = qualities(accepted)
    if "x-gzip" in wanted:
        wanted.setdefault("gzip", wanted["x-gzip"])
    others = wanted.get("*")
    # Unnamed, the body as it is is accepted, but less than whatever is named.
    as_it_is = wanted.get("identity", others if others == 0 else None)
    quality, best = 0.0, IDENTITY
    trusted = browser or next(iter(wanted)) == "zstd" or not wanted.get("gzip", others)
    for coding in CODINGS if trusted else CODINGS[1:]:
        given = wanted.get(coding.name, others or 0.0)
        if given > quality:
            quality, best = given, coding
    if as_it_is is not None and as_it_is > quality:
        return IDENTITY
    if as_it_is == 0:
        return replace(best, least=0) if quality else None
    return best


async def entity_tag(body: bytes, variant: str) -> bytes:
    """Return the strong entity tag of a body in one of its variants: media type, content coding."""
    if len(body) <= MAX_HASHED_AT_ONCE:
        return _digest(body, variant)
    return await run_in_threadpool(_digest, body, variant)


def _digest(body: bytes, variant: str) -> bytes:
    return b'"%b%b"' % (blake2b(body, digest_size=16).hexdigest().encode(), variant.encode())


def names_tag(if_none_match: bytes, tag: bytes) -> bool:
    """Whether an If-None-Match names this tag, by weak comparison."""
    return if_none_match.strip() == b"*" or tag in TAG.findall(if_none_match)
