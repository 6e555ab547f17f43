"""The roles that may use each field, read from the declarations; the planner enforces them.

A field declares its roles, or its type does. Without a declaration, no role may use it. An argument
that filters or orders by a field, or looks an object up by it, needs the roles of that field.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLObjectType, GraphQLSchema

from graph.auth.roles import ANYONE, NOBODY, PUBLIC, SIGNED_IN, Roles, listed
from graph.errors import Forbidden, RequestError, Unauthenticated

# The key of the roles in the metadata of a field, and the attribute with those of a type.
FIELD_ROLES, TYPE_ROLES = "roles", "__roles__"
_DEFINITION = "strawberry-definition"

# Fields for signing in: with PUBLIC_READ=off, a caller without a token may use only these.
SIGN_IN_FIELDS = frozenset(
    (name, field)
    for name, fields in {
        "Query": "viewer",
        "Mutation": "signIn",
        "Viewer": "role username apiKey expiresAt",
        "SignInPayload": "token expiresAt viewer userErrors",
        "UserError": "field message code",
    }.items()
    for field in fields.split()
)

_T = TypeVar("_T", bound=type)


def open_to(roles: Roles) -> Callable[[_T], _T]:
    """Let these roles use every field of a type that declares no roles of its own."""

    def declare(cls: _T) -> _T:
        setattr(cls, TYPE_ROLES, roles)
        return cls

    return declare


# Type and field -> roles; filled when the schema is assembled.
ALLOWED: dict[tuple[str, str], Roles] = {}

# Events that mirror an object of another type: the roles of its field may read them.
EVENT_FIELDS: Mapping[str, tuple[str, str]] = {
    "lost": ("CacaoBatch", "losses"),
    "held": ("CacaoBatch", "holds"),
    "released": ("CacaoBatch", "holds"),
}


class Permissions:
    """The declared roles under the settings of a server.

    With `public_read` off, a caller without a token reads nothing. `introspection` are the roles that
    may read the schema.
    """

    def __init__(self, *, public_read: bool = True, introspection: Roles = ANYONE) -> None:
        self.readers = self._public = ANYONE if public_read else SIGNED_IN
        self._introspection = introspection

    def allowed(self, type_: str, field: str) -> Roles:
        """Return the roles that may use a field of a type."""
        if field == "__typename":
            return ANYONE
        if field in ("__schema", "__type"):
            return self._introspection & self._public
        roles = ALLOWED.get((type_, field), NOBODY)
        return roles if (type_, field) in SIGN_IN_FIELDS else roles & self._public


def declare_roles(schema: GraphQLSchema) -> None:
    """Fill `ALLOWED` from the schema, and add the roles to the descriptions of restricted members."""
    objects = {
        name: type_
        for name, type_ in schema.type_map.items()
        if isinstance(type_, GraphQLObjectType) and not name.startswith("__")
    }
    for name, type_ in objects.items():
        for field, definition in type_.fields.items():
            ALLOWED[name, field] = roles = _declared(type_, definition.extensions[_DEFINITION])
            _describe(definition, roles)
    for name in objects:
        for member, roles in _derived(schema, name):
            _describe(member, roles)


def _declared(type_: GraphQLObjectType, field: Any) -> Roles:
    """Return the roles that a field declares, or else its type."""
    own: Roles | None = field.metadata.get(FIELD_ROLES)
    if own is not None:
        return own
    return getattr(type_.extensions[_DEFINITION].origin, TYPE_ROLES, NOBODY)


def _derived(schema: GraphQLSchema, name: str) -> Iterator[tuple[object, Roles]]:
    """Yield the members of filters and orders by the fields of a type, with the roles of the fields."""
    filters = schema.type_map.get(f"{name}Filter")
    if isinstance(filters, GraphQLInputObjectType):
        for field, definition in filters.fields.items():
            if (name, field) in ALLOWED:
                yield definition, ALLOWED[name, field]
    orders = schema.type_map.get(f"{name}OrderField")
    if isinstance(orders, GraphQLEnumType):
        fields = {field.upper(): (type_, field) for type_, field in ALLOWED if type_ == name}
        for value, member in orders.values.items():
            yield member, ALLOWED[fields[value.replace("_", "")]]


def _describe(member: object, roles: Roles) -> None:
    if roles != ANYONE:
        text = f"For {listed(roles)}."
        described = getattr(member, "description", None)
        member.description = f"{described} {text}" if described else text  # type: ignore[attr-defined]


def denied(place: str, allowed: Roles, role: str) -> RequestError:
    """Return the error for a role that may not use a field."""
    if role == PUBLIC and allowed:
        return Unauthenticated(f"`{place}` is for {listed(allowed)}: sign in.")
    return Forbidden(f"`{place}` is for {listed(allowed)}, not for {role}.")
