"""Permissions: every field and mutation as every role, by every access path.

The fields declare their roles. A refusal names its path and sends no SQL.
"""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    get_named_type,
)
from starlette.testclient import TestClient

from graph.auth.permissions import ALLOWED
from graph.auth.roles import ADMIN, PUBLIC, ROLES, STAFF, listed
from graph.types.node import NODE_MODELS
from models.database.engines import Database
from serving.app import create_app
from serving.settings import Settings
from tests.conftest import Cluster, local, opened
from tests.http.permissions.access_paths import (
    ACCOUNTS,
    OBJECTS,
    ROOTS,
    SCHEMA,
    SELECTION_PATHS,
    Gate,
    access_paths_of,
    document_of,
    gates_of,
)
from tests.recorder import recording
from tests.requests import Answer, encode, fetch, request, send

REFUSALS = {"UNAUTHENTICATED", "FORBIDDEN"}


# ---------------------------------------------------------------- the table is whole


def test_every_field_declares_its_roles() -> None:
    """Where this fails, give `roles` to the field or to its type, in graph/types/ or graph/queries/."""
    shown = {(name, field) for name, type_ in OBJECTS.items() for field in type_.fields}
    assert shown == ALLOWED.keys()
    assert [key for key, roles in ALLOWED.items() if not roles] == []


def test_schema_says_who_a_field_is_for() -> None:
    field = OBJECTS["Supplier"].fields["contactPerson"]
    assert field.description == "Name of the contact person. For operator, auditor, admin."
    filters = SCHEMA.type_map["SupplierFilter"]
    assert isinstance(filters, GraphQLInputObjectType)
    assert (filters.fields["contactPerson"].description or "").endswith(listed(STAFF) + ".")
    orders = SCHEMA.type_map["CacaoBatchOrderField"]
    assert isinstance(orders, GraphQLEnumType)
    assert (orders.values["QUANTITY_KG"].description or "").endswith(
        "For viewer, operator, auditor, admin."
    )


def test_members_of_filters_and_orders_are_fields() -> None:
    for name in NODE_MODELS:
        filters = SCHEMA.type_map[f"{name}Filter"]
        assert isinstance(filters, GraphQLInputObjectType)
        assert filters.fields.keys() - {"and", "or", "not"} <= OBJECTS[name].fields.keys()


def test_every_node_type_is_reached_from_the_root() -> None:
    """Where this fails, declare a relation to the type, or `root_connection` above it, in graph/types/."""
    assert {*SELECTION_PATHS, *ACCOUNTS} == {*NODE_MODELS}
    # Findings are no nodes; tests/http/queries/test_findings.py asks for them as every role.
    assert {*ROOTS.values(), "auditFindings"} == {
        name
        for name, field in OBJECTS["Query"].fields.items()
        if str(field.type).endswith("Connection!")
    }


FIELDS = [(name, field) for name in NODE_MODELS for field in OBJECTS[name].fields]


# ---------------------------------------------------------------- every role at every access path


@pytest.fixture(scope="module")
def as_role(sample: Database) -> Iterator[dict[str, TestClient]]:
    """Provide a client that acts in each role, on the shared sample data."""
    with ExitStack() as stack:
        yield {
            role: stack.enter_context(local(create_app(Settings(dev_role=role), sample)))
            for role in ROLES
        }


def expect(answer: Answer, role: str, *gates: Gate) -> bool:
    """Assert an error at the first gate that is closed for this role; True if there is one."""
    codes = set(answer.codes) if "errors" in answer.json else set()
    closed = [(key, path) for key, path in gates if role not in ALLOWED[key]]
    if not closed:
        assert codes & REFUSALS == set(), answer.json
        return False
    key, path = closed[0]
    assert codes == {"UNAUTHENTICATED" if role == PUBLIC else "FORBIDDEN"}, answer.json
    assert "data" not in answer.json
    assert [tuple(error["path"]) for error in answer.errors] == [path]
    assert f"`{key[0]}.{key[1]}`" in answer.errors[0]["message"]
    return True


@pytest.mark.parametrize(("name", "field"), FIELDS)
def test_field_through_every_access_path(
    as_role: dict[str, TestClient], sample: Database, name: str, field: str
) -> None:
    key = (name, field)
    roles = ROLES if ALLOWED[key] != frozenset(ROLES) else (PUBLIC,)
    for role in roles:
        for access_path in access_paths_of(name, field):
            with recording(sample) as statements:
                refused = expect(
                    request(as_role[role], access_path.document), role, *access_path.gates
                )
            assert refused >= (role not in ALLOWED[key]), access_path.name
            if refused:
                assert statements == [], access_path.name


@pytest.mark.parametrize("role", ROLES)
def test_kilograms_of_an_edge(as_role: dict[str, TestClient], role: str) -> None:
    for root, flow, name in (
        ("products", "cacaoBatches", "CacaoBatchFlowEdge"),
        ("cacaoBatches", "products", "ProductFlowEdge"),
        ("cacaoBatches", "plots", "PlotFlowEdge"),
    ):
        path = (root, "nodes", flow, "edges")
        answer = request(as_role[role], document_of(path, "quantityKg"))
        expect(answer, role, ((name, "quantityKg"), (*path, "quantityKg")))


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("name", ACCOUNTS)
def test_accounts_as_a_table(as_role: dict[str, TestClient], role: str, name: str) -> None:
    root = ROOTS[name]
    answer = request(as_role[role], f"{{ {root} {{ nodes {{ id }} totalCount }} }}")
    expect(answer, role, (("Query", root), (root,)))


