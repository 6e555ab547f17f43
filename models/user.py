"""Users, and the keys by which a repeated request is recognised."""

from sqlalchemy import LargeBinary, Text, func
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Instant, Json, Key, Name


class User(Base):
    """A person who may sign in; `password` holds a hash, never the password."""

    __tablename__ = "users"

    user_id: Mapped[Key] = mapped_column(primary_key=True)
    username: Mapped[Name] = mapped_column(unique=True)
    password: Mapped[str] = mapped_column(Text)
    role: Mapped[Name] = mapped_column(server_default="viewer")


class IdempotencyKey(Base):
    """A key a client chose, and the objects its first request made: payload field -> primary key."""

    __tablename__ = "idempotency_keys"

    key: Mapped[Name] = mapped_column(primary_key=True)
    mutation: Mapped[Name]
    input_hash: Mapped[bytes] = mapped_column(LargeBinary)
    objects: Mapped[Json] = mapped_column(server_default="{}")
    created_at: Mapped[Instant] = mapped_column(server_default=func.now())
