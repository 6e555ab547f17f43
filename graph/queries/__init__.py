"""The root type Query, from its parts by noun."""

import strawberry

from graph.queries.cacao_batch import CacaoBatchQuery
from graph.queries.finding import FindingQuery
from graph.queries.ledger import LedgerQuery
from graph.queries.matter import MatterQuery
from graph.queries.node import NodeQuery
from graph.queries.party import PartyQuery
from graph.queries.product import ProductQuery
from graph.queries.transaction import TransactionQuery
from graph.queries.user import UserQuery


@strawberry.type(description="Everything that can be read: one operation is one SQL statement.")
class Query(
    ProductQuery,
    CacaoBatchQuery,
    PartyQuery,
    TransactionQuery,
    LedgerQuery,
    MatterQuery,
    FindingQuery,
    UserQuery,
    NodeQuery,
):
    pass


__all__ = ["Query"]
