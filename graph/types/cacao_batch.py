"""Cacao batches, with their inputs, outputs, plots and lineage."""

from enum import Enum

import strawberry

from graph.auth.roles import ANYONE, SIGNED_IN, STAFF
from graph.types.finding import Findings, findings
from graph.types.lineage import Impact, OriginConnection, Trace, lineage_connection, trace_field
from graph.types.node import Node, computed, field, node, relation, root_connection
from graph.types.scalar import Date, Decimal
from graph.types.stage import Stage
from graph.types.view import dated


@strawberry.enum(
    description="How a batch was kept apart from other cacao; the first value is the strongest."
)
class Custody(Enum):
    IDENTITY_PRESERVED = strawberry.enum_value(
        "identity_preserved", description="Of one origin, never mixed with another one."
    )
    SEGREGATED = strawberry.enum_value(
        "segregated", description="Of several certified origins, never mixed with other cacao."
    )
    MASS_BALANCE = strawberry.enum_value(
        "mass_balance",
        description="Mixed with other cacao; no more is sold as certified than was bought as certified.",
    )


@root_connection("cacao_batches", "Cacao batches.", roles=ANYONE)
@node("A lot of cacao at one stage, from beans to couverture.", roles=ANYONE)
class CacaoBatch(Node):
    cacao_batch_id: int = field("Number of the batch.")
    lot_number: str | None = field("Lot number that the supplier assigned.")
    stage: Stage = field("Stage of processing.")
    harvest_date: Date | None = field("Day of harvest; beans always have one.")
    production_date: Date | None = field("Day of production, for stages after beans.")
    quantity_kg: Decimal = field("Mass at its creation, in kilograms.", roles=SIGNED_IN)
    certification: str | None = field("Certification scheme that the batch claims.")
    custody: Custody | None = field(
        "Chain of custody: the weakest of its inputs; null if it is not known."
    )
    on_hold: bool = field(
        "Whether it, or a batch that it was made of, is on hold.", roles=SIGNED_IN
    )
    supplier = relation("The supplier that harvested or produced it; null if it is not known.")
    inputs = relation("The batches that it was made from, with their kilograms.")
    outputs = relation("The batches made from it, with its kilograms in them.")
    products = relation("The products that it went into directly, with its kilograms in them.")
    plots = relation("The plots that it was harvested from, with their kilograms.")
    transactions = relation("The events of the batch.", *dated())
    statements = relation("Due diligence statements that cover it.")
    trace: Trace = trace_field(
        "The lots that it was made from, or the lots and products made from it, with the edges between them.",
        both_ways=True,
    )
    origins: OriginConnection = lineage_connection(
        "The lots without inputs that it was made from, with their shares; the batch itself if it has no inputs."
    )
    impact: Impact = computed(
        "The products, manufacturers and customers that a recall of it has to reach."
    )
    losses = relation("The losses of the batch.", roles=SIGNED_IN)
    holds = relation("The holds of the batch, released ones included.", roles=SIGNED_IN)
    held_by = relation("Unreleased holds of it or of batches that it was made of.", roles=SIGNED_IN)
    flags = relation("Validation flags of the batch.", roles=SIGNED_IN)
    mass_balance_entries = relation("Mass balance entries of the batch.", roles=SIGNED_IN)
    covering_certificates = relation(
        "The certificates of its supplier in the scheme that it claims, valid on its day of production, or "
        "else of harvest. Without one, the claim does not count."
    )
    audit_findings: Findings = findings(
        "Findings about the batch, its events, its inputs and its uses, and about the lots that it was made"
        " of, without their other uses.",
        upstream="Whether to include the lots that it was made of; true by default.",
        roles=STAFF,
    )
