"""Product: a lot of a finished product, and where its walks lead."""

from typing import TYPE_CHECKING, Annotated

import strawberry

import models
from graph.types.connection import Connection, FlowConnection
from graph.types.finding import Findings, findings
from graph.types.lineage import OriginConnection, Trace, listing, trace_field
from graph.types.node import Node, connection, field, node
from graph.types.scalar import GTIN, Date, Decimal
from graph.types.view import dated

if TYPE_CHECKING:
    from graph.types.cacao_batch import CacaoBatch
    from graph.types.hold import Hold
    from graph.types.manufacturer import Manufacturer
    from graph.types.statement import DueDiligenceStatement
    from graph.types.transaction import Transaction


@node(models.Product, "A lot of a finished product: a bar, by its GTIN and batch number.")
class Product(Node):
    product_id: int = field("Number of the product.")
    name: str = field("Name as on the label.")
    description: str | None = field("Free text.")
    gtin: GTIN | None = field("GS1 trade item number, 14 digits.")
    batch_number: str | None = field("Batch or lot number as on the label.")
    cocoa_percent: Decimal | None = field("Declared cocoa solids, in percent.")
    production_date: Date | None = field("Day of production.")
    on_hold: bool = field("Whether anything it was made of is held.")
    manufacturer: Annotated["Manufacturer", strawberry.lazy("graph.types.manufacturer")] | None = (
        field("Who made it.")
    )
    cacao_batches: FlowConnection[
        Annotated["CacaoBatch", strawberry.lazy("graph.types.cacao_batch")]
    ] = connection("Cacao batches that went into it, with their kilograms.", of="CacaoBatch")
    transactions: Connection[
        Annotated["Transaction", strawberry.lazy("graph.types.transaction")]
    ] = connection("What happened to it.", "Transaction", *dated())
    statements: Connection[
        Annotated["DueDiligenceStatement", strawberry.lazy("graph.types.statement")]
    ] = connection("Due diligence statements that cover it.", of="DueDiligenceStatement")
    trace: Trace = trace_field(
        "All lots it was made from, with the edges between them.", both_ways=False
    )
    origins: OriginConnection = listing(
        "The lots without inputs that it goes back to, with their shares."
    )
    held_by: Connection[Annotated["Hold", strawberry.lazy("graph.types.hold")]] = connection(
        "Holds that are not released, on batches it was made of.", of="Hold"
    )
    audit_findings: Findings = findings(
        "What breaks a rule: it, its events, and all lots that it was made of with theirs.",
        upstream="Whether lots that it was made of count, which they do if not given.",
    )
