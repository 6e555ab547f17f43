"""Events of products and cacao batches, in the append-only table `transactions`."""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKey, Index, func, text
from sqlalchemy.orm import Mapped, foreign, mapped_column, relationship

from models.base import Base, Instant, Json, Key, Name
from models.ledger import TransactionProof
from models.lot import CacaoBatch, Product


class Transaction(Base):
    """An event of a product or a batch; it has neither if its subject is not known.

    It happened at `timestamp` and was recorded at `record_time`, both in UTC.
    """

    __tablename__ = "transactions"
    __table_args__ = (
        Index(
            None, "product_id", "transaction_id", postgresql_where=text("product_id IS NOT NULL")
        ),
        Index(
            None,
            "cacao_batch_id",
            "transaction_id",
            postgresql_where=text("cacao_batch_id IS NOT NULL"),
        ),
        Index(None, "corrects", "transaction_id", postgresql_where=text("corrects IS NOT NULL")),
        Index(None, "timestamp", "transaction_id"),
        Index(None, "event", "transaction_id"),
        Index(
            "transactions_without_subject",
            "transaction_id",
            postgresql_where=text("product_id IS NULL AND cacao_batch_id IS NULL"),
        ),
        Index(
            "transactions_in_future",
            "transaction_id",
            postgresql_where=text('"timestamp" > record_time'),
        ),
        Index(
            "transactions_with_kilograms",
            "transaction_id",
            postgresql_where=text("details ?| '{quantityKg,quantity_kg,weight,quantityList}'"),
        ),
    )

    transaction_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    product_id: Mapped[Key | None] = mapped_column(ForeignKey(Product.product_id))
    cacao_batch_id: Mapped[Key | None] = mapped_column(ForeignKey(CacaoBatch.cacao_batch_id))
    timestamp: Mapped[Instant] = mapped_column(server_default=func.now())
    event: Mapped[Name]
    details: Mapped[Json | None]
    event_id: Mapped[Name | None] = mapped_column(unique=True)
    record_time: Mapped[Instant] = mapped_column(server_default=func.now())
    recorded_by: Mapped[Name | None] = mapped_column(server_default=func.current_actor())
    corrects_id: Mapped[int | None] = mapped_column(
        "corrects", ForeignKey("transactions.transaction_id"), type_=BigInteger
    )
    correction_reason: Mapped[Name | None]

    product: Mapped[Product | None] = relationship(lazy="raise", back_populates="transactions")
    cacao_batch: Mapped[CacaoBatch | None] = relationship(
        lazy="raise", back_populates="transactions"
    )
    corrects: Mapped[Transaction | None] = relationship(
        lazy="raise", remote_side=transaction_id, back_populates="corrections"
    )
    corrections: Mapped[list[Transaction]] = relationship(lazy="raise", back_populates="corrects")
    proof: Mapped[TransactionProof] = relationship(
        lazy="raise",
        viewonly=True,
        uselist=False,
        primaryjoin=lambda: Transaction.transaction_id == foreign(TransactionProof.transaction_id),
    )
