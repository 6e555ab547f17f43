"""Users with their roles."""

import unicodedata

from sqlalchemy import Text, func
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Instant, Key, Name
from models.errors import InvalidAttribute

# What a user or a key may be, the one that may least first; whoever has not signed in is `public`.
ROLES = ("viewer", "operator", "auditor", "admin")
MAX_NAME = 100


class User(Base):
    """A person who may sign in, or might until `removed_at`, in UTC.

    `password` holds an Argon2id hash, never the password; nothing where the user was removed.
    """

    __tablename__ = "users"

    user_id: Mapped[Key] = mapped_column(primary_key=True)
    username: Mapped[Name] = mapped_column(unique=True)
    password: Mapped[str] = mapped_column(Text)
    role: Mapped[Name] = mapped_column(server_default="viewer")
    created_at: Mapped[Instant] = mapped_column(server_default=func.now())
    removed_at: Mapped[Instant | None]


def normal_name(name: str) -> str:
    """A name as it is kept: NFKC, without spaces around it."""
    return unicodedata.normalize("NFKC", name).strip()


def check_name(name: str, attribute: str) -> str:
    """The name of a user or a key, in NFKC; raises InvalidAttribute unless it can be read as one."""
    normal = normal_name(name)
    if not (0 < len(normal) <= MAX_NAME and normal.isprintable()):
        raise InvalidAttribute(f"It has from 1 to {MAX_NAME} printable characters.", attribute)
    return normal


def check_role(role: str) -> None:
    """Raises InvalidAttribute for a role that nobody can be given."""
    if role not in ROLES:
        raise InvalidAttribute(f"It is one of {', '.join(ROLES)}.", "role")
