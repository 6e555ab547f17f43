"""Holding a batch, with all that was made of it, and releasing it."""

import strawberry
from sqlalchemy.orm import Session

import models
from graph.auth.roles import WRITERS
from graph.mutations.field import mutation
from graph.mutations.input import (
    MutationInput,
    find_reference,
    insert_row,
    reference,
    required,
    values_of,
    write_input,
)
from graph.mutations.payload import mutation_fields, payload, written
from graph.mutations.write import Written
from graph.types.cacao_batch import CacaoBatch
from graph.types.hold import Hold
from models.hold import release


@write_input("A batch that cannot be used any more.")
class HoldBatchInput(MutationInput):
    cacao_batch: strawberry.ID | None = reference("The batch.", former="cacao_batch_id")
    reason: str = required("The reason of the hold.")


@write_input("A batch that can be used again.")
class ReleaseBatchInput(MutationInput):
    cacao_batch: strawberry.ID | None = reference(
        "The batch that is held.", former="cacao_batch_id"
    )
    reason: str = required("The reason of the release.")


@payload("The hold and its batch.")
class HoldBatchPayload:
    hold: Hold | None = written("The hold.")
    cacao_batch: CacaoBatch | None = written("The batch.")


@payload("The batch whose holds were released.")
class ReleaseBatchPayload:
    cacao_batch: CacaoBatch | None = written(
        "The batch; it may still be on hold for what it was made of."
    )


def hold_batch(session: Session, input: HoldBatchInput) -> Written:
    batch = find_reference(session, models.CacaoBatch, input, "cacao_batch")
    values = values_of(input, "reason") | {"cacao_batch_id": batch}
    return {"hold": insert_row(session, models.Hold, values), "cacao_batch": batch}


def release_batch(session: Session, input: ReleaseBatchInput) -> Written:
    batch = find_reference(session, models.CacaoBatch, input, "cacao_batch")
    release(session, batch, values_of(input, "reason")["reason"])
    return {"cacao_batch": batch}


@mutation_fields
class HoldMutation:
    hold_batch = mutation(
        "Hold a batch: it and all that was made of it is marked, and gives nothing more.",
        HoldBatchInput,
        HoldBatchPayload,
        hold_batch,
        roles=WRITERS,
    )
    release_batch = mutation(
        "Release all holds that were placed on a batch.",
        ReleaseBatchInput,
        ReleaseBatchPayload,
        release_batch,
        roles=WRITERS,
    )
