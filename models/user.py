"""Users with their roles."""

import re
import unicodedata
from string import ascii_lowercase, ascii_uppercase

from sqlalchemy import Index, Text, func, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Instant, Key, Name
from models.errors import InvalidAttribute

# The roles of users and keys, the least privileged first; a caller without a token is `public`.
USER_ROLES = ("viewer", "operator", "auditor", "admin")
MAX_NAME = 100
# As in schema.sql. Other scripts are excluded, because some of their letters look like these.
PLAIN_NAME = re.compile(r"[A-Za-z0-9]+(?:[ ._@+-][A-Za-z0-9]+)*")
LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)


class User(Base):
    """A person who may sign in until `removed_at`, in UTC.

    `password` is an Argon2id hash, and empty after the removal.
    """

    __tablename__ = "users"
    __table_args__ = (
        Index("users_name_case", text("lower(username)"), unique=True),
        Index("users_name_look", text("look_of_name(username)"), unique=True),
    )

    user_id: Mapped[Key] = mapped_column(primary_key=True)
    username: Mapped[Name] = mapped_column(unique=True)
    password: Mapped[str] = mapped_column(Text)
    role: Mapped[Name] = mapped_column(server_default="viewer")
    created_at: Mapped[Instant] = mapped_column(server_default=func.now())
    removed_at: Mapped[Instant | None]


def normal_name(name: str) -> str:
    """Return a name as it is stored: in NFKC, without spaces around it."""
    return unicodedata.normalize("NFKC", name).strip()


def folded_name(name: str) -> str:
    """Return the form by which names are looked up: PostgreSQL's lower() in the collation "C"."""
    return normal_name(name).translate(LOWER)


def check_name(name: str, attribute: str) -> str:
    """Return a new name of a user or a key as it is stored.

    Raises InvalidAttribute for a name that is not plain.
    """
    normal = normal_name(name)
    if len(normal) > MAX_NAME or not PLAIN_NAME.fullmatch(normal):
        raise InvalidAttribute(
            f"It has from 1 to {MAX_NAME} letters A to Z and digits, with single . _ - @ + or spaces"
            " between them.",
            attribute,
        )
    return normal


def check_role(role: str) -> None:
    """Raise InvalidAttribute for a role that no user can have."""
    if role not in USER_ROLES:
        raise InvalidAttribute(f"It is one of {', '.join(USER_ROLES)}.", "role")
