"""The cost of introspection, which graphql-core executes field by field.

The introspection query of graphql-js with all options, which tools send, costs STANDARD, whatever the
size of the schema; other documents cost in proportion to the number of fields in their answer.
"""

from collections.abc import Sequence
from functools import lru_cache
from math import ceil

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    SchemaMetaFieldDef,
    TypeMetaFieldDef,
    get_introspection_query,
    get_named_type,
    parse,
)
from graphql.execution.values import VariableValues

from graph.planner.selection import Selections

META_FIELDS = {"__schema": SchemaMetaFieldDef, "__type": TypeMetaFieldDef}
STANDARD = 5_000
# How many values a field has on average in this schema; 1 for a field that is not listed.
AVERAGE_VALUES = {"fields": 2, "args": 0.6, "inputFields": 2.2, "enumValues": 0.6, "ofType": 0.6}
AVERAGE_VALUES |= {"directives": 5, "interfaces": 0.1, "possibleTypes": 0.1}
# How much larger than an average type the type of `__type(name:)` may be.
NAMED_TYPE = 10
# The maximum for one operation: twice the query of tools.
MAX_INTROSPECTION = 2 * STANDARD


def cost_of_introspection(
    selections: Selections, schema: GraphQLSchema, nodes: Sequence[FieldNode]
) -> int:
    """Return the cost of a root field `__schema` or `__type`."""
    return ceil(
        STANDARD * answered_fields(selections, schema, nodes) / answered_fields_of_tools(schema)
    )


@lru_cache(4)
def answered_fields_of_tools(schema: GraphQLSchema) -> float:
    """Estimate the number of fields in the answer to the introspection query of tools."""
    query = get_introspection_query(
        specified_by_url=True,
        directive_is_repeatable=True,
        schema_description=True,
        input_value_deprecation=True,
        one_of=True,
    )
    definitions = parse(query, no_location=True).definitions
    operations = [one for one in definitions if isinstance(one, OperationDefinitionNode)]
    fragments = {
        one.name.value: one for one in definitions if isinstance(one, FragmentDefinitionNode)
    }
    selections = Selections(schema, fragments, VariableValues({}, {}))
    assert schema.query_type is not None
    ((_, nodes),) = selections.collect(schema.query_type, [operations[0].selection_set]).items()
    return answered_fields(selections, schema, nodes)


def answered_fields(
    selections: Selections, schema: GraphQLSchema, nodes: Sequence[FieldNode]
) -> float:
    """Estimate the number of fields in the answer to a root field of introspection."""
    types = len(schema.type_map)

    def below_type(type_: GraphQLObjectType, nodes: Sequence[FieldNode]) -> float:
        fields = 0.0
        for merged in selections.below(type_, nodes).values():
            name = merged[0].name.value
            field = type_.fields.get(name)
            below = get_named_type(field.type) if field else None
            each = below_type(below, merged) if isinstance(below, GraphQLObjectType) else 0
            fields += 1 + each * (types if name == "types" else AVERAGE_VALUES.get(name, 1))
        return fields

    meta = META_FIELDS.get(nodes[0].name.value)
    if meta is None:
        return 0
    type_ = get_named_type(meta.type)
    assert isinstance(type_, GraphQLObjectType)
    return below_type(type_, nodes) * (1 if meta is SchemaMetaFieldDef else NAMED_TYPE)
