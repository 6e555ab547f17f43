"""The ledger: a Merkle log over events, and the views in which its proofs are read.

Leaves and checkpoints are append-only in the database. Proofs are views, not tables: nothing is written of them.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, LargeBinary, MetaData, Table, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Instant, Name

LEDGER_QUEUE = Table(
    "ledger_queue", Base.metadata, Column("transaction_id", BigInteger, nullable=False)
)
"""Events that no leaf holds yet; it has no key, so that it is no mapped class."""


class LedgerEntry(Base):
    """A leaf: the canonical bytes of an event, and the hashes of all complete subtrees that end with it."""

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
    """What schema.sql has as a view or a function: read, and never made of these classes."""

    __abstract__ = True
    metadata = MetaData()


class TransactionProof(View):
    """Where an event is in the log, and the hashes that lead from it to the root."""

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
    """The log as it is: one row."""

    __tablename__ = "ledger"

    ledger_id: Mapped[int] = mapped_column(primary_key=True)
    size: Mapped[int] = mapped_column(BigInteger)
    root_hash: Mapped[str]
    origin: Mapped[str | None]
    public_key: Mapped[str | None]
    checkpoint: Mapped[str | None]


class LedgerConsistency(View):
    """That the log of one size begins with that of a smaller one: a function of both sizes."""

    __tablename__ = "ledger_consistency_proof"

    first_size: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    second_size: Mapped[int] = mapped_column(BigInteger)
    first_root: Mapped[str]
    second_root: Mapped[str]
    hashes: Mapped[list[str]] = mapped_column(ARRAY(Text))
