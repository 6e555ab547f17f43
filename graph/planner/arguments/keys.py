"""Argument `by` of a lookup -> the columns of a key and their values."""

from collections.abc import Mapping
from typing import Any

from graph.errors import InvalidValue
from graph.planner.arguments.fields import FieldUse
from graph.planner.arguments.filters import key_of
from graph.planner.entity import Entity
from graph.planner.parameters import Param, Parameters
from models.texts.normal_form import normal_text


class KeyReader:
    """Reads the keys of the lookups of one operation."""

    def __init__(
        self, attributes: Mapping[str, Mapping[str, str]], parameters: Parameters, uses: FieldUse
    ) -> None:
        self._attributes = attributes
        self._parameters = parameters
        self._uses = uses

    def keys(self, entity: Entity, by: Mapping[str, Any]) -> tuple[tuple[str, Param], ...]:
        """Return the attributes and values of a @oneOf key: an id, a column, or several columns.

        Raises InvalidValue for null.
        """
        ((name, value),) = by.items()
        if value is None:
            raise InvalidValue(f"`{name}` must not be null.")
        for part in value if isinstance(value, Mapping) else (name,):
            self._uses.require(entity.name, part)
        if name == "id":
            return ((entity.key, self._parameters.add(value, lambda id: key_of(entity, id))),)
        columns = value if isinstance(value, Mapping) else {name: value}
        return tuple(
            (self._attributes[entity.name][part], self._parameters.add(item, _as_stored))
            for part, item in columns.items()
        )


def _as_stored(value: Any) -> Any:
    """Return names and identifiers, also in a list, in the form in which the database stores them."""
    if isinstance(value, list):
        return [_as_stored(item) for item in value]
    return normal_text(value) if isinstance(value, str) else value