@pytest.mark.parametrize("role", ROLES)
def test_restricted_field_by_get(as_role: dict[str, TestClient], role: str) -> None:
    path = "/graphql?query={suppliers{nodes{contactPerson}}}"
    answer = fetch(as_role[role], path)
    expect(answer, role, *gates_of(("suppliers", "nodes", "contactPerson")))


@pytest.mark.parametrize(("role", "status"), [(PUBLIC, 401), ("viewer", 403), (ADMIN, 200)])
def test_refusal_has_its_status_in_the_media_type_of_graphql(
    as_role: dict[str, TestClient], role: str, status: int
) -> None:
    body = encode({"query": "{ suppliers { nodes { contactPerson } } }"})
    media_type = "application/graphql-response+json"
    answer = send(as_role[role], body, accept=media_type)
    assert answer.status == status
    assert answer.headers.get("www-authenticate") == ("Bearer" if status == 401 else None)
    assert send(as_role[role], body).status == 200


def test_every_refused_field_is_named(as_role: dict[str, TestClient]) -> None:
    answer = request(
        as_role[PUBLIC],
        "{ suppliers { nodes { contactPerson c: contactPerson } } users { nodes { username } } }",
    )
    assert [tuple(error["path"]) for error in answer.errors] == [
        ("suppliers", "nodes", "contactPerson"),
        ("suppliers", "nodes", "c"),
        ("users",),
    ]


def test_plan_of_one_role_is_not_for_another(as_role: dict[str, TestClient]) -> None:
    """The same document by a permitted role, by others, and again."""
    document = "query Cached($n: Int = 1) { suppliers(first: $n) { nodes { contactPerson } } }"
    assert "errors" not in request(as_role[ADMIN], document, {"n": 2}).json
    for role in (PUBLIC, "viewer", PUBLIC):
        assert set(request(as_role[role], document, {"n": 2}).codes) <= REFUSALS


# ---------------------------------------------------------------- mutations


def arguments_of(name: str) -> str:
    """Arguments of a mutation that are valid but refer to no row."""
    field = OBJECTS["Mutation"].fields[name]
    given = get_named_type(field.args["input"].type)
    assert isinstance(given, GraphQLInputObjectType)
    return literal(given)


def literal(type_: object) -> str:
    if isinstance(type_, GraphQLInputObjectType):
        needed = {
            name: field.type
            for name, field in type_.fields.items()
            if str(field.type).endswith("!") and field.ast_node is None
        }
        return (
            "{" + ", ".join(f"{n}: {literal(get_named_type(t))}" for n, t in needed.items()) + "}"
        )
    if isinstance(type_, GraphQLEnumType):
        return str([*type_.values][-1])
    return {
        "Int": "0",
        "Boolean": "true",
        "Decimal": '"1"',
        "Date": '"2026-01-01"',
        "DateTime": '"2026-01-01T00:00:00Z"',
    }.get(str(type_), '"x"')


@pytest.fixture(scope="module")
def written(cluster: Cluster, sample_template: str) -> Iterator[Database]:
    """Sample data that may be written to."""
    url = cluster.create(sample_template)
    with opened(url) as database:
        yield database
    cluster.drop(url)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("name", [*OBJECTS["Mutation"].fields])
def test_mutation_as_every_role(written: Database, role: str, name: str) -> None:
    document = f"mutation {{ m: {name}(input: {arguments_of(name)}) {{ userErrors {{ code }} }} }}"
    key = ("Mutation", name)
    app = create_app(Settings(dev_role=role), written)
    with local(app) as client, recording(written) as statements:
        answer = request(client, document)
    if role in ALLOWED[key]:
        # What may be asked may still be answered with what is wrong with it, or need a session.
        refused = set(answer.codes) & REFUSALS if "errors" in answer.json else set()
        assert not refused or name in ("signOut", "changePassword")
        return
    expect(answer, role, (key, ("m",)))
    assert statements == []


@pytest.mark.parametrize("role", ["viewer", "auditor", PUBLIC])
def test_rest_endpoint_writes_for_writers_only(as_role: dict[str, TestClient], role: str) -> None:
    body = encode({"name": "A", "manufacturer_id": 1, "batch_number": "B"})
    answer = send(as_role[role], body, "/api/products")
    assert answer.status == (401 if role == PUBLIC else 403)
    assert send(as_role[role], b"", "/api/products", "GET").status == 200


def test_payload_is_refused_before_anything_is_written(sample: Database) -> None:
    """A mutation whose payload the role may not read writes nothing."""
    document = """mutation { signIn(input: {username: "x", password: "y"}) {
        viewer { role } userErrors { code } } createSupplier(input: {name: "A", location: "B"}) {
        supplier { contactPerson } } }"""
    with local(create_app(Settings(), sample)) as client, recording(sample) as statements:
        answer = request(client, document)
    assert answer.codes == ["UNAUTHENTICATED"]
    assert answer.errors[0]["path"] == ["createSupplier"]
    assert statements == []
