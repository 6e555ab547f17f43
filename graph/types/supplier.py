"""Supplier, and the certificates it holds."""

from typing import TYPE_CHECKING, Annotated

import strawberry

import models
from graph.types.connection import Connection
from graph.types.node import Node, connection, field, node
from graph.types.scalar import CountryCode, Date

if TYPE_CHECKING:
    from graph.types.cacao_batch import CacaoBatch
    from graph.types.plot import Plot


@node(models.Supplier, "A farm, cooperative, exporter or processor that hands over cacao.")
class Supplier(Node):
    supplier_id: int = field("Number of the supplier.")
    name: str = field("Name; several suppliers may share one.")
    location: str = field("Place, as people write it.")
    country: CountryCode | None = field("Country of the place.")
    contact_person: str | None = field("Whom to ask there.")
    external_id: str | None = field("Its identifier in the system it was imported from.")
    cacao_batches: Connection[
        Annotated["CacaoBatch", strawberry.lazy("graph.types.cacao_batch")]
    ] = connection("Batches it harvested or produced.", of="CacaoBatch")
    certificates: Connection[Annotated["Certificate", strawberry.lazy("graph.types.supplier")]] = (
        connection("Certificates it holds.", of="Certificate")
    )
    plots: Connection[Annotated["Plot", strawberry.lazy("graph.types.plot")]] = connection(
        "Plots it harvests.", of="Plot"
    )


@node(models.Certificate, "A certificate held by a supplier.")
class Certificate(Node):
    certificate_id: int = field("Number of the certificate in this database.")
    scheme: str = field("Certification scheme.")
    number: str = field("Number the scheme gave it.")
    scope: str | None = field("What it covers.")
    valid_from: Date = field("First day of validity.")
    valid_to: Date = field("Last day of validity.")
    supplier: Supplier = field("Who holds it.")
