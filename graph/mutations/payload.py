"""What every mutation returns: what it wrote or answers, and what was wrong with its input."""

from collections.abc import Callable
from typing import Any, TypeVar

import strawberry
from strawberry.utils.str_converters import to_camel_case

from graph.auth.permissions import open_to
from graph.auth.roles import ANYONE
from graph.context import Info

T = TypeVar("T", bound=type)


# Classes whose fields are fields of Mutation.
MUTATION_FIELDS: list[type] = []


def mutation_fields(cls: T) -> T:
    """Add the fields of a class to Mutation."""
    declared = strawberry.type(cls)
    MUTATION_FIELDS.append(declared)
    return declared


@open_to(ANYONE)
@strawberry.type(description="Something wrong with a mutation's input. Nothing was written.")
class UserError:
    field: list[str] | None = strawberry.field(
        description="Path to the argument, like [input, quantityKg]; null if it is about no one."
    )
    message: str = strawberry.field(description="What is wrong, for people.")
    code: str = strawberry.field(
        description="What is wrong, for programs; the documentation has cause and cure of each code."
    )


class Outcome(dict[str, Any]):
    """A payload's rows by response key, its user errors, and what else it `told`, by name.

    A row it does not have is null.
    """

    def __init__(self, rows: dict[str, Any], user_errors: list[UserError]) -> None:
        super().__init__(rows)
        self.user_errors = user_errors
        self.extra: dict[str, Any] = {}

    def __missing__(self, key: str) -> None:
        return None


EXTRA = "extra"
# Payload type -> its fields that are read by the planner.
PAYLOADS: dict[str, set[str]] = {}


def payload(description: str) -> Callable[[T], T]:
    """Declare a payload type of fields that are `written` or `told`; `user_errors` is added."""

    def declare(cls: T) -> T:
        PAYLOADS[cls.__name__] = {
            to_camel_case(name)
            for name in cls.__annotations__
            if not getattr(cls, name).metadata.get(EXTRA)
        }
        cls.__annotations__["user_errors"] = list[UserError]
        cls.user_errors = strawberry.field(  # type: ignore[attr-defined]
            description="What is wrong with the input; empty if it was written."
        )
        # A caller who may run a mutation may read what it returns.
        return strawberry.type(open_to(ANYONE)(cls), description=description)

    return declare


def written(description: str) -> Any:
    """A field of a payload: the object as it is after the write; null if nothing was written."""
    return strawberry.field(description=f"{description} Null if nothing was written.")


def extra(description: str) -> Any:
    """A field of a payload that no row holds: what the mutation extra under this name."""

    def resolve(root: Any, info: Info) -> Any:
        return root.extra.get(info.python_name)

    return strawberry.field(
        resolver=resolve,
        description=f"{description} Null if nothing was written.",
        metadata={EXTRA: True},
    )
