"""Findings over HTTP: of a product, a lot, a supplier and of everything, by page, in one statement."""

import base64
import json
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from starlette.testclient import TestClient

from graph.auth.roles import PUBLIC, ROLES, STAFF
from models.database.engines import Database
from models.findings import Scope
from serving.app import create_app
from serving.settings import Settings
from tests.conftest import Cluster, client_of, local, opened
from tests.db.findings.gaps import EVENT
from tests.db.findings.sound import SOUND, Auditor, Finding, auditing
from tests.recorder import recording
from tests.requests import ask, code_of, cursor, global_id, refusal, request
from tests.writing import run_sql

BLEMISHES = f"""
set local session_replication_role = replica;
delete from cacao_batch_plot where cacao_batch_id = 2;
update certificates set valid_to = '2025-09-30';
{EVENT.format("null, 1, '2025-09-01 00:00Z', 'weighed', null, '2025-10-02 00:00Z'")};
{EVENT.format("1, null, '2026-02-01 00:00Z', 'shipped', null, '2026-03-01 00:00Z'")};
insert into products (name) values ('Empty');
insert into losses (cacao_batch_id, quantity_kg, reason) values (4, 0.001, 'spillage');
update cacao_batches set custody = 'identity_preserved' where cacao_batch_id in (3, 4);
insert into holds (cacao_batch_id, reason, placed_at) values (1, 'mould', '2026-02-15 00:00Z');
"""
RULES = [
    *("certificate_expired", "custody_mixed", "event_too_early", "event_too_early"),
    *("lot_without_origin", "overdraw", "product_without_batches"),
    *("use_after_hold", "use_after_hold", "use_after_hold"),
]
FIELDS = """rule severity message evidence product { id } cacaoBatch { id } input { id } supplier { id }
  transaction { id } certificate { id } hold { id }"""
TYPES = {
    "product": "Product",
    "cacaoBatch": "CacaoBatch",
    "input": "CacaoBatch",
    "supplier": "Supplier",
    "transaction": "Transaction",
    "certificate": "Certificate",
    "hold": "Hold",
}
COLUMNS = {"cacaoBatch": "cacao_batch_id", "input": "input_batch_id"}
OWNERS = {
    "Query": (Scope(), "", ""),
    "Product": (Scope("Product", "1"), "product(by: {productId: 1}) {", "product"),
    "CacaoBatch": (Scope("CacaoBatch", "4"), "cacaoBatch(by: {cacaoBatchId: 4}) {", "cacaoBatch"),
    "Supplier": (Scope("Supplier", "1"), "supplier(by: {supplierId: 1}) {", "supplier"),
}
SHAPED = f"totalCount pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} nodes {{ {FIELDS} }}"
PAGES = """query ($first: Int, $after: String, $last: Int, $before: String) { %s
  auditFindings(first: $first, after: $after, last: $last, before: $before) { %s } %s }"""


@pytest.fixture(scope="module")
def blemished(cluster: Cluster, schema_template: str) -> Iterator[Database]:
    """Provide the sound world with rows that were written with triggers off."""
    url = cluster.create(schema_template)
    with opened(url) as database:
        run_sql(database, SOUND.replace(":", "\\:"))
        run_sql(database, BLEMISHES.replace(":", "\\:"))
        yield database
    cluster.drop(url)


@pytest.fixture(scope="module")
def client(blemished: Database) -> Iterator[TestClient]:
    with client_of(blemished) as client:
        yield client


@pytest.fixture
def auditor(blemished: Database) -> Iterator[Auditor]:
    with auditing(blemished) as auditor:
        yield auditor


def as_shown(finding: Finding) -> dict[str, Any]:
    """Return a finding as the API shows it."""
    shown: dict[str, Any] = {
        "rule": finding["rule"].upper(),
        "severity": finding["severity"].upper(),
        "message": finding["message"],
        "evidence": finding["evidence"],
    }
    for name, type_ in TYPES.items():
        key = finding[COLUMNS.get(name, f"{name}_id")]
        shown[name] = None if key is None else {"id": global_id(type_, key)}
    return shown


def page_at(client: TestClient, owner: str, **arguments: Any) -> Any:
    _, opening, name = OWNERS[owner]
    query = PAGES % (opening, SHAPED, "}" if opening else "")
    data = ask(client, query, **arguments)
    return (data[name] if name else data)["auditFindings"]


