"""What a developer asks of a request: its plan, its SQL, PostgreSQL's cost, and the way it took.

Pure: PostgreSQL's own EXPLAIN, which does not run the statement, is asked by planner.execute.
"""

from dataclasses import fields, is_dataclass
from typing import Any

from graph.planner.nodes import Operation
from models.database.asynchronous import Statement

THROUGH = "every root field is a planned read"
COMPLETED = "some root fields are not planned reads: graphql-core completes the answer"


def describe(node: Any) -> Any:
    """A plan's nodes as JSON: each with its kind, without what is not set."""
    if is_dataclass(node):
        shown = {field.name: describe(getattr(node, field.name)) for field in fields(node)}
        kept = {
            name: value
            for name, value in shown.items()
            if value is not None and value is not False and value != []
        }
        return {"kind": type(node).__name__, **kept}
    if isinstance(node, tuple):
        if node and all(isinstance(item, tuple) and isinstance(item[0], str) for item in node):
            return {key: describe(value) for key, value in node}
        return [describe(item) for item in node]
    return node


def explanation(operation: Operation, statement: Statement, plan: Any) -> dict[str, Any]:
    """The way taken and why, the plan, the SQL with its parameters' places, and EXPLAIN's costs."""
    return {
        "way": "completed" if operation.partial else "through",
        "why": COMPLETED if operation.partial else THROUGH,
        "plan": describe(operation),
        "sql": statement.text,
        "cost": {"startup": plan["Startup Cost"], "total": plan["Total Cost"]},
    }
