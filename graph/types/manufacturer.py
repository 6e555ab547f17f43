"""Manufacturer: who makes the chocolate."""

from typing import TYPE_CHECKING, Annotated

import strawberry

import models
from graph.types.connection import Connection
from graph.types.node import Node, connection, field, node
from graph.types.scalar import CountryCode

if TYPE_CHECKING:
    from graph.types.mass_balance import MassBalanceAccount
    from graph.types.product import Product


@node(models.Manufacturer, "A maker of chocolate at one location.")
class Manufacturer(Node):
    manufacturer_id: int = field("Number of the manufacturer.")
    name: str = field("Name; one maker with two locations is two manufacturers.")
    location: str | None = field("Place, as people write it.")
    country: CountryCode | None = field("Country of the place.")
    products: Connection[Annotated["Product", strawberry.lazy("graph.types.product")]] = connection(
        "Products it made.", of="Product"
    )
    mass_balance_accounts: Connection[
        Annotated["MassBalanceAccount", strawberry.lazy("graph.types.mass_balance")]
    ] = connection("Mass balance accounts of this site.", of="MassBalanceAccount")
