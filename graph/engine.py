"""One request through GraphQL: document, operation, variables, plan, rows, completion.

Reading waits in a worker thread, never on the event loop. Every error leaves translated, with a
code; `Answer.executed` is False where the request was refused before execution.
"""

from dataclasses import dataclass, field
from typing import Any

from graphql import (
    ExecutionResult,
    GraphQLError,
    OperationDefinitionNode,
    OperationType,
    execute,
)
from graphql.execution.values import VariableValues, get_variable_values
from starlette.concurrency import run_in_threadpool

from graph.context import Context, Viewer
from graph.documents import Document, Documents, InvalidDocument
from graph.errors import RequestError, refuse, translate
from graph.mutations.work import Work
from graph.planner.build import Builder
from graph.planner.execute import Reader, Rows
from graph.schema import schema
from models.database import Database

MAX_COERCION_ERRORS = 20


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asks for; `reading_only` refuses mutations (HTTP GET)."""

    query: str
    variables: dict[str, Any] = field(default_factory=dict)
    operation_name: str | None = None
    reading_only: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """Data and errors as the client gets them."""

    data: dict[str, Any] | None
    errors: list[GraphQLError]
    executed: bool

    def body(self) -> dict[str, Any]:
        """The response map: `errors` only if there are any, `data` only if it was executed."""
        body: dict[str, Any] = {}
        if self.errors:
            body["errors"] = [error.formatted for error in self.errors]
        if self.executed:
            body["data"] = self.data
        return body


class MutationByGet(RequestError):
    """A mutation in a request that must not change anything."""

    code = "METHOD_NOT_ALLOWED"


class Engine:
    """Answers requests against one database."""

    def __init__(self, database: Database) -> None:
        self._graphql = schema._schema
        self._database = database
        self._documents = Documents(self._graphql)
        self._builder = Builder(self._graphql)
        self._reader = Reader(database)

    async def answer(self, request: Request, viewer: Viewer) -> Answer:
        """Answer a request; never raises for anything a client or the database did."""
        try:
            document = self._documents.read(request.query)
            operation = document.operation(request.operation_name)
            variables = self._variables(operation, request)
            if operation.operation is OperationType.QUERY:
                return await self._query(document, operation, request, variables, viewer)
            if request.reading_only:
                raise refuse(MutationByGet("A GET request can only run queries."), [operation])
            return await self._mutation(document, request, variables, viewer)
        except InvalidDocument as invalid:
            errors = [translate(e, "GRAPHQL_VALIDATION_FAILED") for e in invalid.errors]
            return Answer(None, errors, executed=False)
        except GraphQLError as error:
            return Answer(None, [translate(error)], executed=False)

    def _variables(self, operation: OperationDefinitionNode, request: Request) -> VariableValues:
        definitions = operation.variable_definitions or ()
        coerced = get_variable_values(
            self._graphql, definitions, request.variables, max_errors=MAX_COERCION_ERRORS
        )
        if isinstance(coerced, list):
            errors = [translate(_with_code(error)) for error in coerced]
            raise InvalidDocument(errors)
        return coerced

    async def _query(
        self,
        document: Document,
        operation: OperationDefinitionNode,
        request: Request,
        variables: VariableValues,
        viewer: Viewer,
    ) -> Answer:
        plan = self._builder.plan(operation, document.fragments, variables)
        rows: Rows = {}
        if plan.operation.fields:
            try:
                rows = await run_in_threadpool(self._reader.read, plan)
            except Exception as error:
                failed = GraphQLError("The query failed.", original_error=error)
                return Answer(None, [translate(failed)], executed=True)
        result = execute(
            self._graphql,
            document.node,
            rows,
            Context(viewer),
            request.variables,
            request.operation_name,
        )
        assert isinstance(result, ExecutionResult)
        return self._completed(result)

    async def _mutation(
        self, document: Document, request: Request, variables: VariableValues, viewer: Viewer
    ) -> Answer:
        work = Work(self._database, self._builder, self._reader, variables)
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
            await work.abandon()
            raise
        return await self._committed(work, result)

    async def _committed(self, work: Work, result: ExecutionResult) -> Answer:
        try:
            taken_along = await work.finish()
        except Exception as error:
            failed = GraphQLError("The commit failed.", original_error=error)
            return Answer(None, [translate(failed)], executed=True)
        answer = self._completed(result)
        for rolled_back in taken_along:
            assert rolled_back.path is not None
            if answer.data is not None:
                answer.data[str(rolled_back.path[0])] = None
        return Answer(answer.data, [*answer.errors, *taken_along], executed=True)

    def _completed(self, result: ExecutionResult) -> Answer:
        errors = [translate(error) for error in result.errors or ()]
        return Answer(result.data, errors, executed=True)


def _with_code(error: GraphQLError) -> GraphQLError:
    extensions = {**(error.extensions or {}), "code": "BAD_USER_INPUT"}
    return GraphQLError(error.message, error.nodes, path=error.path, extensions=extensions)
