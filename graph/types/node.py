"""The declarations that types of the graph consist of: node types, fields, relations, connections.

A field has the name of the ORM attribute that it shows: a column or a relationship. The planner reads
the declarations; nothing is executed here. A relation takes its type from the mapper: the node type
of its target, or a connection of it, whose edges carry kilograms where the association has them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar, dataclass_transform

import strawberry
from sqlalchemy import inspect
from sqlalchemy.orm import RelationshipProperty
from strawberry.annotation import StrawberryAnnotation
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.field import StrawberryField

from graph.auth.permissions import FIELD_ROLES, open_to
from graph.auth.roles import Roles
from graph.types.connection import Connection, FlowConnection
from models import Base

# Node type -> its class, and -> the model behind it.
NODE_TYPES: dict[str, Any] = {}
NODE_MODELS: dict[str, type[Base]] = {}
# Types of computed rows, which have no global id because no row is stored.
VIRTUAL_MODELS: dict[str, type[Base]] = {}
# Types without an id that show a part of a node, or a view of the whole database.
VIEW_MODELS: dict[str, type[Base]] = {}

RELATION, MEMBER = "relation", "member"

_T = TypeVar("_T", bound=type)


@dataclass(frozen=True)
class RootConnection:
    """A connection over the whole table of a node type, as a field of Query."""

    node: str
    description: str
    roles: Roles
    arguments: tuple[StrawberryArgument, ...] = ()


# Field of Query, in Python -> its connection; graph.queries adds these to Query.
ROOT_CONNECTIONS: dict[str, RootConnection] = {}


@strawberry.interface(
    description="An object with a global id (Relay Global Object Identification)."
)
class Node:
    id: strawberry.ID = strawberry.field(description="Global id, opaque and stable.")


def field(description: str, *, roles: Roles | None = None, name: str | None = None) -> Any:
    """Return a column of the same name, or a value of a computed type.

    `roles` may use it; without them, the roles of its type may. `name` is its name in GraphQL where
    Python reserves that word.
    """
    return strawberry.field(description=description, name=name, metadata=_metadata(roles))


def relation(description: str, *arguments: StrawberryArgument, roles: Roles | None = None) -> Any:
    """Return a relationship of the same name. It has no annotation: the mapper gives its type.

    `arguments` are those of a connection beside the arguments that every connection has.
    """
    made: StrawberryField = strawberry.field(
        description=description, metadata={**_metadata(roles), RELATION: True}
    )
    made.arguments = [*arguments]
    return made


def member(
    description: str,
    *,
    of: str,
    optional: bool = False,
    roles: Roles | None = None,
    name: str | None = None,
) -> Any:
    """Return a field of a computed type that is an object of the node type `of`; it has no annotation."""
    return strawberry.field(
        description=description,
        name=name,
        metadata={**_metadata(roles), MEMBER: lazy(of) | None if optional else lazy(of)},
    )


def _metadata(roles: Roles | None) -> dict[str, Any]:
    return {} if roles is None else {FIELD_ROLES: roles}


@dataclass_transform(kw_only_default=True, field_specifiers=(field, relation))
def node(description: str, *, roles: Roles) -> Callable[[_T], _T]:
    """Declare a node type over the model of the same name; `roles` are those of `open_to`."""

    def declare(cls: _T) -> _T:
        model = _model_named(cls.__name__)
        declared = _declare(cls, model, description, roles)
        NODE_TYPES[cls.__name__], NODE_MODELS[cls.__name__] = declared, model
        return declared

    return declare


def root_connection(
    name: str, description: str, *arguments: StrawberryArgument, roles: Roles
) -> Callable[[_T], _T]:
    """Add a connection over all objects of a node type to Query, under this name in Python.

    `arguments` are those beside the arguments that every connection has.
    """

    def declare(cls: _T) -> _T:
        ROOT_CONNECTIONS[name] = RootConnection(cls.__name__, description, roles, arguments)
        return cls

    return declare


@dataclass_transform(kw_only_default=True, field_specifiers=(field, relation))
def virtual(model: type[Base], description: str, *, roles: Roles) -> Callable[[_T], _T]:
    """Declare a type of computed rows over this model, which are no nodes."""

    def declare(cls: _T) -> _T:
        VIRTUAL_MODELS[cls.__name__] = model
        return _declare(cls, model, description, roles)

    return declare


@dataclass_transform(kw_only_default=True, field_specifiers=(field, relation))
def view(model: type[Base], description: str, *, roles: Roles) -> Callable[[_T], _T]:
    """Declare a type without an id over this model, which may be a view or a function."""

    def declare(cls: _T) -> _T:
        VIEW_MODELS[cls.__name__] = model
        return _declare(cls, model, description, roles)

    return declare


@dataclass_transform(kw_only_default=True, field_specifiers=(field, member))
def computed_type(description: str, *, roles: Roles) -> Callable[[_T], _T]:
    """Declare a type without a model: what is computed of rows, not read from one."""

    def declare(cls: _T) -> _T:
        return _declare(cls, None, description, roles)

    return declare


def _model_named(name: str) -> type[Base]:
    """Return the model of this name; raises LookupError with the place where one is expected."""
    for mapper in Base.registry.mappers:
        if mapper.class_.__name__ == name:
            model: type[Base] = mapper.class_
            return model
    raise LookupError(f"no module of models/ declares a table class {name}")


def _declare(cls: _T, model: type[Base] | None, description: str, roles: Roles) -> _T:
    cls.__annotations__ = {
        name: cls.__annotations__.get(name) or _annotation(model, name, shown)
        for name, shown in vars(cls).items()
        if isinstance(shown, StrawberryField)
    }
    return strawberry.type(open_to(roles)(cls), description=description)


def _annotation(model: type[Base] | None, name: str, shown: StrawberryField) -> Any:
    """Return the type of a member or a relation; gives a connection its arguments."""
    if MEMBER in shown.metadata:
        return shown.metadata[MEMBER]
    if model is None or RELATION not in shown.metadata:
        raise TypeError(f"the field {name} of graph/types/ needs an annotation: the scalar it is")
    relationship = inspect(model).relationships[name]
    target = relationship.mapper.class_.__name__
    if not relationship.uselist:
        one = lazy(target)
        return one | None if _is_optional(relationship) else one
    shown.arguments = [*page_arguments(target), *shown.arguments]
    flows = relationship.secondary is not None and "quantity_kg" in relationship.secondary.c
    return (FlowConnection if flows else Connection)[lazy(target)]


def _is_optional(relationship: RelationshipProperty[Any]) -> bool:
    return any(column.nullable for column in relationship.local_columns)


def lazy(name: str) -> Any:
    """Return a node type by its name: graph.types holds all of them once all are declared."""
    return Annotated[name, strawberry.lazy("graph.types")]


def computed(description: str, *arguments: StrawberryArgument, roles: Roles | None = None) -> Any:
    """Return a field with these arguments."""
    made: StrawberryField = strawberry.field(description=description, metadata=_metadata(roles))
    made.arguments = [*arguments]
    return made


def input_named(name: str) -> Any:
    """Return an input that graph.types.inputs makes once all node types are known."""
    return Annotated[name, strawberry.lazy("graph.types.inputs")]


def argument(name: str, annotation: Any, description: str) -> StrawberryArgument:
    """Return an optional argument."""
    return StrawberryArgument(
        python_name=name,
        graphql_name=None,
        type_annotation=StrawberryAnnotation(annotation | None),
        description=description,
        default=strawberry.UNSET,
    )


def connection(
    description: str, of: str, *arguments: StrawberryArgument, roles: Roles | None = None
) -> Any:
    """Return a page of the node type named `of`: a table at the root, or a list of a view.

    `arguments` are those of this type beside those of every connection.
    """
    return computed(description, *page_arguments(of), *arguments, roles=roles)


def page_arguments(of: str) -> list[StrawberryArgument]:
    """Return the arguments that every connection of this node type has."""
    return [
        argument(
            "first", int, "The number of objects from the start; 20 without `first` and `last`."
        ),
        argument("after", str, "The page starts after this cursor."),
        argument("last", int, "The number of objects from the end."),
        argument("before", str, "The page ends before this cursor."),
        argument(
            "filter",
            input_named(f"{of}Filter"),
            f"The page has only the {of} objects that match this filter.",
        ),
        argument(
            "order_by",
            list[input_named(f"{of}Order")],  # type: ignore[misc]
            "The terms to sort by, in turn; then by number.",
        ),
    ]
