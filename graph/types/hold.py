"""Holds of batches, and the lots that they reach."""

from graph.auth.roles import SIGNED_IN, STAFF
from graph.types.node import Node, field, node, relation, root_connection
from graph.types.scalar import DateTime


@root_connection("holds", "Holds, released ones included.", roles=SIGNED_IN)
@node(
    "A hold of a batch. The batch and everything made of it cannot be used until the release.",
    roles=SIGNED_IN,
)
class Hold(Node):
    hold_id: int = field("Number of the hold.")
    reason: str = field("The reason of the hold.")
    placed_at: DateTime = field("Time at which it was placed, in UTC.")
    placed_by: str | None = field("The actor that placed it, like `user:anna`.", roles=STAFF)
    released_at: DateTime | None = field("Time of the release, in UTC; null before it.")
    released_by: str | None = field("The actor that released it, like `user:anna`.", roles=STAFF)
    release_reason: str | None = field("The reason of the release.")
    cacao_batch = relation("The batch it was placed on.")
    cacao_batches = relation("The batches that it reaches until its release, with its own.")
    products = relation("The products that it reaches until its release.")
