"""Mass balance: the kilograms that a site may still sell as certified, by scheme and period."""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKey, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, Day, Instant, Key, Kilograms, Name
from models.lot import CacaoBatch
from models.party import Manufacturer, Supplier


class MassBalanceAccount(Base):
    """The account of a scheme and a period at the site of a supplier or a manufacturer.

    `balance_kg` is never below zero.
    """

    __tablename__ = "mass_balance_accounts"
    __table_args__ = (
        UniqueConstraint("scheme", "supplier_id", "period_from"),
        UniqueConstraint("scheme", "manufacturer_id", "period_from"),
        Index(None, "supplier_id", "account_id", postgresql_where=text("supplier_id IS NOT NULL")),
        Index(
            None,
            "manufacturer_id",
            "account_id",
            postgresql_where=text("manufacturer_id IS NOT NULL"),
        ),
    )

    account_id: Mapped[Key] = mapped_column(primary_key=True)
    scheme: Mapped[Name]
    supplier_id: Mapped[Key | None] = mapped_column(ForeignKey(Supplier.supplier_id))
    manufacturer_id: Mapped[Key | None] = mapped_column(ForeignKey(Manufacturer.manufacturer_id))
    period_from: Mapped[Day]
    period_to: Mapped[Day]
    balance_kg: Mapped[Kilograms] = mapped_column(server_default=text("0"))

    supplier: Mapped[Supplier | None] = relationship(
        lazy="raise", back_populates="mass_balance_accounts"
    )
    manufacturer: Mapped[Manufacturer | None] = relationship(
        lazy="raise", back_populates="mass_balance_accounts"
    )
    entries: Mapped[list[MassBalanceEntry]] = relationship(lazy="raise", back_populates="account")


class MassBalanceEntry(Base):
    """A credit or a debit of an account; append-only."""

    __tablename__ = "mass_balance_entries"
    __table_args__ = (
        Index(None, "account_id", "entry_id"),
        Index(
            None,
            "cacao_batch_id",
            "entry_id",
            postgresql_where=text("cacao_batch_id IS NOT NULL"),
        ),
    )

    entry_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    account_id: Mapped[Key] = mapped_column(ForeignKey(MassBalanceAccount.account_id))
    direction: Mapped[Name]
    quantity_kg: Mapped[Kilograms]
    cacao_batch_id: Mapped[Key | None] = mapped_column(ForeignKey(CacaoBatch.cacao_batch_id))
    timestamp: Mapped[Instant] = mapped_column(server_default=func.now())
    note: Mapped[Name | None]
    record_time: Mapped[Instant] = mapped_column(server_default=func.now())
    recorded_by: Mapped[Name | None] = mapped_column(server_default=func.current_actor())

    account: Mapped[MassBalanceAccount] = relationship(lazy="raise", back_populates="entries")
    cacao_batch: Mapped[CacaoBatch | None] = relationship(
        lazy="raise", back_populates="mass_balance_entries"
    )
