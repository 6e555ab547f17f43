"""The step `trace`: everything that a lot or product was made from, or that was made from it."""

from typing import ClassVar

from graph.planner.steps.lineage import Lineage
from graph.planner.steps.lineage_answer import LineageAnswer
from graph.planner.steps.lineage_planning import LineagePlanner
from graph.planner.walk.rows import RowPlanner, SelectedField
from models.lineage import answers
from models.lineage.answers import Asked
from models.lineage.network import Network
from models.lineage.pages import LineageResult


class TraceStep(Lineage):
    """A trace back, or forward with the argument `direction`."""

    __slots__ = ()
    key_lengths: ClassVar = {"lots": 2, "flows": 4, "products": 2}
    answering = LineageAnswer

    def answer(self, network: Network, asked: Asked) -> LineageResult:
        return answers.trace(network, asked)


def plan_trace(rows: RowPlanner, field: SelectedField) -> TraceStep:
    """Plan a field `trace`."""
    planner = LineagePlanner(rows, field, TraceStep)
    direction = planner.arguments.get("direction")
    back = direction is None or direction.value == "back"
    return planner.plan(back, planner.fields)
