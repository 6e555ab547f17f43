"""One class per thing that can be wrong with a request, and the translator to a GraphQL error.

A GraphQL error leaves here with `extensions.code` (stable) and, where one helps, `extensions.hint`.
What is not listed here is masked: the client gets INTERNAL_SERVER_ERROR and a correlation id, the
log gets the exception under the same id.
"""

import logging
import time
import uuid
from collections.abc import Sequence

import psycopg2
from graphql import GraphQLError, GraphQLSyntaxError, Node
from psycopg2 import errorcodes
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from graph.error_code import ErrorCode
from models.database.connection_limiter import DatabaseUnavailable

log = logging.getLogger("cacaotrace.errors")

UNAVAILABLE = ErrorCode.SERVICE_UNAVAILABLE
# Not the request's fault, and may be over soon: connections refused or cut, shutdowns, a lack of
# memory or disk, a time-out, a standby that had to cancel.
AWAY = (
    errorcodes.CLASS_CONNECTION_EXCEPTION,
    errorcodes.ADMIN_SHUTDOWN,
    errorcodes.CRASH_SHUTDOWN,
    errorcodes.CANNOT_CONNECT_NOW,
    errorcodes.CLASS_INSUFFICIENT_RESOURCES,
    errorcodes.QUERY_CANCELED,
    errorcodes.LOCK_NOT_AVAILABLE,
    errorcodes.READ_ONLY_SQL_TRANSACTION,
    errorcodes.SERIALIZATION_FAILURE,
    errorcodes.DEADLOCK_DETECTED,
)


class RequestError(Exception):
    """Something in the request is wrong; the message says what, the path or location where."""

    code: str = ErrorCode.BAD_USER_INPUT
    hint: str | None = None


class InvalidValue(RequestError):
    """A value that no column of its type can hold."""


class InvalidId(RequestError):
    """A string that is not one of our global ids, or one of another type."""

    code = ErrorCode.INVALID_ID
    hint = "Pass an `id` as this API returned it, or look the object up by its number."


class InvalidCursor(RequestError):
    """A string that is not a cursor, or one of another connection or another order."""

    code = ErrorCode.INVALID_CURSOR
    hint = "Pass a cursor that the same field returned under the same orderBy."


class InvalidPage(RequestError):
    """Page arguments that contradict each other or pass the limit."""

    code = ErrorCode.INVALID_PAGE


class DocumentTooLarge(RequestError):
    """A document deeper or longer than this server plans."""

    code = ErrorCode.DOCUMENT_TOO_LARGE


class CostLimitExceeded(RequestError):
    """A request that may cost more than one request is allowed to."""

    code = ErrorCode.COST_LIMIT_EXCEEDED
    hint = "Ask for smaller pages, or for less beneath them: `extensions.cost` tells what it takes."


class RateLimited(RequestError):
    """A request of a client that has spent what it may for now; it fits in so many `seconds`."""

    code = ErrorCode.RATE_LIMITED

    def __init__(self, message: str, seconds: int) -> None:
        super().__init__(message)
        self.seconds = seconds


class Unauthenticated(RequestError):
    """A request whose token is not valid, or that needs one and has none."""

    code = ErrorCode.UNAUTHENTICATED


class Forbidden(RequestError):
    """A field or a mutation that the caller's role may not use."""

    code = ErrorCode.FORBIDDEN


class RolledBack(RequestError):
    """A mutation that succeeded in an operation of which another one failed."""

    code = ErrorCode.ROLLED_BACK
    hint = "One operation is one commit: repeat it without the mutation that failed."


class Refused(Exception):
    """A request of which something is not allowed; `errors` say what and where."""

    def __init__(self, errors: list[GraphQLError]) -> None:
        super().__init__("refused")
        self.errors = errors


def refuse(error: RequestError, nodes: Sequence[Node] | None = None) -> GraphQLError:
    """Return the GraphQL error for a request error found at these nodes of the document."""
    extensions = {"code": error.code}
    if error.hint:
        extensions["hint"] = error.hint
    return GraphQLError(str(error), nodes, extensions=extensions, original_error=error)


