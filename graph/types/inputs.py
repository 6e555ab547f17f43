"""Filters and orders of every node type, made from its fields and its table's indexes.

A column gets the operators of its scalar, a relationship the filter of its target; ordering is
offered by every column that leads an index, so that no page ever sorts a whole table. Columns whose
type has no operators (JSON) cannot be filtered by.
"""

import dataclasses
from dataclasses import dataclass
from enum import Enum
from typing import Any

import strawberry
from sqlalchemy import PrimaryKeyConstraint, UniqueConstraint, inspect
from sqlalchemy.orm import Mapper
from strawberry.types.base import StrawberryOptional
from strawberry.types.field import StrawberryField
from strawberry.utils.str_converters import to_camel_case

from graph.types.finding import FINDING
from graph.types.node import NODE_MODELS, input_named
from graph.types.operators import OPERATORS, AuditRuleFilter, AuditSeverityFilter
from models import Base


@strawberry.enum(description="The direction of an order.")
class OrderDirection(Enum):
    ASC = strawberry.enum_value("ASC", description="Smallest first, nulls last.")
    DESC = strawberry.enum_value("DESC", description="Greatest first, nulls first.")


def make_inputs(types: dict[str, Any]) -> None:
    """Make `XFilter`, `XListFilter`, `XOrderField` and `XOrder` of each of these node types.

    They become names of this module, where lazy annotations look them up.
    """
    findings = _filter_of_findings()
    globals()[findings.__name__] = findings
    for name, cls in types.items():
        for made in (_filter(name, cls), _list_filter(name), _order(name, cls)):
            globals()[made.__name__] = made


def indexed_columns(model: type[Base]) -> list[str]:
    """Attributes whose column leads an index of this model, in the table's order.

    Foreign keys are left out: an order by the number of another object has no meaning.
    """
    mapper: Mapper[Any] = inspect(model)
    table = model.metadata.tables[model.__tablename__]
    unique = [
        c for c in table.constraints if isinstance(c, (UniqueConstraint, PrimaryKeyConstraint))
    ]
    leading = {next(iter(index.columns), None) for index in (*table.indexes, *unique)}
    shown = (column for column in table.c if column in leading and not column.foreign_keys)
    return [mapper.get_property_by_column(column).key for column in shown]


@dataclass(frozen=True)
class _Field:
    name: str
    annotation: Any
    description: str
    default: Any = strawberry.UNSET


def _make(name: str, fields: list[_Field], description: str) -> Any:
    namespace: dict[str, Any] = {
        field.name: strawberry.field(
            name=to_camel_case(field.name.rstrip("_")),
            description=field.description,
            default=field.default,
        )
        for field in fields
    }
    namespace["__annotations__"] = {field.name: field.annotation for field in fields}
    namespace["__module__"] = __name__
    return strawberry.input(type(name, (), namespace), description=description)


def _optional(name: str, annotation: Any, description: str | None) -> _Field:
    return _Field(name, annotation | None, description or "")


def _filter(name: str, cls: Any) -> Any:
    mapper: Mapper[Any] = inspect(NODE_MODELS[name])
    same = input_named(f"{name}Filter")
    fields = [
        _optional("and_", list[same], "All of these filters match."),  # type: ignore[valid-type]
        _optional("or_", list[same], "At least one of these filters matches."),  # type: ignore[valid-type]
        _optional("not_", same, "This filter does not match."),
    ]
    for shown in cls.__strawberry_definition__.fields:
        if shown.python_name in mapper.relationships:
            if mapper.relationships[shown.python_name].mapper.class_ in NODE_MODELS.values():
                fields.append(_relationship_filter(mapper, shown))
            continue
        scalar = shown.type.of_type if isinstance(shown.type, StrawberryOptional) else shown.type
        operators: Any = OPERATORS.get(getattr(scalar, "wrapped_cls", scalar))
        if operators is not None:
            fields.append(_optional(shown.python_name, operators, shown.description))
    return _make(
        f"{name}Filter",
        fields,
        f"A filter of {name} objects, which match if all members of the filter match.",
    )


def _filter_of_findings() -> Any:
    """Return the filter of findings, which selects rules, so that no other rule is computed."""
    same = input_named(f"{FINDING}Filter")
    fields = [
        _optional("and_", list[same], "All of these filters match."),  # type: ignore[valid-type]
        _optional("or_", list[same], "At least one of these filters matches."),  # type: ignore[valid-type]
        _optional("not_", same, "This filter does not match."),
        _optional("rule", AuditRuleFilter, "The rule of the finding."),
        _optional("severity", AuditSeverityFilter, "The severity of the rule."),
    ]
    return _make(
        f"{FINDING}Filter",
        fields,
        "A filter of findings, which match if all members of the filter match.",
    )


def _relationship_filter(mapper: Mapper[Any], shown: StrawberryField) -> _Field:
    relationship = mapper.relationships[shown.python_name]
    suffix = "ListFilter" if relationship.uselist else "Filter"
    target = _entity_name(relationship.mapper.class_)
    return _optional(shown.python_name, input_named(target + suffix), shown.description)


def _entity_name(model: Any) -> str:
    return next(name for name, entity in NODE_MODELS.items() if entity is model)


def _list_filter(name: str) -> Any:
    one = input_named(f"{name}Filter")
    fields = [
        _optional("some", one, "At least one related object matches."),
        _optional("none", one, "No related object matches."),
        _optional("every", one, "All related objects match; true if there are none."),
    ]
    return _make(f"{name}ListFilter", fields, f"A filter by the related {name} objects.")


def _ordering(field: StrawberryField) -> str:
    """Return the description of an order by a field."""
    type_ = field.type.of_type if isinstance(field.type, StrawberryOptional) else field.type
    named = " Values are sorted by name, from A to Z." if hasattr(type_, "wrapped_cls") else ""
    return f"{field.description or ''}{named}"


def _order(name: str, cls: Any) -> Any:
    shown = {f.python_name: _ordering(f) for f in cls.__strawberry_definition__.fields}
    members = {
        column.upper(): strawberry.enum_value(column, description=shown[column])
        for column in indexed_columns(NODE_MODELS[name])
        # A column without a field has no order, because an order reveals its values.
        if column in shown
    }
    named: Any = Enum(f"{name}OrderField", members)  # type: ignore[misc]
    order_field = strawberry.enum(
        named,
        description=f"The columns by which {name} objects can be sorted, which are those that lead an index.",
    )
    fields = [
        _Field("field", order_field, "The column.", dataclasses.MISSING),
        _Field("direction", OrderDirection, "The direction.", OrderDirection.ASC),
    ]
    return _make(
        f"{name}Order",
        fields,
        f"A term to sort {name} objects by. Equal objects are sorted by number, in the direction of the last term.",
    )
