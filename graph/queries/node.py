"""Root fields of Relay: objects by their global ids."""

import strawberry

from graph.auth.roles import ANYONE
from graph.queries.root import query_fields, with_arguments
from graph.types.node import Node


@query_fields
class NodeQuery:
    node: Node | None = with_arguments(
        "Any object by its global id; null if there is none.",
        id=(strawberry.ID, "Global id."),
        roles=ANYONE,
    )
    nodes: list[Node | None] = with_arguments(
        "Objects by their global ids, in the same order; null where there is none. At most 100.",
        ids=(list[strawberry.ID], "Global ids."),
        roles=ANYONE,
    )
