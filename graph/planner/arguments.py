"""Arguments of a field -> nodes and slots: filters, orders, cursors and keys.

Refuses what the database could not hold or would misread: a NUL in a text, an id of another type,
a cursor of another connection, a comparison with null.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from graph.admission.limits import Limits
from graph.auth.roles import Roles
from graph.errors import DocumentTooLarge, InvalidCursor, InvalidValue
from graph.pagination import read_cursor, read_global_id
from graph.planner.cost import Cost
from graph.planner.entity import Entity
from graph.planner.nodes import (
    All,
    AnyOf,
    Compare,
    Condition,
    IsNull,
    Not,
    Operation,
    Order,
    Param,
    Position,
    Quantifier,
    Related,
)
from graph.planner.variables import Coerced, PlanGuard, Source, origins_of, source_of
from models.texts.normal_form import IDENTIFIERS, NAMES, normal_text
from models.texts.schemes import ATTRIBUTES as SCHEMES
from models.texts.schemes import spellings

Convert = Callable[[Any], Any]
# What is told of each field that an argument reads: type, field.
Require = Callable[[str, str], None]

QUANTIFIERS: tuple[Quantifier, ...] = ("some", "none", "every")


class Values:
    """The values of an operation in the order of their slots, and where each came from."""

    def __init__(self) -> None:
        self.items: list[object] = []
        self.sources: list[Source | None] = []
        self.pins: list[PlanGuard] = []

    def add(self, value: Any, convert: Convert | None = None) -> Param:
        """A slot for this value; raises InvalidValue for what PostgreSQL cannot represent.

        `convert` makes the bound value of the given one, for this and every later request.
        """
        made = convert(value) if convert else value
        self.items.append(bindable(made))
        source = source_of(value)
        if source is not None and convert is not None:
            source = _converted(source, convert)
        self.sources.append(source)
        return Param(len(self.items) - 1)

    def pin(self, label: str, value: Any, decide: Convert) -> Any:
        """What is decided by a value: a plan holds only for values that decide the same."""
        source = source_of(value)
        if source is not None:
            self.pins.append(PlanGuard(label, origins_of(value), _converted(source, decide)))
        return decide(value)

    def template(self, operation: Operation, objects: int, roles: Roles, cost: Cost) -> "Template":
        """The plan of an operation of so many objects for these roles, whose slots these are."""
        # What a variable gave to the first request is nothing to keep.
        kept = zip(self.items, self.sources, strict=True)
        items = tuple(None if source else item for item, source in kept)
        return Template(
            operation, items, tuple(self.sources), tuple(self.pins), objects, roles, cost
        )


@dataclass(frozen=True, slots=True)
class Template:
    """A plan for all variables that decide the same, and for whoever may read all of it.

    `pins` tell what the variables decide.
    """

    operation: Operation
    items: tuple[Any, ...]
    sources: tuple[Source | None, ...]
    pins: tuple[PlanGuard, ...]
    objects: int
    roles: Roles
    cost: Cost
    constant: bool = False
    """Whether it asks for the schema alone."""

    def fill(self, coerced: Coerced) -> Sequence[Any]:
        """The values of the slots for these variables; raises RequestError."""
        return [
            item if source is None else bindable(source(coerced))
            for item, source in zip(self.items, self.sources, strict=True)
        ]


def nth(read: Callable[[str], tuple[Any, ...]], index: int) -> Convert:
    return lambda given: read(given)[index]


def _converted(source: Source, convert: Convert) -> Source:
    return lambda coerced: convert(source(coerced))


def bindable(value: Any) -> Any:
    """A value as psycopg2 binds it; raises InvalidValue for what PostgreSQL cannot represent."""
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
    """Refuse text that PostgreSQL cannot hold: NUL, or halves of a surrogate pair."""
    if "\0" in value:
        raise InvalidValue("A text cannot contain the character U+0000.")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidValue("A text cannot contain half of a surrogate pair.") from None


def _as_stored(value: Any) -> Any:
    """A name or an identifier, or a list of them, as the database has it: in its normal form."""
    if isinstance(value, list):
        return [_as_stored(item) for item in value]
    return normal_text(value) if isinstance(value, str) else value


def _spelled(attribute: str) -> Convert:
    """Makes a list of the texts as which the database may have those that are given."""

    def convert(given: Any) -> list[str]:
        texts = given if isinstance(given, list) else [given]
        return sorted({each for text in texts for each in spellings(attribute, text)})

    return convert


class ArgumentReader:
    """Turns the coerced arguments of fields into nodes; GraphQL names into attributes."""

    def __init__(
        self,
        attributes: Mapping[str, Mapping[str, str]],
        values: Values,
        require: Require,
        reach: Callable[[Entity], None],
        limits: Limits,
    ) -> None:
        self._attributes = attributes
        self._values = values
        self._require = require
        self._reach = reach
        self._limits = limits
        self._depth = 0
        self._conditions = 0

    # ------------------------------------------------------------ filters

    def shown(self, entity: Entity, given: Mapping[str, Any]) -> Condition | None:
        """Which rows a connection of these arguments shows: by its filter, its view, and as of when."""
        asked = self.condition(entity, given.get("filter"))
        parts = [] if asked is None else [asked]
        known: Condition | None = None
        if given.get("asOf") is not None:
            self._require(entity.name, "recordTime")
            known = Compare("record_time", "lte", self._values.add(given["asOf"]))
            parts.append(known)
        view = given.get("view")
        if view is not None and view.value == "current":
            self._require(entity.name, "corrections")
            parts.append(Related("corrections", "none", known or All(())))
        if not parts:
            return None
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def condition(self, entity: Entity, given: Mapping[str, Any] | None) -> Condition | None:
        """The condition of a filter object; None where it asks nothing."""
        if given is None:
            return None
        self._reach(entity)
        self._depth += 1
        if self._depth > self._limits.filter_depth:
            deepest = self._limits.filter_depth
            raise DocumentTooLarge(f"Filters are nested deeper than {deepest} levels.")
        self._count()
        parts = [self._part(entity, name, value) for name, value in given.items()]
        self._depth -= 1
        asked = [part for part in parts if part is not None]
        if not asked:
            return None
        return asked[0] if len(asked) == 1 else All(tuple(asked))

    def _count(self) -> None:
        self._conditions += 1
        if self._conditions > self._limits.conditions:
            most = self._limits.conditions
            raise DocumentTooLarge(f"Filters have more than {most} members and objects.")

    def _part(self, entity: Entity, name: str, value: Any) -> Condition | None:
        if value is None:
            return None
        self._count()
        if name in ("and", "or"):
            every = tuple(self.condition(entity, item) or All(()) for item in value)
            return All(every) if name == "and" else AnyOf(every)
        if name == "not":
            return Not(self.condition(entity, value) or All(()))
        self._require(entity.name, name)
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

    def _comparisons(
        self, attribute: str, operators: Mapping[str, Any], convert: Convert | None = None
    ) -> Condition:
        parts: list[Condition] = []
        named = attribute in NAMES or attribute in IDENTIFIERS
        for operator, operand in operators.items():
            if operand is None:
                raise InvalidValue(
                    f"`{operator}` cannot compare with null: use `isNull` or leave it out."
                )
            if operator == "isNull":
                parts.append(IsNull(attribute, operand))
            else:
                # `contains` looks for a part of a text, as it is.
                is_text = named and operator in ("eq", "in")
                parts.append(
                    self._same_text(attribute, operator, operand)
                    if is_text
                    # The schema allows no operator but those of Compare.
                    else Compare(attribute, operator, self._values.add(operand, convert))  # type: ignore[arg-type]
                )
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def _same_text(self, attribute: str, operator: str, operand: Any) -> Compare:
        """A comparison with names or identifiers as the database has them.

        Only where a text may be stored in two spellings, `eq` is more than that, which no index orders.
        """

        def is_one(given: Any) -> bool:
            return len(spellings(attribute, given)) == 1

        if operator == "eq" and (
            attribute not in SCHEMES or self._values.pin(attribute, operand, is_one)
        ):
            return Compare(attribute, "eq", self._values.add(operand, normal_text))
        return Compare(attribute, "in", self._values.add(operand, _spelled(attribute)))

    def _ids(self, entity: Entity, operators: Mapping[str, Any]) -> Condition:
        def convert(given: Any) -> Any:
            if isinstance(given, list):
                return [self.key_of(entity, item) for item in given]
            return self.key_of(entity, given)

        return self._comparisons(entity.key, operators, convert)

    def key_of(self, entity: Entity, global_id: str) -> int:
        """The primary key in a global id of this entity; raises InvalidId."""
        return read_global_id(global_id, [entity.name])[1]

    # ------------------------------------------------------------ orders and cursors

    def order(self, entity: Entity, given: list[Mapping[str, Any]] | None) -> tuple[Order, ...]:
        """The order terms asked for, and the primary key to break ties."""
        terms: dict[str, Order] = {}
        for term in given or ():
            attribute = term["field"].value
            self._require(entity.name, self._field_of(entity, attribute))
            terms.setdefault(attribute, Order(attribute, term["direction"].value == "DESC"))
        descending = bool(terms) and [*terms.values()][-1].descending
        for key in entity.keys:
            terms.setdefault(key, Order(key, descending))
        return tuple(terms.values())

    def _field_of(self, entity: Entity, attribute: str) -> str:
        attributes = self._attributes[entity.name].items()
        return next(field for field, shown in attributes if shown == attribute)

    def position(
        self, entity: Entity, scope: str, order: tuple[Order, ...], cursor: str | None
    ) -> Position | None:
        """The position a cursor stands for; raises InvalidCursor."""
        if cursor is None:
            return None
        columns = [entity.column(term.column) for term in order]
        types = [column.type.python_type for column in columns]

        def read(given: str) -> tuple[Any, ...]:
            values = read_cursor(given, scope, types)
            for column, value in zip(columns, values, strict=True):
                if value is None and not column.nullable:
                    raise InvalidCursor("This is not a cursor.")
            return values

        nulls = self._values.pin(scope, cursor, lambda given: tuple(v is None for v in read(given)))
        try:
            return Position(
                tuple(
                    None if null else self._values.add(cursor, nth(read, i))
                    for i, null in enumerate(nulls)
                )
            )
        except InvalidValue:
            raise InvalidCursor("This is not a cursor.") from None

    # ------------------------------------------------------------ keys

    def keys(self, entity: Entity, by: Mapping[str, Any]) -> tuple[tuple[str, Param], ...]:
        """Columns and values of a @oneOf key: an id, one column, or an object of columns."""
        ((name, value),) = by.items()
        if value is None:
            raise InvalidValue(f"`{name}` must not be null.")
        for part in value if isinstance(value, Mapping) else (name,):
            self._require(entity.name, part)
        if name == "id":
            return ((entity.key, self._values.add(value, lambda it: self.key_of(entity, it))),)
        if isinstance(value, Mapping):
            return tuple(
                (self._attributes[entity.name][part], self._values.add(item, _as_stored))
                for part, item in value.items()
            )
        return ((self._attributes[entity.name][name], self._values.add(value, _as_stored)),)
