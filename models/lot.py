"""Lots: cacao batches and products, and the kilograms of a batch that went into another lot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, Index, UniqueConstraint, false, func, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, Day, Instant, Key, Kilograms, Name, Percent
from models.party import COVER, Certificate, Manufacturer, Supplier
from models.plot import Plot

if TYPE_CHECKING:
    from models.balance_rules import ValidationFlag
    from models.event import Transaction
    from models.hold import Hold
    from models.loss import Loss
    from models.mass_balance import MassBalanceEntry
    from models.statement import DueDiligenceStatement

STAGES = ("beans", "nibs", "liquor", "butter", "powder", "couverture")
CUSTODIES = ("identity_preserved", "segregated", "mass_balance")


class CacaoBatch(Base):
    """A lot of cacao at one stage: beans as harvested, or a material made from other batches."""

    __tablename__ = "cacao_batches"
    __table_args__ = (
        UniqueConstraint("supplier_id", "lot_number"),
        Index(None, "supplier_id", "cacao_batch_id"),
        Index(None, "harvest_date", "cacao_batch_id"),
        Index(None, "quantity", "cacao_batch_id"),
        Index(None, "certification", "cacao_batch_id"),
        Index(None, "stage", "cacao_batch_id"),
        Index(None, "lot_number", "cacao_batch_id"),
        Index("cacao_batches_on_hold", "cacao_batch_id", postgresql_where=text("on_hold")),
    )

    cacao_batch_id: Mapped[Key] = mapped_column(primary_key=True)
    supplier_id: Mapped[Key | None] = mapped_column(ForeignKey(Supplier.supplier_id))
    harvest_date: Mapped[Day | None]
    quantity_kg: Mapped[Kilograms] = mapped_column("quantity")
    certification: Mapped[Name | None]
    stage: Mapped[Name] = mapped_column(server_default="beans")
    lot_number: Mapped[Name | None]
    production_date: Mapped[Day | None]
    custody: Mapped[Name | None]
    on_hold: Mapped[bool] = mapped_column(server_default=false())

    supplier: Mapped[Supplier | None] = relationship(lazy="raise", back_populates="cacao_batches")
    products: Mapped[list[Product]] = relationship(
        lazy="raise", secondary="product_cacao_batch", viewonly=True
    )
    inputs: Mapped[list[CacaoBatch]] = relationship(
        lazy="raise",
        secondary="cacao_batch_input",
        primaryjoin="CacaoBatch.cacao_batch_id == CacaoBatchInput.output_batch_id",
        secondaryjoin="CacaoBatch.cacao_batch_id == CacaoBatchInput.input_batch_id",
        viewonly=True,
    )
    outputs: Mapped[list[CacaoBatch]] = relationship(
        lazy="raise",
        secondary="cacao_batch_input",
        primaryjoin="CacaoBatch.cacao_batch_id == CacaoBatchInput.input_batch_id",
        secondaryjoin="CacaoBatch.cacao_batch_id == CacaoBatchInput.output_batch_id",
        viewonly=True,
    )
    plots: Mapped[list[Plot]] = relationship(
        lazy="raise", secondary="cacao_batch_plot", viewonly=True
    )
    statements: Mapped[list[DueDiligenceStatement]] = relationship(
        lazy="raise", secondary="cacao_batch_statement", viewonly=True
    )
    transactions: Mapped[list[Transaction]] = relationship(
        lazy="raise", back_populates="cacao_batch"
    )
    losses: Mapped[list[Loss]] = relationship(lazy="raise", back_populates="cacao_batch")
    mass_balance_entries: Mapped[list[MassBalanceEntry]] = relationship(
        lazy="raise", back_populates="cacao_batch"
    )
    flags: Mapped[list[ValidationFlag]] = relationship(lazy="raise", back_populates="cacao_batch")
    holds: Mapped[list[Hold]] = relationship(lazy="raise", back_populates="cacao_batch")
    held_by: Mapped[list[Hold]] = relationship(lazy="raise", secondary="hold_batch", viewonly=True)
    covering_certificates: Mapped[list[Certificate]] = relationship(
        lazy="raise",
        secondary=COVER,
        primaryjoin=lambda: CacaoBatch.cacao_batch_id == COVER.c.cacao_batch_id,
        secondaryjoin=lambda: Certificate.certificate_id == COVER.c.certificate_id,
        viewonly=True,
    )


class Product(Base):
    """A lot of a finished product: one GTIN with one batch number, of one manufacturer."""

    __tablename__ = "products"
    __table_args__ = (
        UniqueConstraint("gtin", "batch_number"),
        Index(None, "manufacturer_id", "product_id"),
        Index(None, "name", "product_id"),
        Index(None, "batch_number", "product_id"),
        Index(None, "gtin", "product_id"),
        Index(None, "cocoa_percent", "product_id"),
        Index(None, "production_date", "product_id"),
        Index("products_on_hold", "product_id", postgresql_where=text("on_hold")),
        Index(
            "products_name_search",
            text("search_key(name) gin_trgm_ops"),
            postgresql_using="gin",
        ),
    )

    product_id: Mapped[Key] = mapped_column(primary_key=True)
    name: Mapped[Name]
    description: Mapped[Name | None]
    manufacturer_id: Mapped[Key | None] = mapped_column(ForeignKey(Manufacturer.manufacturer_id))
    batch_number: Mapped[Name | None]
    gtin: Mapped[Name | None]
    cocoa_percent: Mapped[Percent | None]
    production_date: Mapped[Day | None]
    on_hold: Mapped[bool] = mapped_column(server_default=false())

    manufacturer: Mapped[Manufacturer | None] = relationship(
        lazy="raise", back_populates="products"
    )
    cacao_batches: Mapped[list[CacaoBatch]] = relationship(
        lazy="raise", secondary="product_cacao_batch", viewonly=True
    )
    statements: Mapped[list[DueDiligenceStatement]] = relationship(
        lazy="raise", secondary="product_statement", viewonly=True
    )
    transactions: Mapped[list[Transaction]] = relationship(lazy="raise", back_populates="product")
    held_by: Mapped[list[Hold]] = relationship(
        lazy="raise", secondary="hold_product", viewonly=True
    )


class ProductCacaoBatch(Base):
    """An edge: kilograms of a batch that went into a product; None if they are not known."""

    __tablename__ = "product_cacao_batch"
    __table_args__ = (Index(None, "cacao_batch_id", "product_id"),)

    product_id: Mapped[Key] = mapped_column(ForeignKey(Product.product_id), primary_key=True)
    cacao_batch_id: Mapped[Key] = mapped_column(
        ForeignKey(CacaoBatch.cacao_batch_id), primary_key=True
    )
    quantity_kg: Mapped[Kilograms | None]
    record_time: Mapped[Instant] = mapped_column(server_default=func.now())


class CacaoBatchInput(Base):
    """An edge: kilograms of the input batch that went into the output batch."""

    __tablename__ = "cacao_batch_input"
    __table_args__ = (Index(None, "input_batch_id", "output_batch_id"),)

    output_batch_id: Mapped[Key] = mapped_column(
        ForeignKey(CacaoBatch.cacao_batch_id), primary_key=True
    )
    input_batch_id: Mapped[Key] = mapped_column(
        ForeignKey(CacaoBatch.cacao_batch_id), primary_key=True
    )
    quantity_kg: Mapped[Kilograms]
    record_time: Mapped[Instant] = mapped_column(server_default=func.now())
