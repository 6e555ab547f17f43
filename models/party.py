"""Parties: manufacturers, suppliers, and the certificates of suppliers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import (
    Column,
    ColumnElement,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, Day, Key, Name

if TYPE_CHECKING:
    from models.lot import CacaoBatch, Product
    from models.mass_balance import MassBalanceAccount
    from models.plot import Plot


# A view: the certificates that cover the claim of a batch. Its own metadata keeps it out of the tables.
COVER = Table(
    "cacao_batch_cover",
    MetaData(),
    Column("cacao_batch_id", Integer),
    Column("certificate_id", Integer),
)


def _covered() -> ColumnElement[bool]:
    from models.lot import CacaoBatch

    return CacaoBatch.cacao_batch_id == COVER.c.cacao_batch_id


class Manufacturer(Base):
    """A maker of chocolate at one location: two locations of one maker are two rows."""

    __tablename__ = "manufacturers"
    __table_args__ = (
        Index(None, "name", "manufacturer_id"),
        Index(None, "country", "manufacturer_id"),
        Index(
            "manufacturers_name_search",
            text("search_key(name) gin_trgm_ops"),
            postgresql_using="gin",
        ),
    )

    manufacturer_id: Mapped[Key] = mapped_column(primary_key=True)
    name: Mapped[Name]
    location: Mapped[Name | None]
    country: Mapped[Name | None]

    products: Mapped[list[Product]] = relationship(lazy="raise", back_populates="manufacturer")
    mass_balance_accounts: Mapped[list[MassBalanceAccount]] = relationship(
        lazy="raise", back_populates="manufacturer"
    )


class Supplier(Base):
    """A farm, cooperative, exporter or processor that hands over cacao."""

    __tablename__ = "suppliers"
    __table_args__ = (
        Index(None, "name", "supplier_id"),
        Index(None, "country", "supplier_id"),
        Index(
            "suppliers_name_search",
            text("search_key(name) gin_trgm_ops"),
            postgresql_using="gin",
        ),
    )

    supplier_id: Mapped[Key] = mapped_column(primary_key=True)
    name: Mapped[Name]
    location: Mapped[Name | None]
    contact_person: Mapped[Name | None]
    country: Mapped[Name | None]
    external_id: Mapped[Name | None] = mapped_column(unique=True)

    cacao_batches: Mapped[list[CacaoBatch]] = relationship(lazy="raise", back_populates="supplier")
    certificates: Mapped[list[Certificate]] = relationship(lazy="raise", back_populates="supplier")
    plots: Mapped[list[Plot]] = relationship(lazy="raise", back_populates="supplier")
    mass_balance_accounts: Mapped[list[MassBalanceAccount]] = relationship(
        lazy="raise", back_populates="supplier"
    )


class Certificate(Base):
    """A certificate of a scheme, held by a supplier, valid from the first day to the last.

    `holder` is the group of suppliers that the document names, if it names one. `document_hash` is the
    SHA-256 of the document, in hexadecimal.
    """

    __tablename__ = "certificates"
    __table_args__ = (
        UniqueConstraint("scheme", "number"),
        Index(None, "supplier_id", "certificate_id"),
        Index(None, "valid_to", "certificate_id"),
    )

    certificate_id: Mapped[Key] = mapped_column(primary_key=True)
    supplier_id: Mapped[Key] = mapped_column(ForeignKey(Supplier.supplier_id))
    scheme: Mapped[Name]
    number: Mapped[Name]
    scope: Mapped[Name | None]
    valid_from: Mapped[Day]
    valid_to: Mapped[Day]
    holder: Mapped[Name | None]
    document_hash: Mapped[Name | None]

    supplier: Mapped[Supplier] = relationship(lazy="raise", back_populates="certificates")
    cacao_batches: Mapped[list[CacaoBatch]] = relationship(
        lazy="raise",
        secondary=COVER,
        primaryjoin=lambda: Certificate.certificate_id == COVER.c.certificate_id,
        secondaryjoin=_covered,
        viewonly=True,
    )
