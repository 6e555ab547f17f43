"""The schema: Query and Mutation assembled, and every field of a planned type set to pick its key.

`schema.as_str()` is the SDL, committed as schema.graphql.
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
from graph.planner.walk import TYPE_KEY
from graph.queries import Query
from graph.types import NODE_TYPES
from graph.types.scalar import SCALARS
from models.exact_json import JSONText

EXECUTED = {"Mutation", "UserError", "Viewer"}
# Root fields of Query that no row answers.
UNPLANNED = {("Query", "viewer")}


def pick(source: dict[str, Any], info: GraphQLResolveInfo[Any], **_arguments: Any) -> Any:
    """The value under this field's response key: the planner has read it already."""
    return source[info.path.key]  # type: ignore[index]


def pick_json(source: dict[str, Any], info: GraphQLResolveInfo[Any], **_arguments: Any) -> Any:
    """The JSON under this field's response key, as the text that PostgreSQL wrote."""
    text = source[info.path.key]  # type: ignore[index]
    return None if text is None else JSONText(text)


def enum_name(value: Any) -> str:
    """The name of an enum value: the planner writes names, defaults in the schema are members."""
    return value.name if isinstance(value, Enum) else value


def type_of(value: dict[str, Any], *_: Any) -> str:
    """The concrete type of a row where the schema says Node; its plan put the name there."""
    name: str = value[TYPE_KEY]
    return name


def plan_fields(graphql_schema: GraphQLSchema) -> None:
    """Make every field of a type that the planner reads pick its key, at no other cost."""
    for name, type_ in graphql_schema.type_map.items():
        if name.startswith("__") or name in EXECUTED:
            continue
        if isinstance(type_, GraphQLEnumType):
            type_.serialize = enum_name  # type: ignore[method-assign, assignment]
            type_.coerce_output_value = enum_name  # type: ignore[method-assign, assignment]
        if isinstance(type_, GraphQLObjectType):
            type_.is_type_of = None
            for field_name, field in type_.fields.items():
                if (name, field_name) not in UNPLANNED and (
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
