"""One request through GraphQL: document, operation, variables, plan, rows, completion.

Nothing blocks the event loop: reads wait on it, writes in a thread. Every error leaves translated, with a
code; `Answer.executed` is False where the request was refused before execution.
"""

import asyncio
import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from graphql import (
    ExecutionResult,
    GraphQLError,
    Node,
    OperationType,
    execute,
)
from graphql.execution.values import VariableValues, get_variable_values
from starlette.concurrency import run_in_threadpool

from graph.admission.controller import Admission, Execution
from graph.admission.deadlines import Deadlines
from graph.admission.document_limits import check_values
from graph.admission.limits import DEFAULTS, Limits
from graph.admission.planning_executor import is_short
from graph.admission.rate_limit import Price, client_of
from graph.answer import Answer, Request
from graph.auth.permissions import Permissions
from graph.auth.roles import ADMIN
from graph.context import Context, Viewer
from graph.documents import InvalidDocument, read_document
from graph.error_code import ErrorCode
from graph.errors import Refused, RequestError, refuse, translate
from graph.execution.discretion import CLOSED, SignInFirst, discreet, signs_in
from graph.execution.explain import explanation
from graph.execution.mutations import MutationExecutor, Telling, completed
from graph.planner.arguments import Template
from graph.planner.build import Builder
from graph.planner.cost import value_of
from graph.planner.introspection import MAX_KEPT, Introspections
from graph.planner.plan_cache import Entry, Fetch, Plans, Prepared
from graph.planner.reader import Reader
from graph.schema import schema
from models.database.connection_limiter import DatabaseUnavailable
from models.database.engines import Database

T = TypeVar("T")
MAX_COERCION_ERRORS = 20
EVERYTHING_SHOWN = Permissions()
# What a client is charged for a character of a document that is not known yet, for a plan that is
# not, and for each of its objects: understanding them takes longer than most answers.
CHARACTER, PLAN, OBJECT = 10, 500, 200
# Bytes of variables that are charged for, 1 for each, and that are not understood in a moment.
MANY_BYTES, LONG = 2_000, 10_000
# How many times longer an answer takes that graphql-core completes field by field.
COMPLETION = 10
NO_VARIABLES = VariableValues({}, {})


class MutationByGet(RequestError):
    """A mutation in a request that must not change anything."""

    code = ErrorCode.METHOD_NOT_ALLOWED


