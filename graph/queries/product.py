"""Root fields about products."""

import strawberry

from graph.auth.roles import ANYONE
from graph.queries.root import key, lookup, query_fields
from graph.types.product import Product
from graph.types.scalar import GTIN


@strawberry.input(description="A trade item number with a batch number: one lot of one product.")
class GTINLot:
    gtin: GTIN = strawberry.field(description="GS1 trade item number, 8 to 14 digits.")
    batch_number: str = strawberry.field(description="Batch number as on the label.")


@strawberry.input(one_of=True, description="Exactly one key of a product.")
class ProductBy:
    id: strawberry.ID | None = key("Global id.")
    product_id: int | None = key("Number of the product.")
    gtin_lot: GTINLot | None = key("GTIN and batch number, as on the label.")


@query_fields
class ProductQuery:
    product: Product | None = lookup("One product; null if there is none.", ProductBy, roles=ANYONE)
