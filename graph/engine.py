"""One request through GraphQL: document, operation, variables, plan, rows, completion.

Nothing blocks the event loop: reads wait on it, writes in a thread. Every error leaves translated, with a
code; `Answer.executed` is False where the request was refused before execution.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from random import uniform
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

from graph.answer import Answer, Request
from graph.aside import Aside, is_short
from graph.budget import Price, Till, network_of
from graph.context import Context, Viewer
from graph.deadline import Deadlines
from graph.discretion import SignInFirst, discreet, signs_in
from graph.documents import Document, InvalidDocument, read_document
from graph.errors import Refused, RequestError, refuse, translate
from graph.explain import explanation
from graph.extent import check_values
from graph.limits import DEFAULTS, Limits
from graph.mutations.work import Work
from graph.permissions import ADMIN, Permissions
from graph.planner.arguments import Template
from graph.planner.build import Builder
from graph.planner.cost import value_of
from graph.planner.execute import Reader
from graph.planner.plans import Entry, Fetch, Plans, Prepared
from graph.schema import schema
from models.database import Database
from models.slots import Unanswered

log = logging.getLogger("cacaotrace.engine")

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
# Seconds before a write that met another one is tried again.
RETRY_PAUSES = (0.02, 0.1, 0.3)


class MutationByGet(RequestError):
    """A mutation in a request that must not change anything."""

    code = "METHOD_NOT_ALLOWED"


class Engine:
    """Answers requests against one database."""

    def __init__(
        self,
        database: Database,
        permissions: Permissions = EVERYTHING_SHOWN,
        limits: Limits = DEFAULTS,
    ) -> None:
        self._graphql = schema._schema
        self._database = database
        self.limits = limits
        self._till = Till(limits)
        self._deadlines = Deadlines(limits.request_seconds)
        self._abandoning: set[asyncio.Future[None]] = set()
        self._permissions = permissions
        self._builder = Builder(self._graphql, permissions, limits)
        self._reader = Reader(database)
        self.plans = Plans()
        self._aside = Aside(lambda: self.plans.hits, limits.request_seconds)

    async def answer(self, request: Request, viewer: Viewer) -> Answer:
        """Answer a request in time; never raises for anything a client or the database did."""
        under_way = self._deadlines.start()
        try:
            return await self._answer(request, viewer)
        except asyncio.CancelledError:
            if not self._deadlines.is_late(under_way):
                raise
            return Answer.failed("The request was late.", Unanswered("the request took too long"))
        finally:
            self._deadlines.end(under_way)

    async def _answer(self, request: Request, viewer: Viewer) -> Answer:
        telling = translate if self._may_see_schema(viewer.role) else discreet
        try:
            if viewer.role not in self._permissions.readers and not signs_in(request.query):
                raise refuse(SignInFirst("Sign in first: nothing is answered without."))
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
            errors = [telling(e, "GRAPHQL_VALIDATION_FAILED") for e in refused.errors]
            return Answer(None, errors, executed=False)
        except GraphQLError as error:
            return Answer(None, [telling(error)], executed=False)
        except Exception as error:  # noqa: BLE001 - masked and logged by translate
            return Answer.failed("The request failed.", error)

    async def aside(self, viewer: Viewer, work: Callable[[], T], *, short: bool = False) -> T:
        """What `work` returns or raises, beside the event loop, when it is this client's turn."""
        client = f"{viewer.actor} {network_of(viewer.address)}"
        return await self._aside.run(client, work, short=short)

    def charge(self, viewer: Viewer, work: int) -> None:
        """Take what is done beside an answer; raises GraphQLError where that cannot be."""
        self._till.spend(viewer, work)

    async def _understand(self, request: Request, viewer: Viewer) -> Entry:
        """The document, which many may ask with at the same time: it is read once."""
        query, name = request.query, request.operation_name
        self._till.spend(viewer, len(query) * CHARACTER)
        async with self._aside.subject((query, name)):
            entry = self.plans.find(query, name)
            if entry is None:
                entering = partial(self._enter, request, viewer.role)
                entry = await self.aside(viewer, entering, short=is_short(query))
            return entry

    async def _plan_aside(
        self, entry: Entry, request: Request, variables: VariableValues, viewer: Viewer
    ) -> tuple[Prepared, Sequence[Any]]:
        """The plan for these variables; of many who need the same one, the first has it made."""
        self._till.spend(viewer, PLAN)
        async with self._aside.subject((request.query, request.operation_name, viewer.role)):
            found = self._find(entry, variables, viewer.role)
            if found is None:
                planning = partial(self._make, entry, variables, viewer.role)
                made = await self.aside(viewer, planning, short=is_short(request.query))
                found = self._keep(entry, variables, *made)
                self._till.spend(viewer, made[0].objects * OBJECT)
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
        self._till.spend(viewer, request.size)
        return await self.aside(viewer, coercing, short=request.size < LONG)

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
        price = self._till.price(cost)
        refused = self._refuse(viewer, cost, price)
        if refused is not None:
            return refused
        data = b"{}"
        if template.operation.fields:
            try:
                data = await prepared.fetch(values)
            except Exception as error:  # noqa: BLE001 - masked and logged by translate
                failed = Answer.failed("The query failed.", error, executed=True)
                return replace(failed, price=price)
        if not completed:
            return Answer(None, [], executed=True, through=data, price=price)
        completing = partial(self._complete, entry, request, viewer, data)
        return replace(await self.aside(viewer, completing), price=price)

    def _refuse(self, viewer: Viewer, cost: int, price: Price) -> Answer | None:
        """The answer to who may not spend so much, or not now; None to who has been charged."""
        refused = self._till.charge(viewer, cost)
        if refused is None:
            return None
        return Answer(None, [refuse(refused)], executed=False, price=price)

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
        return self._completed(result)

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
        statement, plan = await run_in_threadpool(self._reader.explain, operation, values)
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
        price = self._till.price(cost)
        refused = self._refuse(viewer, cost, price)
        if refused is not None:
            return refused
        answer = await self._mutation(document, request, variables, viewer)
        return replace(answer, price=price)

    async def _mutation(
        self, document: Document, request: Request, variables: VariableValues, viewer: Viewer
    ) -> Answer:
        """One operation is one transaction: where another writer stood in its way, it is run again."""
        for pause in (*RETRY_PAUSES, None):
            hours = self.limits.idempotency_hours
            work = Work(self._database, self._builder, self._reader, variables, hours)
            answer = await self._written(work, document, request, viewer)
            if pause is None or not work.conflicted:
                break
            # Those who stood in each other's way do not meet again at once.
            await asyncio.sleep(pause * uniform(0.5, 1.5))
        return answer

    async def _written(
        self, work: Work, document: Document, request: Request, viewer: Viewer
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
        return await self._committed(work, result)

    def _abandon(self, work: Work) -> None:
        abandoning = asyncio.ensure_future(work.abandon())
        self._abandoning.add(abandoning)
        abandoning.add_done_callback(self._abandoned)

    def _abandoned(self, done: asyncio.Future[None]) -> None:
        self._abandoning.discard(done)
        if not done.cancelled() and done.exception() is not None:
            log.warning(
                "an operation that was cut off could not be rolled back", exc_info=done.exception()
            )

    async def _committed(self, work: Work, result: ExecutionResult) -> Answer:
        try:
            taken_along = await work.finish()
        except Exception as error:  # noqa: BLE001 - masked and logged by translate
            return Answer.failed("The commit failed.", error, executed=True)
        if work.lost is not None:
            return Answer.failed("The operation failed.", work.lost, executed=True)
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
