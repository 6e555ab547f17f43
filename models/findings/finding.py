"""Findings as a mapped class for the planner; the statements of the rules compute the rows."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, Integer, MetaData, SmallInteger, Table, Text
from sqlalchemy.dialects.postgresql import JSON
from sqlalchemy.orm import Mapped, foreign, relationship

from models.base import Base
from models.event import Transaction
from models.findings.statement import COLUMNS, KEY
from models.hold import Hold
from models.lot import CacaoBatch, Product
from models.party import Certificate, Supplier

TYPES: dict[str, Any] = {
    "rule": Text(),
    "place": SmallInteger(),
    "first_key": BigInteger(),
    "second_key": BigInteger(),
    "severity": Text(),
    "message": Text(),
    "evidence": JSON(),
    "transaction_id": BigInteger(),
}
# Its own metadata keeps it out of the tables.
FINDINGS = Table(
    "audit_findings",
    MetaData(),
    *(Column(name, TYPES.get(name, Integer()), primary_key=name in KEY) for name in COLUMNS),
)


def _to(column: str, key: Any) -> Any:
    """Return a relationship to an object of a finding; the object may not exist any more."""
    return relationship(
        lazy="raise",
        viewonly=True,
        primaryjoin=lambda: foreign(FINDINGS.c[column]) == key,
    )


class AuditFinding(Base):
    """A row that breaks a rule, with its objects and figures; the key orders all findings."""

    __table__ = FINDINGS

    product: Mapped[Product | None] = _to("product_id", Product.product_id)
    cacao_batch: Mapped[CacaoBatch | None] = _to("cacao_batch_id", CacaoBatch.cacao_batch_id)
    input: Mapped[CacaoBatch | None] = _to("input_batch_id", CacaoBatch.cacao_batch_id)
    supplier: Mapped[Supplier | None] = _to("supplier_id", Supplier.supplier_id)
    transaction: Mapped[Transaction | None] = _to("transaction_id", Transaction.transaction_id)
    certificate: Mapped[Certificate | None] = _to("certificate_id", Certificate.certificate_id)
    hold: Mapped[Hold | None] = _to("hold_id", Hold.hold_id)
