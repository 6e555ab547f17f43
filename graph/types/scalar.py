"""Custom scalars. Each refuses what its column cannot hold, so that no bad value reaches SQL.

Results pass through as PostgreSQL wrote them; only inputs are parsed here. Inputs leave as values
that psycopg2 binds: str, int, Decimal, date, datetime.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal as PythonDecimal
from decimal import InvalidOperation
from enum import Enum
from typing import Any, NewType

import strawberry
from graphql import GraphQLError, ValueNode, print_ast, value_from_ast_untyped
from graphql.language import (
    BooleanValueNode,
    FloatValueNode,
    IntValueNode,
    ListValueNode,
    ObjectValueNode,
    StringValueNode,
    VariableNode,
)
from strawberry.scalars import JSON
from strawberry.types.scalar import ScalarDefinition

from graph.errors import InvalidValue, refuse
from models.exact_json import MAX_DIGITS as JSON_DIGITS
from models.exact_json import MAX_LEVELS, number
from models.texts.gtin import GtinNotDigits, InvalidGtin, gtin14
from models.texts.instants import read_instant

Date = NewType("Date", str)
DateTime = NewType("DateTime", str)
Decimal = NewType("Decimal", str)
BigInt = NewType("BigInt", int)
GTIN = NewType("GTIN", str)
CountryCode = NewType("CountryCode", str)

__all__ = ["GTIN", "JSON", "SCALARS", "BigInt", "CountryCode", "Date", "DateTime", "Decimal"]

MAX_SAFE_INTEGER = 2**53 - 1
_MAX_DIGITS = 50
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
DATE_TIME = re.compile(DATE.pattern + "[Tt ]")
DECIMAL = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
NESTED = (dict, list, ListValueNode, ObjectValueNode)
SHORTEN = 40


def _reject(kind: str, value: object, why: str) -> GraphQLError:
    shown = repr(value)
    if len(shown) > SHORTEN:
        shown = shown[:SHORTEN] + "..."
    return GraphQLError(f"{kind} cannot represent {shown}: {why}")


def parse_date(value: Any) -> date:
    """ISO 8601 calendar date, YYYY-MM-DD."""
    if not isinstance(value, str) or not DATE.fullmatch(value):
        raise _reject("Date", value, "expected YYYY-MM-DD.")
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise _reject("Date", value, "there is no such day in the calendar.") from None


def parse_datetime(value: Any) -> datetime:
    """RFC 3339 date-time to the microsecond; an offset or Z is required, the result is in UTC."""
    if not isinstance(value, str) or not DATE_TIME.match(value):
        raise _reject("DateTime", value, "expected RFC 3339, like 2026-03-01T09:30:00Z.")
    try:
        return read_instant(value)
    except ValueError as error:
        raise _reject("DateTime", value, f"{error}.") from None


def parse_decimal(value: Any) -> PythonDecimal:
    """Return a finite decimal number, as a string or a number, of at most 50 digits."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise _reject("Decimal", value, 'expected a decimal number, like "1250.5".')
    if not DECIMAL.fullmatch(str(value)):
        raise _reject("Decimal", value, 'expected a finite decimal number, like "1250.5".')
    try:
        number = PythonDecimal(str(value))
    except InvalidOperation:
        raise _reject("Decimal", value, "its exponent is out of range.") from None
    before, after = max(number.adjusted() + 1, 1), max(-int(number.as_tuple().exponent), 0)
    if before + after > _MAX_DIGITS:
        raise _reject("Decimal", value, f"the number has more than {_MAX_DIGITS} digits.")
    return number


def parse_bigint(value: Any) -> int:
    """Return a whole number whose absolute value JSON numbers carry exactly (up to 2^53 - 1)."""
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,16}", value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > MAX_SAFE_INTEGER:
        raise _reject("BigInt", value, "expected a whole number up to 2^53 - 1.")
    return value


def parse_gtin(value: Any) -> str:
    """GTIN-8, -12, -13 or -14 with a right check digit; the result has 14 digits."""
    if not isinstance(value, str):
        raise _reject("GTIN", value, "expected a string of digits.")
    try:
        return gtin14(value)
    except GtinNotDigits:
        raise _reject("GTIN", value, "expected a string of digits.") from None
    except InvalidGtin as error:
        raise _reject("GTIN", value, f"{error}.") from None


def parse_country(value: Any) -> str:
    """Two capital letters; the database knows which of them ISO 3166-1 assigns."""
    if not isinstance(value, str) or not re.fullmatch("[A-Z]{2}", value):
        raise _reject("CountryCode", value, "expected two capital letters, like CI.")
    return value


def parse_json(value: Any) -> Any:
    """Any value of JSON of at most 64 levels."""
    _refuse_deep(value)
    return value


def _parse_json_literal(node: ValueNode, variables: Any = None) -> Any:
    _refuse_deep(node, [node])
    return parse_json(_untyped(node, variables or {}))


