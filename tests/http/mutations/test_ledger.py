"""The ledger over GraphQL: proofs that verify, past states, and corrections; one statement each."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from graph.auth.roles import PUBLIC, ROLES, STAFF
from graph.pagination import write_global_id
from ledger.verifier import (
    check_consistency,
    decode_base64,
    leaf_hash,
    open_checkpoint,
    read_key,
    root_from_inclusion,
)
from serving.app import create_app
from serving.settings import Settings
from tests.conftest import client_of, local
from tests.db.ledger.conftest import Kept, kept, ledger_template
from tests.recorder import recording
from tests.requests import fetch, request
from tests.writing import run_sql

__all__ = ["kept", "ledger_template"]

PROOF = "status sequence leaf leafHash treeSize rootHash hashes checkpoint"
RECORD = """mutation($input: RecordTransactionInput!) { recordTransaction(input: $input) {
  transaction { transactionId correctionReason corrects { transactionId } proof { status sequence } }
  userErrors { field message code } } }"""


@pytest.fixture
def asking(kept: Kept) -> Iterator[TestClient]:
    with client_of(kept.database) as client:
        yield client


def data(client: TestClient, query: str, **variables: Any) -> Any:
    answer = request(client, query, variables)
    assert "errors" not in answer.json, answer.json
    return answer.json["data"]


# ---------------------------------------------------------------- proofs


def test_proof_leads_from_the_leaf_to_the_signed_root(kept: Kept, asking: TestClient) -> None:
    query = f"{{ transactions(first: 100) {{ nodes {{ transactionId proof {{ {PROOF} }} }} }} }}"
    with recording(kept.database) as statements:
        nodes = data(asking, query)["transactions"]["nodes"]
    assert len(statements) == 1
    assert len(nodes) == 30
    for node in nodes:
        proof = node["proof"]
        assert (proof["status"], proof["treeSize"]) == ("INTEGRATED", 30)
        assert f'"transactionId":{node["transactionId"]},"version":2}}' in proof["leaf"]
        hashed = leaf_hash(proof["leaf"].encode())
        assert hashed == decode_base64(proof["leafHash"])
        path = [decode_base64(each) for each in proof["hashes"]]
        root = root_from_inclusion(hashed, proof["sequence"], 30, path)
        assert root == decode_base64(proof["rootHash"])
        assert root == open_checkpoint(proof["checkpoint"], kept.signer.key).root


def test_event_is_pending_until_it_is_integrated(kept: Kept, asking: TestClient) -> None:
    given = {"event": "sold", "productId": "1"}
    made = data(asking, RECORD, input=given)["recordTransaction"]["transaction"]
    assert made["proof"] == {"status": "PENDING", "sequence": None}
    key = write_global_id("Transaction", made["transactionId"])
    query = f'{{ node(id: "{key}") {{ ... on Transaction {{ proof {{ {PROOF} }} }} }} }}'
    proof = data(asking, query)["node"]["proof"]
    assert proof == dict.fromkeys(PROOF.split()) | {"status": "PENDING"}
    kept.integrate()
    proof = data(asking, query)["node"]["proof"]
    assert (proof["status"], proof["sequence"], proof["treeSize"]) == ("INTEGRATED", 30, 31)


def test_ledger_and_its_checkpoints_are_one_statement(kept: Kept, asking: TestClient) -> None:
    query = """{ ledger { size rootHash origin publicKey checkpoint
      checkpoints(first: 1) { totalCount pageInfo { hasNextPage endCursor }
        edges { cursor node { id size rootHash issuedAt note publicKey } } }
      consistency(fromSize: 17) { firstSize secondSize firstRoot secondRoot hashes } } }"""
    with recording(kept.database) as statements:
        ledger = data(asking, query)["ledger"]
    assert len(statements) == 1
    key = read_key(ledger["publicKey"])
    assert (key, ledger["origin"], ledger["size"]) == (kept.signer.key, "cacaotrace", 30)
    newest = open_checkpoint(ledger["checkpoint"], key)
    assert (newest.size, newest.root) == (30, decode_base64(ledger["rootHash"]))
    [edge] = ledger["checkpoints"]["edges"]
    assert (ledger["checkpoints"]["totalCount"], edge["node"]["size"]) == (2, 17)
    assert open_checkpoint(edge["node"]["note"], key).root == decode_base64(
        edge["node"]["rootHash"]
    )
    proof = ledger["consistency"]
    path = [decode_base64(each) for each in proof["hashes"]]
    roots = decode_base64(proof["firstRoot"]), decode_base64(proof["secondRoot"])
    assert roots == (decode_base64(edge["node"]["rootHash"]), newest.root)
    check_consistency(proof["firstSize"], roots[0], proof["secondSize"], roots[1], path)
    rest = "query($after: String!) { ledger { checkpoints(after: $after) { nodes { size } } } }"
    found = data(asking, rest, after=ledger["checkpoints"]["pageInfo"]["endCursor"])
    assert found["ledger"]["checkpoints"]["nodes"] == [{"size": 30}]
    again = f'{{ node(id: "{edge["node"]["id"]}") {{ ... on LedgerCheckpoint {{ size }} }} }}'
    assert data(asking, again)["node"] == {"size": 17}


@pytest.mark.parametrize(
    ("given", "sizes"),
    [
        ({}, (1, 30)),
        ({"from": 5, "to": 9}, (5, 9)),
        ({"from": 30}, (30, 30)),
        ({"from": 0}, None),
        ({"from": 31}, None),
        ({"from": 9, "to": 5}, None),
        ({"to": 31}, None),
    ],
)
def test_consistency_of_sizes_that_there_were(
    asking: TestClient, given: dict[str, int], sizes: tuple[int, int] | None
) -> None:
    query = """query($from: BigInt, $to: BigInt) { ledger {
      consistency(fromSize: $from, toSize: $to) { firstSize secondSize } } }"""
    found = data(asking, query, **given)["ledger"]["consistency"]
    assert (found and (found["firstSize"], found["secondSize"])) == sizes


def test_ledger_beside_what_is_completed(asking: TestClient) -> None:
    found = data(asking, "{ viewer { role } ledger { size checkpoints { nodes { size } } } }")
    assert found["ledger"] == {"size": 30, "checkpoints": {"nodes": [{"size": 17}, {"size": 30}]}}


def test_ledger_without_events(kept: Kept, asking: TestClient) -> None:
    with kept.altering() as cursor:
        cursor.execute("DELETE FROM ledger_entries; DELETE FROM ledger_checkpoints")
    found = data(asking, "{ ledger { size origin checkpoint consistency { firstSize } } }")
    assert found["ledger"] == {"size": 0, "origin": None, "checkpoint": None, "consistency": None}
    assert fetch(asking, "/ledger/checkpoint").status == 404


def test_newest_checkpoint_as_text(kept: Kept, asking: TestClient) -> None:
    answer = fetch(asking, "/ledger/checkpoint")
    assert (answer.status, answer.headers["content-type"]) == (200, "text/plain; charset=utf-8")
    assert open_checkpoint(answer.body.decode(), kept.signer.key).size == 30
    with local(create_app(Settings(public_read=False), kept.database)) as client:
        assert fetch(client, "/ledger/checkpoint").status == 401


@pytest.mark.parametrize("role", ROLES)
def test_leaf_is_for_who_may_read_all_of_it(kept: Kept, role: str) -> None:
    """The hashes are public, because leaves are salted."""
    with local(create_app(Settings(dev_role=role), kept.database)) as client:
        rest = PROOF.replace(" leaf ", " ")
        data(client, f"{{ transactions {{ nodes {{ proof {{ {rest} }} }} }} }}")
        data(client, "{ ledger { size consistency { hashes } checkpoints { nodes { note } } } }")
        answer = request(client, "{ transactions { nodes { proof { leaf } } } }")
        if role in STAFF:
            assert "errors" not in answer.json
            return
        assert answer.codes == ["UNAUTHENTICATED" if role == PUBLIC else "FORBIDDEN"]
        assert answer.errors[0]["path"] == ["transactions", "nodes", "proof", "leaf"]


# ---------------------------------------------------------------- corrections, and what was known


def test_correction_names_what_it_corrects_and_why(kept: Kept, asking: TestClient) -> None:
    given = {"event": "shipped", "productId": "1", "corrects": "1", "correctionReason": "to Lyon"}
    made = data(asking, RECORD, input=given)["recordTransaction"]["transaction"]
    assert made["corrects"] == {"transactionId": 1}
    assert made["correctionReason"] == "to Lyon"
    query = '{ node(id: "%s") { ... on Transaction { corrections { totalCount nodes { transactionId } } } } }'
    found = data(asking, query % write_global_id("Transaction", 1))["node"]["corrections"]
    assert found == {"totalCount": 1, "nodes": [{"transactionId": made["transactionId"]}]}


@pytest.mark.parametrize(
    ("given", "field", "code"),
    [
        ({"productId": "2", "corrects": "1", "correctionReason": "x"}, "corrects", "INVALID"),
        ({"productId": "1", "corrects": "99", "correctionReason": "x"}, "corrects", "NOT_FOUND"),
        ({"productId": "1", "corrects": "abc", "correctionReason": "x"}, "corrects", "INVALID"),
        ({"productId": "1", "corrects": "1"}, "correctionReason", "INVALID"),
        ({"productId": "1", "correctionReason": "x"}, "correctionReason", "INVALID"),
        (
            {"productId": "1", "corrects": "1", "correctionReason": " "},
            "correctionReason",
            "INVALID",
        ),
    ],
)
def test_correction_that_is_none_is_refused(
    kept: Kept, asking: TestClient, given: dict[str, str], field: str, code: str
) -> None:
    payload = data(asking, RECORD, input={"event": "shipped", **given})["recordTransaction"]
    assert [(e["field"], e["code"]) for e in payload["userErrors"]] == [(["input", field], code)]
    assert kept.rows("SELECT count(*) FROM transactions") == [(30,)]


@pytest.fixture
def corrected(kept: Kept) -> Kept:
    """Event 1 was corrected on 10 May, and that correction on 12 May."""
    for corrects, day in ((1, 10), (31, 12)):
        run_sql(
            kept.database,
            "INSERT INTO transactions (product_id, event, corrects, correction_reason, record_time)"
            " VALUES (1, 'shipped', :c, 'x', CAST(:d AS timestamptz))",
            c=corrects,
            d=f"2026-05-{day} 12:00Z",
        )
    return kept


VIEWED = """query($view: TransactionView, $asOf: DateTime, $filter: TransactionFilter) {
  product(by: {productId: 1}) { transactions(view: $view, asOf: $asOf, filter: $filter, first: 100) {
    totalCount nodes { transactionId } } } }"""


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, [1, 2, 31, 32]),
        ({"view": None, "asOf": None}, [1, 2, 31, 32]),
        ({"view": "HISTORY"}, [1, 2, 31, 32]),
        ({"view": "CURRENT"}, [2, 32]),
        ({"asOf": "2026-05-11T00:00:00Z"}, [1, 2, 31]),
        ({"view": "CURRENT", "asOf": "2026-05-11T00:00:00Z"}, [2, 31]),
        ({"view": "CURRENT", "asOf": "2026-05-12T12:00:00Z"}, [2, 32]),
        ({"view": "CURRENT", "asOf": "2026-05-12T11:59:59.999999Z"}, [2, 31]),
        ({"view": "CURRENT", "asOf": "2026-05-10T14:00:00+02:00"}, [2, 31]),
        ({"view": "CURRENT", "asOf": "2026-05-01T00:00:00Z"}, [1, 2]),
        ({"view": "CURRENT", "asOf": "2026-03-01T00:00:00Z"}, []),
        ({"view": "CURRENT", "filter": {"event": {"eq": "shipped"}}}, [32]),
    ],
)
def test_view_is_current_or_history_as_of_a_time(
    corrected: Kept, asking: TestClient, given: dict[str, Any], expected: list[int]
) -> None:
    """All requests share one document, so that each uses the cached plans."""
    late = "SELECT transaction_id FROM transactions WHERE product_id = 1 AND event LIKE 'event %%'"
    others = {number for (number,) in corrected.rows(late)}
    for variables in ({"view": "CURRENT"}, given, {}, given):
        with recording(corrected.database) as statements:
            found = data(asking, VIEWED, **variables)["product"]["transactions"]
        assert len(statements) == 1
    shown = [node["transactionId"] for node in found["nodes"]]
    assert [number for number in shown if number not in others] == expected
    assert found["totalCount"] == len(shown)


def test_pages_of_the_current_view_walk_through_all_of_it(
    corrected: Kept, asking: TestClient
) -> None:
    query = """query($after: String) { transactions(view: CURRENT, first: 4, after: $after) {
      totalCount pageInfo { hasNextPage endCursor } nodes { transactionId } } }"""
    walked: list[int] = []
    after = None
    while True:
        page = data(asking, query, after=after)["transactions"]
        walked += [node["transactionId"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert walked == [*range(2, 31), 32]
    assert page["totalCount"] == 30


def test_corrections_of_corrections_are_dated_too(corrected: Kept, asking: TestClient) -> None:
    query = """{ transactions(first: 1) { nodes {
      corrections(asOf: "2026-05-11T00:00:00Z") { totalCount }
      current: corrections(view: CURRENT) { totalCount } } } }"""
    assert data(asking, query)["transactions"]["nodes"] == [
        {"corrections": {"totalCount": 1}, "current": {"totalCount": 0}}
    ]


def test_data_folder_of_the_key_is_not_served(asking: TestClient, tmp_path: Path) -> None:
    for path in ("/ledger.key", "/ledger/key", "/static/../.data/ledger.key"):
        assert fetch(asking, path).status == 404
