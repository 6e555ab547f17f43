"""Root fields about cacao batches."""

import strawberry

from graph.queries.root import key, lookup
from graph.types import CacaoBatch
from graph.types.connection import Connection
from graph.types.node import connection


@strawberry.input(one_of=True, description="Exactly one key of a cacao batch.")
class CacaoBatchBy:
    id: strawberry.ID | None = key("Global id.")
    cacao_batch_id: int | None = key("Number of the batch.")


@strawberry.type
class CacaoBatchQuery:
    cacao_batch: CacaoBatch | None = lookup("One cacao batch; null if there is none.", CacaoBatchBy)
    cacao_batches: Connection[CacaoBatch] = connection("Cacao batches.", of="CacaoBatch")
