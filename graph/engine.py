"""One request through GraphQL: document, operation, variables, plan, rows, completion.

Nothing blocks the event loop: reads wait on it, writes in a thread. Every error leaves translated, with a
code; `Answer.executed` is False where the request was refused before execution.
"""

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    ExecutionResult,
    GraphQLError,
    Node,
    OperationDefinitionNode,
    OperationType,
    execute,
)
from graphql.execution.values import VariableValues, get_variable_values
from starlette.concurrency import run_in_threadpool

from graph.context import Context, Viewer
from graph.documents import Document, InvalidDocument, read_document
from graph.errors import RequestError, refuse, translate
from graph.explain import explanation
from graph.mutations.work import Work
from graph.planner.arguments import Template
from graph.planner.build import Builder
from graph.planner.execute import Reader
from graph.planner.plans import Entry, Fetch, Plans, Prepared
from graph.schema import schema
from models.database import Database

MAX_COERCION_ERRORS = 20
# Objects of a plan whose statement takes longer to write than others should wait.
LARGE = 15
NO_VARIABLES = VariableValues({}, {})


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asks for; `reading_only` refuses mutations (HTTP GET)."""

    query: str
    variables: dict[str, Any] = field(default_factory=dict)
    operation_name: str | None = None
    reading_only: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """Data and errors as the client gets them; `through`: the data as PostgreSQL wrote it."""

    data: dict[str, Any] | None
    errors: list[GraphQLError]
    executed: bool
    through: bytes | None = None
    extensions: dict[str, Any] | None = None

    def body(self) -> dict[str, Any]:
        """The response map: `errors` only if there are any, `data` only if it was executed."""
        body: dict[str, Any] = {}
        if self.errors:
            body["errors"] = [error.formatted for error in self.errors]
        if self.executed:
            body["data"] = self.data
        if self.extensions:
            body["extensions"] = self.extensions
        return body


class MutationByGet(RequestError):
    """A mutation in a request that must not change anything."""

    code = "METHOD_NOT_ALLOWED"


class Engine:
    """Answers requests against one database."""

    def __init__(self, database: Database) -> None:
        self._graphql = schema._schema
        self._database = database
        self._builder = Builder(self._graphql)
        self._reader = Reader(database)
        self.plans = Plans()

    async def answer(self, request: Request, viewer: Viewer) -> Answer:
        """Answer a request; never raises for anything a client or the database did."""
        try:
            entry = self.plans.find(request.query, request.operation_name) or self._enter(request)
            found = entry.find(request.variables)
            if found is not None:
                self.plans.hits += 1
                return await self._query(entry, request, viewer, *found)
            variables = self._variables(entry.operation, request)
            if entry.operation.operation is OperationType.QUERY:
                found = self._find(entry, variables) or await self._plan_aside(entry, variables)
                return await self._query(entry, request, viewer, *found)
            if request.reading_only:
                error = MutationByGet("A GET request can only run queries.")
                raise refuse(error, [entry.operation])
            return await self._mutation(entry.document, request, variables, viewer)
        except InvalidDocument as invalid:
            errors = [translate(e, "GRAPHQL_VALIDATION_FAILED") for e in invalid.errors]
            return Answer(None, errors, executed=False)
        except GraphQLError as error:
            return Answer(None, [translate(error)], executed=False)
        except Exception as error:  # noqa: BLE001 - masked and logged by translate
            failed = GraphQLError("The request failed.", original_error=error)
            return Answer(None, [translate(failed)], executed=False)

    def _enter(self, request: Request) -> Entry:
        document = read_document(self._graphql, request.query)
        entry = Entry(document, document.operation(request.operation_name))
        self.plans.add(request.query, request.operation_name, entry)
        return entry

    def learn(self, request: Request) -> None:
        """Enter an operation before it is asked for; plan it where no variable need be given.

        Raises InvalidDocument, or GraphQLError where it would be refused.
        """
        entry = self._enter(request)
        variables = entry.operation.variable_definitions or ()
        is_query = entry.operation.operation is OperationType.QUERY
        if is_query and all(variable.default_value for variable in variables):
            self._plan(entry, self._variables(entry.operation, request))

    def _variables(self, operation: OperationDefinitionNode, request: Request) -> VariableValues:
        definitions = operation.variable_definitions
        if not definitions:
            return NO_VARIABLES
        coerced = get_variable_values(
            self._graphql, definitions, request.variables, max_errors=MAX_COERCION_ERRORS
        )
        if isinstance(coerced, list):
            errors = [translate(_with_code(error, definitions)) for error in coerced]
            raise InvalidDocument(errors)
        return coerced

    # ------------------------------------------------------------ queries

    async def _query(
        self,
        entry: Entry,
        request: Request,
        viewer: Viewer,
        prepared: Prepared,
        values: Sequence[Any],
    ) -> Answer:
        """Through, where every root field is planned; else graphql-core completes the rows."""
        data = b"{}"
        if prepared.template.operation.fields:
            try:
                data = await prepared.fetch(values)
            except Exception as error:  # noqa: BLE001 - masked and logged by translate
                failed = GraphQLError("The query failed.", original_error=error)
                return Answer(None, [translate(failed)], executed=True)
        if not prepared.template.operation.partial:
            return Answer(None, [], executed=True, through=data)
        result = execute(
            self._graphql,
            entry.document.node,
            json.loads(data),
            Context(viewer),
            request.variables,
            request.operation_name,
        )
        assert isinstance(result, ExecutionResult)
        return self._completed(result)

    async def explain(self, request: Request) -> dict[str, Any]:
        """How this request is answered, for a developer; {} where it is no query."""
        try:
            entry = self.plans.find(request.query, request.operation_name) or self._enter(request)
            variables = self._variables(entry.operation, request)
            if entry.operation.operation is not OperationType.QUERY:
                return {}
            prepared, values = self._plan(entry, variables)
        except (InvalidDocument, GraphQLError):
            return {}
        operation = prepared.template.operation
        statement, plan = await run_in_threadpool(self._reader.explain, operation, values)
        counts = {"hits": self.plans.hits, "misses": self.plans.misses, "kept": len(self.plans)}
        return {**explanation(operation, statement, plan), "planCache": counts}

    def _plan(self, entry: Entry, variables: VariableValues) -> tuple[Prepared, Sequence[Any]]:
        """The plan for these variables, and the values of its slots."""
        found = self._find(entry, variables)
        if found is not None:
            return found
        template = self._builder.plan(entry.operation, entry.document.fragments, variables)
        return self._keep(entry, variables, template, self._reader.prepare(template.operation))

    async def _plan_aside(
        self, entry: Entry, variables: VariableValues
    ) -> tuple[Prepared, Sequence[Any]]:
        """The same; a large statement is written in a thread, where it holds up nobody else."""
        template = self._builder.plan(entry.operation, entry.document.fragments, variables)
        if template.objects <= LARGE:
            fetch = self._reader.prepare(template.operation)
        else:
            fetch = await run_in_threadpool(self._reader.prepare, template.operation)
        return self._keep(entry, variables, template, fetch)

    def _find(
        self, entry: Entry, variables: VariableValues
    ) -> tuple[Prepared, Sequence[Any]] | None:
        found = entry.variant(variables.coerced).find(variables.coerced)
        if found is not None:
            self.plans.hits += 1
        return found

    def _keep(
        self, entry: Entry, variables: VariableValues, template: Template, fetch: Fetch
    ) -> tuple[Prepared, Sequence[Any]]:
        self.plans.misses += 1
        prepared = Prepared(template, fetch)
        with suppress(RequestError):
            entry.variant(variables.coerced).keep(variables.coerced, prepared)
        return prepared, template.fill(variables.coerced)

    # ------------------------------------------------------------ mutations

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
        except Exception as error:  # noqa: BLE001 - masked and logged by translate
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


def _with_code(error: GraphQLError, definitions: Sequence[Node]) -> GraphQLError:
    """The error of a variable; one about a whole input object does not say itself where it stands."""
    extensions = {**(error.extensions or {}), "code": "BAD_USER_INPUT"}
    return GraphQLError(error.message, error.nodes or [*definitions], extensions=extensions)
