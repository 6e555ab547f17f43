"""Mutations of products."""

from decimal import Decimal as PythonDecimal

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
    is_provided,
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
from graph.types.product import Product
from graph.types.scalar import GTIN, Date, Decimal
from models.errors import InvalidAttribute

_MASTER_DATA = (
    "name",
    "description",
    "batch_number",
    "gtin",
    "cocoa_percent",
    "production_date",
)
# What an import recognises a product without a GTIN by.
PRODUCT_KEY = ("name", "manufacturer_id", "batch_number", "cocoa_percent")


@write_input("A new lot of a product.")
class CreateProductInput(MutationInput):
    name: str = required("Name as on the label.")
    manufacturer: strawberry.ID | None = reference("The manufacturer.", former="manufacturer_id")
    batch_number: str = required("Batch or lot number as on the label; unique with the GTIN.")
    description: str | None = optional("Free text.")
    gtin: GTIN | None = optional("GS1 trade item number.")
    cocoa_percent: Decimal | None = optional("Declared cocoa solids, in percent.")
    production_date: Date | None = optional("Day of production.")
    allow_duplicate: bool = allow_duplicate()


@update_input(
    CreateProductInput,
    "Corrections to a product; an omitted member stays as it is.",
    without=["allow_duplicate"],
)
class UpdateProductInput(MutationInput):
    id: strawberry.ID | None = reference("The product.", former="product_id")


@payload("The product that was added.")
class CreateProductPayload:
    product: Product | None = written("The product.")


@payload("The product that was corrected.")
class UpdateProductPayload:
    product: Product | None = written("The product.")


def create_product(session: Session, input: CreateProductInput) -> Written:
    values = product_values(session, input)
    # With a GTIN, the GTIN and the batch number are a key of the database.
    if not input.allow_duplicate and values.get("gtin") is None:
        refuse_duplicate(session, models.Product, values, PRODUCT_KEY, "gtin")
    return {"product": insert_row(session, models.Product, values)}


def update_product(session: Session, input: UpdateProductInput) -> Written:
    key = find_reference(session, models.Product, input, "id")
    values = product_values(session, input)
    return {"product": update_row(session, models.Product, key, values)}


def product_values(
    session: Session, input: CreateProductInput | UpdateProductInput
) -> dict[str, object]:
    values = values_of(input, *_MASTER_DATA)
    require(values, "name", "batch_number")
    percent = values.get("cocoa_percent")
    if isinstance(percent, PythonDecimal) and not (
        0 <= percent <= 100 and percent == round(percent, 1)
    ):
        raise InvalidAttribute("It is from 0 to 100, with at most one decimal.", "cocoa_percent")
    if isinstance(input, CreateProductInput) or is_provided(input, "manufacturer"):
        key = find_reference(session, models.Manufacturer, input, "manufacturer")
        values["manufacturer_id"] = key
    return values


@mutation_fields
class ProductMutation:
    create_product = mutation(
        "Add a lot of a product.",
        CreateProductInput,
        CreateProductPayload,
        create_product,
        roles=WRITERS,
    )
    update_product = mutation(
        "Correct a product.",
        UpdateProductInput,
        UpdateProductPayload,
        update_product,
        roles=WRITERS,
    )
