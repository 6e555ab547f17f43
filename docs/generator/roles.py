"""The page of permissions: for each field of the schema, the roles that may use it."""

from itertools import groupby

from graphql import GraphQLObjectType, GraphQLSchema

import graph.schema  # noqa: F401  declares the roles
from docs.generator.graphql_schema import read_schema
from docs.generator.markdown import code, table
from graph.auth.permissions import Permissions
from graph.auth.roles import ROLES

_INTRODUCTION = """# Permissions

A request has one role. The role decides which fields it may select, and also which fields it may filter,
order or look up by. A field that is not allowed fails with `FORBIDDEN`, or with `UNAUTHENTICATED` if the
request has no token, before any SQL is sent.

| role | who has it |
|---|---|
| `public` | A request without a token. It reads the provenance of products. |
| `viewer` | Also reads kilograms, losses, holds, mass balance, details of events and geometry of plots. |
| `operator` | Also reads personal data, leaves of the ledger and findings, and writes. |
| `auditor` | Reads everything, including users, API keys and recorded changes, and writes nothing. |
| `admin` | Reads and writes everything, and administers users and API keys. |

With `PUBLIC_READ=off` the role `public` may only use `signIn`, `viewer` and `__typename`.
Introspection is open to every role in development and needs a token in production.

The tables below list every field. Types whose fields are all open to every role come last.
"""


def render_permissions() -> str:
    """Return the page as Markdown."""
    schema = read_schema()
    limited, opened = [], []
    for name in sorted(_object_types(schema), key=lambda name: (name not in _ROOTS, name)):
        groups = _grouped(schema, name)
        if set(groups) == {frozenset(ROLES)}:
            opened.append(name)
        else:
            limited.append(_section(name, groups))
    shared = ", ".join(map(code, opened))
    return "\n".join((_INTRODUCTION, *limited, f"\n## Types open to every role\n\n{shared}"))


_ROOTS = ("Query", "Mutation", "Subscription")


def _object_types(schema: GraphQLSchema) -> list[str]:
    return [
        name
        for name, type_ in schema.type_map.items()
        if isinstance(type_, GraphQLObjectType) and not name.startswith("__")
    ]


def _grouped(schema: GraphQLSchema, name: str) -> dict[frozenset[str], list[str]]:
    """Fields of a type by the roles that may use them, the widest set of roles first."""
    type_ = schema.type_map[name]
    assert isinstance(type_, GraphQLObjectType)
    permissions = Permissions()
    pairs = [(frozenset(permissions.allowed(name, field)), field) for field in type_.fields]
    pairs.sort(key=lambda pair: (-len(pair[0]), sorted(pair[0])))
    return {
        roles: [field for _, field in found]
        for roles, found in groupby(pairs, key=lambda pair: pair[0])
    }


def _section(name: str, groups: dict[frozenset[str], list[str]]) -> str:
    rows = [
        (", ".join(map(code, fields)), *("yes" if role in roles else "" for role in ROLES))
        for roles, fields in groups.items()
    ]
    return f"\n## {name}\n\n{table(('fields', *ROLES), rows)}"
