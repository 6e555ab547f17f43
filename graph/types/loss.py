"""Loss: kilograms that a batch lost, and why."""

from enum import Enum

import strawberry

from graph.auth.roles import SIGNED_IN, STAFF
from graph.types.node import Node, field, node, relation
from graph.types.scalar import DateTime, Decimal


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


@node("Kilograms that a batch lost; never changed afterwards.", roles=SIGNED_IN)
class Loss(Node):
    loss_id: int = field("Number of the loss.")
    quantity_kg: Decimal = field("How much, in kilograms; below zero for a correction.")
    reason: LossReason = field("Why.")
    timestamp: DateTime = field("When, in UTC.")
    note: str | None = field("What else is known of it.")
    record_time: DateTime = field("When this database learned of it, in UTC.")
    recorded_by: str | None = field("Who recorded it, like `user:anna`.", roles=STAFF)
    cacao_batch = relation("The batch that lost it.")
