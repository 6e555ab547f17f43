"""Validation flags of batches, and the conversion factors of the yield rule."""

from enum import Enum

import strawberry

from graph.auth.roles import ANYONE, SIGNED_IN, STAFF
from graph.types.node import Node, field, node, relation, root_connection
from graph.types.scalar import Date, DateTime, Decimal
from graph.types.stage import Stage


@strawberry.enum(description="A rule that flags a batch instead of refusing the write.")
class Rule(Enum):
    YIELD = strawberry.enum_value(
        "yield",
        description="The batch gave more kilograms than its inputs yield by the conversion factors.",
    )


@node("A rule that the recorded data of a batch break.", roles=SIGNED_IN)
class ValidationFlag(Node):
    flag_id: int = field("Number of the flag.")
    rule: Rule = field("The rule.")
    message: str = field("The error, with kilograms.")
    record_time: DateTime = field("Time of the flag, in UTC.")
    recorded_by: str | None = field(
        "The actor whose write was flagged, like `user:anna`.", roles=STAFF
    )
    cacao_batch = relation("The batch.")


@root_connection(
    "conversion_factors", "Conversion factors, by which yields are computed.", roles=ANYONE
)
@node("The kilograms of a later stage that an earlier stage yields.", roles=ANYONE)
class ConversionFactor(Node):
    conversion_factor_id: int = field("Number of the factor.")
    from_stage: Stage = field("Stage of the input.")
    to_stage: Stage = field("Stage of the output.")
    factor: Decimal = field("Kilograms of output from one kilogram of input.")
    scheme: str = field("Certification scheme that states the factor.")
    source: str = field("The document that states the factor.")
    valid_from: Date = field("First day of validity.")
    valid_to: Date | None = field("Last day of validity; null if it has no end.")
