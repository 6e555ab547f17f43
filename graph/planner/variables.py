"""Variables of an operation: which of them shape its SQL, and which are only bound to it.

A plan is built once with traced values: copies of the variables' values that know where they came
from. Where the builder binds one to a slot, the slot remembers the source; where it decides by one,
it pins that decision. Another request with variables of the same skeleton and the same pinned
decisions has the same plan, and its slots are filled from their sources.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, TypeAlias

from graphql import NamedTypeNode, NonNullTypeNode, VariableDefinitionNode

Coerced: TypeAlias = Mapping[str, Any]
Source: TypeAlias = Callable[[Coerced], Any]
Path: TypeAlias = tuple[str | int, ...]
Plain: TypeAlias = tuple[tuple[str, type], ...]

# Scalars whose coercion leaves a value of this very type as it is.
UNCHANGED: Mapping[str, type] = {"Int": int, "String": str, "ID": str}
MIN_INT, MAX_INT = -(2**31), 2**31 - 1


class Traced:
    """A value that came from a variable, with the path to it."""

    path: Path


class TracedInt(int, Traced):
    pass


class TracedFloat(float, Traced):
    pass


class TracedText(str, Traced):
    pass


class TracedDecimal(Decimal, Traced):
    pass


class TracedDate(date, Traced):
    pass


class TracedDateTime(datetime, Traced):
    pass


class TracedList(list[Any], Traced):
    """A list of leaves; its length does not shape the SQL."""


def trace(value: Any, path: Path) -> Any:
    """The value with every leaf in it traced; what has no trace shapes the SQL by its skeleton."""
    if isinstance(value, dict):
        return {name: trace(item, (*path, name)) for name, item in value.items()}
    if isinstance(value, list):
        if any(_shapes(item) for item in value):
            return [trace(item, (*path, index)) for index, item in enumerate(value)]
        return _mark(TracedList(value), path)
    if _shapes(value):
        return value
    return _mark(_traced(value), path)


def _shapes(value: Any) -> bool:
    return value is None or isinstance(value, (bool, dict, list, Enum))


def _traced(value: Any) -> Any:
    match value:
        case int():
            return TracedInt(value)
        case float():
            return TracedFloat(value)
        case str():
            return TracedText(value)
        case Decimal():
            return TracedDecimal(value)
        case datetime():
            return TracedDateTime.fromisoformat(value.isoformat())
        case date():
            return TracedDate.fromisoformat(value.isoformat())
        case _:
            raise TypeError(f"a variable of {type(value).__name__} cannot be traced")


def _mark(value: Any, path: Path) -> Any:
    value.path = path
    return value


def skeleton(value: Any) -> Any:
    """What of a variable's value shapes the SQL: everything but its leaves. Hashable."""
    if isinstance(value, dict):
        return tuple((name, skeleton(item)) for name, item in value.items())
    if isinstance(value, list):
        if any(_shapes(item) for item in value):
            return tuple(skeleton(item) for item in value)
        return list
    return value if _shapes(value) else type(value)


def source_of(value: Any) -> Source | None:
    """Where a value came from; None where it stands in the document itself."""
    if isinstance(value, Traced):
        return _follow(value.path)
    if isinstance(value, list) and any(isinstance(item, Traced) for item in value):
        sources = [source_of(item) or _constant(item) for item in value]
        return lambda coerced: [source(coerced) for source in sources]
    return None


@dataclass(frozen=True, slots=True)
class PlanGuard:
    """A decision that a plan rests on: two of one label over the same values are one decision."""

    label: str
    given: tuple[Any, ...]
    decide: Source = field(compare=False)


def origins_of(value: Any) -> tuple[Any, ...]:
    """What a value is made of: the paths of its traced parts, and its parts in the document."""
    if isinstance(value, Traced):
        return (("path", value.path),)
    if isinstance(value, list):
        return tuple(part for item in value for part in origins_of(item))
    return (("value", value),)


def _constant(value: Any) -> Source:
    return lambda _coerced: value


def _follow(path: Path) -> Source:
    if len(path) == 1:
        name = path[0]
        return lambda coerced: coerced[name]  # type: ignore[index]

    def follow(coerced: Coerced) -> Any:
        value: Any = coerced
        for step in path:
            value = value[step]
        return value

    return follow


def plain_types(definitions: Sequence[VariableDefinitionNode]) -> Plain | None:
    """Each variable with the type of value that coercion leaves as it is; None where one has none."""
    named = []
    for definition in definitions:
        type_ = (
            definition.type.type
            if isinstance(definition.type, NonNullTypeNode)
            else definition.type
        )
        if not isinstance(type_, NamedTypeNode) or type_.name.value not in UNCHANGED:
            return None
        named.append((definition.variable.name.value, UNCHANGED[type_.name.value]))
    return tuple(named)


def take(plain: Plain, given: Mapping[str, Any]) -> Coerced | None:
    """The variables, where coercion would leave each as it is given; else None."""
    taken = {}
    for name, kind in plain:
        value = given.get(name)
        if type(value) is not kind:
            return None
        if type(value) is int and not MIN_INT <= value <= MAX_INT:
            return None
        taken[name] = value
    return taken
