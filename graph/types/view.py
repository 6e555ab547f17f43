"""Arguments of connections of events: a view and a time. The planner reads them."""

from enum import Enum

import strawberry
from strawberry.types.arguments import StrawberryArgument

from graph.types.node import argument
from graph.types.scalar import DateTime


@strawberry.enum(description="A selection of events.")
class TransactionView(Enum):
    HISTORY = strawberry.enum_value("history", description="All events.")
    CURRENT = strawberry.enum_value(
        "current", description="The events that no later event corrects."
    )


def dated() -> list[StrawberryArgument]:
    """Return the arguments that connections of events have beside those of every connection."""
    return [
        argument("view", TransactionView, "The selection of events; HISTORY by default."),
        argument(
            "as_of", DateTime, "Only events, corrections included, that were recorded by this time."
        ),
    ]
