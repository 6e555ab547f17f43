"""Due diligence statements and the lots that they cover."""

from graph.auth.roles import ANYONE, SIGNED_IN
from graph.types.node import Node, field, node, relation
from graph.types.scalar import Date


@node(
    "A due diligence statement in the EU's information system (EUDR, Articles 4 and 33).",
    roles=ANYONE,
)
class DueDiligenceStatement(Node):
    statement_id: int = field("Number of the statement in this database.")
    reference_number: str = field("Reference number that the information system assigned.")
    verification_number: str | None = field(
        "Verification number of the reference number.", roles=SIGNED_IN
    )
    submitted_on: Date = field("Day of submission.")
    products = relation("The products that it covers.")
    cacao_batches = relation("The cacao batches that it covers.")
