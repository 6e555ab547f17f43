"""ValidationFlag: a rule that speaks against what was written of a batch; ConversionFactor: what yields go by."""

from enum import Enum

import strawberry

from graph.auth.roles import ANYONE, SIGNED_IN, STAFF
from graph.types.node import Node, field, node, relation, root_connection
from graph.types.scalar import Date, DateTime, Decimal
from graph.types.stage import Stage


@strawberry.enum(description="A rule that flags a batch and does not refuse it.")
class Rule(Enum):
    YIELD = strawberry.enum_value(
        "yield", description="It gave more kilograms than its inputs yield by the factors."
    )


@node("A rule that speaks against what was written of a batch.", roles=SIGNED_IN)
class ValidationFlag(Node):
    flag_id: int = field("Number of the flag.")
    rule: Rule = field("Which rule.")
    message: str = field("What is wrong, with kilograms.")
    record_time: DateTime = field("Since when, in UTC.")
    recorded_by: str | None = field("Who wrote what was flagged, like `user:anna`.", roles=STAFF)
    cacao_batch = relation("The batch.")


@root_connection("conversion_factors", "What yields go by.", roles=ANYONE)
@node("How many kilograms of a later stage an earlier one gives.", roles=ANYONE)
class ConversionFactor(Node):
    conversion_factor_id: int = field("Number of the factor.")
    from_stage: Stage = field("What goes in.")
    to_stage: Stage = field("What comes out.")
    factor: Decimal = field("Kilograms that come out of one kilogram.")
    scheme: str = field("Certification scheme whose rule it is.")
    source: str = field("Where that is written.")
    valid_from: Date = field("First day of validity.")
    valid_to: Date | None = field("Last day of validity; null while it lasts.")
