"""Declares root fields of Query: look-ups by one key, and fields with required arguments.

A field has no resolver; the planner reads its declaration.
"""

from typing import Any, TypeVar

import strawberry
from strawberry.annotation import StrawberryAnnotation
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.field import StrawberryField

from graph.auth.permissions import FIELD_ROLES
from graph.auth.roles import Roles

_T = TypeVar("_T", bound=type)

# Classes whose fields are fields of Query.
QUERY_FIELDS: list[type] = []


def query_fields(cls: _T) -> _T:
    """Add the fields of a class to Query."""
    declared = strawberry.type(cls)
    QUERY_FIELDS.append(declared)
    return declared


def lookup(description: str, by: Any, *, roles: Roles) -> Any:
    """Declare a field that looks an object up by one of its keys; null if it does not exist.

    `by` is a @oneOf input. Its members are `id` (global id), a column of the same name, or an
    input object of columns that are a key together.
    """
    return with_arguments(description, roles=roles, by=(by, "By which key."))


def with_arguments(description: str, *, roles: Roles, **arguments: tuple[Any, str]) -> Any:
    """Declare a root field with these required arguments, as name=(type, description)."""
    made: StrawberryField = strawberry.field(description=description, metadata={FIELD_ROLES: roles})
    made.arguments = [
        StrawberryArgument(name, None, StrawberryAnnotation(annotation), description=text)
        for name, (annotation, text) in arguments.items()
    ]
    return made


def key(description: str, **options: Any) -> Any:
    """Declare a member of a @oneOf input."""
    return strawberry.field(description=description, default=strawberry.UNSET, **options)
