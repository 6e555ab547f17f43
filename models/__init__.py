"""The tables, one class each. Import them from here."""

from models.base import Base
from models.event import Transaction
from models.lot import STAGES, CacaoBatch, CacaoBatchInput, Product, ProductCacaoBatch
from models.party import Certificate, Manufacturer, Supplier
from models.plot import CacaoBatchPlot, Plot
from models.statement import CacaoBatchStatement, DueDiligenceStatement, ProductStatement
from models.user import IdempotencyKey, User

__all__ = [
    "STAGES",
    "Base",
    "CacaoBatch",
    "CacaoBatchInput",
    "CacaoBatchPlot",
    "CacaoBatchStatement",
    "Certificate",
    "DueDiligenceStatement",
    "IdempotencyKey",
    "Manufacturer",
    "Plot",
    "Product",
    "ProductCacaoBatch",
    "ProductStatement",
    "Supplier",
    "Transaction",
    "User",
]
