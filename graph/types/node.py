"""What every type of the graph is made of: nodes, fields, and connections of one to many.

A field's name is the name of the ORM attribute it shows: a column, a to-one or a to-many
relationship. That convention is the whole mapping; the planner reads it, and nothing is executed
here. `NODE_MODELS` names the model behind each node type, `VIRTUAL_MODELS` those of what is computed.
"""

from collections.abc import Callable
from typing import Annotated, Any, TypeVar, dataclass_transform

import strawberry
from strawberry.annotation import StrawberryAnnotation
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.field import StrawberryField

from models import Base

NODE_MODELS: dict[str, type[Base]] = {}
# What is shown like a row, but has no global id, since nobody keeps it.
VIRTUAL_MODELS: dict[str, type[Base]] = {}
VIEW_MODELS: dict[str, type[Base]] = {}
"""Types that stand for a row and have no id: what is told of a node, or of the whole."""

T = TypeVar("T", bound=type)


@strawberry.interface(
    description="An object with a global id (Relay Global Object Identification)."
)
class Node:
    id: strawberry.ID = strawberry.field(description="Global id, opaque and stable.")


def field(description: str) -> Any:
    """A column or a to-one relationship of the same name."""
    return strawberry.field(description=description)


@dataclass_transform(kw_only_default=True, field_specifiers=(field,))
def node(model: type[Base], description: str) -> Callable[[T], T]:
    """Declare a node type over this model."""

    def declare(cls: T) -> T:
        declared = strawberry.type(cls, description=description)
        NODE_MODELS[cls.__name__] = model
        return declared

    return declare


def unkept(model: type[Base], description: str) -> Callable[[T], T]:
    """Declare a type of computed rows over this model, which are no nodes."""

    def declare(cls: T) -> T:
        VIRTUAL_MODELS[cls.__name__] = model
        return strawberry.type(cls, description=description)

    return declare


@dataclass_transform(kw_only_default=True, field_specifiers=(field,))
def part(model: type[Base], description: str) -> Callable[[T], T]:
    """Declare a type without an id over this model, which may be a view or a function."""

    def declare(cls: T) -> T:
        VIEW_MODELS[cls.__name__] = model
        return strawberry.type(cls, description=description)

    return declare


def computed(description: str, *more: StrawberryArgument) -> Any:
    """A field with these arguments."""
    made: StrawberryField = strawberry.field(description=description)
    made.arguments = [*more]
    return made


def input_named(name: str) -> Any:
    """An input that graph.types.inputs makes once all node types are known."""
    return Annotated[name, strawberry.lazy("graph.types.inputs")]


def argument(name: str, annotation: Any, description: str) -> StrawberryArgument:
    """An argument that may be left out."""
    return StrawberryArgument(
        python_name=name,
        graphql_name=None,
        type_annotation=StrawberryAnnotation(annotation | None),
        description=description,
        default=strawberry.UNSET,
    )


def connection(description: str, of: str, *more: StrawberryArgument) -> Any:
    """A page of the node type named `of`: a to-many relationship, or a table at the root.

    `more` are arguments that this type has beside those of every connection.
    """
    made: StrawberryField = strawberry.field(description=description)
    made.arguments = [
        argument("first", int, "At most this many from the start; 20 if neither is given."),
        argument("after", str, "Start behind this cursor."),
        argument("last", int, "At most this many from the end."),
        argument("before", str, "End ahead of this cursor."),
        argument("filter", input_named(f"{of}Filter"), f"Keep only these, of type {of}."),
        argument(
            "order_by",
            list[input_named(f"{of}Order")],  # type: ignore[misc]
            "By these in turn, then by number.",
        ),
        *more,
    ]
    return made
