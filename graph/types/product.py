"""Product: a lot of a finished product, and where its walks lead."""

from graph.auth.roles import ANYONE, SIGNED_IN, STAFF
from graph.types.finding import Findings, findings
from graph.types.lineage import OriginConnection, Trace, lineage_connection, trace_field
from graph.types.node import Node, field, node, relation, root_connection
from graph.types.scalar import GTIN, Date, Decimal
from graph.types.view import dated


@root_connection("products", "Products.", roles=ANYONE)
@node("A lot of a finished product: a bar, by its GTIN and batch number.", roles=ANYONE)
class Product(Node):
    product_id: int = field("Number of the product.")
    name: str = field("Name as on the label.")
    description: str | None = field("Free text.")
    gtin: GTIN | None = field("GS1 trade item number, 14 digits.")
    batch_number: str | None = field("Batch or lot number as on the label.")
    cocoa_percent: Decimal | None = field("Declared cocoa solids, in percent.")
    production_date: Date | None = field("Day of production.")
    on_hold: bool = field("Whether anything it was made of is held.", roles=SIGNED_IN)
    manufacturer = relation("Who made it.")
    cacao_batches = relation("Cacao batches that went into it, with their kilograms.")
    transactions = relation("What happened to it.", *dated())
    statements = relation("Due diligence statements that cover it.")
    trace: Trace = trace_field(
        "All lots it was made from, with the edges between them.", both_ways=False
    )
    origins: OriginConnection = lineage_connection(
        "The lots without inputs that it goes back to, with their shares."
    )
    held_by = relation("Holds that are not released, on batches it was made of.", roles=SIGNED_IN)
    audit_findings: Findings = findings(
        "What breaks a rule: it, its events, and all lots that it was made of with theirs.",
        upstream="Whether lots that it was made of count, which they do if not given.",
        roles=STAFF,
    )
