"""Which events a connection of transactions shows: all of them or the current ones, as of which time.

The planner reads these arguments wherever a connection has them.
"""

from enum import Enum

import strawberry
from strawberry.types.arguments import StrawberryArgument

from graph.types.node import argument
from graph.types.scalar import DateTime


@strawberry.enum(description="Which events are shown.")
class TransactionView(Enum):
    HISTORY = strawberry.enum_value("history", description="All of them, as they were recorded.")
    CURRENT = strawberry.enum_value(
        "current", description="Without those that a later event corrects."
    )


def dated() -> list[StrawberryArgument]:
    """Return what connections of transactions take beside the arguments of every connection."""
    return [
        argument("view", TransactionView, "Which events; HISTORY if not given."),
        argument(
            "as_of", DateTime, "Only what was recorded by then, corrections too: what was known."
        ),
    ]
