"""A GraphQL request and its answer, independent of HTTP."""

from dataclasses import dataclass, field
from typing import Any

from graphql import GraphQLError

from graph.admission.rate_limit import RequestCost
from graph.errors import RateLimited, translate


@dataclass(frozen=True, slots=True)
class Request:
    """A GraphQL request; `reading_only` allows only queries (HTTP GET)."""

    query: str
    variables: dict[str, Any] = field(default_factory=dict)
    operation_name: str | None = None
    reading_only: bool = False
    size: int = 0
    """Bytes of the request beside its document; 0 for a request of the server itself."""
    digest: str = ""
    """The hexadecimal SHA-256 of the document, if the client sent it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Data and errors of the response.

    `through` is the data as the JSON text that PostgreSQL wrote, instead of `data`. `executed` is False for
    a request that failed before execution.
    """

    data: dict[str, Any] | None
    errors: list[GraphQLError]
    executed: bool
    through: bytes | None = None
    extensions: dict[str, Any] | None = None
    cost: RequestCost | None = None

    @classmethod
    def failed(cls, message: str, error: Exception, *, executed: bool = False) -> "Answer":
        """Return an answer with only an error, masked and logged unless the request caused it."""
        failed = GraphQLError(message, original_error=error)
        return cls(None, [translate(failed)], executed)

    def body(self) -> dict[str, Any]:
        """Return the response map: `errors` if there are any, `data` if the request was executed."""
        body: dict[str, Any] = {}
        if self.errors:
            body["errors"] = [error.formatted for error in self.errors]
        if self.executed:
            body["data"] = self.data
        extensions = self.all_extensions()
        if extensions:
            body["extensions"] = extensions
        return body

    def all_extensions(self) -> dict[str, Any]:
        """Return the extensions of the response, the cost first."""
        cost = {"cost": self.cost.shown()} if self.cost else {}
        return {**cost, **(self.extensions or {})}

    def retry_after(self) -> int:
        """Return the seconds after which the same request may succeed."""
        causes = [error.original_error for error in self.errors]
        return max([cause.seconds for cause in causes if isinstance(cause, RateLimited)], default=1)
