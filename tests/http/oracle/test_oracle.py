"""The server and the oracle answer the same documents: random ones, and whole connections by cursor."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from starlette.testclient import TestClient

from graph.schema import schema
from models.database.engines import Database
from tests.conftest import Cluster, client_of, opened
from tests.http.oracle.documents import Document, draw_document
from tests.http.oracle.oracle import Oracle
from tests.http.oracle.oracle_comparison import first_difference, read_answer
from tests.http.oracle.oracle_pages import Cursors, Order
from tests.http.oracle.oracle_rows import key_of
from tests.http.oracle.oracle_scalars import global_id
from tests.requests import without_cost
from tests.writing import run_sql

DOCUMENTS = 1_000
CHUNKS = 20

ASC, DESC = False, True


@dataclass(frozen=True)
class Paging:
    """A connection to read page by page: of the root, or of its owner with the most rows."""

    owner: str
    field: str
    target: str
    order: Order

    def __str__(self) -> str:
        terms = [f"{'-' if descending else '+'}{name}" for name, descending in self.order]
        return f"{self.owner}.{self.field}({','.join(terms)})"


def pagings(owner: str, field: str, target: str, *orders: Order) -> list[Paging]:
    return [Paging(owner, field, target, order) for order in orders]


# Nullable columns, ties and both directions, at the root and below it.
PAGINGS = [
    *pagings("Query", "products", "Product", (), (("product_id", DESC),), (("name", ASC),)),
    *pagings("Query", "products", "Product", (("production_date", ASC), ("name", DESC))),
    *pagings("Query", "cacaoBatches", "CacaoBatch", (("harvest_date", ASC),)),
    *pagings("Query", "cacaoBatches", "CacaoBatch", (("harvest_date", DESC),)),
    *pagings("Query", "cacaoBatches", "CacaoBatch", (("certification", ASC), ("stage", DESC))),
    *pagings(
        "Query", "cacaoBatches", "CacaoBatch", (("certification", DESC), ("harvest_date", ASC))
    ),
    *pagings("Query", "cacaoBatches", "CacaoBatch", (("lot_number", DESC), ("quantity_kg", DESC))),
    *pagings("Query", "suppliers", "Supplier", (("country", ASC),), (("country", DESC),)),
    *pagings("Manufacturer", "products", "Product", (), (("cocoa_percent", DESC),)),
    *pagings("Manufacturer", "products", "Product", (("gtin", ASC), ("batch_number", DESC))),
    *pagings("Supplier", "cacaoBatches", "CacaoBatch", (("certification", DESC),)),
    *pagings("Supplier", "plots", "Plot", (("country", DESC),)),
    *pagings("Product", "transactions", "Transaction", (("event", ASC), ("timestamp", DESC))),
    *pagings("CacaoBatch", "inputs", "CacaoBatch", (("harvest_date", DESC), ("lot_number", ASC))),
    *pagings("DueDiligenceStatement", "products", "Product", (("production_date", DESC),)),
]


# One event in seven is corrected, and some of the corrections are, later.
CORRECTIONS = """
insert into transactions
  (product_id, cacao_batch_id, event, corrects, correction_reason, "timestamp", record_time)
select product_id, cacao_batch_id, event, transaction_id, 'mistyped', "timestamp",
  record_time + transaction_id % 5 * interval '1 hour'
from transactions where transaction_id % {} = 0"""


@pytest.fixture(scope="module")
def corrected(cluster: Cluster, sample_template: str) -> Iterator[Database]:
    """Provide the sample data with corrections."""
    url = cluster.create(sample_template)
    with opened(url) as database:
        for each in (7, 11):
            run_sql(database, CORRECTIONS.format(each))
        yield database
    cluster.drop(url)


@pytest.fixture
def client(corrected: Database) -> Iterator[TestClient]:
    with client_of(corrected) as client:
        yield client


@pytest.fixture(scope="module")
def oracle(corrected: Database) -> Oracle:
    return Oracle(schema.as_str(), corrected)


def answer(client: TestClient, document: Document) -> Any:
    """Return the data of the server's answer, which must not have errors."""
    response = client.post("/graphql", json=document.body())
    found = without_cost(read_answer(response.text))
    sound = response.status_code == 200 and list(found) == ["data"]
    assert sound, f"{response.status_code} {response.text[:2000]}\n{document}"
    return found["data"]


