"""The context of a mutation: the viewer, and the transaction of the operation."""

from dataclasses import dataclass
from typing import TypeAlias

from strawberry.types.info import Info

from graph.context import Context
from graph.mutations.unit_of_work import UnitOfWork


@dataclass(slots=True)
class MutationContext(Context):
    """The context of one operation of mutations."""

    unit_of_work: UnitOfWork


MutationInfo: TypeAlias = Info[MutationContext, None]
