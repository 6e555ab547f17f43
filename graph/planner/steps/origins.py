"""The step `origins`: the lots without inputs that a lot or product goes back to."""

from typing import ClassVar

from graph.planner.steps.lineage import ComputedConnection, Lineage
from graph.planner.steps.lineage_answer import LineageAnswer
from graph.planner.steps.lineage_planning import LineagePlanner
from graph.planner.walk.rows import RowPlanner, SelectedField
from models.lineage import answers
from models.lineage.answers import Asked
from models.lineage.network import Network
from models.lineage.pages import LineageResult

BY_SHARE, BY_NUMBER = "origins", "origins_by_number"


class OriginsStep(Lineage):
    """One list of origins: by share, or by number for a role that may not read shares."""

    __slots__ = ()
    key_lengths: ClassVar = {BY_SHARE: 2, BY_NUMBER: 1}
    answering = LineageAnswer

    def answer(self, network: Network, asked: Asked) -> LineageResult:
        return answers.origins(network, asked)


def plan_origins(rows: RowPlanner, field: SelectedField) -> OriginsStep:
    """Plan a field `origins`."""
    planner = LineagePlanner(rows, field, OriginsStep)

    def selected() -> ComputedConnection:
        # The order by share would disclose the shares.
        name = BY_SHARE if rows.walk.authorizer.sees("Origin", "share") else BY_NUMBER
        return planner.list(name, field, planner.arguments)

    return planner.plan(True, selected)
