"""Losses of batches. The table is append-only, and a trigger records each loss as an event."""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKey, Index, func
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, Instant, Key, Kilograms, Name
from models.lot import CacaoBatch

REASONS = ("spillage", "sampling", "moisture", "spoilage", "theft", "destruction", "correction")


class Loss(Base):
    """Kilograms that a batch lost. A `correction` is below zero and takes back earlier losses."""

    __tablename__ = "losses"
    __table_args__ = (
        Index(None, "cacao_batch_id", "loss_id"),
        Index(None, "timestamp", "loss_id"),
    )

    loss_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    cacao_batch_id: Mapped[Key] = mapped_column(ForeignKey(CacaoBatch.cacao_batch_id))
    quantity_kg: Mapped[Kilograms]
    reason: Mapped[Name]
    timestamp: Mapped[Instant] = mapped_column(server_default=func.now())
    note: Mapped[Name | None]
    record_time: Mapped[Instant] = mapped_column(server_default=func.now())
    recorded_by: Mapped[Name | None] = mapped_column(server_default=func.current_actor())

    cacao_batch: Mapped[CacaoBatch] = relationship(lazy="raise", back_populates="losses")
