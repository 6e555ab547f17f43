"""Transaction: what happened to a product or to a cacao batch."""

from typing import TYPE_CHECKING, Annotated

import strawberry

import models
from graph.types.connection import Connection
from graph.types.ledger import TransactionProof
from graph.types.node import Node, connection, field, node
from graph.types.scalar import JSON, BigInt, DateTime
from graph.types.view import dated

if TYPE_CHECKING:
    from graph.types.cacao_batch import CacaoBatch
    from graph.types.product import Product


@node(models.Transaction, "An event of one product or one cacao batch; never changed afterwards.")
class Transaction(Node):
    transaction_id: BigInt = field("Number of the transaction.")
    timestamp: DateTime = field("When it happened, in UTC (EPCIS eventTime).")
    event: str = field(
        "What happened, like `shipped`. Events `lost`, `held` and `released` are there for whoever"
        " may read losses and holds."
    )
    details: JSON | None = field("What else is known of it.")
    event_id: str | None = field("Its identifier in the sender's system (EPCIS eventID).")
    record_time: DateTime = field("When this database learned of it, in UTC (EPCIS recordTime).")
    recorded_by: str | None = field(
        "Who recorded it, like `user:anna`, `key:erp` or `import:events.csv`; null if nobody knows."
    )
    product: Annotated["Product", strawberry.lazy("graph.types.product")] | None = field(
        "The product it happened to; null if it happened to a batch."
    )
    cacao_batch: Annotated["CacaoBatch", strawberry.lazy("graph.types.cacao_batch")] | None = field(
        "The batch it happened to; null if it happened to a product."
    )
    corrects: Annotated["Transaction", strawberry.lazy("graph.types.transaction")] | None = field(
        "The earlier event that this one corrects."
    )
    correction_reason: str | None = field("Why; always there where it corrects another event.")
    corrections: Connection[
        Annotated["Transaction", strawberry.lazy("graph.types.transaction")]
    ] = connection("Later events that correct it.", "Transaction", *dated())
    proof: TransactionProof = field("Where it stands in the ledger, and the proof of that.")
