"""CacaoBatch: a lot of cacao at one stage, its inputs and outputs, and the plots it grew on."""

from typing import TYPE_CHECKING, Annotated

import strawberry

import models
from graph.types.connection import Connection, FlowConnection
from graph.types.lineage import Impact, OriginConnection, Trace, computed, listing, trace_field
from graph.types.node import Node, connection, field, node
from graph.types.scalar import Date, Decimal
from graph.types.stage import Stage

if TYPE_CHECKING:
    from graph.types.plot import Plot
    from graph.types.product import Product
    from graph.types.statement import DueDiligenceStatement
    from graph.types.supplier import Supplier
    from graph.types.transaction import Transaction


@node(models.CacaoBatch, "A lot of cacao at one stage, from beans to couverture.")
class CacaoBatch(Node):
    cacao_batch_id: int = field("Number of the batch.")
    lot_number: str | None = field("Lot number its supplier gave it.")
    stage: Stage = field("How far it has been processed.")
    harvest_date: Date | None = field("Day of harvest; always known of beans.")
    production_date: Date | None = field("Day of production, of anything later than beans.")
    quantity_kg: Decimal = field("Mass when it was made, in kilograms.")
    certification: str | None = field("Certification claimed for it.")
    supplier: Annotated["Supplier", strawberry.lazy("graph.types.supplier")] = field(
        "Who harvested or produced it."
    )
    inputs: FlowConnection[Annotated["CacaoBatch", strawberry.lazy("graph.types.cacao_batch")]] = (
        connection("Batches it was made from, with their kilograms.", of="CacaoBatch")
    )
    outputs: FlowConnection[Annotated["CacaoBatch", strawberry.lazy("graph.types.cacao_batch")]] = (
        connection("Batches made from it, with the kilograms it gave.", of="CacaoBatch")
    )
    products: FlowConnection[Annotated["Product", strawberry.lazy("graph.types.product")]] = (
        connection("Products it went into directly, with their kilograms.", of="Product")
    )
    plots: FlowConnection[Annotated["Plot", strawberry.lazy("graph.types.plot")]] = connection(
        "Plots it was harvested from, with their kilograms.", of="Plot"
    )
    transactions: Connection[
        Annotated["Transaction", strawberry.lazy("graph.types.transaction")]
    ] = connection("What happened to it.", of="Transaction")
    statements: Connection[
        Annotated["DueDiligenceStatement", strawberry.lazy("graph.types.statement")]
    ] = connection("Due diligence statements that cover it.", of="DueDiligenceStatement")
    trace: Trace = trace_field(
        "All lots it was made from, or all that was made from it, with the edges between them.",
        both_ways=True,
    )
    origins: OriginConnection = listing(
        "The lots without inputs that it goes back to, with their shares; itself, if it has none."
    )
    impact: Impact = computed("What a recall of it has to reach.")
