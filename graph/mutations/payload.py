"""Declares the payloads of mutations: the written objects, further values, and user errors."""

from collections.abc import Callable
from enum import Enum
from typing import Any, TypeVar

import strawberry
from strawberry.utils.str_converters import to_camel_case

from graph.auth.permissions import open_to
from graph.auth.roles import ANYONE
from graph.context import Info
from models.errors import DomainError

_T = TypeVar("_T", bound=type)
MUTATION_FIELDS: list[type] = []
"""The classes whose fields are fields of Mutation."""


def mutation_fields(cls: _T) -> _T:
    """Add the fields of a class to Mutation."""
    declared = strawberry.type(cls)
    MUTATION_FIELDS.append(declared)
    return declared


def _codes(case: type[DomainError]) -> dict[str, str]:
    """Return the codes of an error class and its subclasses, each with its description."""
    codes = {case.code: (case.__doc__ or "").partition("\n")[0]}
    for more in case.__subclasses__():
        codes = _codes(more) | codes
    return codes


_CODES: Any = {
    code: strawberry.enum_value(code, description=text)
    for code, text in sorted(_codes(DomainError).items())
}
_NAMED: Any = Enum("UserErrorCode", _CODES)  # type: ignore[misc]
UserErrorCode: Any = strawberry.enum(
    _NAMED, description="Codes of errors of inputs. More codes may be added."
)


@open_to(ANYONE)
@strawberry.type(description="An error of the input of a mutation. Nothing was written.")
class UserError:
    field: list[str] | None = strawberry.field(
        description="Path to the argument, like [input, quantityKg]; null if no single argument is at fault."
    )
    message: str = strawberry.field(description="The error, for people.")
    code: UserErrorCode = strawberry.field(description="The error, for programs.")


class Outcome(dict[str, Any]):
    """The rows of a payload by response key, its user errors, and its extra values by name.

    A missing row is null.
    """

    def __init__(self, rows: dict[str, Any], user_errors: list[UserError]) -> None:
        super().__init__(rows)
        self.user_errors = user_errors
        self.extra: dict[str, Any] = {}

    def __missing__(self, key: str) -> None:
        return None


EXTRA = "extra"
PAYLOADS: dict[str, set[str]] = {}
"""The fields of each payload type that the planner reads."""


def payload(description: str) -> Callable[[_T], _T]:
    """Declare a payload type; its fields are `written` or `extra`, and `user_errors` is added."""

    def declare(cls: _T) -> _T:
        PAYLOADS[cls.__name__] = {
            to_camel_case(name)
            for name in cls.__annotations__
            if not getattr(cls, name).metadata.get(EXTRA)
        }
        cls.__annotations__["user_errors"] = list[UserError]
        cls.user_errors = strawberry.field(  # type: ignore[attr-defined]
            description="The errors of the input; empty if it was written."
        )
        # A caller who may run a mutation may read what it returns.
        return strawberry.type(open_to(ANYONE)(cls), description=description)

    return declare


def written(description: str) -> Any:
    """Declare a field of a payload: the object after the write; null if nothing was written."""
    return strawberry.field(description=f"{description} Null if nothing was written.")


def extra(description: str) -> Any:
    """Declare a field of a payload that is no row: a value that the mutation sets by this name."""

    def resolve(root: Any, info: Info) -> Any:
        return root.extra.get(info.python_name)

    return strawberry.field(
        resolver=resolve,
        description=f"{description} Null if nothing was written.",
        metadata={EXTRA: True},
    )
