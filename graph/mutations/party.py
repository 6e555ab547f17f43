"""Mutations of manufacturers and suppliers."""

import strawberry
from sqlalchemy.orm import Session

import models
from graph.auth.roles import WRITERS
from graph.mutations.duplicate import allow_duplicate, refuse_duplicate
from graph.mutations.field import mutation
from graph.mutations.input import (
    MutationInput,
    find_reference,
    insert_row,
    optional,
    reference,
    require,
    required,
    update_input,
    update_row,
    values_of,
    write_input,
)
from graph.mutations.payload import mutation_fields, payload, written
from graph.mutations.write import Written
from graph.types.manufacturer import Manufacturer
from graph.types.scalar import CountryCode
from graph.types.supplier import Supplier

_MANUFACTURER = ("name", "location", "country")
SUPPLIER = ("name", "location", "country", "contact_person", "external_id")


@write_input("A new manufacturer.")
class CreateManufacturerInput(MutationInput):
    name: str = required("Name.")
    location: str = required("Place, as people write it.")
    country: CountryCode | None = optional("Country of the place.")
    allow_duplicate: bool = allow_duplicate()


@update_input(
    CreateManufacturerInput,
    "Corrections to a manufacturer; an omitted member stays as it is.",
    without=["allow_duplicate"],
)
class UpdateManufacturerInput(MutationInput):
    id: strawberry.ID | None = reference("The manufacturer.", former="manufacturer_id")


@write_input("A new supplier.")
class CreateSupplierInput(MutationInput):
    name: str = required("Name; several suppliers may share one.")
    location: str = required("Place, as people write it.")
    country: CountryCode | None = optional("Country of the place.")
    contact_person: str | None = optional("Name of the contact person.")
    external_id: str | None = optional("Its identifier in your own system; no two may share one.")
    allow_duplicate: bool = allow_duplicate()


@update_input(
    CreateSupplierInput,
    "Corrections to a supplier; an omitted member stays as it is.",
    without=["allow_duplicate"],
)
class UpdateSupplierInput(MutationInput):
    id: strawberry.ID | None = reference("The supplier.", former="supplier_id")


@payload("The manufacturer that was added.")
class CreateManufacturerPayload:
    manufacturer: Manufacturer | None = written("The manufacturer.")


@payload("The manufacturer that was corrected.")
class UpdateManufacturerPayload:
    manufacturer: Manufacturer | None = written("The manufacturer.")


@payload("The supplier that was added.")
class CreateSupplierPayload:
    supplier: Supplier | None = written("The supplier.")


@payload("The supplier that was corrected.")
class UpdateSupplierPayload:
    supplier: Supplier | None = written("The supplier.")


def create_manufacturer(session: Session, input: CreateManufacturerInput) -> Written:
    values = values_of(input, *_MANUFACTURER)
    require(values, "name", "location")
    if not input.allow_duplicate:
        refuse_duplicate(session, models.Manufacturer, values, ("name", "location"))
    return {"manufacturer": insert_row(session, models.Manufacturer, values)}


def update_manufacturer(session: Session, input: UpdateManufacturerInput) -> Written:
    key = find_reference(session, models.Manufacturer, input, "id")
    values = values_of(input, *_MANUFACTURER)
    require(values, "name", "location")
    return {"manufacturer": update_row(session, models.Manufacturer, key, values)}


def create_supplier(session: Session, input: CreateSupplierInput) -> Written:
    values = values_of(input, *SUPPLIER)
    require(values, "name", "location")
    if not input.allow_duplicate:
        refuse_duplicate(session, models.Supplier, values, ("name", "location"), "external_id")
    return {"supplier": insert_row(session, models.Supplier, values)}


def update_supplier(session: Session, input: UpdateSupplierInput) -> Written:
    key = find_reference(session, models.Supplier, input, "id")
    values = values_of(input, *SUPPLIER)
    require(values, "name", "location")
    return {"supplier": update_row(session, models.Supplier, key, values)}


@mutation_fields
class PartyMutation:
    create_manufacturer = mutation(
        "Add a manufacturer.",
        CreateManufacturerInput,
        CreateManufacturerPayload,
        create_manufacturer,
        roles=WRITERS,
    )
    update_manufacturer = mutation(
        "Correct a manufacturer.",
        UpdateManufacturerInput,
        UpdateManufacturerPayload,
        update_manufacturer,
        roles=WRITERS,
    )
    create_supplier = mutation(
        "Add a supplier.",
        CreateSupplierInput,
        CreateSupplierPayload,
        create_supplier,
        roles=WRITERS,
    )
    update_supplier = mutation(
        "Correct a supplier.",
        UpdateSupplierInput,
        UpdateSupplierPayload,
        update_supplier,
        roles=WRITERS,
    )
