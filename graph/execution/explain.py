"""Explains a query for a developer: its plan, its SQL, and PostgreSQL's estimate."""

from dataclasses import fields, is_dataclass
from typing import Any

from graphql import GraphQLError, OperationType
from starlette.concurrency import run_in_threadpool

from graph.admission.controller import Admission
from graph.admission.rate_limit import client_of
from graph.answer import Request
from graph.context import Viewer
from graph.documents import InvalidDocument
from graph.errors import Refused
from graph.execution.operations import OperationReader
from graph.execution.plan_cache import PlanCache
from graph.execution.query_planner import QueryPlanner
from graph.planner.nodes import Operation
from graph.planner.reader import Reader
from models.database.asynchronous import Statement

THROUGH = "every root field is a planned read"
COMPLETED = "some root fields are not planned reads: graphql-core completes the answer"


class Explainer:
    """Explains the queries of one database; never runs them."""

    def __init__(
        self,
        operations: OperationReader,
        planner: QueryPlanner,
        reader: Reader,
        cache: PlanCache,
        admission: Admission,
    ) -> None:
        self._operations = operations
        self._planner = planner
        self._reader = reader
        self._cache = cache
        self._admission = admission

    async def explain(self, request: Request, viewer: Viewer) -> dict[str, Any]:
        """Return the explanation of a request; {} for an invalid one and for a mutation."""
        cached = self._cache.find(request.query, request.operation_name)
        try:
            operation = cached or self._operations.read_now(request, viewer.role)
            variables = self._operations.coerce_now(operation, request, viewer.role)
            if operation.kind is not OperationType.QUERY:
                return {}
            prepared, values = self._planner.plan_now(operation, variables, viewer.role)
        except (InvalidDocument, Refused, GraphQLError):
            return {}
        planned = prepared.template.operation
        client, reads = client_of(viewer), self._admission.reads
        await reads.enter(client)
        try:
            statement, plan = await run_in_threadpool(self._reader.explain, planned, values)
        finally:
            reads.leave(client)
        cache = self._cache
        counts = {"hits": cache.hits, "misses": cache.misses, "kept": len(cache)}
        return {**explanation(planned, statement, plan), "planCache": counts}


def explanation(operation: Operation, statement: Statement, plan: Any) -> dict[str, Any]:
    """Return the kind of execution and why, the plan, the SQL, and the costs of EXPLAIN."""
    return {
        "way": "completed" if operation.partial else "through",
        "why": COMPLETED if operation.partial else THROUGH,
        "plan": plan_json(operation),
        "sql": statement.text,
        "cost": {"startup": plan["Startup Cost"], "total": plan["Total Cost"]},
    }


def plan_json(node: Any) -> Any:
    """Return the nodes of a plan as JSON: each with its kind, without empty fields."""
    if is_dataclass(node):
        members = {field.name: plan_json(getattr(node, field.name)) for field in fields(node)}
        kept = {
            name: value
            for name, value in members.items()
            if value is not None and value is not False and value != []
        }
        return {"kind": type(node).__name__, **kept}
    if isinstance(node, tuple):
        if node and all(isinstance(item, tuple) and isinstance(item[0], str) for item in node):
            return {key: plan_json(value) for key, value in node}
        return [plan_json(item) for item in node]
    return node
