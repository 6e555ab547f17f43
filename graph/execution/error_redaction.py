"""Errors for roles that may not see the schema: they name no type, field or argument, and no library."""

from collections.abc import Callable
from typing import TypeAlias

from graphql import GraphQLError

from graph.auth.permissions import Permissions
from graph.documents import NotOneOf
from graph.errors import RequestError, translate

TranslateError: TypeAlias = Callable[..., GraphQLError]
"""Makes the error of the answer from an error of graphql-core, and the code of one without a cause."""
REDACTED = {
    "GRAPHQL_PARSE_FAILED": "The document cannot be read as GraphQL.",
    "GRAPHQL_VALIDATION_FAILED": "The document is not valid.",
    "BAD_USER_INPUT": "The value is not valid for this argument.",
}
"""Messages by code, for errors whose own message may name parts of the schema."""


def may_see_schema(permissions: Permissions, role: str) -> bool:
    """Return whether a role may run introspection."""
    return role in permissions.allowed("Query", "__schema")


def translator_for(permissions: Permissions, role: str) -> TranslateError:
    """Return the function that translates the errors for a role."""
    return translate if may_see_schema(permissions, role) else redacted


def redacted(error: GraphQLError, default_code: str = "BAD_USER_INPUT") -> GraphQLError:
    """Return an error with its code and location, and a message without names of the schema."""
    translated = translate(error, default_code)
    cause = error.original_error
    if isinstance(cause, RequestError) and not isinstance(cause, NotOneOf):
        return translated
    code = str((translated.extensions or {})["code"])
    if code not in REDACTED:
        return translated
    nodes, source, positions, path = error.nodes, error.source, error.positions, error.path
    extensions = {"code": code}
    return GraphQLError(REDACTED[code], nodes, source, positions, path, extensions=extensions)