@pytest.mark.parametrize("owner", OWNERS)
def test_findings_are_those_of_the_rules(client: TestClient, auditor: Auditor, owner: str) -> None:
    scope = OWNERS[owner][0]
    expected = [as_shown(finding) for finding in auditor.find(scope)]
    page = page_at(client, owner)
    assert page["nodes"] == expected
    assert page["totalCount"] == len(expected) > 1
    if owner == "Query":
        assert [node["rule"].lower() for node in page["nodes"]] == RULES


@pytest.mark.parametrize("size", [1, 2, 3, 100])
@pytest.mark.parametrize("owner", OWNERS)
def test_pages_are_the_whole_in_both_directions(client: TestClient, owner: str, size: int) -> None:
    whole = page_at(client, owner)["nodes"]
    found: list[Any] = []
    after = None
    while True:
        page = page_at(client, owner, first=size, after=after)
        assert page["pageInfo"]["hasPreviousPage"] is bool(found)
        found += page["nodes"]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
        assert len(page["nodes"]) == size
    assert found == whole
    found, before = [], None
    while True:
        page = page_at(client, owner, last=size, before=before)
        assert page["pageInfo"]["hasNextPage"] is bool(found)
        found = page["nodes"] + found
        before = page["pageInfo"]["startCursor"]
        if not page["pageInfo"]["hasPreviousPage"]:
            break
    assert found == whole
    assert page_at(client, owner, first=0)["nodes"] == []


@pytest.mark.parametrize(
    ("filter", "kept"),
    [
        ({"rule": {"eq": "OVERDRAW"}}, {"overdraw"}),
        (
            {"rule": {"in": ["USE_AFTER_HOLD", "OVERDRAW", "OVERDRAW"]}},
            {"overdraw", "use_after_hold"},
        ),
        ({"rule": {"in": []}}, set()),
        ({"severity": {"eq": "WARNING"}}, {"product_without_batches"}),
        ({"severity": {"eq": "INFO"}}, set()),
        ({"not": {"severity": {"in": ["ERROR", "INFO"]}}}, {"product_without_batches"}),
        ({"not": {"severity": {"eq": "WARNING"}}}, {*RULES} - {"product_without_batches"}),
        ({"rule": {"eq": "OVERDRAW"}, "severity": {"eq": "WARNING"}}, set()),
        (
            {"or": [{"rule": {"eq": "OVERDRAW"}}, {"severity": {"eq": "WARNING"}}]},
            {"overdraw", "product_without_batches"},
        ),
        ({"and": [{}, {"rule": {"eq": "CUSTODY_MIXED"}}]}, {"custody_mixed"}),
        ({}, {*RULES}),
        (None, {*RULES}),
    ],
    # In one order in every process.
    ids=lambda value: str(sorted(value) if isinstance(value, set) else value),
)
def test_filter_keeps_rules_and_asks_no_other(
    client: TestClient, blemished: Database, filter: Any, kept: set[str]
) -> None:
    query = """query ($filter: AuditFindingFilter) {
      auditFindings(filter: $filter) { totalCount nodes { rule } } }"""
    with recording(blemished) as statements:
        found = ask(client, query, filter=filter)["auditFindings"]
    expected = [rule.upper() for rule in RULES if rule in kept]
    assert found == {
        "totalCount": len(expected),
        "nodes": [{"rule": rule} for rule in expected],
    }
    (statement,) = statements
    assert {rule for rule in RULES if f"'{rule}'" in statement} == kept


def test_no_rule_is_no_finding_however_it_is_asked(client: TestClient) -> None:
    """Page sizes and cursors without results, and parents that do not exist."""
    cursor = ask(client, "{ auditFindings(first: 1) { pageInfo { endCursor } } }")
    query = """query ($n: Int!, $c: String, $id: Int!) {
      auditFindings(first: $n, after: $c, filter: {rule: {eq: OVERDRAW}, severity: {eq: WARNING}}) {
        totalCount nodes { message evidence product { name } transaction { event } }
        pageInfo { hasNextPage hasPreviousPage endCursor } }
      product(by: {productId: $id}) {
        auditFindings(last: $n, filter: {rule: {in: []}}) { edges { cursor node { rule } } } } }"""
    variables = {"n": 5, "c": cursor["auditFindings"]["pageInfo"]["endCursor"], "id": 1}
    page = {"hasNextPage": False, "hasPreviousPage": False, "endCursor": None}
    found = {
        "auditFindings": {"totalCount": 0, "nodes": [], "pageInfo": page},
        "product": {"auditFindings": {"edges": []}},
    }
    for each in (variables, {**variables, "c": None}):
        assert ask(client, query, **each) == found


