"""Executes queries: the rows by one plan, and what is no row by graphql-core."""

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from graphql import GraphQLSchema

from graph.admission.controller import Admission, Execution
from graph.admission.rate_limit import client_of
from graph.answer import Answer, Request
from graph.context import Viewer
from graph.errors import RequestError, refuse
from graph.execution.completion import complete
from graph.execution.introspection_cache import MAX_INTROSPECTION_BYTES, IntrospectionCache
from graph.execution.operations import OperationReader
from graph.execution.plan_cache import CachedOperation, PlanCache, PreparedQuery
from graph.execution.query_planner import QueryPlanner
from graph.planner.cost import value_of

COMPLETION_FACTOR = 10
"""How many times longer an answer takes if graphql-core completes its rows."""


class QueryExecutor:
    """Executes the queries of one schema."""

    def __init__(
        self,
        schema: GraphQLSchema,
        operations: OperationReader,
        planner: QueryPlanner,
        cache: PlanCache,
        admission: Admission,
    ) -> None:
        self._schema = schema
        self._operations = operations
        self._planner = planner
        self._cache = cache
        self._admission = admission
        self._introspections = IntrospectionCache()

    async def run(self, operation: CachedOperation, request: Request, viewer: Viewer) -> Answer:
        """Find or make the plan, and run it."""
        found = operation.find(request.variables, viewer.role)
        if found is not None:
            self._cache.hits += 1
            return await self._run_plan(operation, request, viewer, *found)
        variables = await self._operations.coerce(operation, request, viewer)
        found = self._planner.find(operation, variables, viewer.role)
        if found is None:
            found = await self._planner.plan(operation, request, variables, viewer)
        return await self._run_plan(operation, request, viewer, *found)

    async def _run_plan(
        self,
        operation: CachedOperation,
        request: Request,
        viewer: Viewer,
        prepared: PreparedQuery,
        values: Sequence[Any],
    ) -> Answer:
        """Charge the client, fetch the rows, and complete them if a root field is not planned."""
        template = prepared.template
        completed = template.operation.partial
        cost = value_of(template.cost, values)
        if completed and template.operation.fields:
            cost *= COMPLETION_FACTOR
        request_cost = self._admission.rate_limiter.cost_of(cost)
        refused = self._admission.rate_limiter.admit(viewer, cost)
        if refused is not None:
            return Answer(None, [refuse(refused)], executed=False, cost=request_cost)
        if template.constant and not operation.definitions:
            return replace(await self._introspect(operation, request, viewer), cost=request_cost)
        data = b"{}"
        if template.operation.fields:
            try:
                data = await self._fetch(prepared, values, viewer, cost)
            except RequestError as error:
                return Answer(None, [refuse(error)], executed=False, cost=request_cost)
            except Exception as error:  # noqa: BLE001 - masked and logged by translate
                failed = Answer.failed("The query failed.", error, executed=True)
                return replace(failed, cost=request_cost)
        if not completed:
            return Answer(None, [], executed=True, through=data, cost=request_cost)
        return replace(await self._complete(operation, request, viewer, data), cost=request_cost)

    async def _fetch(
        self, prepared: PreparedQuery, values: Sequence[Any], viewer: Viewer, paid: int
    ) -> bytes:
        """Fetch the rows within the client's limit of connections.

        The client is charged for the time that exceeds what it paid.
        """
        client, reads = client_of(viewer), self._admission.reads
        if not reads.enter_now(client):
            await reads.enter(client)
        execution = Execution(self._admission, viewer, paid)
        try:
            return await prepared.fetch(values, execution)
        finally:
            reads.leave(client)
            self._admission.rate_limiter.settle(client, execution.seconds, execution.paid)

    async def _complete(
        self, operation: CachedOperation, request: Request, viewer: Viewer, data: bytes
    ) -> Answer:
        return await self._admission.plan(
            viewer, partial(self._complete_now, operation, request, viewer, data)
        )

    def _complete_now(
        self, operation: CachedOperation, request: Request, viewer: Viewer, data: bytes
    ) -> Answer:
        return complete(self._schema, operation.read()[0], request, viewer, data)

    async def _introspect(
        self, operation: CachedOperation, request: Request, viewer: Viewer
    ) -> Answer:
        """Answer a query for nothing but the schema; graphql-core executes each such query once."""
        key = ("introspection", request.query, request.operation_name)
        async with self._admission.subject(key):
            data = self._introspections.find(key)
            if data is None:
                completing = partial(self._complete_now, operation, request, viewer, b"{}")
                answer = await self._admission.compute(
                    viewer, completing, size=MAX_INTROSPECTION_BYTES
                )
                if answer.errors:
                    return answer
                data = json.dumps(answer.data, separators=(",", ":")).encode()
                self._introspections.keep(key, data)
        return Answer(None, [], executed=True, through=data)
