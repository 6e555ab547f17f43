"""The types of the graph. Importing this package makes all of them, inputs included."""

from graph.types.cacao_batch import CacaoBatch, Custody
from graph.types.finding import AuditFinding, AuditRule, AuditSeverity
from graph.types.flag import ConversionFactor, Flag
from graph.types.hold import Hold
from graph.types.inputs import make_inputs
from graph.types.ledger import Ledger, LedgerCheckpoint, LedgerConsistency, TransactionProof
from graph.types.loss import Loss, LossReason
from graph.types.manufacturer import Manufacturer
from graph.types.mass_balance import EntryDirection, MassBalanceAccount, MassBalanceEntry
from graph.types.node import Node
from graph.types.plot import Plot
from graph.types.product import Product
from graph.types.stage import Stage
from graph.types.statement import DueDiligenceStatement
from graph.types.supplier import Certificate, Supplier
from graph.types.transaction import Transaction
from graph.types.user import APIKey, Change, Role, User, Viewer

NODE_TYPES = {
    cls.__name__: cls
    for cls in (
        Product,
        CacaoBatch,
        Supplier,
        Manufacturer,
        Transaction,
        Plot,
        Certificate,
        DueDiligenceStatement,
        Loss,
        Hold,
        Flag,
        ConversionFactor,
        MassBalanceAccount,
        MassBalanceEntry,
        User,
        APIKey,
        Change,
        LedgerCheckpoint,
    )
}
make_inputs(NODE_TYPES)

__all__ = [
    "NODE_TYPES",
    "APIKey",
    "AuditFinding",
    "AuditRule",
    "AuditSeverity",
    "CacaoBatch",
    "Certificate",
    "Change",
    "ConversionFactor",
    "Custody",
    "DueDiligenceStatement",
    "EntryDirection",
    "Flag",
    "Hold",
    "Ledger",
    "LedgerCheckpoint",
    "LedgerConsistency",
    "Loss",
    "LossReason",
    "Manufacturer",
    "MassBalanceAccount",
    "MassBalanceEntry",
    "Node",
    "Plot",
    "Product",
    "Role",
    "Stage",
    "Supplier",
    "Transaction",
    "TransactionProof",
    "User",
    "Viewer",
]
