"""Due diligence statements and the lots they cover."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, Day, Key, Name

if TYPE_CHECKING:
    from models.lot import CacaoBatch, Product


class DueDiligenceStatement(Base):
    """A statement submitted to the EU's information system (EUDR, Articles 4 and 33)."""

    __tablename__ = "due_diligence_statements"
    __table_args__ = (Index(None, "submitted_on", "statement_id"),)

    statement_id: Mapped[Key] = mapped_column(primary_key=True)
    reference_number: Mapped[Name] = mapped_column(unique=True)
    verification_number: Mapped[Name | None]
    submitted_on: Mapped[Day]

    products: Mapped[list[Product]] = relationship(
        lazy="raise", secondary="product_statement", viewonly=True
    )
    cacao_batches: Mapped[list[CacaoBatch]] = relationship(
        lazy="raise", secondary="cacao_batch_statement", viewonly=True
    )


class ProductStatement(Base):
    """An edge: a product that a statement covers."""

    __tablename__ = "product_statement"
    __table_args__ = (Index(None, "statement_id", "product_id"),)

    product_id: Mapped[Key] = mapped_column(ForeignKey("products.product_id"), primary_key=True)
    statement_id: Mapped[Key] = mapped_column(
        ForeignKey(DueDiligenceStatement.statement_id), primary_key=True
    )


class CacaoBatchStatement(Base):
    """An edge: a batch that a statement covers."""

    __tablename__ = "cacao_batch_statement"
    __table_args__ = (Index(None, "statement_id", "cacao_batch_id"),)

    cacao_batch_id: Mapped[Key] = mapped_column(
        ForeignKey("cacao_batches.cacao_batch_id"), primary_key=True
    )
    statement_id: Mapped[Key] = mapped_column(
        ForeignKey(DueDiligenceStatement.statement_id), primary_key=True
    )
