"""Root fields about suppliers and manufacturers."""

import strawberry

from graph.queries.root import key, lookup
from graph.types import Manufacturer, Supplier
from graph.types.connection import Connection
from graph.types.node import connection


@strawberry.input(one_of=True, description="Exactly one key of a supplier.")
class SupplierBy:
    id: strawberry.ID | None = key("Global id.")
    supplier_id: int | None = key("Number of the supplier.")
    external_id: str | None = key("Its identifier in the system it was imported from.")


@strawberry.input(one_of=True, description="Exactly one key of a manufacturer.")
class ManufacturerBy:
    id: strawberry.ID | None = key("Global id.")
    manufacturer_id: int | None = key("Number of the manufacturer.")


@strawberry.type
class PartyQuery:
    supplier: Supplier | None = lookup("One supplier; null if there is none.", SupplierBy)
    suppliers: Connection[Supplier] = connection("Suppliers.", of="Supplier")
    manufacturer: Manufacturer | None = lookup(
        "One manufacturer; null if there is none.", ManufacturerBy
    )
    manufacturers: Connection[Manufacturer] = connection("Manufacturers.", of="Manufacturer")
