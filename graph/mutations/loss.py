"""Recording what a batch lost. There is no update: a correction gives kilograms back."""

from decimal import Decimal as PythonDecimal
from typing import cast

import strawberry
from sqlalchemy.orm import Session

import models
from graph.auth.roles import WRITERS
from graph.mutations.field import mutation
from graph.mutations.input import (
    MutationInput,
    check_kilograms,
    find_reference,
    insert_row,
    optional,
    reference,
    required,
    values_of,
    write_input,
)
from graph.mutations.payload import mutation_fields, payload, written
from graph.mutations.write import Written
from graph.types.cacao_batch import CacaoBatch
from graph.types.loss import Loss, LossReason
from graph.types.scalar import DateTime, Decimal


@write_input("Kilograms that a batch lost.")
class RecordLossInput(MutationInput):
    cacao_batch: strawberry.ID | None = reference(
        "The batch that lost them.", former="cacao_batch_id"
    )
    quantity_kg: Decimal = required(
        "Mass, in kilograms, above zero; with the reason CORRECTION, the mass that is taken back."
    )
    reason: LossReason = required("The reason.")
    timestamp: DateTime | None = optional("Time of the loss; now by default.")
    note: str | None = optional("A note.")


@payload("The loss that was recorded, and its batch.")
class RecordLossPayload:
    loss: Loss | None = written("The loss.")
    cacao_batch: CacaoBatch | None = written("The batch.")


def record_loss(session: Session, input: RecordLossInput) -> Written:
    batch = find_reference(session, models.CacaoBatch, input, "cacao_batch")
    quantity = cast(PythonDecimal, input.quantity_kg)
    check_kilograms(quantity)
    values = values_of(input, "timestamp", "note")
    if values.get("timestamp") is None:
        values.pop("timestamp", None)
    values |= {"cacao_batch_id": batch, "reason": input.reason.value}
    values["quantity_kg"] = -quantity if input.reason is LossReason.CORRECTION else quantity
    return {"loss": insert_row(session, models.Loss, values), "cacao_batch": batch}


@mutation_fields
class LossMutation:
    record_loss = mutation(
        "Record that kilograms of a batch were lost: they count against what it holds, and are an "
        "event of it. A batch on hold may lose, too.",
        RecordLossInput,
        RecordLossPayload,
        record_loss,
        roles=WRITERS,
    )