class Engine:
    """Answers requests against one database."""

    def __init__(
        self,
        database: Database,
        permissions: Permissions = EVERYTHING_SHOWN,
        limits: Limits = DEFAULTS,
    ) -> None:
        self._graphql = schema._schema
        self.limits = limits
        self._deadlines = Deadlines(limits.request_seconds)
        self._permissions = permissions
        self._builder = Builder(self._graphql, permissions, limits)
        self._reader = Reader(database)
        self.plans = Plans()
        self._introspections = Introspections()
        self.admission = Admission(database, limits, lambda: self.plans.hits)
        self._rate_limiter = self.admission.rate_limiter
        self._mutations = MutationExecutor(
            self._graphql,
            database,
            self._builder,
            self._reader,
            self.admission,
            limits.idempotency_hours,
        )

    async def answer(self, request: Request, viewer: Viewer) -> Answer:
        """Answer a request in time; never raises for anything a client or the database did."""
        under_way = self._deadlines.start()
        try:
            return await self._answer(request, viewer)
        except asyncio.CancelledError:
            if not self._deadlines.is_late(under_way):
                raise
            return Answer.failed(
                "The request was late.", DatabaseUnavailable("the request took too long")
            )
        finally:
            self._deadlines.end(under_way)

    def is_closed_to(self, viewer: Viewer) -> bool:
        """Whether this viewer must sign in before any document but those of signing in is answered."""
        return viewer.role not in self._permissions.readers

    async def _answer(self, request: Request, viewer: Viewer) -> Answer:
        try:
            if self.is_closed_to(viewer) and not signs_in(request.query):
                raise refuse(SignInFirst(CLOSED))
            entry = self.plans.find(request.query, request.operation_name)
            if entry is None:
                entry = await self._understand(request, viewer)
            found = entry.find(request.variables, viewer.role)
            if found is not None:
                self.plans.hits += 1
                return await self._query(entry, request, viewer, *found)
            variables = await self._coerce(entry, request, viewer)
            if entry.kind is OperationType.QUERY:
                role = viewer.role
                found = self._find(entry, variables, role)
                if found is None:
                    found = await self._plan_aside(entry, request, variables, viewer)
                return await self._query(entry, request, viewer, *found)
            return await self._mutate(entry, request, variables, viewer)
        except (InvalidDocument, Refused) as refused:
            telling = self._telling(viewer.role)
            errors = [telling(e, ErrorCode.GRAPHQL_VALIDATION_FAILED) for e in refused.errors]
            return Answer(None, errors, executed=False)
        except GraphQLError as error:
            return Answer(None, [self._telling(viewer.role)(error)], executed=False)
        except Exception as error:  # noqa: BLE001 - masked and logged by translate
            return Answer.failed("The request failed.", error)

    def _telling(self, role: str) -> Telling:
        return translate if self._may_see_schema(role) else discreet

    def charge(self, viewer: Viewer, work: int) -> None:
        """Take what is done beside an answer; raises GraphQLError where that cannot be."""
        self.admission.rate_limiter.spend(viewer, work)

    async def _understand(self, request: Request, viewer: Viewer) -> Entry:
        """The document, which many may ask with at the same time: it is read once."""
        query, name = request.query, request.operation_name
        self._rate_limiter.spend(viewer, len(query) * CHARACTER)
        async with self.admission.subject((query, name)):
            entry = self.plans.find(query, name)
            if entry is None:
                entering = partial(self._enter, request, viewer.role)
                entry = await self.admission.plan(viewer, entering, short=is_short(query))
            return entry

    async def _plan_aside(
        self, entry: Entry, request: Request, variables: VariableValues, viewer: Viewer
    ) -> tuple[Prepared, Sequence[Any]]:
        """The plan for these variables; of many who need the same one, the first has it made."""
        self._rate_limiter.spend(viewer, PLAN)
        async with self.admission.subject((request.query, request.operation_name, viewer.role)):
            found = self._find(entry, variables, viewer.role)
            if found is None:
                planning = partial(self._make, entry, variables, viewer.role)
                made = await self.admission.plan(viewer, planning, short=is_short(request.query))
                found = self._keep(entry, variables, *made)
                self._rate_limiter.spend(viewer, made[0].objects * OBJECT)
            return found

    def _enter(self, request: Request, role: str) -> Entry:
        suggest = self._may_see_schema(role)
        document = read_document(self._graphql, request.query, self.limits, suggest=suggest)
        entry = Entry(request.query, request.operation_name, document)
        self.plans.add(request.query, request.operation_name, entry)
        return entry

    def learn(self, request: Request) -> None:
        """Enter an operation before it is asked for; plan it where no variable need be given.

        Raises InvalidDocument, or GraphQLError where it would be refused.
        """
        entry = self._enter(request, ADMIN)
        is_query = entry.kind is OperationType.QUERY
        if is_query and all(variable.default_value for variable in entry.definitions):
            self._plan(entry, self._variables(entry, request, ADMIN), ADMIN)

    def _may_see_schema(self, role: str) -> bool:
        return role in self._permissions.allowed("Query", "__schema")

    async def _coerce(self, entry: Entry, request: Request, viewer: Viewer) -> VariableValues:
        """The variables; where they are many, charged for and beside the event loop."""
        coercing = partial(self._variables, entry, request, viewer.role)
        if request.size <= MANY_BYTES or not entry.definitions:
            return coercing()
        self._rate_limiter.spend(viewer, request.size)
        return await self.admission.plan(viewer, coercing, short=request.size < LONG)

    def _variables(self, entry: Entry, request: Request, role: str) -> VariableValues:
        """The coerced variables; raises InvalidDocument or GraphQLError. For any thread."""
        definitions = entry.definitions
        if not definitions:
            return NO_VARIABLES
        check_values(request.variables, request.size)
        coerced = get_variable_values(
            self._graphql,
            definitions,
            request.variables,
            max_errors=MAX_COERCION_ERRORS,
            hide_suggestions=not self._may_see_schema(role),
        )
        if isinstance(coerced, list):
            errors = [_with_code(error, definitions) for error in coerced]
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
        template = prepared.template
        completed = template.operation.partial
        cost = value_of(template.cost, values)
        if completed and template.operation.fields:
            cost *= COMPLETION
        price = self._rate_limiter.price(cost)
        refused = self._refuse(viewer, cost, price)
        if refused is not None:
            return refused
        if template.constant and not entry.definitions:
            return replace(await self._introspect(entry, request, viewer), price=price)
        data = b"{}"
        if template.operation.fields:
            try:
                data = await self._fetch(prepared, values, viewer, cost)
            except RequestError as error:
                return Answer(None, [refuse(error)], executed=False, price=price)
            except Exception as error:  # noqa: BLE001 - masked and logged by translate
                failed = Answer.failed("The query failed.", error, executed=True)
                return replace(failed, price=price)
        if not completed:
            return Answer(None, [], executed=True, through=data, price=price)
        completing = partial(self._complete, entry, request, viewer, data)
        return replace(await self.admission.plan(viewer, completing), price=price)

    async def _fetch(
        self, prepared: Prepared, values: Sequence[Any], viewer: Viewer, paid: int
    ) -> bytes:
        """The rows, in one of the client's places, who pays for the time beyond what was paid."""
        client, reads = client_of(viewer), self.admission.reads
        if not reads.enter_now(client):
            await reads.enter(client)
        execution = Execution(self.admission, viewer, paid)
        try:
            return await prepared.fetch(values, execution)
        finally:
            reads.leave(client)
            self._rate_limiter.settle(client, execution.seconds, execution.paid)

    def _refuse(self, viewer: Viewer, cost: int, price: Price) -> Answer | None:
        """The answer to who may not spend so much, or not now; None to who has been charged."""
        refused = self._rate_limiter.charge(viewer, cost)
        if refused is None:
            return None
        return Answer(None, [refuse(refused)], executed=False, price=price)

    async def _introspect(self, entry: Entry, request: Request, viewer: Viewer) -> Answer:
        """The schema, of which graphql-core tells once what this document asks for."""
        key = ("introspection", request.query, request.operation_name)
        async with self.admission.subject(key):
            data = self._introspections.find(key)
            if data is None:
                completing = partial(self._complete, entry, request, viewer, b"{}")
                answer = await self.admission.compute(viewer, completing, size=MAX_KEPT)
                if answer.errors:
                    return answer
                data = json.dumps(answer.data, separators=(",", ":")).encode()
                self._introspections.keep(key, data)
        return Answer(None, [], executed=True, through=data)

    def _complete(self, entry: Entry, request: Request, viewer: Viewer, data: bytes) -> Answer:
        """What graphql-core makes of these rows and of what no row answers, field by field."""
        result = execute(
            self._graphql,
            entry.read()[0].node,
            json.loads(data),
            Context(viewer),
            request.variables,
            request.operation_name,
        )
        assert isinstance(result, ExecutionResult)
        return completed(result)

    async def compute(
        self, viewer: Viewer, work: Callable[[], T], size: int, cost: int
    ) -> T | Answer:
        """What `work` makes of an answer of so many bytes, for so much; or why that cannot be now."""
        try:
            refused = self._rate_limiter.charge(viewer, cost)
            if refused is not None:
                return Answer(None, [refuse(refused)], executed=False)
            return await self.admission.compute(viewer, work, size=size)
        except Exception as error:  # noqa: BLE001 - masked and logged by translate
            return Answer.failed("The answer could not be written.", error)

    async def explain(self, request: Request, viewer: Viewer) -> dict[str, Any]:
        """How this request is answered, for a developer; {} where it is no query."""
        try:
            entry = self.plans.find(request.query, request.operation_name) or self._enter(
                request, viewer.role
            )
            variables = self._variables(entry, request, viewer.role)
            if entry.kind is not OperationType.QUERY:
                return {}
            prepared, values = self._plan(entry, variables, viewer.role)
        except (InvalidDocument, Refused, GraphQLError):
            return {}
        operation = prepared.template.operation
        client, reads = client_of(viewer), self.admission.reads
        await reads.enter(client)
        try:
            statement, plan = await run_in_threadpool(self._reader.explain, operation, values)
        finally:
            reads.leave(client)
        counts = {"hits": self.plans.hits, "misses": self.plans.misses, "kept": len(self.plans)}
        return {**explanation(operation, statement, plan), "planCache": counts}

    def _plan(
        self, entry: Entry, variables: VariableValues, role: str
    ) -> tuple[Prepared, Sequence[Any]]:
        """The plan for these variables, and the values of its slots."""
        found = self._find(entry, variables, role)
        if found is not None:
            return found
        return self._keep(entry, variables, *self._make(entry, variables, role))

    def _make(self, entry: Entry, variables: VariableValues, role: str) -> tuple[Template, Fetch]:
        """A plan, and its statement. For any thread."""
        document, operation = entry.read()
        template = self._builder.plan(operation, document.fragments, variables, role)
        return template, self._reader.prepare(template.operation)

    def _find(
        self, entry: Entry, variables: VariableValues, role: str
    ) -> tuple[Prepared, Sequence[Any]] | None:
        """A plan that is known and holds for this role."""
        found = entry.find_coerced(variables.coerced, role)
        if found is None:
            return None
        self.plans.hits += 1
        return found

    def _keep(
        self, entry: Entry, variables: VariableValues, template: Template, fetch: Fetch
    ) -> tuple[Prepared, Sequence[Any]]:
        self.plans.misses += 1
        prepared = Prepared(template, fetch)
        with suppress(RequestError):
            entry.keep(variables.coerced, prepared)
        return prepared, template.fill(variables.coerced)

    # ------------------------------------------------------------ mutations

    async def _mutate(
        self, entry: Entry, request: Request, variables: VariableValues, viewer: Viewer
    ) -> Answer:
        """All that can be refused is refused before anything is written."""
        document, operation = entry.read()
        if request.reading_only:
            error = MutationByGet("A GET request can only run queries.")
            raise refuse(error, [operation])
        cost = self._builder.check(operation, document.fragments, variables, viewer.role)
        price = self._rate_limiter.price(cost)
        refused = self._refuse(viewer, cost, price)
        if refused is not None:
            return refused
        telling = self._telling(viewer.role)
        answer = await self._mutations.run(document, request, variables, viewer, cost, telling)
        return replace(answer, price=price)


def _with_code(error: GraphQLError, definitions: Sequence[Node]) -> GraphQLError:
    """The error of a variable; one about a whole input object does not say itself where it stands."""
    extensions = {**(error.extensions or {}), "code": ErrorCode.BAD_USER_INPUT}
    return GraphQLError(error.message, error.nodes or [*definitions], extensions=extensions)
