"""Arguments `orderBy`, `after` and `before` -> the order of a page and positions in it."""

from collections.abc import Mapping
from typing import Any

from graph.errors import InvalidCursor, InvalidValue
from graph.pagination import read_cursor
from graph.planner.arguments.fields import FieldUse
from graph.planner.entity import Entity
from graph.planner.nodes import KeysetPosition, Order
from graph.planner.parameters import Convert, Parameters


class OrderReader:
    """Reads the orders and cursors of one operation."""

    def __init__(
        self, attributes: Mapping[str, Mapping[str, str]], parameters: Parameters, uses: FieldUse
    ) -> None:
        self._attributes = attributes
        self._parameters = parameters
        self._uses = uses

    def order(self, entity: Entity, order_by: list[Mapping[str, Any]] | None) -> tuple[Order, ...]:
        """Return the terms of `orderBy`, and the primary key to break ties."""
        terms: dict[str, Order] = {}
        for term in order_by or ():
            attribute = term["field"].value
            self._uses.require(entity.name, self._field_of(entity, attribute))
            terms.setdefault(attribute, Order(attribute, term["direction"].value == "DESC"))
        descending = bool(terms) and [*terms.values()][-1].descending
        for key in entity.keys:
            terms.setdefault(key, Order(key, descending))
        return tuple(terms.values())

    def _field_of(self, entity: Entity, attribute: str) -> str:
        attributes = self._attributes[entity.name].items()
        return next(field for field, each in attributes if each == attribute)

    def position(
        self, entity: Entity, scope: str, order: tuple[Order, ...], cursor: str | None
    ) -> KeysetPosition | None:
        """Return the position of a cursor; raises InvalidCursor."""
        if cursor is None:
            return None
        columns = [entity.column(term.column) for term in order]
        types = [column.type.python_type for column in columns]

        def read(text: str) -> tuple[Any, ...]:
            values = read_cursor(text, scope, types)
            for column, value in zip(columns, values, strict=True):
                if value is None and not column.nullable:
                    raise InvalidCursor("This is not a cursor.")
            return values

        def nulls_of(text: str) -> tuple[bool, ...]:
            return tuple(value is None for value in read(text))

        def nth(index: int) -> Convert:
            return lambda text: read(text)[index]

        nulls = self._parameters.guard(scope, cursor, nulls_of)
        try:
            return KeysetPosition(
                tuple(
                    None if null else self._parameters.add(cursor, nth(index))
                    for index, null in enumerate(nulls)
                )
            )
        except InvalidValue:
            raise InvalidCursor("This is not a cursor.") from None
