"""Holds: a batch, and everything made of it, cannot be used until the hold is released."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, func, update
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from models.base import Base, Instant, Key, Name
from models.errors import NotOnHold
from models.lot import CacaoBatch, Product


class Hold(Base):
    """A hold of a batch: its reason, time and author, and those of its only release."""

    __tablename__ = "holds"
    __table_args__ = (
        Index(None, "cacao_batch_id", "hold_id"),
        Index(None, "placed_at", "hold_id"),
    )

    hold_id: Mapped[Key] = mapped_column(primary_key=True)
    cacao_batch_id: Mapped[Key] = mapped_column(ForeignKey(CacaoBatch.cacao_batch_id))
    reason: Mapped[Name]
    placed_at: Mapped[Instant] = mapped_column(server_default=func.now())
    placed_by: Mapped[Name | None] = mapped_column(server_default=func.current_actor())
    released_at: Mapped[Instant | None]
    released_by: Mapped[Name | None]
    release_reason: Mapped[Name | None]

    cacao_batch: Mapped[CacaoBatch] = relationship(lazy="raise", back_populates="holds")
    cacao_batches: Mapped[list[CacaoBatch]] = relationship(
        lazy="raise", secondary="hold_batch", viewonly=True
    )
    products: Mapped[list[Product]] = relationship(
        lazy="raise", secondary="hold_product", viewonly=True
    )


class HoldBatch(Base):
    """An edge: a batch that a hold reaches until it is released."""

    __tablename__ = "hold_batch"
    __table_args__ = (Index(None, "cacao_batch_id", "hold_id"),)

    hold_id: Mapped[Key] = mapped_column(ForeignKey(Hold.hold_id), primary_key=True)
    cacao_batch_id: Mapped[Key] = mapped_column(
        ForeignKey(CacaoBatch.cacao_batch_id), primary_key=True
    )


class HoldProduct(Base):
    """An edge: a product that a hold reaches until it is released."""

    __tablename__ = "hold_product"
    __table_args__ = (Index(None, "product_id", "hold_id"),)

    hold_id: Mapped[Key] = mapped_column(ForeignKey(Hold.hold_id), primary_key=True)
    product_id: Mapped[Key] = mapped_column(ForeignKey(Product.product_id), primary_key=True)


def release(session: Session, batch: int, reason: str) -> list[int]:
    """Release all holds that were placed on a batch; return their numbers.

    Raises NotOnHold if there are none.
    """
    held = update(Hold).where(Hold.cacao_batch_id == batch, Hold.released_at.is_(None))
    ended = session.scalars(
        held.values(released_at=func.now(), release_reason=reason).returning(Hold.hold_id)
    ).all()
    if not ended:
        raise NotOnHold("No hold was placed on this batch itself.", "cacao_batch_id")
    return sorted(ended)
