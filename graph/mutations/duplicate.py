"""Rejects the creation of an object that equals another one and has no unique key."""

import json
from collections.abc import Mapping
from typing import Any

import strawberry
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session
from strawberry.utils.str_converters import to_camel_case

from graph.planner.entity import entity_of
from models import Base
from models.errors import Duplicate

ALLOW_DUPLICATE = "Create it even if an equal one exists; without this, that is an error DUPLICATE."


def allow_duplicate() -> Any:
    """Declare the member of an input that allows an equal second object."""
    return strawberry.field(description=ALLOW_DUPLICATE, default=False)


def refuse_duplicate(
    session: Session,
    model: type[Base],
    values: Mapping[str, Any],
    key: tuple[str, ...],
    unkeyed: str | None = None,
) -> None:
    """Raise Duplicate if a row has these values of `key`, and null in the column `unkeyed`.

    `unkeyed` is a column that is unique but may be null, such as a GTIN. As in an import, a new object
    with a value for it is taken for the only row without one; with several such rows, it is new. A lock
    on the key orders concurrent creations of equal objects.
    """
    entity = entity_of(model)
    same = {name: values.get(name) for name in key}
    name = json.dumps([entity.name, same], default=str)
    session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))
    conditions = [_equals(entity.column(name), value) for name, value in same.items()]
    number = entity.column(entity.key)
    if unkeyed is not None:
        conditions.append(entity.column(unkeyed).is_(None))
    found = session.scalars(select(number).where(*conditions).order_by(number).limit(2)).all()
    keyed = unkeyed is not None and values.get(unkeyed) is not None
    if not found or (keyed and len(found) > 1):
        return
    shown = ", ".join(to_camel_case(each) for each in key)
    raise Duplicate(
        f"{entity.name} {found[0]} has the same {shown}. Use it, or set allowDuplicate to make"
        " another one.",
        key[0],
    )


def _equals(column: Any, value: Any) -> ColumnElement[bool]:
    """Return a condition of equality, also of nulls, that an index can serve."""
    condition: ColumnElement[bool] = column.is_(None) if value is None else column == value
    return condition
