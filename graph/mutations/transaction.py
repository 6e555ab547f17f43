"""Recording transactions. There is no update: a correction is a new event."""

import strawberry
from sqlalchemy.orm import Session

import models
from graph.auth.roles import WRITERS
from graph.mutations.field import mutation
from graph.mutations.input import (
    REFERENCE,
    MutationInput,
    choose_one,
    find,
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
from graph.types.scalar import JSON, DateTime
from graph.types.transaction import Transaction


@write_input("Something that happened to one product or to one batch.")
class RecordTransactionInput(MutationInput):
    event: str = required("Name of the event, like `shipped`.")
    product: strawberry.ID | None = reference(
        "The product of the event; or provide `cacaoBatch`.", former="product_id"
    )
    cacao_batch: strawberry.ID | None = reference(
        "The batch of the event; or provide `product`.", former="cacao_batch_id"
    )
    timestamp: DateTime | None = optional("When it happened; now, if left out.")
    details: JSON | None = optional("Further data of the event.")
    event_id: str | None = optional("Its identifier in your own system; no two may share one.")
    corrects: strawberry.ID | None = optional(
        f"The earlier event of the same product or batch that this one corrects. {REFERENCE}"
    )
    correction_reason: str | None = optional("Reason of the correction; required for one.")


@payload("The event that was recorded.")
class RecordTransactionPayload:
    transaction: Transaction | None = written("The transaction.")


def record_transaction(session: Session, input: RecordTransactionInput) -> Written:
    subject = choose_one(input, "product", "cacao_batch")
    values = values_of(input, "event", "details", "event_id", "timestamp", "correction_reason")
    require(values, "event")
    if values.get("timestamp") is None:
        values.pop("timestamp", None)
    model = models.Product if subject == "product" else models.CacaoBatch
    values[f"{subject}_id"] = find_reference(session, model, input, subject)
    if input.corrects not in (None, strawberry.UNSET):
        values["corrects_id"] = find(session, models.Transaction, input.corrects, "corrects")
    return {"transaction": insert_row(session, models.Transaction, values)}


@mutation_fields
class TransactionMutation:
    record_transaction = mutation(
        "Record what happened to a product or a batch.",
        RecordTransactionInput,
        RecordTransactionPayload,
        record_transaction,
        roles=WRITERS,
    )
