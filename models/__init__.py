"""The tables, one class each. Import them from here."""

from models.api_key import APIKey
from models.attempt import SignInAttempt
from models.base import Base
from models.change import Change
from models.event import Transaction
from models.lot import STAGES, CacaoBatch, CacaoBatchInput, Product, ProductCacaoBatch
from models.party import Certificate, Manufacturer, Supplier
from models.plot import CacaoBatchPlot, Plot
from models.session import UserSession
from models.statement import CacaoBatchStatement, DueDiligenceStatement, ProductStatement
from models.user import IdempotencyKey, User

__all__ = [
    "STAGES",
    "APIKey",
    "Base",
    "CacaoBatch",
    "CacaoBatchInput",
    "CacaoBatchPlot",
    "CacaoBatchStatement",
    "Certificate",
    "Change",
    "DueDiligenceStatement",
    "IdempotencyKey",
    "Manufacturer",
    "Plot",
    "Product",
    "ProductCacaoBatch",
    "ProductStatement",
    "SignInAttempt",
    "Supplier",
    "Transaction",
    "User",
    "UserSession",
]
