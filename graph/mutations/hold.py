"""Holding a batch, with all that was made of it, and releasing it."""

import strawberry
from sqlalchemy.orm import Session

import models
from graph.auth.roles import WRITERS
from graph.mutations.input import (
    REFERENCE,
    MutationInput,
    find,
    given,
    insert_row,
    values_of,
)
from graph.mutations.payload import mutation_fields, payload, written
from graph.mutations.unit_of_work import Written, mutation
from graph.types.cacao_batch import CacaoBatch
from graph.types.hold import Hold
from models.hold import release


@strawberry.input(description="A batch that is not to be used.")
class HoldBatchInput(MutationInput):
    cacao_batch_id: strawberry.ID = given(f"Which batch. {REFERENCE}")
    reason: str = given("Why.")


@strawberry.input(description="A batch that may be used again.")
class ReleaseBatchInput(MutationInput):
    cacao_batch_id: strawberry.ID = given(f"The batch that was held. {REFERENCE}")
    reason: str = given("Why it may be used again.")


@payload("What became of a batch that is held.")
class HoldPayload:
    hold: Hold | None = written("The hold.")
    cacao_batch: CacaoBatch | None = written("The batch.")


@payload("What became of a batch that was held.")
class ReleasePayload:
    cacao_batch: CacaoBatch | None = written(
        "The batch; it may still be on hold for what it was made of."
    )


def hold_batch(session: Session, input: HoldBatchInput) -> Written:
    batch = find(session, models.CacaoBatch, input.cacao_batch_id, "cacao_batch_id")
    values = values_of(input, "reason") | {"cacao_batch_id": batch}
    return {"hold": insert_row(session, models.Hold, values), "cacao_batch": batch}


def release_batch(session: Session, input: ReleaseBatchInput) -> Written:
    batch = find(session, models.CacaoBatch, input.cacao_batch_id, "cacao_batch_id")
    release(session, batch, values_of(input, "reason")["reason"])
    return {"cacao_batch": batch}


@mutation_fields
class HoldMutation:
    hold_batch = mutation(
        "Hold a batch: it and all that was made of it is marked, and gives nothing more.",
        HoldBatchInput,
        HoldPayload,
        hold_batch,
        roles=WRITERS,
    )
    release_batch = mutation(
        "Release all holds that were placed on a batch.",
        ReleaseBatchInput,
        ReleasePayload,
        release_batch,
        roles=WRITERS,
    )
