"""The tables, one class each. Importing this package imports every module of it that declares tables."""

from importlib import import_module
from pkgutil import iter_modules

from models.api_key import ApiKey
from models.attempt import SignInAttempt
from models.balance_rules import BalanceSettings, ConversionFactor, ValidationFlag
from models.base import Base
from models.change import Change
from models.event import Transaction
from models.hold import Hold, HoldBatch, HoldProduct
from models.idempotency import IdempotencyKey
from models.ledger import (
    LEDGER_QUEUE,
    Ledger,
    LedgerCheckpoint,
    LedgerConsistency,
    LedgerEntry,
    TransactionProof,
)
from models.loss import Loss
from models.lot import CUSTODIES, STAGES, CacaoBatch, CacaoBatchInput, Product, ProductCacaoBatch
from models.mass_balance import MassBalanceAccount, MassBalanceEntry
from models.party import Certificate, Manufacturer, Supplier
from models.plot import CacaoBatchPlot, Plot
from models.session import UserSession
from models.statement import CacaoBatchStatement, DueDiligenceStatement, ProductStatement
from models.user import User

for _module in iter_modules(__path__):
    if not _module.ispkg:
        import_module(f"{__name__}.{_module.name}")

__all__ = [
    "CUSTODIES",
    "LEDGER_QUEUE",
    "STAGES",
    "ApiKey",
    "BalanceSettings",
    "Base",
    "CacaoBatch",
    "CacaoBatchInput",
    "CacaoBatchPlot",
    "CacaoBatchStatement",
    "Certificate",
    "Change",
    "ConversionFactor",
    "DueDiligenceStatement",
    "Hold",
    "HoldBatch",
    "HoldProduct",
    "IdempotencyKey",
    "Ledger",
    "LedgerCheckpoint",
    "LedgerConsistency",
    "LedgerEntry",
    "Loss",
    "Manufacturer",
    "MassBalanceAccount",
    "MassBalanceEntry",
    "Plot",
    "Product",
    "ProductCacaoBatch",
    "ProductStatement",
    "SignInAttempt",
    "Supplier",
    "Transaction",
    "TransactionProof",
    "User",
    "UserSession",
    "ValidationFlag",
]
