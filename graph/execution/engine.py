"""Answers GraphQL requests: finds the operation, and dispatches it to the executor of its kind.

Never blocks the event loop: reads are asynchronous, writes run in a thread. Each error leaves with a
code; `Answer.executed` is False for a request that failed before execution.
"""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from graphql import GraphQLError, OperationType

from graph.admission.controller import Admission
from graph.admission.deadlines import Deadlines
from graph.admission.limits import DEFAULTS, Limits
from graph.answer import Answer, Request
from graph.auth.permissions import Permissions
from graph.auth.roles import ADMIN
from graph.context import Viewer
from graph.documents import InvalidDocument
from graph.error_code import ErrorCode
from graph.errors import Refused, refuse
from graph.execution.error_redaction import translator_for
from graph.execution.executor import Executors
from graph.execution.explain import Explainer
from graph.execution.mutations import MutationExecutor
from graph.execution.operations import OperationReader
from graph.execution.plan_cache import CachedOperation, PlanCache
from graph.execution.queries import QueryExecutor
from graph.execution.query_planner import QueryPlanner
from graph.execution.sign_in_documents import SIGN_IN_FIRST, SignInRequired, is_sign_in
from graph.planner.build import Builder
from graph.planner.reader import Reader
from graph.schema import schema
from models.database.connection_limiter import DatabaseUnavailable
from models.database.engines import Database

_T = TypeVar("_T")
EVERYTHING_SHOWN = Permissions()


class Engine:
    """Answers requests against one database."""

    def __init__(
        self,
        database: Database,
        permissions: Permissions = EVERYTHING_SHOWN,
        limits: Limits = DEFAULTS,
    ) -> None:
        graphql, builder = schema._schema, Builder(schema._schema, permissions, limits)
        self.limits = limits
        self.plans = cache = PlanCache()
        self.admission = admission = Admission(database, limits, lambda: cache.hits)
        self._deadlines = Deadlines(limits.request_seconds)
        self._permissions = permissions
        reader = Reader(database)
        self._operations = OperationReader(graphql, permissions, limits, cache, admission)
        self._planner = QueryPlanner(builder, reader, cache, admission)
        self._explainer = Explainer(self._operations, self._planner, reader, cache, admission)
        self._executors = Executors(
            {
                OperationType.QUERY: QueryExecutor(
                    graphql, self._operations, self._planner, cache, admission
                ),
                OperationType.MUTATION: MutationExecutor(
                    graphql,
                    database,
                    self._operations,
                    builder,
                    reader,
                    admission,
                    permissions,
                    limits.idempotency_hours,
                ),
            }
        )

    async def answer(self, request: Request, viewer: Viewer) -> Answer:
        """Answer a request within its time limit; never raises an error of a client or the database."""
        under_way = self._deadlines.start()
        try:
            return await self._answer(request, viewer)
        except asyncio.CancelledError:
            if not self._deadlines.is_late(under_way):
                raise
            late = DatabaseUnavailable("the request took too long")
            return Answer.failed("The request was late.", late)
        finally:
            self._deadlines.end(under_way)

    async def _answer(self, request: Request, viewer: Viewer) -> Answer:
        try:
            if self.is_closed_to(viewer) and not is_sign_in(request.query):
                raise refuse(SignInRequired(SIGN_IN_FIRST))
            operation = self.plans.find(request.query, request.operation_name)
            if operation is None:
                operation = await self._operations.read(request, viewer)
            return await self._executors.of(operation.kind).run(operation, request, viewer)
        except (InvalidDocument, Refused) as invalid:
            translate = translator_for(self._permissions, viewer.role)
            errors = [
                translate(error, ErrorCode.GRAPHQL_VALIDATION_FAILED) for error in invalid.errors
            ]
            return Answer(None, errors, executed=False)
        except GraphQLError as error:
            translate = translator_for(self._permissions, viewer.role)
            return Answer(None, [translate(error)], executed=False)
        except Exception as error:  # noqa: BLE001 - masked and logged by translate
            return Answer.failed("The request failed.", error)

    def is_closed_to(self, viewer: Viewer) -> bool:
        """Return whether this viewer may run no documents but those of signing in."""
        return viewer.role not in self._permissions.readers

    def take_cost(self, viewer: Viewer, cost: int) -> None:
        """Charge for work that is not part of an answer; raises GraphQLError at the rate limit."""
        self.admission.rate_limiter.take(viewer, cost)

    async def compute(
        self, viewer: Viewer, work: Callable[[], _T], size: int, cost: int
    ) -> _T | Answer:
        """Return what `work` makes of `size` bytes, or the answer if it fails or exceeds a limit."""
        try:
            refused = self.admission.rate_limiter.admit(viewer, cost)
            if refused is not None:
                return Answer(None, [refuse(refused)], executed=False)
            return await self.admission.compute(viewer, work, size=size)
        except Exception as error:  # noqa: BLE001 - masked and logged by translate
            return Answer.failed("The answer could not be written.", error)

    async def explain(self, request: Request, viewer: Viewer) -> dict[str, Any]:
        """Return how this request is answered; {} for an invalid one and for a mutation."""
        return await self._explainer.explain(request, viewer)

    def preload(self, request: Request) -> CachedOperation:
        """Cache an operation for good, and plan it if each of its variables has a default.

        Raises InvalidDocument, or GraphQLError for an operation that can never be executed.
        """
        operation = self._operations.read_now(request, ADMIN, pinned=True)
        is_query = operation.kind is OperationType.QUERY
        if is_query and all(variable.default_value for variable in operation.definitions):
            variables = self._operations.coerce_now(operation, request, ADMIN)
            self._planner.plan_now(operation, variables, ADMIN)
        return operation
