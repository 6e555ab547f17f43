"""Recorded changes: triggers write one row for each statement. The table is append-only."""

from sqlalchemy import ARRAY, BigInteger, Index, func
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Instant, Name


class Change(Base):
    """A statement that wrote rows of the table `relation`.

    `keys` are the primary keys of the rows: numbers, or pairs of numbers. For `sessions` they are the
    numbers of the users, because the key of a session is the hash of its token. `actor` is the writer:
    `user:NAME`, `key:NAME`, `oidc:SUBJECT`, `import:FILE`, or `sql:ROLE` if the writer names no actor.
    """

    __tablename__ = "changes"
    __table_args__ = (
        Index(None, "relation", "change_id"),
        Index(None, "actor", "change_id"),
    )

    change_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    at: Mapped[Instant] = mapped_column(server_default=func.now())
    actor: Mapped[Name] = mapped_column(server_default=func.current_actor())
    relation: Mapped[Name]
    operation: Mapped[Name]
    keys: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
