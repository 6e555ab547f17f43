"""Losses of batches and their reasons."""

from enum import Enum

import strawberry

from graph.auth.roles import SIGNED_IN, STAFF
from graph.types.node import Node, field, node, relation
from graph.types.scalar import DateTime, Decimal


@strawberry.enum(description="The reason of a loss.")
class LossReason(Enum):
    SPILLAGE = strawberry.enum_value("spillage", description="Spilt, or left in a machine.")
    SAMPLING = strawberry.enum_value("sampling", description="Taken for a test.")
    MOISTURE = strawberry.enum_value("moisture", description="Evaporated water.")
    SPOILAGE = strawberry.enum_value("spoilage", description="Mould, pests, foreign matter.")
    THEFT = strawberry.enum_value("theft", description="Stolen, or missing.")
    DESTRUCTION = strawberry.enum_value("destruction", description="Destroyed on purpose.")
    CORRECTION = strawberry.enum_value(
        "correction", description="Takes back kilograms of earlier losses."
    )


@node("Kilograms that a batch lost. A loss never changes.", roles=SIGNED_IN)
class Loss(Node):
    loss_id: int = field("Number of the loss.")
    quantity_kg: Decimal = field("Mass, in kilograms; below zero for a correction.")
    reason: LossReason = field("The reason.")
    timestamp: DateTime = field("Time of the loss, in UTC.")
    note: str | None = field("A note of the writer.")
    record_time: DateTime = field("Time at which it was recorded, in UTC.")
    recorded_by: str | None = field("The actor that recorded it, like `user:anna`.", roles=STAFF)
    cacao_batch = relation("The batch that lost the kilograms.")
