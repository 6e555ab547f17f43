"""The model of a GraphQL type: its columns and relationships by attribute name."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Column, inspect
from sqlalchemy.orm import Mapper, RelationshipProperty

from graph.types.node import NODE_MODELS, VIEW_MODELS, VIRTUAL_MODELS


@dataclass(frozen=True, slots=True)
class Entity:
    """A GraphQL type over a mapped table, view or function.

    Its primary key is one integer; only findings have a key of several columns.
    """

    name: str
    mapper: Mapper[Any]
    keys: tuple[str, ...]

    @property
    def key(self) -> str:
        return self.keys[0]

    def column(self, attribute: str) -> Column[Any]:
        """Return the column of an attribute."""
        column = self.mapper.columns[attribute]
        assert isinstance(column, Column)
        return column

    def relationship(self, attribute: str) -> RelationshipProperty[Any]:
        return self.mapper.relationships[attribute]

    def target(self, attribute: str) -> "Entity":
        """Return the entity of the related rows."""
        return entity_of(self.relationship(attribute).mapper.class_)

    def has_trigrams(self, attribute: str) -> bool:
        """Return whether the column has a trigram index."""
        column = self.column(attribute)
        search = f"search_key({column.name}) gin_trgm_ops"
        indexes = column.table.indexes
        return any(str(part) == search for index in indexes for part in index.expressions)

    def relates(self, attribute: str) -> bool:
        """Return whether an attribute is a relationship."""
        return attribute in self.mapper.relationships


@cache
def entity_named(name: str) -> Entity:
    """Return the entity of a GraphQL type."""
    model = next(
        models[name] for models in (NODE_MODELS, VIEW_MODELS, VIRTUAL_MODELS) if name in models
    )
    mapper: Mapper[Any] = inspect(model)
    keys = tuple(mapper.get_property_by_column(column).key for column in mapper.primary_key)
    return Entity(name, mapper, keys)


def entity_of(model: type) -> Entity:
    """Return the entity of a model."""
    known = {**NODE_MODELS, **VIEW_MODELS}
    return entity_named(next(name for name, entity in known.items() if entity is model))
