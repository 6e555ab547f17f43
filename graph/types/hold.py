"""Hold: a batch of which nothing more may be made, and all that it reaches."""

from typing import TYPE_CHECKING, Annotated

import strawberry

import models
from graph.types.connection import Connection
from graph.types.node import Node, connection, field, node
from graph.types.scalar import DateTime

if TYPE_CHECKING:
    from graph.types.cacao_batch import CacaoBatch
    from graph.types.product import Product


@node(models.Hold, "Why a batch, and all that was made of it, is not to be used.")
class Hold(Node):
    hold_id: int = field("Number of the hold.")
    reason: str = field("Why it was placed.")
    placed_at: DateTime = field("Since when, in UTC.")
    placed_by: str | None = field("Who placed it, like `user:anna`.")
    released_at: DateTime | None = field("When it was released, in UTC; null while it lasts.")
    released_by: str | None = field("Who released it, like `user:anna`.")
    release_reason: str | None = field("Why it was released.")
    cacao_batch: Annotated["CacaoBatch", strawberry.lazy("graph.types.cacao_batch")] = field(
        "The batch it was placed on."
    )
    cacao_batches: Connection[
        Annotated["CacaoBatch", strawberry.lazy("graph.types.cacao_batch")]
    ] = connection("All batches it reaches while it lasts, that one included.", of="CacaoBatch")
    products: Connection[Annotated["Product", strawberry.lazy("graph.types.product")]] = connection(
        "All products it reaches while it lasts.", of="Product"
    )
