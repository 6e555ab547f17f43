"""Filters, decided row by row in two-valued logic: null satisfies nothing but `isNull: true`."""

import operator
from collections.abc import Callable
from typing import Any

import models
from tests.http.oracle.oracle_rows import Rows, key_of, type_name
from tests.http.oracle.oracle_scalars import global_id, search_key

Filter = dict[str, Any]

COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "in": lambda value, listed: value in listed,
    "contains": lambda value, term: search_key(term) in search_key(value),
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}


def matches(rows: Rows, row: models.Base, filter_: Filter) -> bool:
    """Return whether all conditions hold; a null condition is ignored."""
    return all(
        holds(rows, row, name, condition)
        for name, condition in filter_.items()
        if condition is not None
    )


def holds(rows: Rows, row: models.Base, name: str, condition: Any) -> bool:
    if name in {"and", "or"}:
        parts = [matches(rows, row, part) for part in condition]
        return all(parts) if name == "and" else any(parts)
    if name == "not":
        return not matches(rows, row, condition)
    if name == "id":
        return compare(global_id(type_name(row), key_of(row)), condition)
    if rows.is_one(type_name(row), name):
        related = rows.one(row, name)
        return related is not None and matches(rows, related, condition)
    if rows.is_many(type_name(row), name):
        return matches_list(rows, [edge.row for edge in rows.many(row, name)], condition)
    return compare(rows.column(row, name), condition)


def matches_list(rows: Rows, related: list[models.Base], condition: Filter) -> bool:
    decide: dict[str, Callable[[list[bool]], bool]] = {
        "some": any,
        "every": all,
        "none": lambda found: not any(found),
    }
    return all(
        decide[quantifier]([matches(rows, row, filter_) for row in related])
        for quantifier, filter_ in condition.items()
        if filter_ is not None
    )


def compare(value: Any, operators: Filter) -> bool:
    for name, operand in operators.items():
        if name == "isNull":
            if (value is None) != operand:
                return False
        elif value is None or not COMPARISONS[name](value, operand):
            return False
    return True
