"""Events of products and cacao batches."""

from graph.auth.roles import ANYONE, SIGNED_IN, STAFF
from graph.types.ledger import TransactionProof
from graph.types.node import Node, field, node, relation, root_connection
from graph.types.scalar import JSON, DateTime
from graph.types.view import dated


@root_connection(
    "transactions", "Transactions of all products and batches.", *dated(), roles=ANYONE
)
@node("An event of a product or a cacao batch. An event never changes.", roles=ANYONE)
class Transaction(Node):
    transaction_id: int = field("Number of the transaction.")
    timestamp: DateTime = field("Time of the event, in UTC (EPCIS eventTime).")
    event: str = field(
        "Name of the event, like `shipped`. Only roles that may read losses and holds see the events"
        " `lost`, `held` and `released`."
    )
    details: JSON | None = field("Further data of the event.", roles=SIGNED_IN)
    event_id: str | None = field("Identifier in the system of the sender (EPCIS eventID).")
    record_time: DateTime = field("Time at which it was recorded, in UTC (EPCIS recordTime).")
    recorded_by: str | None = field(
        "The actor that recorded it, like `user:anna`, `key:erp` or `import:events.csv`; null if it is not known.",
        roles=STAFF,
    )
    product = relation("The product; null for an event of a batch.")
    cacao_batch = relation("The batch; null for an event of a product.")
    corrects = relation("The earlier event that this one corrects.")
    correction_reason: str | None = field(
        "The reason of the correction; every correction has one.", roles=SIGNED_IN
    )
    corrections = relation("The later events that correct this one.", *dated())
    proof: TransactionProof = field("The proof that the event is in the ledger.")
