"""All rows of a small database in memory, and the edges between them in dictionaries.

The relations follow the foreign keys of the tables; the rows are joined here, in Python, so that a
wrong join in the server shows.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeAlias

from graphql import GraphQLEnumType, GraphQLObjectType, get_named_type
from sqlalchemy import inspect, select
from sqlalchemy.orm import RelationshipProperty, Session
from strawberry.utils.str_converters import to_camel_case

import models
from graph.schema import schema
from graph.types.node import NODE_MODELS
from models.database.engines import Database

OBJECTS = {
    name: type_
    for name, type_ in schema._schema.type_map.items()
    if isinstance(type_, GraphQLObjectType)
}
KEYS: dict[type[models.Base], str] = {
    model: inspect(model).get_property_by_column(inspect(model).primary_key[0]).key
    for model in NODE_MODELS.values()
}


def shown_relationships() -> Iterator[tuple[str, RelationshipProperty[Any]]]:
    """Yield the relationships between tables that node types show, with their owners."""
    for name, model in NODE_MODELS.items():
        for attribute, relationship in inspect(model).relationships.items():
            named = relationship.mapper.class_.__name__ in NODE_MODELS
            if named and to_camel_case(attribute) in OBJECTS[name].fields:
                yield name, relationship


def foreign_keys() -> dict[tuple[str, str], tuple[str, str, str]]:
    """Owner and field of a to-one -> its target, the attribute of the foreign key, the field back."""
    found = {}
    for owner, one in shown_relationships():
        if not one.uselist:
            (column,) = one.local_columns
            key = inspect(NODE_MODELS[owner]).get_property_by_column(column).key
            target = one.mapper.class_.__name__
            found[owner, to_camel_case(one.key)] = (
                target,
                key,
                to_camel_case(str(one.back_populates)),
            )
    return found


End: TypeAlias = tuple[str, str, str]


def associations() -> Iterator[tuple[type[models.Base], End, End]]:
    """Each table of edges: for both ends the type, its key there, and the field that leads away."""
    ends: dict[type[models.Base], list[End]] = defaultdict(list)
    tables = {mapper.local_table: mapper.class_ for mapper in models.Base.registry.mappers}
    for owner, many in shown_relationships():
        edges = tables.get(many.secondary) if many.secondary is not None else None
        if edges not in (None, models.CacaoBatchInput):
            ends[edges].append((owner, KEYS[NODE_MODELS[owner]], to_camel_case(many.key)))
    for edges, (near, far) in ends.items():
        yield edges, near, far
    # Both ends are lots: which key is whose end does not follow from their types.
    yield (
        models.CacaoBatchInput,
        ("CacaoBatch", "output_batch_id", "inputs"),
        ("CacaoBatch", "input_batch_id", "outputs"),
    )


TO_ONE = foreign_keys()
MANY_TO_MANY = [*associations()]
# Columns whose values are in capitals where the API names them.
ENUMS = {
    (name, field)
    for name in NODE_MODELS
    for field, declared in OBJECTS[name].fields.items()
    if isinstance(get_named_type(declared.type), GraphQLEnumType)
}


@dataclass(frozen=True)
class Edge:
    """A row as an entry of a connection, with the kg along the way to it."""

    row: models.Base
    quantity_kg: Decimal | None = None


def attribute(field: str) -> str:
    """`harvestDate` -> `harvest_date`."""
    return re.sub("[A-Z]", lambda letter: "_" + letter[0].lower(), field)


def type_name(row: models.Base) -> str:
    return type(row).__name__


def key_of(row: models.Base) -> int:
    return int(getattr(row, KEYS[type(row)]))


class Rows:
    """The tables by type and primary key, and where each row's fields lead."""

    def __init__(self, database: Database) -> None:
        self.tables: dict[str, dict[int, models.Base]] = {}
        self._many: dict[tuple[str, str], dict[int, list[Edge]]] = {}
        with database.session() as session:
            for model in KEYS:
                self.tables[model.__name__] = {key_of(row): row for row in read(session, model)}
            associations = [(read(session, model), near, far) for model, near, far in MANY_TO_MANY]
        for entries, near, far in associations:
            self._connect(entries, near, far)
            self._connect(entries, far, near)
        for (owner, _field), (target, foreign_key, reverse) in TO_ONE.items():
            self._reverse(self.tables[owner].values(), foreign_key, (target, reverse))
        self._cover()

    def _connect(
        self,
        entries: Iterable[models.Base],
        near: tuple[str, str, str],
        far: tuple[str, str, str],
    ) -> None:
        found: dict[int, list[Edge]] = defaultdict(list)
        for entry in entries:
            row = self.tables[far[0]][getattr(entry, far[1])]
            found[getattr(entry, near[1])].append(Edge(row, getattr(entry, "quantity_kg", None)))
        self._many[near[0], near[2]] = found

    def _reverse(
        self, rows: Iterable[models.Base], foreign_key: str, place: tuple[str, str]
    ) -> None:
        found: dict[int, list[Edge]] = defaultdict(list)
        for row in rows:
            found[getattr(row, foreign_key)].append(Edge(row))
        self._many[place] = found

    def _cover(self) -> None:
        """Certificates of a batch's supplier in its scheme, valid on its day."""
        found: dict[int, list[Edge]] = defaultdict(list)
        covered: dict[int, list[Edge]] = defaultdict(list)
        for batch in self.tables["CacaoBatch"].values():
            assert isinstance(batch, models.CacaoBatch)
            if batch.supplier_id is None:
                continue
            day = batch.production_date or batch.harvest_date
            for held in self._many["Supplier", "certificates"][batch.supplier_id]:
                certificate = held.row
                assert isinstance(certificate, models.Certificate)
                if (
                    certificate.scheme == batch.certification
                    and day
                    and certificate.valid_from <= day <= certificate.valid_to
                ):
                    found[batch.cacao_batch_id].append(Edge(certificate))
                    covered[certificate.certificate_id].append(Edge(batch))
        self._many["CacaoBatch", "coveringCertificates"] = found
        self._many["Certificate", "cacaoBatches"] = covered

    def one(self, row: models.Base, field: str) -> models.Base | None:
        """Return the row of a to-one field."""
        target, foreign_key, _ = TO_ONE[type_name(row), field]
        return self.tables[target].get(getattr(row, foreign_key))

    def many(self, row: models.Base, field: str) -> list[Edge]:
        """Return the rows of a connection field, unordered."""
        return self._many[type_name(row), field].get(key_of(row), [])

    def is_one(self, owner: str, field: str) -> bool:
        return (owner, field) in TO_ONE

    def is_many(self, owner: str, field: str) -> bool:
        return (owner, field) in self._many

    def everything(self, name: str) -> list[Edge]:
        """Return a whole table, as the connection at the root holds it."""
        return [Edge(row) for row in self.tables[name].values()]

    def column(self, row: models.Base, field: str) -> Any:
        """Return a column's Python value; enums are in capitals, as the API names them."""
        value = getattr(row, attribute(field))
        return value.upper() if value and (type_name(row), field) in ENUMS else value


def read(session: Session, model: type[models.Base]) -> list[models.Base]:
    return list(session.scalars(select(model)))
