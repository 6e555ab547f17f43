"""CacaoBatch: a lot of cacao at one stage, its inputs and outputs, and the plots it grew on."""

from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry

import models
from graph.types.connection import Connection, FlowConnection
from graph.types.node import Node, connection, field, node
from graph.types.scalar import Date, Decimal

if TYPE_CHECKING:
    from graph.types.plot import Plot
    from graph.types.product import Product
    from graph.types.statement import DueDiligenceStatement
    from graph.types.supplier import Supplier
    from graph.types.transaction import Transaction


@strawberry.enum(description="How far a batch of cacao has been processed.")
class Stage(Enum):
    BEANS = strawberry.enum_value("beans", description="Harvested, fermented and dried.")
    NIBS = strawberry.enum_value("nibs", description="Roasted, shelled and broken.")
    LIQUOR = strawberry.enum_value("liquor", description="Ground to cocoa mass.")
    BUTTER = strawberry.enum_value("butter", description="The fat pressed from liquor.")
    POWDER = strawberry.enum_value("powder", description="What pressing leaves, milled.")
    COUVERTURE = strawberry.enum_value("couverture", description="Chocolate ready to be moulded.")


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
