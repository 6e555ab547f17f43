"""Plot: the land cacao grew on."""

from typing import TYPE_CHECKING, Annotated

import strawberry

import models
from graph.types.connection import FlowConnection
from graph.types.node import Node, connection, field, node
from graph.types.scalar import JSON, CountryCode, Decimal

if TYPE_CHECKING:
    from graph.types.cacao_batch import CacaoBatch
    from graph.types.supplier import Supplier


@node(models.Plot, "A plot of land on which cacao grows (EUDR, Article 2).")
class Plot(Node):
    plot_id: int = field("Number of the plot.")
    name: str = field("Its name or code at the supplier.")
    producer_name: str | None = field("Who farms it.")
    country: CountryCode = field("Country of production.")
    area_ha: Decimal = field("Area, in hectares.")
    geometry: JSON | None = field("GeoJSON geometry (RFC 7946), WGS 84, longitude first.")
    supplier: Annotated["Supplier", strawberry.lazy("graph.types.supplier")] = field(
        "Who harvests it."
    )
    cacao_batches: FlowConnection[
        Annotated["CacaoBatch", strawberry.lazy("graph.types.cacao_batch")]
    ] = connection("Batches harvested from it, with their kilograms.", of="CacaoBatch")
