"""What a root field of Query is made of: a lookup by one key, or a connection over a table.

A root field declares its arguments and its shape; the planner reads the declaration.
"""

from typing import Any

import strawberry
from strawberry.annotation import StrawberryAnnotation
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.field import StrawberryField


def lookup(description: str, by: Any) -> Any:
    """One object by exactly one of its keys; null where there is none.

    `by` is a @oneOf input. Its members are `id` (global id), a column of the same name, or an
    input object of columns that are a key together.
    """
    return with_arguments(description, by=(by, "By which key."))


def with_arguments(description: str, **arguments: tuple[Any, str]) -> Any:
    """A root field with these required arguments, as name=(type, description)."""
    made: StrawberryField = strawberry.field(description=description)
    made.arguments = [
        StrawberryArgument(name, None, StrawberryAnnotation(annotation), description=text)
        for name, (annotation, text) in arguments.items()
    ]
    return made


def key(description: str, **options: Any) -> Any:
    """A member of a @oneOf input."""
    return strawberry.field(description=description, default=strawberry.UNSET, **options)
