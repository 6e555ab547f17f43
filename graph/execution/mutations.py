"""Executes mutations: one operation is one transaction, which is retried after a conflict."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace
from random import uniform

from graphql import ExecutionResult, GraphQLError, GraphQLSchema, execute
from graphql.execution.values import VariableValues

from graph.admission.controller import Admission, WritePlace
from graph.admission.rate_limit import RequestCost
from graph.answer import Answer, Request
from graph.auth.permissions import Permissions
from graph.context import Viewer
from graph.documents import Document
from graph.error_code import ErrorCode
from graph.errors import RequestError, refuse
from graph.execution.completion import answer_of
from graph.execution.error_redaction import TranslateError, translator_for
from graph.execution.operations import OperationReader
from graph.execution.plan_cache import CachedOperation
from graph.mutations.context import MutationContext
from graph.mutations.unit_of_work import UnitOfWork
from graph.mutations.write import FieldWriter
from graph.planner.build import Builder
from graph.planner.reader import Reader
from models.database.engines import Database

log = logging.getLogger("cacaotrace.engine")

RETRY_PAUSES = (0.02, 0.1, 0.3)
"""Seconds before the retries of an operation that conflicted with another writer."""


class MutationByGet(RequestError):
    """A mutation in a GET request, which must not change anything."""

    code = ErrorCode.METHOD_NOT_ALLOWED


class MutationExecutor:
    """Executes the mutations of one schema against one database."""

    def __init__(
        self,
        schema: GraphQLSchema,
        database: Database,
        operations: OperationReader,
        builder: Builder,
        reader: Reader,
        admission: Admission,
        permissions: Permissions,
        key_hours: int,
    ) -> None:
        self._schema = schema
        self._database = database
        self._operations = operations
        self._builder = builder
        self._reader = reader
        self._admission = admission
        self._permissions = permissions
        self._key_hours = key_hours
        self._abandoning: set[asyncio.Future[None]] = set()

    async def run(self, operation: CachedOperation, request: Request, viewer: Viewer) -> Answer:
        """Check the permissions and the cost of the whole operation, then run it."""
        variables = await self._operations.coerce(operation, request, viewer)
        document, node = operation.read()
        if request.reading_only:
            raise refuse(MutationByGet("A GET request can only run queries."), [node])
        cost = self._builder.check(node, document.fragments, variables, viewer.role)
        rate_limiter = self._admission.rate_limiter
        request_cost = rate_limiter.cost_of(cost)
        refused = rate_limiter.admit(viewer, cost)
        if refused is not None:
            return Answer(None, [refuse(refused)], executed=False, cost=request_cost)
        return await self._run_with_retries(document, request, variables, viewer, request_cost)

    async def _run_with_retries(
        self,
        document: Document,
        request: Request,
        variables: VariableValues,
        viewer: Viewer,
        request_cost: RequestCost,
    ) -> Answer:
        """Run the operation in one transaction; after a conflict, run it again."""
        translate = translator_for(self._permissions, viewer.role)
        writer = FieldWriter(self._builder, self._reader, variables, self._key_hours)
        for pause in (*RETRY_PAUSES, None):
            place = WritePlace(self._admission, self._database, viewer, request_cost.requested)
            unit_of_work = UnitOfWork(self._database, writer, place)
            context = MutationContext(viewer, unit_of_work)
            answer = await self._attempt(context, document, request, translate)
            if pause is None or not unit_of_work.conflicted:
                break
            # A random pause, so that the writers do not meet again.
            await asyncio.sleep(pause * uniform(0.5, 1.5))
        return replace(answer, cost=request_cost)

    async def _attempt(
        self,
        context: MutationContext,
        document: Document,
        request: Request,
        translate: TranslateError,
    ) -> Answer:
        running = execute(
            self._schema,
            document.node,
            None,
            context,
            request.variables,
            request.operation_name,
        )
        try:
            result = running if isinstance(running, ExecutionResult) else await running
        except BaseException:
            # The caller does not wait for the rollback; a running statement ends by its time limit.
            self._abandon(context.unit_of_work)
            raise
        return await self._finish(context.unit_of_work, result, translate)

    def _abandon(self, unit_of_work: UnitOfWork) -> None:
        abandoning = asyncio.ensure_future(unit_of_work.abandon())
        self._abandoning.add(abandoning)
        abandoning.add_done_callback(self._abandoned)

    def _abandoned(self, done: asyncio.Future[None]) -> None:
        self._abandoning.discard(done)
        if not done.cancelled() and done.exception() is not None:
            log.warning("a cancelled operation could not be rolled back", exc_info=done.exception())

    async def _finish(
        self, unit_of_work: UnitOfWork, result: ExecutionResult, translate: TranslateError
    ) -> Answer:
        """Commit, or roll back if a field failed."""
        try:
            rolled_back = await unit_of_work.finish()
        except Exception as error:  # noqa: BLE001 - masked and logged by translate
            return Answer.failed("The commit failed.", error, executed=True)
        if unit_of_work.lost is not None:
            return Answer.failed("The operation failed.", unit_of_work.lost, executed=True)
        # A null for a non-null input may only be found when its field runs.
        return _without(answer_of(result, translate), rolled_back)


def _without(answer: Answer, rolled_back: Sequence[GraphQLError]) -> Answer:
    """Return the answer with null and an error for each field that was rolled back."""
    for error in rolled_back:
        assert error.path is not None
        if answer.data is not None:
            answer.data[str(error.path[0])] = None
    return Answer(answer.data, [*answer.errors, *rolled_back], executed=True)
