"""The schema, assembled from Query and Mutation; its SDL is committed as schema.graphql.

Fields of planned types have a resolver that only picks their response key: the planner has read the rows.
"""

from enum import Enum
from typing import Any

import strawberry
from graphql import (
    GraphQLEnumType,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    get_named_type,
)
from strawberry.schema.config import StrawberryConfig

from graph.auth.permissions import declare_roles
from graph.mutations import PAYLOADS, Mutation
from graph.planner.nodes import TYPE_KEY
from graph.queries import Query
from graph.types import NODE_TYPES
from graph.types.scalar import SCALARS
from models.exact_json import JSONText

EXECUTED = {"Mutation", "UserError", "Viewer"}
UNPLANNED_FIELDS = {("Query", "viewer")}
"""Fields of planned types with a resolver of their own."""


def pick(source: dict[str, Any], info: GraphQLResolveInfo[Any], **_arguments: Any) -> Any:
    """Return the value of this field's response key."""
    return source[info.path.key]  # type: ignore[index]


def pick_json(source: dict[str, Any], info: GraphQLResolveInfo[Any], **_arguments: Any) -> Any:
    """Return the JSON of this field's response key as the text that PostgreSQL wrote."""
    text = source[info.path.key]  # type: ignore[index]
    return None if text is None else JSONText(text)


def enum_name(value: Any) -> str:
    """Return the name of an enum value; rows contain names, defaults of the schema are members."""
    return value.name if isinstance(value, Enum) else value


def type_of(value: dict[str, Any], *_: Any) -> str:
    """Return the concrete type of a row of an interface, which its plan has added."""
    name: str = value[TYPE_KEY]
    return name


def plan_fields(graphql_schema: GraphQLSchema) -> None:
    """Set the resolver of each field that the planner reads, and the serializer of each enum."""
    for name, type_ in graphql_schema.type_map.items():
        if name.startswith("__") or name in EXECUTED:
            continue
        if isinstance(type_, GraphQLEnumType):
            type_.serialize = enum_name  # type: ignore[method-assign, assignment]
            type_.coerce_output_value = enum_name  # type: ignore[method-assign, assignment]
        if isinstance(type_, GraphQLObjectType):
            type_.is_type_of = None
            for field_name, field in type_.fields.items():
                if (name, field_name) not in UNPLANNED_FIELDS and (
                    name not in PAYLOADS or field_name in PAYLOADS[name]
                ):
                    is_json = get_named_type(field.type).name == "JSON"
                    field.resolve = pick_json if is_json else pick
    graphql_schema.type_map["Node"].resolve_type = type_of  # type: ignore[attr-defined]


schema = strawberry.Schema(
    Query,
    Mutation,
    types=list(NODE_TYPES.values()),
    config=StrawberryConfig(scalar_map=SCALARS),
)
plan_fields(schema._schema)
declare_roles(schema._schema)
