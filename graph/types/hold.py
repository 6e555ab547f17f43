"""Hold: a batch of which nothing more may be made, and all that it reaches."""

from graph.auth.roles import SIGNED_IN, STAFF
from graph.types.node import Node, field, node, relation, root_connection
from graph.types.scalar import DateTime


@root_connection("holds", "Holds, released ones included.", roles=SIGNED_IN)
@node("Why a batch, and all that was made of it, is not to be used.", roles=SIGNED_IN)
class Hold(Node):
    hold_id: int = field("Number of the hold.")
    reason: str = field("Why it was placed.")
    placed_at: DateTime = field("Since when, in UTC.")
    placed_by: str | None = field("Who placed it, like `user:anna`.", roles=STAFF)
    released_at: DateTime | None = field("When it was released, in UTC; null while it lasts.")
    released_by: str | None = field("Who released it, like `user:anna`.", roles=STAFF)
    release_reason: str | None = field("Why it was released.")
    cacao_batch = relation("The batch it was placed on.")
    cacao_batches = relation("All batches it reaches while it lasts, that one included.")
    products = relation("All products it reaches while it lasts.")
