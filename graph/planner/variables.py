"""Variables of an operation: which of them shape its SQL, and which are only bound to it.

A plan is built once with traced values: copies of the variables' values with the path to each. If the
planner adds a traced value as a parameter, the parameter keeps the path as its source. If the planner
decides by a traced value, the plan gets a guard for that decision. A later request whose variables have
the same shape and the same guarded decisions has the same plan; its parameters are read from the
sources.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, TypeAlias

from graphql import NamedTypeNode, NonNullTypeNode, VariableDefinitionNode

Coerced: TypeAlias = Mapping[str, Any]
ValueSource: TypeAlias = Callable[[Coerced], Any]
Path: TypeAlias = tuple[str | int, ...]
Plain: TypeAlias = tuple[tuple[str, type], ...]

# Scalars for which coercion returns a value of this exact type unchanged.
UNCHANGED: Mapping[str, type] = {"Int": int, "String": str, "ID": str}
MIN_INT, MAX_INT = -(2**31), 2**31 - 1


class Traced:
    """A value of a variable, with the path to it."""

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
    """A list of leaves, whose length does not shape the SQL."""


def traced(value: Any, path: Path) -> Any:
    """Return the value with each leaf traced; nulls, booleans and enums stay, as they shape the SQL."""
    if isinstance(value, dict):
        return {name: traced(item, (*path, name)) for name, item in value.items()}
    if isinstance(value, list):
        if any(_shapes(item) for item in value):
            return [traced(item, (*path, index)) for index, item in enumerate(value)]
        return _mark(TracedList(value), path)
    if _shapes(value):
        return value
    return _mark(_traced_leaf(value), path)


def _shapes(value: Any) -> bool:
    return value is None or isinstance(value, (bool, dict, list, Enum))


def _traced_leaf(value: Any) -> Any:
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


def shape_of(value: Any) -> Any:
    """Return the hashable part of a variable's value that shapes the SQL: all but its leaves."""
    if isinstance(value, dict):
        return tuple((name, shape_of(item)) for name, item in value.items())
    if isinstance(value, list):
        if any(_shapes(item) for item in value):
            return tuple(shape_of(item) for item in value)
        return list
    return value if _shapes(value) else type(value)


def source_of(value: Any) -> ValueSource | None:
    """Return the source of a traced value; None for a value that the document states."""
    if isinstance(value, Traced):
        return _follow(value.path)
    if isinstance(value, list) and any(isinstance(item, Traced) for item in value):
        sources = [source_of(item) or _constant(item) for item in value]
        return lambda coerced: [source(coerced) for source in sources]
    return None


@dataclass(frozen=True, slots=True)
class PlanGuard:
    """A decision that a plan depends on; guards with equal labels and origins are equal."""

    label: str
    origins: tuple[Any, ...]
    decide: ValueSource = field(compare=False)


def origins_of(value: Any) -> tuple[Any, ...]:
    """Return the paths of a value's traced parts, and its parts that the document states."""
    if isinstance(value, Traced):
        return (("path", value.path),)
    if isinstance(value, list):
        return tuple(part for item in value for part in origins_of(item))
    return (("value", value),)


def _constant(value: Any) -> ValueSource:
    return lambda _coerced: value


def _follow(path: Path) -> ValueSource:
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
    """Return each variable with the Python type that coercion leaves unchanged.

    Returns None if a variable has no such type.
    """
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


def plain_values(plain: Plain, variables: Mapping[str, Any]) -> Coerced | None:
    """Return the variables if coercion would leave each of them unchanged; else None."""
    values = {}
    for name, kind in plain:
        value = variables.get(name)
        if type(value) is not kind:
            return None
        if type(value) is int and not MIN_INT <= value <= MAX_INT:
            return None
        values[name] = value
    return values
