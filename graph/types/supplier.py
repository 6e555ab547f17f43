"""Suppliers and their certificates."""

from graph.auth.roles import ANYONE, SIGNED_IN, STAFF
from graph.types.finding import Findings, findings
from graph.types.node import Node, field, node, relation, root_connection
from graph.types.scalar import CountryCode, Date


@root_connection("suppliers", "Suppliers.", roles=ANYONE)
@node("A farm, cooperative, exporter or processor that hands over cacao.", roles=ANYONE)
class Supplier(Node):
    supplier_id: int = field("Number of the supplier.")
    name: str = field("Name; several suppliers may have the same name.")
    location: str | None = field("Place, as people write it.")
    country: CountryCode | None = field("Country of the place.")
    contact_person: str | None = field("Name of the contact person.", roles=STAFF)
    external_id: str | None = field("Identifier in the system of the import.")
    cacao_batches = relation("Batches it harvested or produced.")
    certificates = relation("Certificates it holds.")
    plots = relation("Plots it harvests.")
    mass_balance_accounts = relation("Mass balance accounts of this site.", roles=SIGNED_IN)
    audit_findings: Findings = findings(
        "Findings about its batches: their certificates, events, inputs and uses.",
        roles=STAFF,
    )


@node("A certificate held by a supplier.", roles=ANYONE)
class Certificate(Node):
    certificate_id: int = field("Number of the certificate in this database.")
    scheme: str = field("Certification scheme.")
    number: str = field("Number that the scheme assigned.")
    scope: str | None = field("Materials or activities that it covers.")
    valid_from: Date = field("First day of validity.")
    valid_to: Date = field("Last day of validity.")
    holder: str | None = field("The group of suppliers that the document names, if it names one.")
    document_hash: str | None = field("SHA-256 of the document, in hexadecimal.")
    supplier: Supplier = field("The supplier that holds it.")
    cacao_batches = relation("The batches whose claim it covers.")
