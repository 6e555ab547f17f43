"""What it costs to be told the schema, which graphql-core does field by field, at once."""

from collections.abc import Sequence
from math import ceil

from graphql import (
    FieldNode,
    GraphQLObjectType,
    SchemaMetaFieldDef,
    TypeMetaFieldDef,
    get_named_type,
)

from graph.planner.selection import Selections

META_FIELDS = {"__schema": SchemaMetaFieldDef, "__type": TypeMetaFieldDef}
# About what two rows of a page take.
FIELD = 2
# How many there are of an average type or field of this schema; of what is not here, one.
SIZES = {"fields": 2, "args": 0.6, "inputFields": 2.2, "enumValues": 0.6, "ofType": 0.6}
SIZES |= {"directives": 5, "interfaces": 0.1, "possibleTypes": 0.1}
# A type that is asked for by its name is a large one.
NAMED = 10
# Twice what tools ask for: graphql-core takes half a second for more, and nobody else is answered.
MAX_INTROSPECTION = 50_000


def cost_of_introspection(selections: Selections, types: int, nodes: Sequence[FieldNode]) -> int:
    """The cost of a root field `__schema` or `__type`, of a schema of so many types."""

    def beneath(type_: GraphQLObjectType, nodes: Sequence[FieldNode]) -> float:
        fields = 0.0
        for merged in selections.below(type_, nodes).values():
            name = merged[0].name.value
            field = type_.fields.get(name)
            below = get_named_type(field.type) if field else None
            each = beneath(below, merged) if isinstance(below, GraphQLObjectType) else 0
            fields += 1 + each * (types if name == "types" else SIZES.get(name, 1))
        return fields

    meta = META_FIELDS.get(nodes[0].name.value)
    if meta is None:
        return 0
    type_ = get_named_type(meta.type)
    assert isinstance(type_, GraphQLObjectType)
    return ceil(FIELD * beneath(type_, nodes) * (1 if meta is SchemaMetaFieldDef else NAMED))
