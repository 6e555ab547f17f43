"""Root fields about cacao batches."""

import strawberry

from graph.auth.roles import ANYONE
from graph.queries.root import key, lookup, query_fields
from graph.types.cacao_batch import CacaoBatch


@strawberry.input(one_of=True, description="Exactly one key of a cacao batch.")
class CacaoBatchBy:
    id: strawberry.ID | None = key("Global id.")
    cacao_batch_id: int | None = key("Number of the batch.")


@query_fields
class CacaoBatchQuery:
    cacao_batch: CacaoBatch | None = lookup(
        "One cacao batch; null if there is none.", CacaoBatchBy, roles=ANYONE
    )
