"""Random values that match the rows at hand: operands, filters, orders, keys.

Values are JSON, as in variables. They are always valid for the server.
"""

import random
import unicodedata
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInputType,
    get_named_type,
)

from tests.http.oracle.oracle_pages import Order
from tests.http.oracle.oracle_rows import Rows, attribute
from tests.http.oracle.oracle_scalars import global_id, shown

UNKNOWN = 2_000_000_000
HARD_TERMS = ("%", "_", "\\", "a%", "%a", "_a", "\\%", "", " ", "e", "A")
FALLBACKS: dict[str, Any] = {
    "String": "a",
    "Int": 1,
    "BigInt": 1,
    "Decimal": "1.5",
    "Date": "2025-06-01",
    "DateTime": "2025-06-01T00:00:00Z",
    "GTIN": "04006381333931",
    "CountryCode": "CI",
    "Stage": "BEANS",
    "Custody": "SEGREGATED",
    "Role": "VIEWER",
    "Boolean": True,
}


class Values:
    """Draws from one random source and one set of rows."""

    def __init__(self, rng: random.Random, rows: Rows) -> None:
        self.rng = rng
        self._rows = rows

    def chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    def node_id(self, name: str) -> str:
        """Return the global id of a row of this type; now and then of one that does not exist."""
        table = self._rows.tables[name]
        if not table or self.chance(0.1):
            return global_id(name, UNKNOWN)
        return global_id(name, self.rng.choice(list(table)))

    def by(self, kind: GraphQLInputObjectType, name: str) -> dict[str, Any]:
        """One key of a @oneOf input."""
        field = self.rng.choice(list(kind.fields))
        if field == "id":
            return {field: self.node_id(name)}
        inner = get_named_type(kind.fields[field].type)
        if isinstance(inner, GraphQLInputObjectType):
            return {field: self._key_together(inner, name)}
        return {field: self.operand(name, field, inner.name)}

    def _key_together(self, kind: GraphQLInputObjectType, name: str) -> dict[str, Any]:
        rows = [
            row
            for row in self._rows.tables[name].values()
            if all(self._rows.column(row, field) is not None for field in kind.fields)
        ]
        if rows and self.chance(0.8):
            row = self.rng.choice(rows)
            return {field: shown(self._rows.column(row, field)) for field in kind.fields}
        return {
            field: self.operand(name, field, get_named_type(definition.type).name)
            for field, definition in kind.fields.items()
        }

    def order(self, kind: GraphQLInputObjectType) -> list[dict[str, str]]:
        """`orderBy`, mostly of one term."""
        fields = get_named_type(kind.fields["field"].type)
        assert isinstance(fields, GraphQLEnumType)
        count = self.rng.choice((0, 1, 1, 1, 2, 2, 3))
        # The first is the number, which leaves no ties.
        names = list(fields.values)[0 if self.chance(0.3) else 1 :]
        terms = [{"field": name} for name in self.rng.sample(names, min(count, len(names)))]
        for term in terms:
            if self.chance(0.75):
                term["direction"] = self.rng.choice(("ASC", "DESC"))
        return terms

    def same_order(self, order: Order) -> list[dict[str, str]]:
        """`orderBy` that means this order; ascending may go without saying."""
        terms = []
        for name, descending in order:
            term = {"field": name.upper()}
            if descending or self.chance(0.5):
                term["direction"] = "DESC" if descending else "ASC"
            terms.append(term)
        return terms

    def filter(self, kind: GraphQLInputObjectType, depth: int) -> dict[str, Any]:
        """Return an `XFilter` or `XListFilter` object, at most `depth` filters deep."""
        names = list(kind.fields)
        if depth <= 0:
            names = [name for name in names if self._is_leaf(kind.fields[name].type)]
        count = min(self.rng.choice((0, 1, 1, 1, 1, 2, 2, 3)), len(names))
        return {name: self._condition(kind, name, depth) for name in self.rng.sample(names, count)}

    def _is_leaf(self, kind: GraphQLInputType) -> bool:
        inner = get_named_type(kind)
        assert isinstance(inner, GraphQLInputObjectType)
        return bool({"eq", "in"} & set(inner.fields))

    def _condition(self, kind: GraphQLInputObjectType, name: str, depth: int) -> Any:
        if self.chance(0.03):
            return None
        inner = get_named_type(kind.fields[name].type)
        assert isinstance(inner, GraphQLInputObjectType)
        if name in {"and", "or"}:
            return [self.filter(inner, depth - 1) for _ in range(self.rng.randint(0, 3))]
        if self._is_leaf(inner):
            return self._operators(inner, kind.name.removesuffix("Filter"), name)
        return self.filter(inner, depth - (0 if inner.name.endswith("ListFilter") else 1))

    def _operators(self, kind: GraphQLInputObjectType, owner: str, field: str) -> dict[str, Any]:
        count = self.rng.choice((0, 1, 1, 1, 1, 1, 2, 2))
        names = self.rng.sample(list(kind.fields), min(count, len(kind.fields)))
        scalar = get_named_type(kind.fields["eq"].type).name
        return {name: self._operator(name, owner, field, scalar) for name in names}

    def _operator(self, name: str, owner: str, field: str, scalar: str) -> Any:
        if name == "isNull":
            return self.chance(0.5)
        if name == "contains":
            return self._term(owner, field)
        if name == "in":
            count = self.rng.choice((0, 1, 1, 2, 3, 5))
            return [self.operand(owner, field, scalar) for _ in range(count)]
        return self.operand(owner, field, scalar)

    def operand(self, owner: str, field: str, scalar: str) -> Any:
        """Return a value of this column, sometimes in another notation or slightly different."""
        if field == "id":
            return self.node_id(owner)
        rows = list(self._rows.tables[owner].values())
        found = self._rows.column(self.rng.choice(rows), field) if rows else None
        if found is None:
            return FALLBACKS[scalar]
        if isinstance(found, datetime):
            return self._write_moment(found)
        return self._rewrite(shown(found), scalar)

    def _rewrite(self, value: Any, scalar: str) -> Any:
        if scalar == "Decimal" and self.chance(0.4):
            return float(value)
        if scalar in {"Int", "BigInt"} and self.chance(0.2):
            return value + self.rng.choice((-1, 1, 1000))
        if scalar == "GTIN" and value.startswith("0") and self.chance(0.4):
            return value[1:]
        if scalar == "String" and self.chance(0.2):
            return self.rng.choice((value[:3], value + "a", value.upper(), "", value[::-1]))
        return value

    def _write_moment(self, moment: datetime) -> str:
        shifted = moment + timedelta(seconds=self.rng.choice((0, 0, 0, 1, -1)))
        if self.chance(0.3):
            return shifted.astimezone(timezone(timedelta(hours=5, minutes=30))).isoformat()
        text = shifted.astimezone(UTC).isoformat()
        return text.replace("+00:00", "Z") if self.chance(0.5) else text

    def _term(self, owner: str, field: str) -> str:
        """Return a piece of a text of this column in another case, or one that LIKE could misread."""
        texts = [getattr(row, attribute(field)) for row in self._rows.tables[owner].values()]
        text = self.rng.choice(texts) if texts else None
        if not text or self.chance(0.2):
            return self.rng.choice(HARD_TERMS)
        accented = [place for place, letter in enumerate(text) if not letter.isascii()]
        start = self.rng.choice(accented) if accented else self.rng.randrange(len(text))
        term = text[start : start + self.rng.randint(1, 5)]
        term = self.rng.choice((term, term.upper(), term.lower(), without_accents(term)))
        return term if is_latin(term) else "o"


def without_accents(text: str) -> str:
    return "".join(
        letter for letter in unicodedata.normalize("NFD", text) if not unicodedata.combining(letter)
    )


def is_latin(text: str) -> bool:
    """Whether the oracle's own normalisation is sure to agree with PostgreSQL's."""
    return all(letter in " %_\\-,." or letter.isalnum() for letter in without_accents(text)) and (
        without_accents(text).isascii()
    )
