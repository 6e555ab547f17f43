"""The GraphQL schema: equal to the committed file, described, and shaped by Relay's conventions."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    get_named_type,
    graphql_sync,
    is_specified_scalar_type,
)
from sqlalchemy import Table

import models
from graph.schema import schema
from graph.types.node import NODE_MODELS, VIEW_MODELS, VIRTUAL_MODELS
from models.findings import RULES

COMMITTED = Path(__file__).parents[3] / "graph" / "schema.graphql"
SHAPE: GraphQLSchema = schema._schema
OURS: dict[str, GraphQLNamedType] = {
    name: type_
    for name, type_ in SHAPE.type_map.items()
    if not name.startswith("__") and not is_specified_scalar_type(type_)
}
OBJECTS = {name: type_ for name, type_ in OURS.items() if isinstance(type_, GraphQLObjectType)}
COMPUTED = ("Trace", "Origin", "Impact")
FINDINGS = "AuditFindingConnection"
CONNECTIONS = sorted(
    name
    for name in OBJECTS
    if name.endswith("Connection") and not name.startswith((*COMPUTED, FINDINGS))
)
LISTINGS = sorted(
    name for name in OBJECTS if name.endswith("Connection") and name.startswith(COMPUTED)
)
NODES = sorted(
    name for name, type_ in OBJECTS.items() if "Node" in [i.name for i in type_.interfaces]
)
PAGE_ARGUMENTS = {"first": "Int", "after": "String", "last": "Int", "before": "String"}


def elements() -> Iterator[tuple[str, str | None]]:
    """Everything of ours that has a name, with its description."""
    for name, type_ in OURS.items():
        yield name, type_.description
        if isinstance(type_, (GraphQLObjectType, GraphQLInterfaceType)):
            for field_name, field in type_.fields.items():
                yield f"{name}.{field_name}", field.description
                for argument_name, argument in field.args.items():
                    yield f"{name}.{field_name}({argument_name})", argument.description
        if isinstance(type_, GraphQLInputObjectType):
            for member_name, member in type_.fields.items():
                yield f"{name}.{member_name}", member.description
        if isinstance(type_, GraphQLEnumType):
            for value_name, value in type_.values.items():
                yield f"{name}.{value_name}", value.description


def connection_fields() -> Iterator[tuple[str, GraphQLField]]:
    for name, type_ in OBJECTS.items():
        for field_name, field in type_.fields.items():
            if get_named_type(field.type).name in CONNECTIONS:
                yield f"{name}.{field_name}", field


# ---------------------------------------------------------------- as committed


def test_committed_sdl_is_the_schema() -> None:
    assert COMMITTED.read_text(encoding="utf-8").rstrip("\n") == schema.as_str().rstrip("\n")


def test_every_table_with_one_key_is_a_node_type_or_said_not_to_be() -> None:
    """Where this fails, declare the type in graph/types/, or name the table class here with a reason."""
    unshown = {
        "IdempotencyKey": "what a client sent once belongs to that client",
        "LedgerEntry": "shown as Transaction.proof",
        "BalanceSettings": "a setting, changed by SQL only",
        "SignInAttempt": "counts sign-ins; nobody reads it",
        "UserSession": "its key is the hash of a token",
    }
    tables = {
        mapper.class_.__name__
        for mapper in models.Base.registry.mappers
        if isinstance(mapper.local_table, Table) and len(mapper.primary_key) == 1
    }
    views = {*VIEW_MODELS, *(model.__name__ for model in VIRTUAL_MODELS.values())}
    assert tables - views - unshown.keys() == {*NODE_MODELS}


def test_mutations_are_a_verb_and_a_noun() -> None:
    names = list(OBJECTS["Mutation"].fields)
    verbs = "(create|update|use|record|hold|release|open|sign|change|set|revoke)"
    assert [name for name in names if not re.fullmatch(f"{verbs}[A-Z].*", name)] == []


# ---------------------------------------------------------------- described


def test_everything_of_ours_is_described() -> None:
    bare = [name for name, description in elements() if not (description or "").strip()]
    assert bare == []


def test_descriptions_end_as_sentences() -> None:
    open_ended = [
        name for name, text in elements() if text and not text.rstrip().endswith((".", ")"))
    ]
    assert open_ended == []


def test_quantities_say_their_unit() -> None:
    units = {"Kg": "kilograms", "Ha": "hectares", "Percent": "percent"}
    silent = [
        name
        for name, description in elements()
        for suffix, unit in units.items()
        if name.endswith(suffix) and "." in name and unit not in (description or "")
    ]
    assert silent == []


def test_custom_scalars_say_what_specifies_them() -> None:
    scalars = [type_ for type_ in OURS.values() if isinstance(type_, GraphQLScalarType)]
    found = {type_.name: type_.specified_by_url for type_ in scalars}
    assert set(found) == {"BigInt", "CountryCode", "Date", "DateTime", "Decimal", "GTIN", "JSON"}
    assert [name for name, url in found.items() if not (url or "").startswith("https://")] == []


def test_names_follow_the_conventions() -> None:
    wrong = [name for name in OURS if not re.fullmatch("[A-Z][A-Za-z]*", name)]
    for name, type_ in OURS.items():
        if isinstance(type_, (GraphQLObjectType, GraphQLInputObjectType)):
            wrong += [f"{name}.{f}" for f in type_.fields if not re.fullmatch("[a-z][A-Za-z]*", f)]
        if isinstance(type_, GraphQLEnumType):
            wrong += [f"{name}.{v}" for v in type_.values if not re.fullmatch("[A-Z][A-Z_]*", v)]
    assert wrong == []


# ---------------------------------------------------------------- shaped as Relay expects


def test_node_is_an_interface_of_one_id() -> None:
    node = OURS["Node"]
    assert isinstance(node, GraphQLInterfaceType)
    assert {name: str(field.type) for name, field in node.fields.items()} == {"id": "ID!"}


def test_node_fields_of_query_are_relays() -> None:
    one, many = OBJECTS["Query"].fields["node"], OBJECTS["Query"].fields["nodes"]
    assert (str(one.type), {n: str(a.type) for n, a in one.args.items()}) == ("Node", {"id": "ID!"})
    assert (str(many.type), {n: str(a.type) for n, a in many.args.items()}) == (
        "[Node]!",
        {"ids": "[ID!]!"},
    )


def test_page_info_is_relays() -> None:
    assert {name: str(field.type) for name, field in OBJECTS["PageInfo"].fields.items()} == {
        "hasNextPage": "Boolean!",
        "hasPreviousPage": "Boolean!",
        "startCursor": "String",
        "endCursor": "String",
    }


@pytest.mark.parametrize("name", CONNECTIONS)
def test_connection_is_relay_shaped(name: str) -> None:
    stem = name.removesuffix("Connection")
    node = stem.removesuffix("Flow")
    assert {field: str(d.type) for field, d in OBJECTS[name].fields.items()} == {
        "edges": f"[{stem}Edge!]!",
        "nodes": f"[{node}!]!",
        "pageInfo": "PageInfo!",
        "totalCount": "Int!",
    }
    kilograms = {"quantityKg": "Decimal"} if stem.endswith("Flow") else {}
    assert {field: str(d.type) for field, d in OBJECTS[f"{stem}Edge"].fields.items()} == {
        "cursor": "String!",
        "node": f"{node}!",
        **kilograms,
    }
    assert node in NODES


@pytest.mark.parametrize("name", [*LISTINGS, FINDINGS])
def test_listing_of_what_is_computed_is_relay_shaped(name: str) -> None:
    node = name.removesuffix("Connection")
    truncated = {"truncated": "Boolean!"} if name == "OriginConnection" else {}
    assert {field: str(d.type) for field, d in OBJECTS[name].fields.items()} == {
        "edges": f"[{node}Edge!]!",
        "nodes": f"[{node}!]!",
        "pageInfo": "PageInfo!",
        "totalCount": "Int!",
        **truncated,
    }
    edge = {field: str(d.type) for field, d in OBJECTS[f"{node}Edge"].fields.items()}
    assert edge == {"cursor": "String!", "node": f"{node}!"}


def test_every_listing_takes_page_arguments_alone() -> None:
    fields = [
        field
        for type_ in OBJECTS.values()
        for field in type_.fields.values()
        if get_named_type(field.type).name in LISTINGS
    ]
    assert fields
    for field in fields:
        assert {name: str(given.type) for name, given in field.args.items()} == PAGE_ARGUMENTS


def test_every_connection_field_takes_the_same_arguments() -> None:
    fields = dict(connection_fields())
    assert {get_named_type(field.type).name for field in fields.values()} >= {
        f"{name}Connection" for name in NODE_MODELS
    }
    for path, field in fields.items():
        node = get_named_type(field.type).name.removesuffix("Connection").removesuffix("Flow")
        found = {name: str(argument.type) for name, argument in field.args.items()}
        asked = {"filter": f"{node}Filter", "orderBy": f"[{node}Order!]"}
        dated = {"view": "TransactionView", "asOf": "DateTime"} if node == "Transaction" else {}
        assert found == PAGE_ARGUMENTS | asked | dated, path


def test_findings_take_a_filter_and_whether_to_go_upstream() -> None:
    found = {
        name: {argument: str(given.type) for argument, given in field.args.items()}
        for name in ("Query", "Product", "CacaoBatch", "Supplier")
        for field in [OBJECTS[name].fields["auditFindings"]]
    }
    asked = PAGE_ARGUMENTS | {"filter": "AuditFindingFilter"}
    upstream = asked | {"upstream": "Boolean"}
    assert found == {
        "Query": asked,
        "Product": upstream,
        "CacaoBatch": upstream,
        "Supplier": asked,
    }
    rules = OURS["AuditRule"]
    assert isinstance(rules, GraphQLEnumType)
    assert [*rules.values] == [rule.code.upper() for rule in RULES]


def test_relations_exist_in_both_directions() -> None:
    steps = {
        (name, get_named_type(field.type).name.removesuffix("Connection").removesuffix("Flow"))
        for name in NODES
        for field in OBJECTS[name].fields.values()
    }
    relations = {(source, target) for source, target in steps if target in NODES}
    assert [(a, b) for a, b in sorted(relations) if (b, a) not in relations] == []


def test_mutations_take_one_input_and_return_a_payload_with_user_errors() -> None:
    for name, field in OBJECTS["Mutation"].fields.items():
        assert list(field.args) == ["input"], name
        argument = field.args["input"].type
        assert isinstance(argument, GraphQLNonNull), name
        assert str(argument) == f"{name[0].upper()}{name[1:]}Input!", name
        payload = OBJECTS[get_named_type(field.type).name]
        assert payload.name.endswith("Payload"), name
        # Null beside an error: one mutation that fails must not take the others' data along.
        assert not isinstance(field.type, GraphQLNonNull), name
        assert str(payload.fields["userErrors"].type) == "[UserError!]!", name
        objects = [f for key, f in payload.fields.items() if key != "userErrors"]
        assert not any(isinstance(f.type, GraphQLNonNull) for f in objects), name


def test_every_mutation_takes_an_idempotency_key_but_those_about_secrets() -> None:
    without = []
    for name, field in OBJECTS["Mutation"].fields.items():
        given = get_named_type(field.args["input"].type)
        assert isinstance(given, GraphQLInputObjectType)
        if "idempotencyKey" in given.fields:
            assert str(given.fields["idempotencyKey"].type) == "String", name
        else:
            without.append(name)
    assert without == ["signIn", "signOut", "changePassword", "createUser", "createApiKey"]


@pytest.mark.parametrize("name", ["ProductBy", "CacaoBatchBy", "SupplierBy", "ManufacturerBy"])
def test_keys_of_lookups_are_one_of(name: str) -> None:
    result = graphql_sync(SHAPE, f'{{ __type(name: "{name}") {{ isOneOf kind }} }}')
    assert result.errors is None
    assert result.data == {"__type": {"isOneOf": True, "kind": "INPUT_OBJECT"}}


def test_passwords_are_given_and_never_shown() -> None:
    named = [name for name, _ in elements() if "password" in name.lower() and "." in name]
    # In the order of the schema; what a change of password returns is a number of sessions.
    assert [name for name in named if not name.startswith("ChangePasswordPayload.")] == [
        "Mutation.changePassword",
        "Mutation.changePassword(input)",
        "SignInInput.password",
        "ChangePasswordInput.oldPassword",
        "ChangePasswordInput.newPassword",
        "CreateUserInput.password",
    ]


def test_hashes_of_tokens_and_keys_are_not_in_the_schema() -> None:
    hashes = {name.split(".")[-1] for name, _ in elements() if "hash" in name.lower()}
    ledger = {"LedgerCheckpoint.rootHash", "Ledger.rootHash", "TransactionProof.leafHash"}
    assert ledger <= {name for name, _ in elements()}
    assert hashes == {"documentHash", "rootHash", "leafHash", "hashes"}


@pytest.mark.parametrize("name", ["UserOrderField", "ApiKeyOrderField", "ChangeOrderField"])
def test_only_what_is_shown_of_accounts_is_ordered_by(name: str) -> None:
    order = OURS[name]
    assert isinstance(order, GraphQLEnumType)
    expected = {
        "UserOrderField": ["USER_ID", "USERNAME"],
        "ApiKeyOrderField": ["API_KEY_ID", "NAME"],
        "ChangeOrderField": ["CHANGE_ID", "ACTOR", "RELATION"],
    }
    assert list(order.values) == expected[name]
