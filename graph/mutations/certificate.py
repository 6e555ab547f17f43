"""Mutations of certificates."""

import re

import strawberry
from sqlalchemy.orm import Session

import models
from graph.auth.roles import WRITERS
from graph.mutations.field import mutation
from graph.mutations.input import (
    MutationInput,
    find_reference,
    insert_row,
    optional,
    reference,
    require,
    required,
    values_of,
    write_input,
)
from graph.mutations.payload import mutation_fields, payload, written
from graph.mutations.write import Written
from graph.types.scalar import Date
from graph.types.supplier import Certificate
from models.errors import InvalidAttribute

_MASTER_DATA = ("scheme", "number", "scope", "valid_from", "valid_to", "holder", "document_hash")


@write_input("A certificate of a supplier.")
class CreateCertificateInput(MutationInput):
    supplier: strawberry.ID | None = reference(
        "The supplier that it certifies.", former="supplier_id"
    )
    scheme: str = required("Certification scheme, as batches claim it.")
    number: str = required("Number that the scheme assigned; unique with the scheme.")
    valid_from: Date = required("First day of validity.")
    valid_to: Date = required("Last day of validity.")
    scope: str | None = optional("Materials or activities that it covers.")
    holder: str | None = optional(
        "The group of suppliers that the document names, if it names one."
    )
    document_hash: str | None = optional("SHA-256 of the document, 64 hexadecimal digits.")


@payload("The certificate that was added.")
class CreateCertificatePayload:
    certificate: Certificate | None = written("The certificate.")


def create_certificate(session: Session, input: CreateCertificateInput) -> Written:
    values = values_of(input, *_MASTER_DATA)
    require(values, "scheme", "number", "valid_from", "valid_to")
    digest = values.get("document_hash")
    if digest is not None:
        values["document_hash"] = digest.lower()
        if not re.fullmatch("[0-9a-f]{64}", digest.lower()):
            raise InvalidAttribute("It has 64 hexadecimal digits.", "document_hash")
    values["supplier_id"] = find_reference(session, models.Supplier, input, "supplier")
    return {"certificate": insert_row(session, models.Certificate, values)}


@mutation_fields
class CertificateMutation:
    create_certificate = mutation(
        "Add a certificate of a supplier. Claims of its batches count from then on, where it covers "
        "their day.",
        CreateCertificateInput,
        CreateCertificatePayload,
        create_certificate,
        roles=WRITERS,
    )
