"""The tables, one class each. Import them from here."""

from models.api_key import APIKey
from models.attempt import SignInAttempt
from models.balance_rules import ConversionFactor, Flag, MatterRules
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

__all__ = [
    "CUSTODIES",
    "LEDGER_QUEUE",
    "STAGES",
    "APIKey",
    "Base",
    "CacaoBatch",
    "CacaoBatchInput",
    "CacaoBatchPlot",
    "CacaoBatchStatement",
    "Certificate",
    "Change",
    "ConversionFactor",
    "DueDiligenceStatement",
    "Flag",
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
    "MatterRules",
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
]
