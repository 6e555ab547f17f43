"""DueDiligenceStatement: the reference number under which a lot may be sold."""

from graph.auth.roles import ANYONE, SIGNED_IN
from graph.types.node import Node, field, node, relation
from graph.types.scalar import Date


@node(
    "A due diligence statement in the EU's information system (EUDR, Articles 4 and 33).",
    roles=ANYONE,
)
class DueDiligenceStatement(Node):
    statement_id: int = field("Number of the statement in this database.")
    reference_number: str = field("Reference number the information system gave it.")
    verification_number: str | None = field(
        "Verification number that goes with it.", roles=SIGNED_IN
    )
    submitted_on: Date = field("Day of submission.")
    products = relation("Products it covers.")
    cacao_batches = relation("Cacao batches it covers.")
