"""Checks of inputs that hold for all mutations: texts and numbers that PostgreSQL can store."""

from dataclasses import fields, is_dataclass
from typing import Any

import strawberry

from graph.errors import InvalidValue
from graph.planner.parameters import check_text
from models.exact_json import MAX_DIGITS, is_too_long


def provided_fields(input: Any) -> dict[str, Any]:
    """Return the members of an input that the client provided, nulls included."""
    values = {field.name: getattr(input, field.name) for field in fields(input)}
    return {name: value for name, value in values.items() if value is not strawberry.UNSET}


def check_input(value: Any) -> None:
    """Raise InvalidValue for a text or number, at any depth, that PostgreSQL cannot store."""
    if isinstance(value, str):
        check_text(value)
    elif isinstance(value, (float, int)):
        if is_too_long(value):
            raise InvalidValue(f"A number has more than {MAX_DIGITS} digits.")
    elif isinstance(value, dict):
        for name, item in value.items():
            check_text(str(name))
            check_input(item)
    elif isinstance(value, list):
        for item in value:
            check_input(item)
    elif is_dataclass(value):
        check_input(provided_fields(value))
