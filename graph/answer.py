"""What a client asks of GraphQL, and what it is answered, apart from how it travels."""

from dataclasses import dataclass, field
from typing import Any

from graphql import GraphQLError

from graph.admission.rate_limit import Price
from graph.errors import RateLimited, translate


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asks for; `reading_only` refuses mutations (HTTP GET)."""

    query: str
    variables: dict[str, Any] = field(default_factory=dict)
    operation_name: str | None = None
    reading_only: bool = False
    size: int = 0
    """Bytes that came beside the document; 0 where they are our own."""
    digest: str = ""
    """The hash of the document, in hexadecimal, where the client names it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Data and errors as the client gets them; `through`: the data as PostgreSQL wrote it."""

    data: dict[str, Any] | None
    errors: list[GraphQLError]
    executed: bool
    through: bytes | None = None
    extensions: dict[str, Any] | None = None
    price: Price | None = None

    @classmethod
    def failed(cls, message: str, error: Exception, *, executed: bool = False) -> "Answer":
        """Nothing but what went wrong, masked and logged where it is no fault of the request."""
        failed = GraphQLError(message, original_error=error)
        return cls(None, [translate(failed)], executed)

    def body(self) -> dict[str, Any]:
        """The response map: `errors` only if there are any, `data` only if it was executed."""
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
        """What stands beside data and errors, the cost first."""
        cost = {"cost": self.price.shown()} if self.price else {}
        return {**cost, **(self.extensions or {})}

    def retry_after(self) -> int:
        """In how many seconds the same request may succeed, where this one was refused or failed."""
        causes = [error.original_error for error in self.errors]
        return max([cause.seconds for cause in causes if isinstance(cause, RateLimited)], default=1)
