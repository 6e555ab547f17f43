"""Passwords: what one must be, and Argon2id, the only thing that is kept of it.

At most two are hashed at a time in a process (19 MiB and a core each), and few wait for their turn:
beyond that nobody is answered rather than everybody late.
"""

import re
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from itertools import pairwise
from threading import BoundedSemaphore

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from models.database.connection_limiter import DatabaseUnavailable
from models.errors import InvalidAttribute

MIN_LENGTH, MAX_LENGTH = 12, 200
# How many different characters a password has, and how many that do not follow from those before.
MIN_DISTINCT = 5
KEY_ROWS = (
    "1234567890",
    "qwertyuiop",
    "qwertzuiop",
    "azertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "yxcvbnm",
)
BESIDE = frozenset(
    row[at : at + 2]
    for keys in KEY_ROWS
    for row in (keys, keys[::-1])
    for at in range(len(keys) - 1)
)
# OWASP, Password Storage Cheat Sheet: Argon2id with 19 MiB, two passes, one lane.
HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1, type=Type.ID)
_AT_ONCE, _WAITING, HASH_WAIT_SECONDS = 2, 8, 3.0

_turns = BoundedSemaphore(_AT_ONCE)
_places = BoundedSemaphore(_AT_ONCE + _WAITING)


def hash_password(password: str, username: str, attribute: str = "password") -> str:
    """Return the hash of a new password; raises InvalidAttribute where it is not fit to be one."""
    normal = _normalize(password)
    if not MIN_LENGTH <= len(normal) <= MAX_LENGTH:
        raise InvalidAttribute(f"It has from {MIN_LENGTH} to {MAX_LENGTH} characters.", attribute)
    if normal.casefold() == _normalize(username).casefold():
        raise InvalidAttribute("It must not be the username.", attribute)
    if reason := weakness_of(normal):
        raise InvalidAttribute(reason, attribute)
    with _turn():
        return HASHER.hash(normal)


def weakness_of(password: str) -> str | None:
    """Return why a password is easy to guess, or None."""
    letters = re.sub(r"[\s._-]", "", password.casefold())
    if len(set(letters)) < MIN_DISTINCT:
        return f"It needs at least {MIN_DISTINCT} different characters, spaces and . _ - aside."
    if _repeats(letters) or _repeats(password.casefold()):
        return "It must not be one short text again and again."
    if _unforeseen(letters) < MIN_DISTINCT:
        return "It must not be a sequence, such as of the alphabet, of numbers or of keys side by side."
    return None


def _repeats(text: str) -> bool:
    """Whether a text is made of one of its first halves or less, the last time perhaps cut off."""
    return any(text[unit:] == text[:-unit] for unit in range(1, len(text) // 2 + 1))


def _unforeseen(text: str) -> int:
    """How many characters do not follow from those before: by the same step, or the next key of a row."""
    steps = [ord(after) - ord(before) for before, after in pairwise(text)]
    return 1 + sum(
        step not in (last, -1, 0, 1) and text[at : at + 2] not in BESIDE
        for at, (last, step) in enumerate(zip([0, *steps], steps, strict=False))
    )


def hash_again(password: str) -> str:
    """Today's hash of a password that was found right, whatever it is like."""
    with _turn():
        return HASHER.hash(_normalize(password))


def is_password(stored: str | None, password: str) -> bool:
    """Whether this is the password of a stored hash; the same work where there is no such hash."""
    normal = _normalize(password) if len(password) <= 4 * MAX_LENGTH else ""
    fallback = _hash_of_nothing()
    with _turn():
        usable = stored is not None and stored.isascii() and stored.startswith("$argon2id$")
        known = stored if usable else None
        try:
            matches = bool(HASHER.verify(known or fallback, normal))
        except (VerificationError, InvalidHashError):
            return False
    return matches and known is not None


def is_outdated(stored: str) -> bool:
    """Whether a hash was made with other parameters than today's."""
    return HASHER.check_needs_rehash(stored)


@contextmanager
def _turn() -> Iterator[None]:
    if not _places.acquire(blocking=False):
        raise DatabaseUnavailable("too many passwords are being checked")
    try:
        if not _turns.acquire(timeout=HASH_WAIT_SECONDS):
            raise DatabaseUnavailable("no turn to check a password in time")
        try:
            yield
        finally:
            _turns.release()
    finally:
        _places.release()


def _normalize(text: str) -> str:
    """NFKC, as people type the same letters in many ways (NIST SP 800-63B, 5.1.1.2)."""
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        return ""
    return unicodedata.normalize("NFKC", text)


@cache
def _hash_of_nothing() -> str:
    """Return a hash that no password has, for the names that no user has."""
    return HASHER.hash("")
