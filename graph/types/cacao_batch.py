"""CacaoBatch: a lot of cacao at one stage, its inputs and outputs, and the plots it grew on."""

from enum import Enum

import strawberry

from graph.auth.roles import ANYONE, SIGNED_IN, STAFF
from graph.types.finding import Findings, findings
from graph.types.lineage import Impact, OriginConnection, Trace, lineage_connection, trace_field
from graph.types.node import Node, computed, field, node, relation, root_connection
from graph.types.scalar import Date, Decimal
from graph.types.stage import Stage
from graph.types.view import dated


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


@root_connection("cacao_batches", "Cacao batches.", roles=ANYONE)
@node("A lot of cacao at one stage, from beans to couverture.", roles=ANYONE)
class CacaoBatch(Node):
    cacao_batch_id: int = field("Number of the batch.")
    lot_number: str | None = field("Lot number its supplier gave it.")
    stage: Stage = field("How far it has been processed.")
    harvest_date: Date | None = field("Day of harvest; always known of beans.")
    production_date: Date | None = field("Day of production, of anything later than beans.")
    quantity_kg: Decimal = field("Mass when it was made, in kilograms.", roles=SIGNED_IN)
    certification: str | None = field("Certification claimed for it.")
    custody: Custody | None = field(
        "How it was kept apart: the weakest of its inputs; null where that is not known."
    )
    on_hold: bool = field("Whether it, or anything it was made of, is held.", roles=SIGNED_IN)
    supplier = relation("Who harvested or produced it; null where that is not known.")
    inputs = relation("Batches it was made from, with their kilograms.")
    outputs = relation("Batches made from it, with the kilograms it gave.")
    products = relation("Products it went into directly, with their kilograms.")
    plots = relation("Plots it was harvested from, with their kilograms.")
    transactions = relation("What happened to it.", *dated())
    statements = relation("Due diligence statements that cover it.")
    trace: Trace = trace_field(
        "All lots it was made from, or all that was made from it, with the edges between them.",
        both_ways=True,
    )
    origins: OriginConnection = lineage_connection(
        "The lots without inputs that it goes back to, with their shares; itself, if it has none."
    )
    impact: Impact = computed("What a recall of it has to reach.")
    losses = relation("What it lost.", roles=SIGNED_IN)
    holds = relation("Holds that were placed on it, released ones included.", roles=SIGNED_IN)
    held_by = relation(
        "Holds that are not released: on it, or on what it was made of.", roles=SIGNED_IN
    )
    flags = relation("Rules that speak against what was written of it.", roles=SIGNED_IN)
    mass_balance_entries = relation("Credits and debits that it was booked as.", roles=SIGNED_IN)
    covering_certificates = relation(
        "Certificates of its supplier in the scheme it claims, valid on the day it was produced or else "
        "harvested. Where there are none, its claim does not count."
    )
    audit_findings: Findings = findings(
        "What breaks a rule: it, its events, what it took and gave, and all lots that it was made of"
        " with theirs, but not what these gave elsewhere.",
        upstream="Whether lots that it was made of count, which they do if not given.",
        roles=STAFF,
    )
