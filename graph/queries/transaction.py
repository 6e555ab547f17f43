"""Root fields about transactions."""

import strawberry

from graph.types import Transaction
from graph.types.connection import Connection
from graph.types.node import connection
from graph.types.view import dated


@strawberry.type
class TransactionQuery:
    transactions: Connection[Transaction] = connection(
        "Transactions of all products and batches.", "Transaction", *dated()
    )
