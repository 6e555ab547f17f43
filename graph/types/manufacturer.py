"""Manufacturers of chocolate."""

from graph.auth.roles import ANYONE, SIGNED_IN
from graph.types.node import Node, field, node, relation, root_connection
from graph.types.scalar import CountryCode


@root_connection("manufacturers", "Manufacturers.", roles=ANYONE)
@node("A maker of chocolate at one location.", roles=ANYONE)
class Manufacturer(Node):
    manufacturer_id: int = field("Number of the manufacturer.")
    name: str = field("Name; a maker with two locations is two manufacturers.")
    location: str | None = field("Place, as people write it.")
    country: CountryCode | None = field("Country of the place.")
    products = relation("Products it made.")
    mass_balance_accounts = relation("Mass balance accounts of this site.", roles=SIGNED_IN)
