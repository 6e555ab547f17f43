"""Finds or makes the plan of a query for its variables and its role."""

from contextlib import suppress
from functools import partial

from graphql.execution.values import VariableValues

from graph.admission.controller import Admission
from graph.admission.planning_executor import is_short
from graph.answer import Request
from graph.context import Viewer
from graph.errors import RequestError
from graph.execution.plan_cache import CachedOperation, FilledQuery, PlanCache, PreparedQuery
from graph.planner.build import Builder
from graph.planner.reader import FetchData, Reader
from graph.planner.template import Template

PLAN_COST, OBJECT_COST = 500, 200
"""The cost of a plan that is not cached, and of each object in it: planning takes longer than most
answers."""


class QueryPlanner:
    """Plans queries, each once for all requests with equal documents, variable shapes and roles."""

    def __init__(
        self, builder: Builder, reader: Reader, cache: PlanCache, admission: Admission
    ) -> None:
        self._builder = builder
        self._reader = reader
        self._cache = cache
        self._admission = admission

    def find(
        self, operation: CachedOperation, variables: VariableValues, role: str
    ) -> FilledQuery | None:
        """Return a cached plan, filled; None if there is none for these variables and this role."""
        found = operation.find_coerced(variables.coerced, role)
        if found is None:
            return None
        self._cache.hits += 1
        return found

    async def plan(
        self,
        operation: CachedOperation,
        request: Request,
        variables: VariableValues,
        viewer: Viewer,
    ) -> FilledQuery:
        """Make a plan; equal requests share the work. Raises GraphQLError or Refused."""
        rate_limiter, role = self._admission.rate_limiter, viewer.role
        rate_limiter.take(viewer, PLAN_COST)
        async with self._admission.subject((request.query, request.operation_name, role)):
            found = self.find(operation, variables, role)
            if found is None:
                planning = partial(self._make, operation, variables, role)
                short = is_short(request.query)
                made = await self._admission.plan(viewer, planning, short=short)
                found = self._keep(operation, variables, *made)
                rate_limiter.take(viewer, made[0].objects * OBJECT_COST)
            return found

    def plan_now(
        self, operation: CachedOperation, variables: VariableValues, role: str
    ) -> FilledQuery:
        """Find or make a plan without charging a client; raises GraphQLError or Refused."""
        found = self.find(operation, variables, role)
        if found is not None:
            return found
        return self._keep(operation, variables, *self._make(operation, variables, role))

    def _make(
        self, operation: CachedOperation, variables: VariableValues, role: str
    ) -> tuple[Template, FetchData]:
        """Plan and compile. For any thread."""
        document, node = operation.read()
        template = self._builder.plan(node, document.fragments, variables, role)
        return template, self._reader.prepare(template.operation)

    def _keep(
        self,
        operation: CachedOperation,
        variables: VariableValues,
        template: Template,
        fetch: FetchData,
    ) -> FilledQuery:
        self._cache.misses += 1
        prepared = PreparedQuery(template, fetch)
        with suppress(RequestError):
            operation.keep(variables.coerced, prepared)
        return prepared, template.fill(variables.coerced)
