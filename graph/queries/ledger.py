"""The root field about the ledger."""

from graph.auth.roles import ANYONE
from graph.queries.root import query_fields
from graph.types.ledger import Ledger
from graph.types.node import field


@query_fields
class LedgerQuery:
    ledger: Ledger = field(
        "The Merkle log over all events, with its checkpoints and proofs.", roles=ANYONE
    )