@pytest.mark.parametrize("seed", range(CHUNKS))
def test_random_documents_get_the_answer_of_the_oracle(
    client: TestClient, oracle: Oracle, seed: int
) -> None:
    rng, cursors = random.Random(seed), Cursors()
    for number in range(DOCUMENTS // CHUNKS):
        document = draw_document(rng, oracle.schema, oracle.rows, cursors)
        expected = oracle.answer(
            document.query, document.variables, document.operation_name, cursors
        )
        difference = first_difference(answer(client, document), expected, cursors)
        assert difference is None, f"seed {seed}, document {number}: {difference}\n{document}"


def rows_of(oracle: Oracle, paging: Paging) -> tuple[str, list[str]]:
    """Return the global id of the owner, and those of all rows of the connection in order."""
    if paging.owner == "Query":
        owner, edges = "", oracle.rows.everything(paging.target)
    else:
        table = oracle.rows.tables[paging.owner].values()
        busiest = max(table, key=lambda row: len(oracle.rows.many(row, paging.field)))
        owner = global_id(paging.owner, key_of(busiest))
        edges = oracle.rows.many(busiest, paging.field)
    ranks = oracle.ranks(paging.target, paging.order)
    keys = sorted((key_of(edge.row) for edge in edges), key=ranks.__getitem__)
    return owner, [global_id(paging.target, key) for key in keys]


def write_page(paging: Paging, owner: str, page: str) -> str:
    """Return the document of one page, its position in the variable `$cursor`."""
    terms = ", ".join(
        f"{{field: {name.upper()}, direction: {'DESC' if descending else 'ASC'}}}"
        for name, descending in paging.order
    )
    info = "pageInfo { hasNextPage hasPreviousPage startCursor endCursor }"
    body = f"{paging.field}({page}: $cursor, orderBy: [{terms}]) {{ totalCount nodes {{ id }} {info} }}"
    if owner:
        body = f'node(id: "{owner}") {{ ... on {paging.owner} {{ {body} }} }}'
    return f"query ($cursor: String) {{ {body} }}"


def read_pages(
    client: TestClient, paging: Paging, owner: str, size: int, backward: bool
) -> Iterator[Any]:
    """Yield the pages in reading direction, each from the last cursor of the page before."""
    query = write_page(
        paging, owner, f"last: {size}, before" if backward else f"first: {size}, after"
    )
    onward, end = ("hasPreviousPage", "startCursor") if backward else ("hasNextPage", "endCursor")
    cursor = None
    while True:
        data = answer(client, Document(query, {"cursor": cursor}, None))
        page = (data["node"] if owner else data)[paging.field]
        yield page
        if not page["pageInfo"][onward]:
            return
        cursor = page["pageInfo"][end]


def ids(pages: list[Any]) -> list[str]:
    return [node["id"] for page in pages for node in page["nodes"]]


@pytest.mark.parametrize("paging", PAGINGS, ids=str)
def test_paging_forward_gives_every_row_once_in_order(
    client: TestClient, oracle: Oracle, paging: Paging
) -> None:
    owner, expected = rows_of(oracle, paging)
    pages = list(
        read_pages(client, paging, owner, min(max(len(expected) // 5, 1), 100), backward=False)
    )
    assert ids(pages) == expected
    assert len(pages) >= 3
    assert {page["totalCount"] for page in pages} == {len(expected)}
    previous = [page["pageInfo"]["hasPreviousPage"] for page in pages]
    assert previous == [False] + [True] * (len(pages) - 1)


@pytest.mark.parametrize("paging", PAGINGS, ids=str)
def test_paging_backward_gives_every_row_once_in_order(
    client: TestClient, oracle: Oracle, paging: Paging
) -> None:
    owner, expected = rows_of(oracle, paging)
    pages = list(
        read_pages(client, paging, owner, min(max(len(expected) // 4, 1), 100), backward=True)
    )
    assert ids(pages[::-1]) == expected
    assert len(pages) >= 3
    following = [page["pageInfo"]["hasNextPage"] for page in pages]
    assert following == [False] + [True] * (len(pages) - 1)


@pytest.mark.parametrize(
    ("page", "end", "fact"),
    [
        ("first: 1, after", "startCursor", "hasPreviousPage"),
        ("last: 1, before", "endCursor", "hasNextPage"),
    ],
)
def test_the_row_at_the_cursor_lies_beyond_the_page(
    client: TestClient, oracle: Oracle, page: str, end: str, fact: str
) -> None:
    paging = Paging("Query", "manufacturers", "Manufacturer", (("country", DESC),))
    _, expected = rows_of(oracle, paging)
    (whole,) = read_pages(client, paging, "", 100, backward=False)
    query = write_page(paging, "", page)
    found = answer(client, Document(query, {"cursor": whole["pageInfo"][end]}, None))
    assert found["manufacturers"]["pageInfo"][fact] is True
    assert ids([found["manufacturers"]]) == [expected[1 if end == "startCursor" else -2]]
