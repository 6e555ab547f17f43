"""The parameters of an operation: the values that its statements bind, and the source of each value.

Plans contain parameters, never values: two operations that differ only in values have the same plan.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeAlias

from graph.errors import InvalidValue
from graph.planner.variables import PlanGuard, ValueSource, origins_of, source_of

Convert: TypeAlias = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Param:
    """A parameter of the operation, by its index."""

    index: int


class Parameters:
    """The parameters of one operation in order, and the decisions that its plan depends on."""

    def __init__(self) -> None:
        self.values: list[object] = []
        self.sources: list[ValueSource | None] = []
        self.guards: list[PlanGuard] = []

    def add(self, value: Any, convert: Convert | None = None) -> Param:
        """Add a parameter; raises InvalidValue for a value that PostgreSQL cannot represent.

        `convert` makes the bound value from the argument, for this request and for later ones.
        """
        converted = convert(value) if convert else value
        self.values.append(bindable(converted))
        source = source_of(value)
        if source is not None and convert is not None:
            source = _converted(source, convert)
        self.sources.append(source)
        return Param(len(self.values) - 1)

    def guard(self, label: str, value: Any, decide: Convert) -> Any:
        """Return a decision made from a value; the plan holds only for values that decide the same."""
        source = source_of(value)
        if source is not None:
            self.guards.append(PlanGuard(label, origins_of(value), _converted(source, decide)))
        return decide(value)

    def constants(self) -> tuple[Any, ...]:
        """Return the values that the document states, with None for each value of a variable."""
        pairs = zip(self.values, self.sources, strict=True)
        return tuple(None if source else value for value, source in pairs)


def _converted(source: ValueSource, convert: Convert) -> ValueSource:
    return lambda coerced: convert(source(coerced))


def bindable(value: Any) -> Any:
    """Return a value as psycopg2 binds it; raises InvalidValue if PostgreSQL cannot represent it."""
    if type(value) is int:
        return value
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, list):
        return [bindable(item) for item in value]
    if isinstance(value, str):
        check_text(value)
    return value


def check_text(value: str) -> None:
    """Raise InvalidValue for a text with U+0000 or half of a surrogate pair."""
    if "\0" in value:
        raise InvalidValue("A text cannot contain the character U+0000.")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidValue("A text cannot contain half of a surrogate pair.") from None
