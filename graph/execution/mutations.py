"""Runs mutation operations: each is one transaction, and is run again where another writer met it."""

import asyncio
import logging
from collections.abc import Callable
from random import uniform

from graphql import ExecutionResult, GraphQLError, GraphQLSchema, execute
from graphql.execution.values import VariableValues

from graph.admission.controller import Admission, WritePlace
from graph.answer import Answer, Request
from graph.context import Context, Viewer
from graph.documents import Document
from graph.errors import translate
from graph.mutations.unit_of_work import UnitOfWork
from graph.planner.build import Builder
from graph.planner.reader import Reader
from models.database.engines import Database

log = logging.getLogger("cacaotrace.engine")

# How an error is told to whoever asks.
Telling = Callable[..., GraphQLError]
# Seconds before a write that met another one is tried again.
RETRY_PAUSES = (0.02, 0.1, 0.3)


class MutationExecutor:
    """Runs the mutations of one engine, which has checked them and charged for them."""

    def __init__(
        self,
        schema: GraphQLSchema,
        database: Database,
        builder: Builder,
        reader: Reader,
        admission: Admission,
        key_hours: int,
    ) -> None:
        self._graphql = schema
        self._database = database
        self._builder = builder
        self._reader = reader
        self._admission = admission
        self._key_hours = key_hours
        self._abandoning: set[asyncio.Future[None]] = set()

    async def run(
        self,
        document: Document,
        request: Request,
        variables: VariableValues,
        viewer: Viewer,
        paid: int,
        telling: Telling,
    ) -> Answer:
        """One operation is one transaction: where another writer stood in its way, it is run again."""
        for pause in (*RETRY_PAUSES, None):
            place = WritePlace(self._admission, self._database, viewer, paid)
            work = UnitOfWork(
                self._database, self._builder, self._reader, variables, place, self._key_hours
            )
            answer = await self._written(work, document, request, viewer, telling)
            if pause is None or not work.conflicted:
                break
            # Those who stood in each other's way do not meet again at once.
            await asyncio.sleep(pause * uniform(0.5, 1.5))
        return answer

    async def _written(
        self,
        work: UnitOfWork,
        document: Document,
        request: Request,
        viewer: Viewer,
        telling: Telling,
    ) -> Answer:
        running = execute(
            self._graphql,
            document.node,
            None,
            Context(viewer, work),
            request.variables,
            request.operation_name,
        )
        try:
            result = running if isinstance(running, ExecutionResult) else await running
        except BaseException:
            # Whoever waits is told now; a statement under way ends by its own time limit.
            self._abandon(work)
            raise
        return await self._committed(work, result, telling)

    def _abandon(self, work: UnitOfWork) -> None:
        abandoning = asyncio.ensure_future(work.abandon())
        self._abandoning.add(abandoning)
        abandoning.add_done_callback(self._abandoned)

    def _abandoned(self, done: asyncio.Future[None]) -> None:
        self._abandoning.discard(done)
        if not done.cancelled() and done.exception() is not None:
            log.warning(
                "an operation that was cut off could not be rolled back", exc_info=done.exception()
            )

    async def _committed(
        self, work: UnitOfWork, result: ExecutionResult, telling: Telling
    ) -> Answer:
        try:
            taken_along = await work.finish()
        except Exception as error:  # noqa: BLE001 - masked and logged by translate
            return Answer.failed("The commit failed.", error, executed=True)
        if work.lost is not None:
            return Answer.failed("The operation failed.", work.lost, executed=True)
        # An input may turn out to be null where it may not only when its field is run.
        answer = completed(result, telling)
        for rolled_back in taken_along:
            assert rolled_back.path is not None
            if answer.data is not None:
                answer.data[str(rolled_back.path[0])] = None
        return Answer(answer.data, [*answer.errors, *taken_along], executed=True)


def completed(result: ExecutionResult, telling: Telling = translate) -> Answer:
    """The answer that graphql-core has completed."""
    errors = [telling(error) for error in result.errors or ()]
    return Answer(result.data, errors, executed=True)
