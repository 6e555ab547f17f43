"""Flag: a rule that speaks against what was written of a batch; ConversionFactor: what yields go by."""

from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry

import models
from graph.types.node import Node, field, node
from graph.types.scalar import BigInt, Date, DateTime, Decimal
from graph.types.stage import Stage

if TYPE_CHECKING:
    from graph.types.cacao_batch import CacaoBatch


@strawberry.enum(description="A rule that flags a batch and does not refuse it.")
class Rule(Enum):
    YIELD = strawberry.enum_value(
        "yield", description="It gave more kilograms than its inputs yield by the factors."
    )


@node(models.Flag, "A rule that speaks against what was written of a batch.")
class Flag(Node):
    flag_id: BigInt = field("Number of the flag.")
    rule: Rule = field("Which rule.")
    message: str = field("What is wrong, with kilograms.")
    record_time: DateTime = field("Since when, in UTC.")
    recorded_by: str | None = field("Who wrote what was flagged, like `user:anna`.")
    cacao_batch: Annotated["CacaoBatch", strawberry.lazy("graph.types.cacao_batch")] = field(
        "The batch."
    )


@node(models.ConversionFactor, "How many kilograms of a later stage an earlier one gives.")
class ConversionFactor(Node):
    conversion_factor_id: int = field("Number of the factor.")
    from_stage: Stage = field("What goes in.")
    to_stage: Stage = field("What comes out.")
    factor: Decimal = field("Kilograms that come out of one kilogram.")
    scheme: str = field("Certification scheme whose rule it is.")
    source: str = field("Where that is written.")
    valid_from: Date = field("First day of validity.")
    valid_to: Date | None = field("Last day of validity; null while it lasts.")
