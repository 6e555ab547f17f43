"""References of inputs: the relation's name or the deprecated name, a global id or a number, exactly one."""

from typing import Any

import pytest
from graphql import GraphQLInputObjectType, get_named_type
from starlette.testclient import TestClient

from graph.schema import schema
from tests.requests import global_id, payload_of, request, user_error

MUTATIONS = schema._schema.mutation_type
assert MUTATIONS is not None
INPUTS = {
    name: get_named_type(field.args["input"].type) for name, field in MUTATIONS.fields.items()
}
REFERENCES = [
    (mutation, name, reason.split("`")[1])
    for mutation, input_type in INPUTS.items()
    if isinstance(input_type, GraphQLInputObjectType)
    for name, member in input_type.fields.items()
    if (reason := member.deprecation_reason)
]
UPDATE = "mutation($input: UpdateProductInput!) { updateProduct(input: $input) {product {name manufacturer {manufacturerId}} userErrors {field code message} } }"
USE = "mutation($input: UseCacaoBatchInput!) { useCacaoBatch(input: $input) { product {productId} userErrors { field code message } } }"


def test_every_deprecated_name_has_a_successor_of_the_same_type() -> None:
    assert len(REFERENCES) >= 20
    for mutation, former, name in REFERENCES:
        members = INPUTS[mutation].fields
        assert str(members[former].type) == str(members[name].type) == "ID", (mutation, former)


@pytest.mark.parametrize("name", ["id", "productId"])
@pytest.mark.parametrize("value", ["1", global_id("Product", 1)])
def test_reference_is_an_id_or_a_number_under_either_name(
    writable_client: TestClient, name: str, value: str
) -> None:
    payload = payload_of(writable_client, UPDATE, **{name: value, "name": "Renamed"})
    assert payload["product"]["name"] == "Renamed"
    assert payload["userErrors"] == []


@pytest.mark.parametrize(
    ("members", "field", "code"),
    [
        ({}, "id", "INVALID"),
        ({"id": None}, "id", "INVALID"),
        ({"productId": None}, "productId", "INVALID"),
        ({"id": "1", "productId": "1"}, "id", "INVALID"),
        ({"id": "999"}, "id", "NOT_FOUND"),
        ({"productId": "999"}, "productId", "NOT_FOUND"),
        ({"id": global_id("Supplier", 1)}, "id", "INVALID"),
        ({"id": "1", "manufacturer": None}, "manufacturer", "INVALID"),
        ({"id": "1", "manufacturerId": "999"}, "manufacturerId", "NOT_FOUND"),
        ({"id": "1", "manufacturer": "1", "manufacturerId": "1"}, "manufacturer", "INVALID"),
    ],
)
@pytest.mark.usefixtures("assert_unchanged")
def test_bad_reference_is_named_as_the_client_gave_it(
    protected_client: TestClient, members: dict[str, Any], field: str, code: str
) -> None:
    found = user_error(protected_client, UPDATE, name="X", **members)
    assert found == (["input", field], code)


@pytest.mark.parametrize(
    ("members", "field"),
    [
        ({"cacaoBatch": "1", "product": "1"}, "cacaoBatch"),
        ({"cacaoBatchId": "1", "productId": "1"}, "cacaoBatchId"),
    ],
)
def test_rule_of_the_database_names_the_member_that_was_given(
    protected_client: TestClient, members: dict[str, Any], field: str
) -> None:
    """Batch 1 is already recorded as used in product 1."""
    found = user_error(protected_client, USE, quantityKg="1", **members)
    assert found == (["input", field], "ALREADY_EXISTS")


def test_api_lists_deprecated_names_on_request(protected_client: TestClient) -> None:
    query = """{ __type(name: "UseCacaoBatchInput") {
      inputFields { name } every: inputFields(includeDeprecated: true) { name } } }"""
    shown = request(protected_client, query).json["data"]["__type"]
    names = {member["name"] for member in shown["inputFields"]}
    assert {"cacaoBatch", "product", "outputBatch"} <= names
    assert {member["name"] for member in shown["every"]} - names == {
        "cacaoBatchId",
        "productId",
        "outputBatchId",
    }
