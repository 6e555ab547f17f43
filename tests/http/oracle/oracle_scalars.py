"""Scalars as the API writes and reads them, written a second time in the plainest way."""

import base64
import unicodedata
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from graphql import GraphQLScalarType, GraphQLSchema, ValueNode

PARSERS: dict[str, Callable[[Any], Any]] = {
    "Date": date.fromisoformat,
    "DateTime": datetime.fromisoformat,
    "Decimal": lambda value: Decimal(str(value)),
    "BigInt": int,
    "GTIN": lambda value: str(value).rjust(14, "0"),
    "CountryCode": str,
}
# The letters PostgreSQL's unaccent replaces that do not decompose into a letter and an accent.
REPLACED = str.maketrans(
    {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ł": "l", "\u0131": "i", "\u2019": "'"}
)


def adopt(schema: GraphQLSchema) -> None:
    """Give the custom scalars of a schema built from SDL their parsers."""
    for name, parse in PARSERS.items():
        scalar = schema.type_map[name]
        assert isinstance(scalar, GraphQLScalarType)
        scalar.coerce_input_value = parse
        scalar.coerce_input_literal = literal_parser(parse)


def literal_parser(parse: Callable[[Any], Any]) -> Callable[[ValueNode], Any]:
    def parse_literal(node: ValueNode) -> Any:
        return parse(node.value)  # type: ignore[attr-defined]

    return parse_literal


def shown(value: Any) -> Any:
    """Return a column's value as the answer contains it."""
    if isinstance(value, datetime):
        return show_moment(value.astimezone(UTC))
    if isinstance(value, date):
        return value.isoformat()
    return f"{value:f}" if isinstance(value, Decimal) else value


def show_moment(moment: datetime) -> str:
    """PostgreSQL's JSON: microseconds only where there are any, and no zeros behind them."""
    seconds = moment.strftime("%Y-%m-%dT%H:%M:%S")
    fraction = f".{moment.microsecond:06}".rstrip("0") if moment.microsecond else ""
    return f"{seconds}{fraction}+00:00"


def global_id(name: str, key: int) -> str:
    return base64.b64encode(f"{name}:{key}".encode()).decode()


def read_global_id(value: str) -> tuple[str, int]:
    name, _, key = base64.b64decode(value).decode().partition(":")
    return name, int(key)


def search_key(text: str) -> str:
    """Return the key that `contains` compares: without accents and case."""
    folded = unicodedata.normalize("NFKC", text).casefold().translate(REPLACED)
    decomposed = unicodedata.normalize("NFD", folded)
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))
