"""The step `impact`: what a recall of a lot has to reach."""

from dataclasses import replace
from typing import ClassVar

from graph.planner.steps.lineage import (
    ComputedConnection,
    EntryEdges,
    Fact,
    Lineage,
    LineageFields,
    ListEntry,
)
from graph.planner.steps.lineage_answer import LineageAnswer
from graph.planner.steps.lineage_planning import LineagePlanner
from graph.planner.walk.rows import RowPlanner, SelectedField
from models.lineage import answers
from models.lineage.answers import CUSTOMERS, Asked
from models.lineage.network import Network
from models.lineage.pages import LineageResult
from models.lineage.reach import Reach


class ImpactStep(Lineage):
    """The products, manufacturers and customers of a lot."""

    __slots__ = ()
    key_lengths: ClassVar = {"products": 1, "manufacturers": 1, "customers": 1}
    answering = LineageAnswer

    def answer(self, network: Network, asked: Asked) -> LineageResult:
        return answers.impact(network, asked)

    def reach(self) -> Reach:
        return replace(super().reach(), blended=True, sold=names_customers(self.selected))


def names_customers(
    selected: ComputedConnection | LineageFields | ListEntry | EntryEdges,
) -> bool:
    """Return whether a selected field is computed from the events of products and lots."""
    for _, value in selected.fields:
        if isinstance(value, (Fact, ComputedConnection)) and value.name in CUSTOMERS:
            return True
        if isinstance(value, (ComputedConnection, ListEntry, EntryEdges)) and names_customers(
            value
        ):
            return True
    return False


def plan_impact(rows: RowPlanner, field: SelectedField) -> ImpactStep:
    """Plan a field `impact`."""
    planner = LineagePlanner(rows, field, ImpactStep)
    return planner.plan(False, planner.fields)
