"""Arguments of a field -> nodes and slots: filters, orders, cursors and keys.

Refuses what the database could not hold or would misread: a NUL in a text, an id of another type,
a cursor of another connection, a comparison with null.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Any

from graph.errors import InvalidCursor, InvalidValue
from graph.pagination import read_cursor, read_global_id
from graph.planner.entity import Entity
from graph.planner.nodes import (
    All,
    AnyOf,
    Compare,
    Condition,
    IsNull,
    Not,
    Order,
    Param,
    Position,
    Quantifier,
    Related,
)

QUANTIFIERS: tuple[Quantifier, ...] = ("some", "none", "every")


class Values:
    """The values of an operation in the order of their slots."""

    def __init__(self) -> None:
        self.items: list[object] = []

    def add(self, value: object) -> Param:
        """A slot for this value; raises InvalidValue for what PostgreSQL cannot represent."""
        self.items.append(_bindable(value))
        return Param(len(self.items) - 1)


def _bindable(value: object) -> object:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, list):
        return [_bindable(item) for item in value]
    if isinstance(value, str):
        check_text(value)
    return value


def check_text(value: str) -> None:
    """Refuse text that PostgreSQL cannot hold: NUL, or halves of a surrogate pair."""
    if "\0" in value:
        raise InvalidValue("A text cannot contain the character U+0000.")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidValue("A text cannot contain half of a surrogate pair.") from None


class ArgumentReader:
    """Turns the coerced arguments of fields into nodes; GraphQL names into attributes."""

    def __init__(self, attributes: Mapping[str, Mapping[str, str]], values: Values) -> None:
        self._attributes = attributes
        self._values = values

    # ------------------------------------------------------------ filters

    def condition(self, entity: Entity, given: Mapping[str, Any] | None) -> Condition | None:
        """The condition of a filter object; None where it asks nothing."""
        if given is None:
            return None
        parts = [self._part(entity, name, value) for name, value in given.items()]
        asked = [part for part in parts if part is not None]
        if not asked:
            return None
        return asked[0] if len(asked) == 1 else All(tuple(asked))

    def _part(self, entity: Entity, name: str, value: Any) -> Condition | None:
        if value is None:
            return None
        if name in ("and", "or"):
            every = tuple(self.condition(entity, item) or All(()) for item in value)
            return All(every) if name == "and" else AnyOf(every)
        if name == "not":
            return Not(self.condition(entity, value) or All(()))
        if name == "id":
            return self._ids(entity, value)
        attribute = self._attributes[entity.name][name]
        if entity.relates(attribute):
            return self._related(entity, attribute, value)
        return self._comparisons(attribute, value)

    def _related(self, entity: Entity, attribute: str, given: Mapping[str, Any]) -> Condition:
        target = entity.target(attribute)
        if not entity.relationship(attribute).uselist:
            return Related(attribute, "some", self.condition(target, given) or All(()))
        parts = tuple(
            Related(attribute, quantifier, self.condition(target, given[quantifier]) or All(()))
            for quantifier in QUANTIFIERS
            if given.get(quantifier) is not None
        )
        return parts[0] if len(parts) == 1 else All(parts)

    def _comparisons(self, attribute: str, operators: Mapping[str, Any]) -> Condition:
        parts: list[Condition] = []
        for operator, operand in operators.items():
            if operand is None:
                raise InvalidValue(
                    f"`{operator}` cannot compare with null: use `isNull` or leave it out."
                )
            if operator == "isNull":
                parts.append(IsNull(attribute, operand))
            else:
                # The schema allows no operator but those of Compare.
                parts.append(Compare(attribute, operator, self._values.add(operand)))  # type: ignore[arg-type]
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def _ids(self, entity: Entity, operators: Mapping[str, Any]) -> Condition:
        read = {
            operator: [self.key_of(entity, item) for item in operand]
            if isinstance(operand, list)
            else self.key_of(entity, operand)
            for operator, operand in operators.items()
            if operand is not None
        }
        if len(read) < len(operators):
            raise InvalidValue("`id` cannot compare with null.")
        return self._comparisons(entity.key, read)

    def key_of(self, entity: Entity, global_id: str) -> int:
        """The primary key in a global id of this entity; raises InvalidId."""
        return read_global_id(global_id, [entity.name])[1]

    # ------------------------------------------------------------ orders and cursors

    def order(self, entity: Entity, given: list[Mapping[str, Any]] | None) -> tuple[Order, ...]:
        """The order terms asked for, and the primary key to break ties."""
        terms: dict[str, Order] = {}
        for term in given or ():
            attribute = term["field"].value
            terms.setdefault(attribute, Order(attribute, term["direction"].value == "DESC"))
        if entity.key not in terms:
            descending = bool(terms) and [*terms.values()][-1].descending
            terms[entity.key] = Order(entity.key, descending)
        return tuple(terms.values())

    def position(
        self, entity: Entity, scope: str, order: tuple[Order, ...], cursor: str | None
    ) -> Position | None:
        """The position a cursor stands for; raises InvalidCursor."""
        if cursor is None:
            return None
        columns = [entity.column(term.column) for term in order]
        values = read_cursor(cursor, scope, [column.type.python_type for column in columns])
        for column, value in zip(columns, values, strict=True):
            if value is None and not column.nullable:
                raise InvalidCursor("This is not a cursor.")
        try:
            return Position(
                tuple(None if value is None else self._values.add(value) for value in values)
            )
        except InvalidValue:
            raise InvalidCursor("This is not a cursor.") from None

    # ------------------------------------------------------------ keys

    def keys(self, entity: Entity, by: Mapping[str, Any]) -> tuple[tuple[str, Param], ...]:
        """Columns and values of a @oneOf key: an id, one column, or an object of columns."""
        ((name, value),) = by.items()
        if value is None:
            raise InvalidValue(f"`{name}` must not be null.")
        if name == "id":
            value, name = self.key_of(entity, value), entity.key
        elif isinstance(value, Mapping):
            return tuple(
                (self._attributes[entity.name][part], self._values.add(item))
                for part, item in value.items()
            )
        else:
            name = self._attributes[entity.name][name]
        return ((name, self._values.add(value)),)