def test_plan_of_one_filter_is_not_of_another(client: TestClient) -> None:
    query = "query ($rules: [AuditRule!]!) { auditFindings(filter: {rule: {in: $rules}}) { totalCount } }"
    for rules, count in ((["OVERDRAW"], 1), ([], 0), (["USE_AFTER_HOLD"], 3), (["OVERDRAW"], 1)):
        assert ask(client, query, rules=rules)["auditFindings"]["totalCount"] == count


@pytest.mark.parametrize(
    ("upstream", "expected"),
    [
        (True, RULES[:6] + RULES[9:]),
        (None, RULES[:6] + RULES[9:]),
        (False, ["event_too_early", "use_after_hold"]),
    ],
)
def test_upstream_is_what_it_was_made_of(client: TestClient, upstream: Any, expected: Any) -> None:
    query = """query ($upstream: Boolean) { product(by: {productId: 1}) {
      auditFindings(upstream: $upstream) { nodes { rule } } } }"""
    found = ask(client, query, upstream=upstream)["product"]["auditFindings"]["nodes"]
    assert [node["rule"].lower() for node in found] == expected


def test_however_many_and_deep_it_is_one_statement(client: TestClient, blemished: Database) -> None:
    query = """{
      auditFindings(first: 3) { nodes { rule cacaoBatch { supplier { name auditFindings { totalCount } } } } }
      products { nodes { auditFindings { nodes { rule cacaoBatch { lotNumber plots { nodes { name } } } } }
        cacaoBatches { nodes { auditFindings(upstream: false) { totalCount } } } } }
      node(id: "%s") { ... on CacaoBatch { auditFindings { totalCount } } } }"""
    with recording(blemished) as statements:
        data = ask(client, query % global_id("CacaoBatch", 3))
    assert len(statements) == 1
    products = data["products"]["nodes"]
    counts = [len(product["auditFindings"]["nodes"]) for product in products]
    assert counts == [7, 7, 1]
    assert data["node"]["auditFindings"]["totalCount"] == 5
    supplier = data["auditFindings"]["nodes"][0]["cacaoBatch"]["supplier"]
    assert supplier == {"name": "Grower", "auditFindings": {"totalCount": 2}}


def test_findings_of_what_a_trace_lists(client: TestClient) -> None:
    query = """{ product(by: {productId: 1}) { trace { lots { nodes { cacaoBatch { cacaoBatchId
      auditFindings(upstream: false) { nodes { rule } } } } } } } }"""
    lots = ask(client, query)["product"]["trace"]["lots"]["nodes"]
    found = {
        lot["cacaoBatch"]["cacaoBatchId"]: len(lot["cacaoBatch"]["auditFindings"]["nodes"])
        for lot in lots
    }
    assert found == {4: 3, 3: 2, 1: 2, 2: 1}


def test_completed_answer_is_the_one_that_goes_through(client: TestClient) -> None:
    fields = f"auditFindings {{ edges {{ cursor node {{ __typename {FIELDS} }} }} {SHAPED} }}"
    through = ask(client, f"{{ {fields} }}")
    assert (
        ask(client, f"{{ viewer {{ role }} {fields} }}")["auditFindings"]
        == (through["auditFindings"])
    )
    assert through["auditFindings"]["edges"][0]["node"]["__typename"] == "AuditFinding"