def _untyped(node: ValueNode, variables: Mapping[str, Any]) -> Any:
    """Return the JSON value of a literal; a member whose variable is absent is absent too."""
    match node:
        case FloatValueNode(value=text):
            return number(text)
        case ListValueNode(values=nodes):
            return [
                None if _is_absent(each, variables) else _untyped(each, variables) for each in nodes
            ]
        case ObjectValueNode(fields=fields):
            return {
                field.name.value: _untyped(field.value, variables)
                for field in fields
                if not _is_absent(field.value, variables)
            }
        case VariableNode():
            return _plain(variables[node.name.value])
    return value_from_ast_untyped(node)


def _is_absent(node: ValueNode, variables: Mapping[str, Any]) -> bool:
    return isinstance(node, VariableNode) and node.name.value not in variables


def _plain(value: Any) -> Any:
    """Return the JSON value of a variable, whatever type it was declared with."""
    match value:
        case PythonDecimal():
            return number(str(value))
        case date():
            return value.isoformat()
        case Enum():
            return value.name
        case dict():
            return {name: _plain(item) for name, item in value.items()}
        case list():
            return [_plain(item) for item in value]
    return value


def _refuse_deep(value: Any, nodes: list[ValueNode] | None = None) -> None:
    level, levels = [value], 0
    while level := [each for each in level if isinstance(each, NESTED)]:
        levels += 1
        if levels > MAX_LEVELS:
            message = f"JSON is nested deeper than {MAX_LEVELS} levels."
            raise refuse(InvalidValue(message), nodes)
        level = [part for each in level for part in _parts_of(each)]


def _parts_of(value: Any) -> Iterable[Any]:
    if isinstance(value, ObjectValueNode):
        return [field.value for field in value.fields]
    parts: Iterable[Any] = value.values() if isinstance(value, dict) else value
    return value.values if isinstance(value, ListValueNode) else parts


def _parse_literal(parse: Callable[[Any], Any]) -> Callable[[ValueNode, Any], Any]:
    """Parse the literal's own text: going by float would lose digits of a decimal."""

    def parse_literal(node: ValueNode, _variables: Any = None) -> Any:
        value: Any = print_ast(node)
        if isinstance(node, (StringValueNode, FloatValueNode, BooleanValueNode)):
            value = node.value
        elif isinstance(node, IntValueNode) and len(node.value) <= SHORTEN:
            value = int(node.value)
        try:
            return parse(value)
        except GraphQLError as error:
            raise GraphQLError(error.message, node) from None

    return parse_literal


def _scalar(name: str, url: str, parse: Callable[[Any], Any], description: str) -> ScalarDefinition:
    return strawberry.scalar(
        name=name,
        description=description,
        specified_by_url=url,
        serialize=lambda value: value,
        parse_value=parse,
        parse_literal=_parse_literal(parse),
    )


JSON_STANDARD = (
    "https://ecma-international.org/wp-content/uploads/ECMA-404_2nd_edition_december_2017.pdf"
)
SCALARS: dict[object, ScalarDefinition] = {
    JSON: strawberry.scalar(
        name="JSON",
        description=f"The `JSON` scalar type represents JSON values as specified by [ECMA-404]({JSON_STANDARD})."
        f" Numbers keep every digit, at most {JSON_DIGITS}; lists and objects nest to {MAX_LEVELS} levels.",
        specified_by_url=JSON_STANDARD,
        serialize=lambda value: value,
        parse_value=parse_json,
        parse_literal=_parse_json_literal,
    ),
    Date: _scalar(
        "Date",
        "https://scalars.graphql.org/andimarek/local-date.html",
        parse_date,
        "A calendar date without a time, ISO 8601: YYYY-MM-DD.",
    ),
    DateTime: _scalar(
        "DateTime",
        "https://scalars.graphql.org/andimarek/date-time.html",
        parse_datetime,
        "A point in time, RFC 3339 with an offset; results are in UTC (+00:00).",
    ),
    Decimal: _scalar(
        "Decimal",
        "https://speleotrove.com/decimal/daconvs.html",
        parse_decimal,
        "An exact decimal number as a string; inputs may also be JSON numbers. Never NaN or infinite.",
    ),
    BigInt: _scalar(
        "BigInt",
        "https://www.rfc-editor.org/rfc/rfc8259#section-6",
        parse_bigint,
        "A whole number up to 2^53 - 1, as a JSON number.",
    ),
    GTIN: _scalar(
        "GTIN",
        "https://www.gs1.org/standards/id-keys/gtin",
        parse_gtin,
        "A GS1 Global Trade Item Number. Inputs have 8, 12, 13 or 14 digits with a right check "
        "digit; results have 14, padded with zeros on the left.",
    ),
    CountryCode: _scalar(
        "CountryCode",
        "https://www.iso.org/iso-3166-country-codes.html",
        parse_country,
        "A country by its ISO 3166-1 alpha-2 code, in capitals.",
    ),
}
