"""Loss: kilograms that a batch lost, and why."""

from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry

import models
from graph.types.node import Node, field, node
from graph.types.scalar import BigInt, DateTime, Decimal

if TYPE_CHECKING:
    from graph.types.cacao_batch import CacaoBatch


@strawberry.enum(description="Why kilograms were lost.")
class LossReason(Enum):
    SPILLAGE = strawberry.enum_value("spillage", description="Spilt, or left in a machine.")
    SAMPLING = strawberry.enum_value("sampling", description="Taken to be tested.")
    MOISTURE = strawberry.enum_value("moisture", description="Water that left it.")
    SPOILAGE = strawberry.enum_value("spoilage", description="Mould, pests, foreign matter.")
    THEFT = strawberry.enum_value("theft", description="Stolen, or missing.")
    DESTRUCTION = strawberry.enum_value("destruction", description="Destroyed on purpose.")
    CORRECTION = strawberry.enum_value(
        "correction", description="Gives back what an earlier loss took too much."
    )


@node(models.Loss, "Kilograms that a batch lost; never changed afterwards.")
class Loss(Node):
    loss_id: BigInt = field("Number of the loss.")
    quantity_kg: Decimal = field("How much, in kilograms; below zero for a correction.")
    reason: LossReason = field("Why.")
    timestamp: DateTime = field("When, in UTC.")
    note: str | None = field("What else is known of it.")
    record_time: DateTime = field("When this database learned of it, in UTC.")
    recorded_by: str | None = field("Who recorded it, like `user:anna`.")
    cacao_batch: Annotated["CacaoBatch", strawberry.lazy("graph.types.cacao_batch")] = field(
        "The batch that lost it."
    )
