"""The root type Mutation, from its parts by noun."""

import strawberry

from graph.mutations.account import AccountMutation
from graph.mutations.api_key import APIKeyMutation
from graph.mutations.cacao_batch import CacaoBatchMutation
from graph.mutations.certificate import CertificateMutation
from graph.mutations.hold import HoldMutation
from graph.mutations.loss import LossMutation
from graph.mutations.mass_balance import MassBalanceMutation
from graph.mutations.party import PartyMutation
from graph.mutations.payload import PAYLOADS
from graph.mutations.product import ProductMutation
from graph.mutations.transaction import TransactionMutation


@strawberry.type(description="Everything that can be written: one operation is one commit.")
class Mutation(
    PartyMutation,
    CacaoBatchMutation,
    ProductMutation,
    TransactionMutation,
    LossMutation,
    HoldMutation,
    CertificateMutation,
    MassBalanceMutation,
    AccountMutation,
    APIKeyMutation,
):
    pass


__all__ = ["PAYLOADS", "Mutation"]
