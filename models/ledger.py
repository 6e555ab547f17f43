"""The ledger: a Merkle log over events, and the views in which its proofs are read.

Leaves and checkpoints are append-only tables. Proofs are views.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, LargeBinary, MetaData, Table, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Instant, Name

LEDGER_QUEUE = Table(
    "ledger_queue", Base.metadata, Column("transaction_id", BigInteger, nullable=False)
)
"""Events that have no leaf yet. No class maps this table, because it has no key."""


class LedgerEntry(Base):
    """A leaf: the canonical bytes of an event.

    `hashes` are those of all complete subtrees that end with the leaf, 32 bytes each.
    """

    __tablename__ = "ledger_entries"

    sequence: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    transaction_id: Mapped[int] = mapped_column(BigInteger, unique=True)
    salt: Mapped[bytes] = mapped_column(LargeBinary)
    leaf: Mapped[bytes] = mapped_column(LargeBinary)
    hashes: Mapped[bytes] = mapped_column(LargeBinary)


class LedgerCheckpoint(Base):
    """A signed tree head: the size and the root of the log at `issued_at`."""

    __tablename__ = "ledger_checkpoints"

    size: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    root_hash: Mapped[Name]
    issued_at: Mapped[Instant]
    note: Mapped[Name]
    public_key: Mapped[Name]


class View(Base):
    """A view or a function of schema.sql, which is only read."""

    __abstract__ = True
    metadata = MetaData()


class TransactionProof(View):
    """The inclusion proof of an event: its place in the log, and the hashes up to the root."""

    __tablename__ = "transaction_proofs"

    transaction_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    status: Mapped[str]
    sequence: Mapped[int | None] = mapped_column(BigInteger)
    leaf: Mapped[str | None]
    leaf_hash: Mapped[str | None]
    tree_size: Mapped[int | None] = mapped_column(BigInteger)
    root_hash: Mapped[str | None]
    hashes: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    checkpoint: Mapped[str | None]


class Ledger(View):
    """The present state of the log, in one row."""

    __tablename__ = "ledger"

    ledger_id: Mapped[int] = mapped_column(primary_key=True)
    size: Mapped[int] = mapped_column(BigInteger)
    root_hash: Mapped[str]
    origin: Mapped[str | None]
    public_key: Mapped[str | None]
    checkpoint: Mapped[str | None]


class LedgerConsistency(View):
    """The proof that the log of the second size begins with the log of the first."""

    __tablename__ = "ledger_consistency_proof"

    first_size: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    second_size: Mapped[int] = mapped_column(BigInteger)
    first_root: Mapped[str]
    second_root: Mapped[str]
    hashes: Mapped[list[str]] = mapped_column(ARRAY(Text))
