"""The ledger: its head, its signed checkpoints, and proofs. Hashes are base64, as in the checkpoints.

What a proof shows of other events are hashes of salted leaves, from which nothing can be guessed.
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
        "pending", description="Not yet: events become leaves in batches, within about a second."
    )
    INTEGRATED = strawberry.enum_value("integrated", description="It is a leaf of the ledger.")


@view(
    models.TransactionProof,
    "That an event is in the ledger (RFC 9162, section 2.1.3). All but `status` is null while it is pending.",
    roles=ANYONE,
)
class TransactionProof:
    status: ProofStatus = field("Whether it is in the ledger.")
    sequence: BigInt | None = field("The place of its leaf, from 0 on without gaps.")
    leaf: str | None = field("Its leaf: canonical JSON (RFC 8785) of the event.", roles=STAFF)
    leaf_hash: str | None = field("SHA-256 of a zero byte and the leaf.")
    tree_size: BigInt | None = field("The size of the ledger that the proof is for.")
    root_hash: str | None = field("The root of the ledger of that size.")
    hashes: list[str] | None = field("The hashes that lead from the leaf's to the root, in turn.")
    checkpoint: str | None = field(
        "The signed checkpoint of that size, the newest one; null where none covers it yet."
    )


@node("A signed head of the ledger: at that time it was so long, with this root.", roles=ANYONE)
class LedgerCheckpoint(Node):
    size: BigInt = field("How many events the ledger had.")
    root_hash: str = field("Its root.")
    issued_at: DateTime = field("When it was signed.")
    note: str = field("The checkpoint itself, a C2SP signed note.")
    public_key: str = field("The C2SP verifier key it was signed with.")


@view(
    models.LedgerConsistency,
    "That the ledger of one size begins with that of a smaller one.",
    roles=ANYONE,
)
class LedgerConsistency:
    first_size: BigInt = field("The smaller size.")
    second_size: BigInt = field("The larger size.")
    first_root: str = field("The root of the smaller one.")
    second_root: str = field("The root of the larger one.")
    hashes: list[str] = field("The proof (RFC 9162, section 2.1.4).")


@view(models.Ledger, "The Merkle log over all events.", roles=ANYONE)
class Ledger:
    size: BigInt = field("How many events it has.")
    root_hash: str = field("Its root, over all of them.")
    origin: str | None = field("Its name in checkpoints; null before the first one.")
    public_key: str | None = field(
        "The verifier key of the newest checkpoint; an auditor should know it from elsewhere."
    )
    checkpoint: str | None = field("The newest checkpoint, a C2SP signed note.")
    checkpoints: Connection[
        Annotated["LedgerCheckpoint", strawberry.lazy("graph.types.ledger")]
    ] = connection("All checkpoints.", of="LedgerCheckpoint")
    consistency: LedgerConsistency | None = computed(
        "The proof from one size to another; null where the ledger had no such sizes.",
        argument("from_size", BigInt, "The smaller size; 1 if not given."),
        argument("to_size", BigInt, "The larger size; that of the ledger if not given."),
    )
