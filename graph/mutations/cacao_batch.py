"""Mutations of cacao batches: making them, correcting them, and using them in something."""

from datetime import date
from decimal import Decimal as PythonDecimal
from typing import cast

import strawberry
from sqlalchemy import func, literal, select
from sqlalchemy.orm import Session

import models
from graph.auth.roles import WRITERS
from graph.mutations.field import mutation
from graph.mutations.input import (
    MutationInput,
    check_kilograms,
    choose_one,
    find_reference,
    insert_row,
    optional,
    reference,
    required,
    update_input,
    update_row,
    values_of,
    write_input,
)
from graph.mutations.payload import mutation_fields, payload, written
from graph.mutations.write import Written
from graph.types.cacao_batch import CacaoBatch, Custody
from graph.types.product import Product
from graph.types.scalar import Date, Decimal
from graph.types.stage import Stage
from models.errors import CyclicLineage, InvalidAttribute

_MASTER_DATA = ("harvest_date", "production_date", "quantity_kg", "certification", "lot_number")


@write_input("A new batch of cacao.")
class CreateCacaoBatchInput(MutationInput):
    supplier: strawberry.ID | None = reference(
        "The supplier that harvested or produced it.", former="supplier_id"
    )
    quantity_kg: Decimal = required(
        "Its mass, in kilograms; at most three decimals, and never below what the batch has given."
    )
    stage: Stage = strawberry.field(description="Stage of processing.", default=Stage.BEANS)
    harvest_date: Date | None = optional("Day of harvest; beans need one.")
    production_date: Date | None = optional("Day of production, of anything later than beans.")
    certification: str | None = optional("Certification claimed for it.")
    custody: Custody | None = optional(
        "How it was kept apart: no stronger than any input, no weaker than what was made of it. Of a new batch "
        "without it, the database keeps the weakest custody of the inputs."
    )
    lot_number: str | None = optional("Lot number its supplier gave it; unique with the supplier.")


@update_input(
    CreateCacaoBatchInput,
    "Corrections to a batch; an omitted member stays as it is.",
    without=["supplier", "stage"],
)
class UpdateCacaoBatchInput(MutationInput):
    id: strawberry.ID | None = reference("The batch.", former="cacao_batch_id")


@write_input("Kilograms of a batch that went into a product or another batch.")
class UseCacaoBatchInput(MutationInput):
    cacao_batch: strawberry.ID | None = reference(
        "The batch that was used.", former="cacao_batch_id"
    )
    quantity_kg: Decimal = required("Mass that went in, in kilograms; at most three decimals.")
    product: strawberry.ID | None = reference(
        "The product that it went into; or provide `outputBatch`.", former="product_id"
    )
    output_batch: strawberry.ID | None = reference(
        "The batch that it went into; or provide `product`.", former="output_batch_id"
    )


@payload("The batch that was added.")
class CreateCacaoBatchPayload:
    cacao_batch: CacaoBatch | None = written("The batch.")


@payload("The batch that was corrected.")
class UpdateCacaoBatchPayload:
    cacao_batch: CacaoBatch | None = written("The batch.")


@payload("The batch that was used, and the lot that it went into.")
class UseCacaoBatchPayload:
    cacao_batch: CacaoBatch | None = written("The batch that gave.")
    product: Product | None = written("The product it went into, if it was one.")
    output_batch: CacaoBatch | None = written("The batch it went into, if it was one.")


def create_cacao_batch(session: Session, input: CreateCacaoBatchInput) -> Written:
    supplier = find_reference(session, models.Supplier, input, "supplier")
    values = values_of(input, *_MASTER_DATA) | custody_of(input)
    check_batch(values)
    if input.stage is Stage.BEANS and values.get("harvest_date") is None:
        raise InvalidAttribute("Beans need a harvest date.", "harvest_date")
    values |= {"supplier_id": supplier, "stage": input.stage.value}
    return {"cacao_batch": insert_row(session, models.CacaoBatch, values)}


def update_cacao_batch(session: Session, input: UpdateCacaoBatchInput) -> Written:
    key = find_reference(session, models.CacaoBatch, input, "id")
    values = values_of(input, *_MASTER_DATA) | custody_of(input)
    check_batch(values)
    return {"cacao_batch": update_row(session, models.CacaoBatch, key, values)}


def custody_of(input: CreateCacaoBatchInput | UpdateCacaoBatchInput) -> dict[str, object]:
    given = values_of(input, "custody")
    return {name: value and value.value for name, value in given.items()}


def check_batch(values: dict[str, object]) -> None:
    if "quantity_kg" in values:
        check_kilograms(cast("PythonDecimal | None", values["quantity_kg"]))
    harvested, produced = values.get("harvest_date"), values.get("production_date")
    if isinstance(harvested, date) and isinstance(produced, date) and produced < harvested:
        raise InvalidAttribute("It lies before the harvest.", "production_date")


def use_cacao_batch(session: Session, input: UseCacaoBatchInput) -> Written:
    batch = find_reference(session, models.CacaoBatch, input, "cacao_batch")
    check_kilograms(cast(PythonDecimal, input.quantity_kg))
    target = choose_one(input, "product", "output_batch")
    use: dict[str, object] = {"quantity_kg": input.quantity_kg}
    if target == "product":
        product = find_reference(session, models.Product, input, target)
        session.add(models.ProductCacaoBatch(product_id=product, cacao_batch_id=batch, **use))
        return {"cacao_batch": batch, "product": product}
    output = find_reference(session, models.CacaoBatch, input, target)
    check_acyclic(session, batch, output)
    session.add(models.CacaoBatchInput(output_batch_id=output, input_batch_id=batch, **use))
    return {"cacao_batch": batch, "output_batch": output}


def check_acyclic(session: Session, batch: int, output: int) -> None:
    """Refuse to make a batch from what was made from it. Writers of lineage wait for each other."""
    session.execute(select(func.pg_advisory_xact_lock(func.hashtext("cacao_batch_input"))))
    edge = models.CacaoBatchInput
    made = select(literal(output).label("batch")).cte("made", recursive=True)
    made = made.union(select(edge.output_batch_id).join(made, edge.input_batch_id == made.c.batch))
    if session.execute(select(made.c.batch).where(made.c.batch == batch).limit(1)).first():
        raise CyclicLineage(
            "That batch was itself made from this output, or is the same.", "output_batch_id"
        )


@mutation_fields
class CacaoBatchMutation:
    create_cacao_batch = mutation(
        "Add a batch of cacao.",
        CreateCacaoBatchInput,
        CreateCacaoBatchPayload,
        create_cacao_batch,
        roles=WRITERS,
    )
    update_cacao_batch = mutation(
        "Correct a batch.",
        UpdateCacaoBatchInput,
        UpdateCacaoBatchPayload,
        update_cacao_batch,
        roles=WRITERS,
    )
    use_cacao_batch = mutation(
        "Record that kilograms of a batch went into a product or into another batch. "
        "No batch gives more than it holds, and none that is on hold gives anything.",
        UseCacaoBatchInput,
        UseCacaoBatchPayload,
        use_cacao_batch,
        roles=WRITERS,
    )
