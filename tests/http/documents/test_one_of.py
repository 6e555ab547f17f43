"""@oneOf inputs: exactly one member, not null, and only by a variable that is not nullable."""

from typing import Any

import pytest
from graphql import GraphQLInputObjectType, build_schema, parse, validate
from starlette.testclient import TestClient

from graph.documents import OneOfInputs, is_one_of
from graph.schema import schema
from models.database.engines import Database
from tests.recorder import recording
from tests.requests import ask, global_id, request

ONE = "product(by: %s) { productId }"
# What a document declares, the input that it writes, and the variables beside it.
REFUSED = [
    ("$i: Int!, $d: ID", "{productId: $i, id: $d}", {"i": 1}),
    ("$i: Int!, $d: ID", "{productId: $i, id: $d}", {"i": 1, "d": None}),
    ("$i: Int", "{productId: $i}", {"i": 1}),
    ("$i: Int = null", "{productId: $i}", {}),
    ("$i: Int = 1", "{productId: $i}", {"i": None}),
    ("$i: Int", "{productId: $i}", {}),
    ("", "{productId: 1, id: null}", {}),
    ("", "{id: null}", {}),
    ("", "{}", {}),
    ("$g: GTINLot", "{gtinLot: $g}", {"g": {"gtin": "04006381333931", "batchNumber": "L1"}}),
]
OBJECTS: list[dict[str, Any]] = [
    {},
    {"productId": 1, "id": None},
    {"productId": None},
    {"productId": 1, "id": "x"},
]


@pytest.mark.parametrize(("declared", "written", "variables"), REFUSED)
def test_oneof_input_of_a_document_is_refused_as_its_sdl_says(
    reader: TestClient, world_to_read: Database, declared: str, written: str, variables: Any
) -> None:
    document = f"query {f'({declared})' if declared else ''} {{ {ONE % written} }}"
    with recording(world_to_read) as statements:
        answer = request(reader, document, variables)
    assert set(answer.codes) == {"BAD_USER_INPUT"}
    assert "data" not in answer.json
    assert statements == []


@pytest.mark.parametrize("name", ["product", "cacaoBatch", "supplier", "manufacturer"])
def test_every_root_key_refuses_a_second_member_that_is_absent(
    reader: TestClient, name: str
) -> None:
    document = f"query ($d: ID) {{ {name}(by: {{{name}Id: 1, id: $d}}) {{ id }} }}"
    answer = request(reader, document)
    assert set(answer.codes) == {"BAD_USER_INPUT"}
    assert "data" not in answer.json


@pytest.mark.parametrize("given", OBJECTS)
def test_oneof_input_in_a_variable_is_refused(
    reader: TestClient, world_to_read: Database, given: Any
) -> None:
    with recording(world_to_read) as statements:
        answer = request(reader, f"query ($by: ProductBy!) {{ {ONE % '$by'} }}", {"by": given})
    assert answer.codes == ["BAD_USER_INPUT"]
    assert "data" not in answer.json
    assert statements == []


def test_oneof_input_takes_one_member_however_it_comes(reader: TestClient) -> None:
    found = {"product": {"productId": 1}}
    assert ask(reader, f"{{ {ONE % '{productId: 1}'} }}") == found
    assert ask(reader, f"query ($i: Int!) {{ {ONE % '{productId: $i}'} }}", i=1) == found
    assert ask(reader, f"query ($i: Int = 1) {{ {ONE % '{productId: $i}'} }}") == found
    assert ask(reader, f"query ($i: Int! = 1) {{ {ONE % '{productId: $i}'} }}") == found
    by = {"id": global_id("Product", 1)}
    assert ask(reader, f"query ($by: ProductBy!) {{ {ONE % '$by'} }}", by=by) == found


def test_every_oneof_input_of_the_sdl_is_known_to_the_rule() -> None:
    published = {
        name
        for name, type_ in build_schema(schema.as_str()).type_map.items()
        if isinstance(type_, GraphQLInputObjectType) and type_.is_one_of
    }
    assert len(published) >= 4
    assert published == {n for n, type_ in schema._schema.type_map.items() if is_one_of(type_)}


def test_oneof_input_within_a_list_or_another_input_is_checked() -> None:
    nested = build_schema("""
        input Key @oneOf { number: Int, name: String }
        input Within { key: Key, keys: [Key!] }
        type Query { find(within: Within): Int }""")
    document = "query ($n: Int, $k: Key) { find(within: {%s}) }"
    for wrong in ("key: {number: $n}", "keys: [{number: $n}]", "keys: [{}]", "key: {name: null}"):
        assert validate(nested, parse(document % wrong), [OneOfInputs]), wrong
    for right in ("key: $k", 'keys: [{number: 1}, {name: "x"}]', "key: null"):
        assert not validate(nested, parse(document % right), [OneOfInputs]), right
