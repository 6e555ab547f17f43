"""The root field of the ledger: one row, planned as any other."""

import strawberry

from graph.types import Ledger
from graph.types.node import field


@strawberry.type
class LedgerQuery:
    ledger: Ledger = field("The Merkle log over all events, with its checkpoints and proofs.")
