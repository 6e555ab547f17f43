"""The pages of the GraphQL schema, from the SDL that a test compares with the code."""

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from pathlib import Path

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLType,
    Undefined,
    build_schema,
    get_named_type,
    print_ast,
)
from graphql.utilities import ast_from_value

from docs.generator.markdown import paragraph, table

_SDL = Path(__file__).parents[2] / "graph" / "schema.graphql"
_ROOTS = {"Query": "queries", "Mutation": "mutations", "Subscription": "queries"}
_STANDARD = ("String", "Int", "Float", "Boolean", "ID")


@lru_cache(1)
def read_schema() -> GraphQLSchema:
    """Return the schema as `graph/schema.graphql` has it."""
    return build_schema(_SDL.read_text(encoding="utf-8"))


def _page_of(type_: GraphQLNamedType) -> str:
    """Return the page that a type is described on."""
    if type_.name in _ROOTS:
        return _ROOTS[type_.name]
    if isinstance(type_, GraphQLInputObjectType):
        return "inputs"
    if isinstance(type_, GraphQLEnumType | GraphQLScalarType):
        return "values"
    if type_.name.endswith("Payload") or type_.name == "UserError":
        return "payloads"
    return "connections" if type_.name.endswith(("Connection", "Edge")) else "objects"


def _types_of(page: str) -> list[GraphQLNamedType]:
    found = [
        type_
        for name, type_ in read_schema().type_map.items()
        if not name.startswith("__") and name not in _STANDARD and _page_of(type_) == page
    ]
    return sorted(found, key=lambda type_: type_.name)


def _link(type_: GraphQLType, page: str) -> str:
    """Return a type's notation as a link to where its name is described."""
    named = get_named_type(type_)
    if named.name in _STANDARD:
        return f"`{type_}`"
    target = _page_of(named)
    return f"[`{type_}`]({'' if target == page else f'{target}.md'}#{named.name.lower()})"


def _argument(name: str, argument: GraphQLArgument, page: str) -> str:
    default = _default(argument)
    told = paragraph(argument.description)
    return f"- `{name}`: {_link(argument.type, page)}{default} {told}".rstrip()


def _default(argument: GraphQLArgument | GraphQLInputField) -> str:
    value = argument.default_value
    if value is Undefined or value is None:
        return ""
    node = ast_from_value(value, argument.type)
    return f" = `{print_ast(node)}`" if node else ""


def _root_field(name: str, field: GraphQLField, page: str) -> str:
    lines = [f"\n## {name}\n", f"{paragraph(field.description)}\n"]
    lines.append(f"Returns {_link(field.type, page)}.\n")
    lines += _deprecation(field.deprecation_reason)
    if field.args:
        lines.append("Arguments:\n")
        lines += [_argument(key, argument, page) for key, argument in field.args.items()]
    return "\n".join(lines)


def _deprecation(reason: str | None) -> list[str]:
    return [f"**Deprecated.** {paragraph(reason)}\n"] if reason else []


def _described(type_: GraphQLNamedType, page: str) -> str:
    lines = [f"\n## {type_.name}\n"]
    if type_.description:
        lines.append(f"{paragraph(type_.description)}\n")
    if isinstance(type_, GraphQLObjectType) and type_.interfaces:
        told = ", ".join(_link(each, page) for each in type_.interfaces)
        lines.append(f"Implements {told}.\n")
    lines.append(_members(type_, page))
    return "\n".join(lines)


def _members(type_: GraphQLNamedType, page: str) -> str:
    if isinstance(type_, GraphQLEnumType):
        values = type_.values.items()
        return table(
            ("value", ""), [(f"`{name}`", paragraph(found.description)) for name, found in values]
        )
    if isinstance(type_, GraphQLScalarType):
        url = type_.specified_by_url
        return f"Specified by <{url}>." if url else ""
    if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType):
        rows = [_member(name, found, page) for name, found in type_.fields.items()]
        return table(("field", "type", ""), rows)
    return ""


def _member(name: str, field: GraphQLField | GraphQLInputField, page: str) -> tuple[str, str, str]:
    arguments = field.args if isinstance(field, GraphQLField) else {}
    told = [paragraph(field.description)]
    if arguments:
        listed = ", ".join(f"`{key}`: {_link(each.type, page)}" for key, each in arguments.items())
        told.append(f"Arguments: {listed}.")
    told += _deprecation(field.deprecation_reason)
    default = _default(field) if isinstance(field, GraphQLInputField) else ""
    return f"`{name}`", f"{_link(field.type, page)}{default}", " ".join(told)


def _root_page(root: str, introduction: str) -> Callable[[], str]:
    def page() -> str:
        type_ = read_schema().type_map[root]
        assert isinstance(type_, GraphQLObjectType)
        fields = (
            _root_field(name, found, _ROOTS[root]) for name, found in sorted(type_.fields.items())
        )
        return "\n".join((introduction, *fields))

    return page


def _types_page(name: str, introduction: str) -> Callable[[], str]:
    def page() -> str:
        sections: Iterable[str] = (_described(type_, name) for type_ in _types_of(name))
        return "\n".join((introduction, *sections))

    return page


SCHEMA_PAGES: Mapping[str, Callable[[], str]] = {
    "queries": _root_page("Query", "# Queries\n\nThe fields of `Query`."),
    "mutations": _root_page(
        "Mutation",
        "# Mutations\n\nThe fields of `Mutation`. Each returns a [payload](payloads.md) with `userErrors`.",
    ),
    "objects": _types_page("objects", "# Objects\n\nThe object types and the interface `Node`."),
    "connections": _types_page(
        "connections",
        "# Connections\n\nConnections and their edges; see [Read data](../../how-to/read.md).",
    ),
    "payloads": _types_page("payloads", "# Payloads\n\nWhat the mutations return."),
    "inputs": _types_page(
        "inputs", "# Inputs\n\nInputs of mutations, look-ups, filters and orders."
    ),
    "values": _types_page("values", "# Enums and scalars\n\nThe values of fields and arguments."),
}
