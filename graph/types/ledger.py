"""The ledger, its signed checkpoints, and proofs. Hashes are in base64, as in the checkpoints.

A proof contains hashes of other events. Their leaves are salted, so that they cannot be guessed.
"""

from enum import Enum
from typing import Annotated

import strawberry

import models
from graph.auth.roles import ANYONE, STAFF
from graph.types.connection import Connection
from graph.types.node import Node, argument, computed, connection, field, node, view
from graph.types.scalar import BigInt, DateTime


@strawberry.enum(description="Whether an event is in the ledger.")
class ProofStatus(Enum):
    PENDING = strawberry.enum_value(
        "pending",
        description="The event has no leaf yet. Events become leaves in batches, within about a second.",
    )
    INTEGRATED = strawberry.enum_value(
        "integrated", description="The event has a leaf in the ledger."
    )


@view(
    models.TransactionProof,
    "The proof that an event is in the ledger (RFC 9162, section 2.1.3). While it is pending, only `status` has a value.",
    roles=ANYONE,
)
class TransactionProof:
    status: ProofStatus = field("Whether the event is in the ledger.")
    sequence: BigInt | None = field("The position of the leaf, from 0 without gaps.")
    leaf: str | None = field("The leaf: canonical JSON (RFC 8785) of the event.", roles=STAFF)
    leaf_hash: str | None = field("SHA-256 of a zero byte and the leaf.")
    tree_size: BigInt | None = field("The size of the ledger that the proof is for.")
    root_hash: str | None = field("The root of the ledger of that size.")
    hashes: list[str] | None = field("The hashes from the leaf to the root, in order.")
    checkpoint: str | None = field(
        "The newest signed checkpoint, which has that size; null if no checkpoint covers the event yet."
    )


@node("A signed tree head: the size and the root of the ledger at a time.", roles=ANYONE)
class LedgerCheckpoint(Node):
    size: BigInt = field("The number of events in the ledger.")
    root_hash: str = field("The root of the ledger of that size.")
    issued_at: DateTime = field("The time of the signature, in UTC.")
    note: str = field("The checkpoint, a C2SP signed note.")
    public_key: str = field("The C2SP verifier key of the signature.")


@view(
    models.LedgerConsistency,
    "The proof that the ledger of one size begins with the ledger of a smaller one.",
    roles=ANYONE,
)
class LedgerConsistency:
    first_size: BigInt = field("The smaller size.")
    second_size: BigInt = field("The larger size.")
    first_root: str = field("The root of the smaller size.")
    second_root: str = field("The root of the larger size.")
    hashes: list[str] = field("The proof (RFC 9162, section 2.1.4).")


@view(models.Ledger, "The Merkle log over all events.", roles=ANYONE)
class Ledger:
    size: BigInt = field("The number of events in the ledger.")
    root_hash: str = field("The root over all events.")
    origin: str | None = field(
        "The name of the ledger in checkpoints; null before the first checkpoint."
    )
    public_key: str | None = field(
        "The verifier key of the newest checkpoint. An auditor should get the key from another source."
    )
    checkpoint: str | None = field("The newest checkpoint, a C2SP signed note.")
    checkpoints: Connection[
        Annotated["LedgerCheckpoint", strawberry.lazy("graph.types.ledger")]
    ] = connection("All checkpoints.", of="LedgerCheckpoint")
    consistency: LedgerConsistency | None = computed(
        "The proof from one size to another; null if the ledger did not have these sizes.",
        argument("from_size", BigInt, "The smaller size; 1 by default."),
        argument("to_size", BigInt, "The larger size; the present size by default."),
    )
