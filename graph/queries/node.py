"""Relay's own root fields: any object again by its global id."""

import strawberry

from graph.queries.root import with_arguments
from graph.types import Node


@strawberry.type
class NodeQuery:
    node: Node | None = with_arguments(
        "Any object by its global id; null if there is none.", id=(strawberry.ID, "Global id.")
    )
    nodes: list[Node | None] = with_arguments(
        "Objects by their global ids, in the same order; null where there is none. At most 100.",
        ids=(list[strawberry.ID], "Global ids."),
    )
