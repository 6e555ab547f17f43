"""Filter arguments -> conditions; GraphQL names -> ORM attributes."""

from collections.abc import Mapping
from typing import Any

from graph.admission.limits import Limits
from graph.errors import DocumentTooLarge, InvalidValue
from graph.pagination import read_global_id
from graph.planner.arguments.fields import FieldUse
from graph.planner.entity import Entity
from graph.planner.nodes import (
    All,
    AnyOf,
    Compare,
    Condition,
    IsNull,
    Not,
    Quantifier,
    Related,
)
from graph.planner.parameters import Convert, Parameters
from models.texts.normal_form import IDENTIFIERS, NAMES, normal_text
from models.texts.schemes import ATTRIBUTES as SCHEMES
from models.texts.schemes import spellings

QUANTIFIERS: tuple[Quantifier, ...] = ("some", "none", "every")


class FilterReader:
    """Reads the filters of one operation, and counts their members and levels."""

    def __init__(
        self,
        attributes: Mapping[str, Mapping[str, str]],
        parameters: Parameters,
        uses: FieldUse,
        limits: Limits,
    ) -> None:
        self._attributes = attributes
        self._comparisons = ComparisonReader(parameters)
        self._parameters = parameters
        self._uses = uses
        self._limits = limits
        self._depth = 0
        self._conditions = 0

    def rows(self, entity: Entity, arguments: Mapping[str, Any]) -> Condition | None:
        """Return the condition of a connection's rows: its `filter`, `asOf` and `view`."""
        condition = self.condition(entity, arguments.get("filter"))
        parts = [] if condition is None else [condition]
        known: Condition | None = None
        if arguments.get("asOf") is not None:
            self._uses.require(entity.name, "recordTime")
            known = Compare("record_time", "lte", self._parameters.add(arguments["asOf"]))
            parts.append(known)
        view = arguments.get("view")
        if view is not None and view.value == "current":
            self._uses.require(entity.name, "corrections")
            parts.append(Related("corrections", "none", known or All(())))
        if not parts:
            return None
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def condition(self, entity: Entity, members: Mapping[str, Any] | None) -> Condition | None:
        """Return the condition of a filter object; None if it has no members.

        Raises DocumentTooLarge for a filter with too many levels or members.
        """
        if members is None:
            return None
        self._uses.reach(entity)
        self._depth += 1
        if self._depth > self._limits.filter_depth:
            deepest = self._limits.filter_depth
            raise DocumentTooLarge(f"Filters are nested deeper than {deepest} levels.")
        self._count()
        parts = [self._member(entity, name, value) for name, value in members.items()]
        self._depth -= 1
        conditions = [part for part in parts if part is not None]
        if not conditions:
            return None
        return conditions[0] if len(conditions) == 1 else All(tuple(conditions))

    def _count(self) -> None:
        self._conditions += 1
        if self._conditions > self._limits.conditions:
            most = self._limits.conditions
            raise DocumentTooLarge(f"Filters have more than {most} members and objects.")

    def _member(self, entity: Entity, name: str, value: Any) -> Condition | None:
        if value is None:
            return None
        self._count()
        if name in ("and", "or"):
            every = tuple(self.condition(entity, item) or All(()) for item in value)
            return All(every) if name == "and" else AnyOf(every)
        if name == "not":
            return Not(self.condition(entity, value) or All(()))
        self._uses.require(entity.name, name)
        if name == "id":
            return self._comparisons.ids(entity, value)
        attribute = self._attributes[entity.name][name]
        if entity.relates(attribute):
            return self._related(entity, attribute, value)
        return self._comparisons.read(attribute, value)

    def _related(self, entity: Entity, attribute: str, members: Mapping[str, Any]) -> Condition:
        target = entity.target(attribute)
        if not entity.relationship(attribute).uselist:
            return Related(attribute, "some", self.condition(target, members) or All(()))
        parts = tuple(
            Related(attribute, quantifier, self.condition(target, members[quantifier]) or All(()))
            for quantifier in QUANTIFIERS
            if members.get(quantifier) is not None
        )
        return parts[0] if len(parts) == 1 else All(parts)


class ComparisonReader:
    """Reads the operators of one member of a filter."""

    def __init__(self, parameters: Parameters) -> None:
        self._parameters = parameters

    def read(
        self, attribute: str, operators: Mapping[str, Any], convert: Convert | None = None
    ) -> Condition:
        """Return the condition of all operators; raises InvalidValue for a comparison with null."""
        parts: list[Condition] = []
        normalized = attribute in NAMES or attribute in IDENTIFIERS
        for operator, operand in operators.items():
            if operand is None:
                raise InvalidValue(
                    f"`{operator}` cannot compare with null: use `isNull` or leave it out."
                )
            if operator == "isNull":
                parts.append(IsNull(attribute, operand))
            elif normalized and operator in ("eq", "in"):
                parts.append(self._same_text(attribute, operator, operand))
            else:
                # The schema has no other operators than those of Compare.
                value = self._parameters.add(operand, convert)
                parts.append(Compare(attribute, operator, value))  # type: ignore[arg-type]
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def ids(self, entity: Entity, operators: Mapping[str, Any]) -> Condition:
        """Return the condition of operators over global ids."""

        def convert(operand: Any) -> Any:
            if isinstance(operand, list):
                return [key_of(entity, item) for item in operand]
            return key_of(entity, operand)

        return self.read(entity.key, operators, convert)

    def _same_text(self, attribute: str, operator: str, operand: Any) -> Compare:
        """Compare with names or identifiers in the form in which the database stores them.

        `eq` becomes `in` only for a text with two stored spellings, because an index gives the rows of
        `in` in no order.
        """

        def has_one_spelling(text: Any) -> bool:
            return len(spellings(attribute, text)) == 1

        if operator == "eq" and (
            attribute not in SCHEMES or self._parameters.guard(attribute, operand, has_one_spelling)
        ):
            return Compare(attribute, "eq", self._parameters.add(operand, normal_text))
        return Compare(attribute, "in", self._parameters.add(operand, _spelled(attribute)))


def key_of(entity: Entity, global_id: str) -> int:
    """Return the primary key in a global id of this entity; raises InvalidId."""
    return read_global_id(global_id, [entity.name])[1]


def _spelled(attribute: str) -> Convert:
    """Return the function that makes the list of stored spellings of one or more texts."""

    def convert(operand: Any) -> list[str]:
        texts = operand if isinstance(operand, list) else [operand]
        return sorted({each for text in texts for each in spellings(attribute, text)})

    return convert
