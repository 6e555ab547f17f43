"""Plots of land."""

from graph.auth.roles import ANYONE, SIGNED_IN, STAFF
from graph.types.node import Node, field, node, relation
from graph.types.scalar import JSON, CountryCode, Decimal


@node("A plot of land on which cacao grows (EUDR, Article 2).", roles=ANYONE)
class Plot(Node):
    plot_id: int = field("Number of the plot.")
    name: str = field("Name or code that the supplier uses.")
    producer_name: str | None = field("Name of the farmer.", roles=STAFF)
    country: CountryCode = field("Country of production.")
    area_ha: Decimal = field("Area, in hectares.")
    geometry: JSON | None = field(
        "GeoJSON geometry (RFC 7946), WGS 84, longitude first.", roles=SIGNED_IN
    )
    supplier = relation("The supplier that harvests it.")
    cacao_batches = relation("Batches harvested from it, with their kilograms.")
