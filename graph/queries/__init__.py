"""The root type Query: the fields of every module of this package, and the root connections of node types."""

from typing import Any

import strawberry

from graph.discovery import import_modules
from graph.queries.root import QUERY_FIELDS
from graph.types.connection import Connection
from graph.types.node import ROOT_CONNECTIONS, connection, lazy

import_modules(__name__)


def _root_connections() -> type:
    """Return a class with the root connections that node types declare."""
    fields: dict[str, Any] = {
        name: connection(
            declared.description, declared.node, *declared.arguments, roles=declared.roles
        )
        for name, declared in ROOT_CONNECTIONS.items()
    }
    annotations = {
        name: Connection[lazy(declared.node)]  # type: ignore[misc]
        for name, declared in ROOT_CONNECTIONS.items()
    }
    return strawberry.type(type("RootConnections", (), {**fields, "__annotations__": annotations}))


Query: Any = strawberry.type(
    type("Query", (*QUERY_FIELDS, _root_connections()), {}),
    description="Everything that can be read: one operation is one SQL statement.",
)

__all__ = ["Query"]
