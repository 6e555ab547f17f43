"""Request -> cached operation and coerced variables."""

from collections.abc import Sequence
from functools import partial

from graphql import GraphQLError, GraphQLSchema, Node
from graphql.execution.values import VariableValues, get_variable_values

from graph.admission.controller import Admission
from graph.admission.document_limits import check_values
from graph.admission.limits import Limits
from graph.admission.planning_executor import is_short
from graph.answer import Request
from graph.auth.permissions import Permissions
from graph.context import Viewer
from graph.documents import InvalidDocument, read_document
from graph.error_code import ErrorCode
from graph.execution.error_redaction import may_see_schema
from graph.execution.plan_cache import CachedOperation, PlanCache

CHARACTER_COST = 10
"""The cost of each character of a document that is not cached: parsing takes longer than most answers."""
FREE_VARIABLE_BYTES = 2_000
"""Variables of more bytes cost 1 for each byte."""
LONG_VARIABLE_BYTES = 10_000
"""Variables of more bytes are coerced on the planning thread."""
MAX_COERCION_ERRORS = 20
NO_VARIABLES = VariableValues({}, {})


class OperationReader:
    """Parses and validates documents, each once, and coerces variables."""

    def __init__(
        self,
        schema: GraphQLSchema,
        permissions: Permissions,
        limits: Limits,
        cache: PlanCache,
        admission: Admission,
    ) -> None:
        self._schema = schema
        self._permissions = permissions
        self._limits = limits
        self._cache = cache
        self._admission = admission

    async def read(self, request: Request, viewer: Viewer) -> CachedOperation:
        """Return the operation of a request that is not cached; equal requests share the work.

        Raises InvalidDocument, or GraphQLError if the rate limit is exceeded.
        """
        query, name = request.query, request.operation_name
        self._admission.rate_limiter.take(viewer, len(query) * CHARACTER_COST)
        async with self._admission.subject((query, name)):
            operation = self._cache.find(query, name)
            if operation is None:
                reading = partial(self.read_now, request, viewer.role)
                operation = await self._admission.plan(viewer, reading, short=is_short(query))
            return operation

    def read_now(self, request: Request, role: str, *, pinned: bool = False) -> CachedOperation:
        """Parse, validate and cache an operation; raises InvalidDocument. For any thread."""
        query, name = request.query, request.operation_name
        suggest = may_see_schema(self._permissions, role)
        document = read_document(self._schema, query, self._limits, suggest=suggest)
        operation = CachedOperation(query, name, document)
        add = self._cache.pin if pinned else self._cache.add
        add(query, name, operation)
        return operation

    async def coerce(
        self, operation: CachedOperation, request: Request, viewer: Viewer
    ) -> VariableValues:
        """Coerce the variables; the client is charged for large ones. Raises like `coerce_now`."""
        coercing = partial(self.coerce_now, operation, request, viewer.role)
        if request.size <= FREE_VARIABLE_BYTES or not operation.definitions:
            return coercing()
        self._admission.rate_limiter.take(viewer, request.size)
        short = request.size < LONG_VARIABLE_BYTES
        return await self._admission.plan(viewer, coercing, short=short)

    def coerce_now(self, operation: CachedOperation, request: Request, role: str) -> VariableValues:
        """Coerce the variables; raises InvalidDocument or GraphQLError. For any thread."""
        definitions = operation.definitions
        if not definitions:
            return NO_VARIABLES
        check_values(request.variables, request.size)
        coerced = get_variable_values(
            self._schema,
            definitions,
            request.variables,
            max_errors=MAX_COERCION_ERRORS,
            hide_suggestions=not may_see_schema(self._permissions, role),
        )
        if isinstance(coerced, list):
            raise InvalidDocument([_with_code(error, definitions) for error in coerced])
        return coerced


def _with_code(error: GraphQLError, definitions: Sequence[Node]) -> GraphQLError:
    """Return a variable's error with a code and a location, which graphql-core may leave out."""
    extensions = {**(error.extensions or {}), "code": ErrorCode.BAD_USER_INPUT}
    return GraphQLError(error.message, error.nodes or [*definitions], extensions=extensions)
