"""The cost of introspection: the queries of common tools fit, larger ones do not."""

import re
from typing import Any

import pytest
from graphql import (
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    build_schema,
    get_introspection_query,
    parse,
    print_schema,
)
from graphql.execution.values import VariableValues

from graph.planner.introspection import cost_of_introspection
from graph.planner.selection import Selections
from serving.settings import PRODUCTION
from tests.http.admission.test_cost import GRAPHQL, cost

# What clients send: graphql-js with all options; GraphiQL 5; Apollo's rover and sandbox; graphql-codegen.
INTROSPECTION: dict[str, dict[str, Any]] = {
    "graphql-js": {
        "specified_by_url": True,
        "directive_is_repeatable": True,
        "schema_description": True,
        "input_value_deprecation": True,
        "one_of": True,
    },
    "GraphiQL": {"schema_description": True, "input_value_deprecation": True},
    "Apollo": {"specified_by_url": True, "directive_is_repeatable": True},
    "graphql-codegen": {
        "descriptions": True,
        "schema_description": True,
        "input_value_deprecation": True,
        "specified_by_url": True,
    },
    "the first one": {"descriptions": False},
}


@pytest.mark.parametrize("name", INTROSPECTION)
def test_introspection_of_a_client_costs_a_tenth_of_what_production_allows(name: str) -> None:
    assert cost(get_introspection_query(**INTROSPECTION[name])) <= PRODUCTION.cost // 10


def times_three(schema: GraphQLSchema) -> GraphQLSchema:
    """Return a schema with each type thrice."""
    text = re.sub(DESCRIPTION, "", print_schema(schema))
    names = [name for name in schema.type_map if name[0] != "_" and name not in SPECIFIED]
    renamed = re.compile(rf"\b({'|'.join(sorted(names, key=len, reverse=True))})\b")
    bodies = [one for one in text.split("\n\n") if not one.startswith(("directive", "schema"))]
    more = [renamed.sub(rf"\g<1>{number}", one) for number in (2, 3) for one in bodies]
    return build_schema("\n\n".join([text, *more]))


SPECIFIED = {"String", "Int", "Float", "Boolean", "ID"}
DESCRIPTION = re.compile(r'"""(?:.|\n)*?"""\n')


def test_introspection_costs_as_much_when_the_schema_has_tripled() -> None:
    tripled = times_three(GRAPHQL)
    assert len(tripled.type_map) > 2.8 * len(GRAPHQL.type_map)
    query = get_introspection_query(**INTROSPECTION["graphql-js"])
    document = parse(query)
    (operation,) = (one for one in document.definitions if isinstance(one, OperationDefinitionNode))
    fragments = {
        one.name.value: one
        for one in document.definitions
        if isinstance(one, FragmentDefinitionNode)
    }
    assert tripled.query_type is not None
    selections = Selections(tripled, fragments, VariableValues({}, {}))
    fields = selections.collect(tripled.query_type, [operation.selection_set])
    assert cost_of_introspection(selections, tripled, fields["__schema"]) == 5_000


def test_amplified_introspection_is_refused() -> None:
    query = get_introspection_query(input_value_deprecation=True, specified_by_url=True)
    assert cost('{ __type(name: "Product") { name fields { name } } }') < 1_000
    thrice = "{ a: __schema { ...s } b: __schema { ...s } c: __schema { ...s } }"
    thrice += query[query.index("fragment") :]
    with pytest.raises(GraphQLError, match="the maximum is 10000"):
        cost(f"{thrice} fragment s on __Schema {{ types {{ ...FullType }} }}")
    aliases = " ".join(f"a{n}: fields {{ type {{ fields {{ name }} }} }}" for n in range(90))
    with pytest.raises(GraphQLError, match="the maximum is 10000"):
        cost(f"{{ __schema {{ types {{ {aliases} }} }} }}")
