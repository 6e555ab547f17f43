"""Products: lots of finished goods, with their lineage."""

from graph.auth.roles import ANYONE, SIGNED_IN, STAFF
from graph.types.finding import Findings, findings
from graph.types.lineage import OriginConnection, Trace, lineage_connection, trace_field
from graph.types.node import Node, field, node, relation, root_connection
from graph.types.scalar import GTIN, Date, Decimal
from graph.types.view import dated


@root_connection("products", "Products.", roles=ANYONE)
@node(
    "A lot of a finished product, such as a bar, identified by GTIN and batch number.", roles=ANYONE
)
class Product(Node):
    product_id: int = field("Number of the product.")
    name: str = field("Name as on the label.")
    description: str | None = field("Free text.")
    gtin: GTIN | None = field("GS1 trade item number, 14 digits.")
    batch_number: str | None = field("Batch or lot number as on the label.")
    cocoa_percent: Decimal | None = field("Declared cocoa solids, in percent.")
    production_date: Date | None = field("Day of production.")
    on_hold: bool = field("Whether a batch that it was made of is on hold.", roles=SIGNED_IN)
    manufacturer = relation("The manufacturer.")
    cacao_batches = relation("Cacao batches that went into it, with their kilograms.")
    transactions = relation("The events of the product.", *dated())
    statements = relation("Due diligence statements that cover it.")
    trace: Trace = trace_field(
        "All lots it was made from, with the edges between them.", both_ways=False
    )
    origins: OriginConnection = lineage_connection(
        "The lots without inputs that it was made from, with their shares."
    )
    held_by = relation("Unreleased holds of batches that it was made of.", roles=SIGNED_IN)
    audit_findings: Findings = findings(
        "Findings about the product, its events, and the lots that it was made of.",
        upstream="Whether to include the lots that it was made of; true by default.",
        roles=STAFF,
    )
