"""The computed fields. A new one is a module of this package and a line of this list.

A module of this package defines a Step (plan node, cost, SQL, and for a DeferredStep its answer) and the
function that plans it.
"""

from graph.planner.steps.findings import plan_findings
from graph.planner.steps.impact import plan_impact
from graph.planner.steps.origins import plan_origins
from graph.planner.steps.trace import plan_trace
from graph.planner.walk.rows import StepPlanners

STEP_PLANNERS: StepPlanners = {
    "Trace": plan_trace,
    "OriginConnection": plan_origins,
    "Impact": plan_impact,
    "AuditFindingConnection": plan_findings,
}
"""The functions that plan computed fields, by the GraphQL type of the field."""