def translate(error: GraphQLError, default_code: str = ErrorCode.BAD_USER_INPUT) -> GraphQLError:
    """Return an error as the client may see it: with a code, and without anything of our internals."""
    if error.extensions and "code" in error.extensions:
        return error
    cause = root_cause(error)
    if isinstance(error, GraphQLSyntaxError):
        return recode(error, ErrorCode.GRAPHQL_PARSE_FAILED, error.message)
    if isinstance(cause, RequestError):
        return recode(error, cause.code, str(cause), cause.hint)
    if cause is None:
        return recode(error, default_code, error.message)
    if is_unavailable(cause):
        return recode(error, UNAVAILABLE, log_outage(cause))
    return mask_error(error, cause)


class Recurring:
    """Logs a fault that many requests meet, at most once a second.

    A log that is written faster than it is read would delay every request.
    """

    def __init__(self, level: int, what: str, seconds: float = 1.0) -> None:
        self._level = level
        self._what = what
        self._seconds = seconds
        self._next = 0.0
        self._silent = 0

    def log(self, cause: Exception) -> None:
        """Log the fault, or count it for the next line."""
        now = time.monotonic()
        if now < self._next:
            self._silent += 1
            return
        more = f" ({self._silent} more before)" if self._silent else ""
        log.log(self._level, "%s%s: %s", self._what, more, reason_of(cause))
        self._next, self._silent = now + self._seconds, 0


outage = Recurring(logging.ERROR, "database unavailable")
overrun = Recurring(logging.WARNING, "a query took too long")


def log_outage(cause: Exception) -> str:
    """Log that the database is unavailable or a query was too slow; return the message for the client."""
    if getattr(driver_error(cause), "pgcode", None) == errorcodes.QUERY_CANCELED:
        overrun.log(cause)
        return "The query took too long."
    outage.log(cause)
    return "The database did not answer. Try again shortly."


def reason_of(cause: Exception) -> str:
    """Return the type of an exception and PostgreSQL's code; where it has none, what the driver says."""
    found = driver_error(cause)
    text = str(found).strip().partition("\n")[0]
    return f"{type(found).__name__}: {getattr(found, 'pgcode', None) or text}"


def driver_error(cause: Exception) -> Exception:
    """Return the driver's exception behind one of SQLAlchemy's, else the exception itself."""
    if isinstance(cause, DBAPIError) and isinstance(cause.orig, Exception):
        return cause.orig
    return cause


def is_unavailable(cause: Exception) -> bool:
    """Whether an exception says that the database is not there, rather than what it answered."""
    cause = driver_error(cause)
    if isinstance(cause, (psycopg2.OperationalError, psycopg2.InterfaceError)):
        return cause.pgcode is None or cause.pgcode.startswith(AWAY)
    if type(cause) is psycopg2.DatabaseError and cause.pgcode is None:
        # What psycopg2 makes of a connection that ended in the middle of an answer.
        return True
    if isinstance(cause, psycopg2.Error):
        return (cause.pgcode or "").startswith(AWAY)
    return isinstance(cause, (PoolTimeoutError, DatabaseUnavailable, TimeoutError, OSError))


def root_cause(error: GraphQLError) -> Exception | None:
    """Return the first exception beneath that is not itself a GraphQL error."""
    cause: Exception | None = error.original_error
    while isinstance(cause, GraphQLError):
        cause = cause.original_error
    return cause


def recode(error: GraphQLError, code: str, message: str, hint: str | None = None) -> GraphQLError:
    extensions = {**(error.extensions or {}), "code": code}
    if hint:
        extensions["hint"] = hint
    return GraphQLError(
        message, error.nodes, error.source, error.positions, error.path, extensions=extensions
    )


def mask_error(error: GraphQLError, cause: Exception) -> GraphQLError:
    """Log an internal error once under a correlation id; the client gets only that id."""
    correlation = uuid.uuid4().hex
    extra = {"correlation": correlation}
    log.error("internal error %s", correlation, exc_info=cause, extra=extra)
    masked = recode(
        error, ErrorCode.INTERNAL_SERVER_ERROR, f"Internal error, reference {correlation}."
    )
    assert masked.extensions is not None
    masked.extensions["correlationId"] = correlation
    return masked
