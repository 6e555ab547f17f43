"""Root fields about suppliers and manufacturers."""

import strawberry

from graph.auth.roles import ANYONE
from graph.queries.root import key, lookup, query_fields
from graph.types.manufacturer import Manufacturer
from graph.types.supplier import Supplier


@strawberry.input(one_of=True, description="Exactly one key of a supplier.")
class SupplierBy:
    id: strawberry.ID | None = key("Global id.")
    supplier_id: int | None = key("Number of the supplier.")
    external_id: str | None = key("Its identifier in the system it was imported from.")


@strawberry.input(one_of=True, description="Exactly one key of a manufacturer.")
class ManufacturerBy:
    id: strawberry.ID | None = key("Global id.")
    manufacturer_id: int | None = key("Number of the manufacturer.")


@query_fields
class PartyQuery:
    supplier: Supplier | None = lookup(
        "One supplier; null if there is none.", SupplierBy, roles=ANYONE
    )
    manufacturer: Manufacturer | None = lookup(
        "One manufacturer; null if there is none.", ManufacturerBy, roles=ANYONE
    )
