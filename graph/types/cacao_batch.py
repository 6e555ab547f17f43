"""CacaoBatch: a lot of cacao at one stage, its inputs and outputs, and the plots it grew on."""

from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry

import models
from graph.types.connection import Connection, FlowConnection
from graph.types.finding import Findings, findings
from graph.types.lineage import Impact, OriginConnection, Trace, listing, trace_field
from graph.types.node import Node, computed, connection, field, node
from graph.types.scalar import Date, Decimal
from graph.types.stage import Stage
from graph.types.view import dated

if TYPE_CHECKING:
    from graph.types.flag import Flag
    from graph.types.hold import Hold
    from graph.types.loss import Loss
    from graph.types.mass_balance import MassBalanceEntry
    from graph.types.plot import Plot
    from graph.types.product import Product
    from graph.types.statement import DueDiligenceStatement
    from graph.types.supplier import Certificate, Supplier
    from graph.types.transaction import Transaction


@strawberry.enum(description="How a batch was kept apart from other cacao, the strongest first.")
class Custody(Enum):
    IDENTITY_PRESERVED = strawberry.enum_value(
        "identity_preserved", description="Of one origin, never mixed with another one."
    )
    SEGREGATED = strawberry.enum_value(
        "segregated", description="Of several certified origins, never mixed with other cacao."
    )
    MASS_BALANCE = strawberry.enum_value(
        "mass_balance", description="Mixed; as much was bought certified as is sold so."
    )


@node(models.CacaoBatch, "A lot of cacao at one stage, from beans to couverture.")
class CacaoBatch(Node):
    cacao_batch_id: int = field("Number of the batch.")
    lot_number: str | None = field("Lot number its supplier gave it.")
    stage: Stage = field("How far it has been processed.")
    harvest_date: Date | None = field("Day of harvest; always known of beans.")
    production_date: Date | None = field("Day of production, of anything later than beans.")
    quantity_kg: Decimal = field("Mass when it was made, in kilograms.")
    certification: str | None = field("Certification claimed for it.")
    custody: Custody | None = field(
        "How it was kept apart: the weakest of its inputs; null where that is not known."
    )
    on_hold: bool = field("Whether it, or anything it was made of, is held.")
    supplier: Annotated["Supplier", strawberry.lazy("graph.types.supplier")] | None = field(
        "Who harvested or produced it; null where that is not known."
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
    ] = connection("What happened to it.", "Transaction", *dated())
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
    losses: Connection[Annotated["Loss", strawberry.lazy("graph.types.loss")]] = connection(
        "What it lost.", of="Loss"
    )
    holds: Connection[Annotated["Hold", strawberry.lazy("graph.types.hold")]] = connection(
        "Holds that were placed on it, released ones included.", of="Hold"
    )
    held_by: Connection[Annotated["Hold", strawberry.lazy("graph.types.hold")]] = connection(
        "Holds that are not released: on it, or on what it was made of.", of="Hold"
    )
    flags: Connection[Annotated["Flag", strawberry.lazy("graph.types.flag")]] = connection(
        "Rules that speak against what was written of it.", of="Flag"
    )
    mass_balance_entries: Connection[
        Annotated["MassBalanceEntry", strawberry.lazy("graph.types.mass_balance")]
    ] = connection("Credits and debits that it was booked as.", of="MassBalanceEntry")
    covering_certificates: Connection[
        Annotated["Certificate", strawberry.lazy("graph.types.supplier")]
    ] = connection(
        "Certificates of its supplier in the scheme it claims, valid on the day it was produced or else "
        "harvested. Where there are none, its claim does not count.",
        of="Certificate",
    )
    audit_findings: Findings = findings(
        "What breaks a rule: it, its events, what it took and gave, and all lots that it was made of"
        " with theirs, but not what these gave elsewhere.",
        upstream="Whether lots that it was made of count, which they do if not given.",
    )
