"""Supplier, and the certificates it holds."""

from typing import TYPE_CHECKING, Annotated

import strawberry

import models
from graph.types.connection import Connection
from graph.types.finding import Findings, findings
from graph.types.node import Node, connection, field, node
from graph.types.scalar import CountryCode, Date

if TYPE_CHECKING:
    from graph.types.cacao_batch import CacaoBatch
    from graph.types.mass_balance import MassBalanceAccount
    from graph.types.plot import Plot


@node(models.Supplier, "A farm, cooperative, exporter or processor that hands over cacao.")
class Supplier(Node):
    supplier_id: int = field("Number of the supplier.")
    name: str = field("Name; several suppliers may share one.")
    location: str | None = field("Place, as people write it.")
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
    mass_balance_accounts: Connection[
        Annotated["MassBalanceAccount", strawberry.lazy("graph.types.mass_balance")]
    ] = connection("Mass balance accounts of this site.", of="MassBalanceAccount")
    audit_findings: Findings = findings(
        "What breaks a rule: its batches with their certificates, events, and what they took and gave."
    )


@node(models.Certificate, "A certificate held by a supplier.")
class Certificate(Node):
    certificate_id: int = field("Number of the certificate in this database.")
    scheme: str = field("Certification scheme.")
    number: str = field("Number the scheme gave it.")
    scope: str | None = field("What it covers.")
    valid_from: Date = field("First day of validity.")
    valid_to: Date = field("Last day of validity.")
    holder: str | None = field("Whom the document names, where that is a group of suppliers.")
    document_hash: str | None = field("SHA-256 of the document, in hexadecimal.")
    supplier: Supplier = field("Who holds it.")
    cacao_batches: Connection[
        Annotated["CacaoBatch", strawberry.lazy("graph.types.cacao_batch")]
    ] = connection("Batches whose claim it covers.", of="CacaoBatch")
