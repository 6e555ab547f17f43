"""Transaction: what happened to a product or to a cacao batch."""

from graph.auth.roles import ANYONE, SIGNED_IN, STAFF
from graph.types.ledger import TransactionProof
from graph.types.node import Node, field, node, relation, root_connection
from graph.types.scalar import JSON, DateTime
from graph.types.view import dated


@root_connection(
    "transactions", "Transactions of all products and batches.", *dated(), roles=ANYONE
)
@node("An event of one product or one cacao batch; never changed afterwards.", roles=ANYONE)
class Transaction(Node):
    transaction_id: int = field("Number of the transaction.")
    timestamp: DateTime = field("When it happened, in UTC (EPCIS eventTime).")
    event: str = field(
        "What happened, like `shipped`. Events `lost`, `held` and `released` are shown to roles that"
        " may read losses and holds."
    )
    details: JSON | None = field("What else is known of it.", roles=SIGNED_IN)
    event_id: str | None = field("Its identifier in the sender's system (EPCIS eventID).")
    record_time: DateTime = field("When this database learned of it, in UTC (EPCIS recordTime).")
    recorded_by: str | None = field(
        "Who recorded it, like `user:anna`, `key:erp` or `import:events.csv`; null if it is not known.",
        roles=STAFF,
    )
    product = relation("The product it happened to; null if it happened to a batch.")
    cacao_batch = relation("The batch it happened to; null if it happened to a product.")
    corrects = relation("The earlier event that this one corrects.")
    correction_reason: str | None = field(
        "Why; always there where it corrects another event.", roles=SIGNED_IN
    )
    corrections = relation("Later events that correct it.", *dated())
    proof: TransactionProof = field("Its place in the ledger, with the proof.")
