"""Balance rules: conversion factors, settings, and the flags of batches that break a rule."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, Day, FixedPoint, Instant, Key, Name
from models.lot import CacaoBatch


class ConversionFactor(Base):
    """Kilograms of a later stage that one kilogram of an earlier stage yields.

    A factor belongs to a scheme and a period. `source` is the document that states it.
    """

    __tablename__ = "conversion_factors"
    __table_args__ = (UniqueConstraint("from_stage", "to_stage", "scheme", "valid_from"),)

    conversion_factor_id: Mapped[Key] = mapped_column(primary_key=True)
    from_stage: Mapped[Name]
    to_stage: Mapped[Name]
    factor: Mapped[Decimal] = mapped_column(FixedPoint(5))
    scheme: Mapped[Name]
    source: Mapped[Name]
    valid_from: Mapped[Day]
    valid_to: Mapped[Day | None]


class BalanceSettings(Base):
    """The settings of the balance rules, in one row; `yields` is "ignore", "flag" or "refuse"."""

    __tablename__ = "matter_rules"

    matter_rules_id: Mapped[int] = mapped_column(
        Integer, primary_key=True, autoincrement=False, server_default=text("1")
    )
    yields: Mapped[Name] = mapped_column(server_default="flag")


class ValidationFlag(Base):
    """A rule that the recorded data of a batch break."""

    __tablename__ = "flags"
    __table_args__ = (
        UniqueConstraint("cacao_batch_id", "rule"),
        Index(None, "cacao_batch_id", "flag_id"),
    )

    flag_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    cacao_batch_id: Mapped[Key] = mapped_column(ForeignKey(CacaoBatch.cacao_batch_id))
    rule: Mapped[Name]
    message: Mapped[Name]
    record_time: Mapped[Instant] = mapped_column(server_default=func.now())
    recorded_by: Mapped[Name | None] = mapped_column(server_default=func.current_actor())

    cacao_batch: Mapped[CacaoBatch] = relationship(lazy="raise", back_populates="flags")
