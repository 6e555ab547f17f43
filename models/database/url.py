"""The URL of a database as an operator writes it: read whole, or refused without a part of its password.

What is misread here would be looked up, or printed by libpq, as the name of a host or of a database.
"""

import re

import psycopg2
from psycopg2 import extensions
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from models.database.asynchronous import dsn_of

URL_SCHEMES = ("postgresql", "postgres")
MAX_PORT = 65_535
OPTION = re.compile(r"[a-z_]{1,40}")


class UnusableURL(ValueError):
    """A URL that cannot be used; the message shows no part of it but the name of an option."""


def read_url(value: str) -> str:
    """Return the URL for libpq and SQLAlchemy; raises UnusableURL."""
    scheme, separator, rest = value.partition("://")
    if not separator or scheme not in URL_SCHEMES:
        raise UnusableURL("must start with postgresql:// or postgres://")
    url = f"postgresql://{rest}"
    try:
        parsed = make_url(url)
        _check(parsed, rest)
        dsn_of(parsed, "")
    except UnusableURL:
        raise
    except (ArgumentError, ValueError, psycopg2.Error):
        expected = "expected postgresql://user@host:port/database"
        raise UnusableURL(f"cannot be read: {expected}") from None
    return url


def _check(parsed: URL, rest: str) -> None:
    """Raise UnusableURL for what make_url accepts, but not as it was meant."""
    misplaced = "@" in rest.partition("?")[0] and parsed.username is None
    if misplaced or rest.count("@") > 1:
        raise UnusableURL(
            "cannot be read: an @ of a name or password is written %40, a / of a name %2F"
        )
    if "%00" in rest or "\0" in rest:
        raise UnusableURL("cannot be read: it contains a NUL")
    if parsed.port is not None and not 0 < parsed.port <= MAX_PORT:
        raise UnusableURL(f"cannot be read: a port is a number from 1 to {MAX_PORT}")
    for name in parsed.query:
        if not OPTION.fullmatch(name) or not _is_option(name):
            shown = f": {name}" if OPTION.fullmatch(name) else ""
            raise UnusableURL(f"has an option that no connection to PostgreSQL has{shown}")


def _is_option(name: str) -> bool:
    """Whether libpq knows an option of this name."""
    try:
        extensions.make_dsn(**{name: "1"})
    except (psycopg2.Error, TypeError):
        return False
    return True
