"""Writes JSON values into a document: as literals, or through variables of every legal form."""

import json
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
)

from tests.http.oracle.documents_values import Values


class Literals:
    """The variables of one document so far."""

    def __init__(self, values: Values, variable_chance: float) -> None:
        self.declared: dict[str, str] = {}
        self.variables: dict[str, Any] = {}
        self._values = values
        self._chance = variable_chance

    def write(self, value: Any, kind: GraphQLInputType, must: bool = False) -> str:
        """Return a value at a position of this type; `must` where null is refused though the type allows it."""
        if self._values.chance(self._chance) and not (must and value is None):
            return self.variable(value, kind, must)
        return self._literal(value, kind)

    def variable(self, value: Any, kind: GraphQLInputType, must: bool = False) -> str:
        """Return a variable with this value: required, nullable, or by its default."""
        base = kind.of_type if isinstance(kind, GraphQLNonNull) else kind
        if value is None:
            return self._declare(f"{base}", value)
        default = write_constant(value, base)
        strict = must or isinstance(kind, GraphQLNonNull)
        sent = self._unwrap_one(value, base)
        form = self._values.rng.randrange(5)
        if form == 0 and not strict:
            return self._declare(f"{base}", sent)
        if form == 1 and not must:
            return self._declare_default(f"{base} = {default}")
        if form == 2:
            return self._declare_default(f"{base}! = {default}")
        if form == 3 and not must:
            return self._declare(f"{base} = {default}", sent)
        return self._declare(f"{base}!", sent)

    def omitted(self, kind: GraphQLInputType) -> str:
        """Return a nullable variable that the request leaves out."""
        base = kind.of_type if isinstance(kind, GraphQLNonNull) else kind
        return self._declare_default(f"{base}")

    def _literal(self, value: Any, kind: GraphQLInputType) -> str:
        if isinstance(kind, GraphQLNonNull):
            return self._literal(value, kind.of_type)
        if value is None:
            return "null"
        if isinstance(kind, GraphQLList):
            if len(value) == 1 and self._values.chance(0.15):
                return self._literal(value[0], kind.of_type)
            return "[" + ", ".join(self.write(item, kind.of_type) for item in value) + "]"
        if isinstance(kind, GraphQLInputObjectType):
            return "{" + ", ".join(self._members(value, kind)) + "}"
        return write_leaf(value, kind)

    def _members(self, value: dict[str, Any], kind: GraphQLInputObjectType) -> list[str]:
        members = [
            f"{name}: {self.write(item, kind.fields[name].type, kind.is_one_of)}"
            for name, item in value.items()
        ]
        absent = [name for name in kind.fields if name not in value and is_optional(kind, name)]
        if absent and self._values.chance(0.04):
            name = self._values.rng.choice(absent)
            members.append(f"{name}: {self.omitted(kind.fields[name].type)}")
        return members

    def _unwrap_one(self, value: Any, kind: GraphQLInputType) -> Any:
        """Return a list of one may be sent without its brackets."""
        if isinstance(kind, GraphQLList) and len(value) == 1 and self._values.chance(0.15):
            return value[0]
        return value

    def _declare(self, declaration: str, value: Any) -> str:
        for name, other in self.declared.items():
            same = name in self.variables and json.dumps(self.variables[name]) == json.dumps(value)
            if other == declaration and same and self._values.chance(0.7):
                return f"${name}"
        reference = self._new(declaration)
        self.variables[reference[1:]] = value
        return reference

    def _declare_default(self, declaration: str) -> str:
        for name, other in self.declared.items():
            if other == declaration and name not in self.variables and self._values.chance(0.7):
                return f"${name}"
        return self._new(declaration)

    def _new(self, declaration: str) -> str:
        name = f"v{len(self.declared)}"
        self.declared[name] = declaration
        return f"${name}"


def is_optional(kind: GraphQLInputObjectType, name: str) -> bool:
    field = kind.fields[name]
    has_default = field.ast_node is not None and field.ast_node.default_value is not None
    return not kind.is_one_of and (has_default or not isinstance(field.type, GraphQLNonNull))


def write_constant(value: Any, kind: GraphQLInputType) -> str:
    """Return a literal without variables."""
    if isinstance(kind, GraphQLNonNull):
        return write_constant(value, kind.of_type)
    if value is None:
        return "null"
    if isinstance(kind, GraphQLList):
        return "[" + ", ".join(write_constant(item, kind.of_type) for item in value) + "]"
    if isinstance(kind, GraphQLInputObjectType):
        members = (
            f"{name}: {write_constant(value[name], kind.fields[name].type)}" for name in value
        )
        return "{" + ", ".join(members) + "}"
    return write_leaf(value, kind)


def write_leaf(value: Any, kind: GraphQLInputType) -> str:
    if isinstance(kind, GraphQLEnumType):
        return str(value)
    return json.dumps(value, ensure_ascii=False)
