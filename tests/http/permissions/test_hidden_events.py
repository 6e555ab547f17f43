"""Events about losses or holds are invisible, on every path, to a role without them."""

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from models.database.engines import Database
from serving.app import create_app
from serving.settings import Settings
from tests.conftest import Cluster, local, opened
from tests.requests import ask, global_id

# Events 6 to 10: lost, held and released are of batch 1, 9 corrects 5, 10 corrects 8.
HIDDEN = """INSERT INTO losses (cacao_batch_id, quantity_kg, reason) VALUES (1, 5, 'theft');
INSERT INTO transactions (cacao_batch_id, event) VALUES (1, 'held');
INSERT INTO transactions (cacao_batch_id, event) VALUES (1, ' Released ');
INSERT INTO transactions (cacao_batch_id, event, corrects, correction_reason)
  VALUES (4, 'lost', 5, 'r');
INSERT INTO transactions (cacao_batch_id, event, corrects, correction_reason)
  VALUES (1, 'stored', 8, 'r')"""
LOST, HELD, RELEASED, CORRECTING, CORRECTED = 6, 7, 8, 9, 10


@pytest.fixture(scope="module")
def eventful(cluster: Cluster, world_template: str) -> Iterator[Database]:
    url = cluster.create(world_template)
    with opened(url) as database:
        with database.engine().begin() as connection:
            for statement in HIDDEN.split(";"):
                connection.exec_driver_sql(statement)
        yield database
    cluster.drop(url)


@pytest.fixture(scope="module")
def public(eventful: Database) -> Iterator[TestClient]:
    with local(create_app(Settings(dev_role="public"), eventful)) as client:
        yield client


@pytest.fixture(scope="module")
def viewer(eventful: Database) -> Iterator[TestClient]:
    with local(create_app(Settings(dev_role="viewer"), eventful)) as client:
        yield client


def numbers(page: Any) -> list[int]:
    found = [node["transactionId"] for node in page["nodes"]]
    assert page["totalCount"] == len(found)
    return found


ALL = "transactions%s { totalCount nodes { transactionId } }"
FILTERS = [
    "",
    '(filter: {event: {eq: "lost"}})',
    '(filter: {event: {in: ["lost", "held", " Released "]}})',
    '(filter: {not: {event: {eq: "shipped"}}})',
    '(filter: {event: {contains: "L"}})',
    '(filter: {cacaoBatch: {transactions: {some: {event: {eq: "held"}}}}})',
    '(filter: {corrections: {some: {event: {eq: "lost"}}}})',
    '(filter: {corrects: {event: {contains: "released"}}})',
    "(filter: {corrects: {}})",
    "(orderBy: [{field: EVENT}])",
    "(view: CURRENT)",
]


@pytest.mark.parametrize("given", FILTERS)
def test_no_filter_finds_a_hidden_event(public: TestClient, given: str) -> None:
    found = numbers(ask(public, f"{{ {ALL % given} }}")["transactions"])
    assert not {LOST, HELD, RELEASED, CORRECTING} & {*found}
    if (
        "event: {eq" in given.replace("not: {event", "")
        or "in: [" in given
        or "corrections" in given
    ):
        assert found == []


def test_who_may_see_losses_and_holds_sees_their_events(viewer: TestClient) -> None:
    found = numbers(ask(viewer, f"{{ {ALL % ''} }}")["transactions"])
    assert found == [*range(1, 11)]


@pytest.mark.parametrize(
    ("root", "filter", "seen"),
    [
        ("cacaoBatches", '{transactions: {some: {event: {eq: "lost"}}}}', []),
        ("cacaoBatches", '{transactions: {none: {event: {eq: "lost"}}}}', [1, 2, 3, 4]),
        ("cacaoBatches", '{transactions: {every: {event: {eq: "tempered"}}}}', [2, 3, 4]),
        ("cacaoBatches", "{transactions: {none: {}}}", [2, 3]),
        ("products", '{cacaoBatches: {some: {transactions: {some: {event: {eq: "lost"}}}}}}', []),
    ],
)
def test_no_filter_of_another_type_tells_of_a_hidden_event(
    public: TestClient, root: str, filter: str, seen: list[int]
) -> None:
    key = "cacaoBatchId" if root == "cacaoBatches" else "productId"
    page = ask(public, f"{{ {root}(filter: {filter}) {{ totalCount nodes {{ {key} }} }} }}")[root]
    assert [node[key] for node in page["nodes"]] == seen
    assert page["totalCount"] == len(seen)


def test_no_way_through_the_graph_leads_to_a_hidden_event(public: TestClient) -> None:
    batch = ask(public, f"{{ cacaoBatch(by: {{cacaoBatchId: 1}}) {{ {ALL % '(first: 1)'} }} }}")
    assert batch["cacaoBatch"]["transactions"] == {
        "totalCount": 2,
        "nodes": [{"transactionId": 3}],
    }
    ids = [global_id("Transaction", number) for number in (LOST, 5, CORRECTED, 999_999)]
    found = ask(
        public,
        """query ($ids: [ID!]!, $lost: ID!) { node(id: $lost) { id } nodes(ids: $ids) {
          ... on Transaction { transactionId corrects { transactionId }
            corrections { totalCount nodes { event } } } } }""",
        ids=ids,
        lost=ids[0],
    )
    none = {"totalCount": 0, "nodes": []}
    assert found["node"] is None
    assert found["nodes"] == [
        None,
        {"transactionId": 5, "corrects": None, "corrections": none},
        {"transactionId": CORRECTED, "corrects": None, "corrections": none},
        None,
    ]


def test_objects_of_a_lineage_lead_to_no_hidden_event(public: TestClient) -> None:
    query = """{ product(by: {productId: 2}) { origins { nodes { cacaoBatch { cacaoBatchId
      transactions { totalCount nodes { event } } } } } } }"""
    lots = [node["cacaoBatch"] for node in ask(public, query)["product"]["origins"]["nodes"]]
    assert lots[0] == {
        "cacaoBatchId": 1,
        "transactions": {"totalCount": 2, "nodes": [{"event": "fermented"}, {"event": "stored"}]},
    }


def test_pages_and_their_ends_know_of_no_hidden_event(public: TestClient) -> None:
    query = """query ($after: String) { transactions(first: 2, after: $after,
      orderBy: [{field: EVENT}]) { pageInfo { hasNextPage endCursor } nodes { event } } }"""
    after, events = None, []
    while True:
        page = ask(public, query, after=after)["transactions"]
        events += [node["event"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert events == ["fermented", "received", "shipped", "shipped", "stored", "tempered"]


def test_rows_that_graphql_completes_are_hidden_too(public: TestClient) -> None:
    found = ask(public, f"{{ viewer {{ role }} {ALL % ''} }}")
    assert numbers(found["transactions"]) == [1, 2, 3, 4, 5, CORRECTED]