@pytest.fixture(scope="module")
def as_role(blemished: Database) -> Iterator[dict[str, TestClient]]:
    with ExitStack() as stack:
        yield {
            role: stack.enter_context(local(create_app(Settings(dev_role=role), blemished)))
            for role in ROLES
        }


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("owner", OWNERS)
def test_findings_are_for_staff(
    as_role: dict[str, TestClient], blemished: Database, owner: str, role: str
) -> None:
    _, opening, name = OWNERS[owner]
    query = f"{{ {opening} auditFindings {{ nodes {{ rule message }} }} {'}' if opening else ''} }}"
    with recording(blemished) as statements:
        answer = request(as_role[role], query)
    if role in STAFF:
        assert list(answer.json) == ["data"]
        return
    assert statements == []
    assert answer.codes == ["UNAUTHENTICATED" if role == PUBLIC else "FORBIDDEN"]
    assert answer.errors[0]["path"] == [*filter(None, [name]), "auditFindings"]
    assert f"`{owner}.auditFindings` is for operator, auditor, admin" in answer.errors[0]["message"]


@pytest.mark.parametrize("role", ["viewer", PUBLIC])
def test_findings_cannot_be_asked_of_what_a_mutation_returns(
    as_role: dict[str, TestClient], role: str
) -> None:
    query = """mutation { updateProduct(input: {productId: 1}) { product {
      auditFindings { totalCount } } } }"""
    assert {*request(as_role[role], query).codes} <= {"UNAUTHENTICATED", "FORBIDDEN"}


SCOPE = "Query.audit_findings+rule+place+first_key+second_key"


def test_cursor_is_of_the_place_of_a_finding(client: TestClient) -> None:
    end = page_at(client, "Query", first=1)["pageInfo"]["endCursor"]
    assert json.loads(base64.b64decode(end)) == [SCOPE, "certificate_expired", 0, 1, 0]


@pytest.mark.parametrize(
    "text",
    [
        "x",
        cursor("Query.products+product_id", 3),
        cursor("Product.audit_findings+rule+place+first_key+second_key", "overdraw", 0, 4, 0),
        cursor(SCOPE, "overdraw", 0, 4),
        cursor(SCOPE, None, 0, 4, 0),
        cursor(SCOPE, "overdraw", "0", 4, 0),
        cursor(SCOPE, "overdraw", 0, 2**63, 0),
        cursor(SCOPE, "over\0draw", 0, 4, 0),
    ],
)
def test_what_is_no_cursor_of_findings_is_refused(client: TestClient, text: str) -> None:
    query = (
        "query ($a: String, $b: String) { auditFindings(after: $a, before: $b) { nodes { rule } } }"
    )
    assert code_of(client, query, {"a": text}) == "INVALID_CURSOR"
    assert code_of(client, query, {"b": text}) == "INVALID_CURSOR"


@pytest.mark.parametrize(
    ("place", "rules"),
    [
        (("a", 0, 0, 0), RULES),
        (("zebra", -1, 0, 0), []),
        (("overdraw", 2**62, -(2**63 - 1), 0), RULES[6:]),
        (("lot_without_origin", 0, 2, -1), RULES[4:]),
    ],
)
def test_cursor_of_a_finding_that_is_gone_still_has_a_place(
    client: TestClient, place: tuple[Any, ...], rules: list[str]
) -> None:
    found = page_at(client, "Query", after=cursor(SCOPE, *place))["nodes"]
    assert [node["rule"].lower() for node in found] == rules


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ("first: 101", "INVALID_PAGE"),
        ("last: -1", "INVALID_PAGE"),
        ("first: 1, last: 1", "INVALID_PAGE"),
        ("filter: {rule: {eq: null}}", "BAD_USER_INPUT"),
        ("filter: {rule: {eq: OVERDRAWN}}", "GRAPHQL_VALIDATION_FAILED"),
        ("filter: {message: {eq: 1}}", "GRAPHQL_VALIDATION_FAILED"),
        ("orderBy: []", "GRAPHQL_VALIDATION_FAILED"),
        ("upstream: true", "GRAPHQL_VALIDATION_FAILED"),
        (f"filter: {'{not: ' * 21}{{}}{'}' * 21}", "DOCUMENT_TOO_LARGE"),
    ],
)
def test_arguments_that_cannot_be_are_refused(
    client: TestClient, arguments: str, code: str
) -> None:
    assert code_of(client, f"{{ auditFindings({arguments}) {{ nodes {{ rule }} }} }}") == code


def test_findings_are_no_nodes(client: TestClient) -> None:
    key = global_id("AuditFinding", 1)
    error = refusal(client, f'{{ node(id: "{key}") {{ id }} }}')
    assert error["extensions"]["code"] == "INVALID_ID"
