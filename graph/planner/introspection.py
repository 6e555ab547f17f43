"""What it costs to be told the schema, which graphql-core does field by field, beside the event loop.

The measure is what tools ask for, the introspection query of graphql-js with all options: it costs STANDARD,
however large the schema is, and what asks for more costs more in proportion. Who is told pays for the
time as well; what was told is kept.
"""

from collections import OrderedDict
from collections.abc import Sequence
from functools import lru_cache
from math import ceil
from typing import TypeAlias

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
# How many there are of an average type or field of this schema; of what is not here, one.
SIZES = {"fields": 2, "args": 0.6, "inputFields": 2.2, "enumValues": 0.6, "ofType": 0.6}
SIZES |= {"directives": 5, "interfaces": 0.1, "possibleTypes": 0.1}
# A type that is asked for by its name is a large one.
NAMED = 10
# Of one operation: twice what tools ask for.
MAX_INTROSPECTION = 2 * STANDARD


# Bytes of answers that are kept, with the documents that asked for them and what else an entry takes;
# tools ask for half a megabyte.
MAX_KEPT, OVERHEAD = 8_000_000, 500
Key: TypeAlias = tuple[str | None, ...]


class Introspections:
    """Answers to operations that ask for the schema alone, which is the same for everybody who may see it.

    The least recently used are forgotten first.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[Key, bytes] = OrderedDict()
        self._size = 0

    def find(self, key: Key) -> bytes | None:
        """The data of an answer; None where it is not known."""
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        return found

    def keep(self, key: Key, data: bytes) -> None:
        """Remember the data of an answer."""
        if key in self._kept:
            return
        self._kept[key] = data
        self._size += _size_of(key, data)
        while self._size > MAX_KEPT:
            self._size -= _size_of(*self._kept.popitem(last=False))


def _size_of(key: Key, data: bytes) -> int:
    return sum(len(part or "") for part in key) + len(data) + OVERHEAD


def cost_of_introspection(
    selections: Selections, schema: GraphQLSchema, nodes: Sequence[FieldNode]
) -> int:
    """The cost of a root field `__schema` or `__type`."""
    return ceil(STANDARD * fields_of(selections, schema, nodes) / fields_of_tools(schema))


@lru_cache(4)
def fields_of_tools(schema: GraphQLSchema) -> float:
    """How many fields the introspection query of tools is answered with, about."""
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
    return fields_of(selections, schema, nodes)


def fields_of(selections: Selections, schema: GraphQLSchema, nodes: Sequence[FieldNode]) -> float:
    """How many fields a root field of introspection is answered with, about."""
    types = len(schema.type_map)

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
    return beneath(type_, nodes) * (1 if meta is SchemaMetaFieldDef else NAMED)
