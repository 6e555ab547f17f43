"""Cursors that are malformed, of another connection, or of another order fail with one code."""

import base64
import json
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.requests import ask, code_of, cursor, refusal

pytestmark = pytest.mark.usefixtures("assert_unchanged")

PRODUCTS = """query ($after: String, $before: String, $order: [ProductOrder!]) {
  products(after: $after, before: $before, orderBy: $order) {
    nodes { name } pageInfo { endCursor hasNextPage hasPreviousPage } } }"""
BY_NUMBER = "Query.products+product_id"
BY_PERCENT = "Query.products+cocoa_percent+product_id"
BY_DAY = "Query.products+production_date+product_id"
BY_NAME = "Query.products+name+product_id"
BY_TIME = "Query.transactions+timestamp+transaction_id"
TRANSACTIONS = """query ($after: String) {
  transactions(after: $after, orderBy: [{field: TIMESTAMP}]) { nodes { id } pageInfo { endCursor } } }"""


def encoded(text: bytes) -> str:
    return base64.b64encode(text).decode()


def refused(client: TestClient, text: str, *order: str) -> None:
    """Assert that this cursor is refused as `after` and as `before`."""
    terms = [{"field": field} for field in order]
    for name in ("after", "before"):
        assert code_of(client, PRODUCTS, {name: text, "order": terms}) == "INVALID_CURSOR"


def test_cursors_are_what_these_tests_take_them_for(protected_client: TestClient) -> None:
    for order, scope, values in (
        ([], BY_NUMBER, [3]),
        (["COCOA_PERCENT"], BY_PERCENT, [None, 3]),
        (["PRODUCTION_DATE"], BY_DAY, [None, 2]),
        (["NAME"], BY_NAME, ["Ærø \\ 100", 3]),
    ):
        terms = [{"field": field} for field in order]
        end = ask(protected_client, PRODUCTS, order=terms)["products"]["pageInfo"]["endCursor"]
        assert json.loads(base64.b64decode(end)) == [scope, *values]


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "1", "é", "====", "!!!!", "a\0", "\ud800", "x" * 50_000, "cursor"),
        cursor(BY_NUMBER, 1).rstrip("=")[:-1],
        cursor(BY_NUMBER, 1) + "\n",
        encoded(b"1"),
        encoded(b"null"),
        encoded(b'"Query.products+product_id"'),
        encoded(b"{}"),
        encoded(b"[]"),
        encoded(b"[[]]"),
        encoded(b"\xff\xfe"),
        encoded(b"[" * 50_000),
        encoded(b"[" * 500 + b"]" * 500),
        encoded(f'["{BY_NUMBER}", NaN]'.encode()),
        encoded(f'["{BY_NUMBER}", 1e400]'.encode()),
        encoded(f'["{BY_NUMBER}", {"9" * 5_000}]'.encode()),
        encoded(f'["{BY_NUMBER}", 1] '.encode() + b"x"),
    ],
    ids=lambda text: ascii(text)[:30],
)  # fmt: skip
def test_text_that_is_no_cursor_is_refused(protected_client: TestClient, text: str) -> None:
    refused(protected_client, text)


@pytest.mark.parametrize(
    "parts",
    [
        (BY_NUMBER,),
        (BY_NUMBER, 1, 1),
        (BY_NUMBER, None),
        (BY_NUMBER, "1"),
        (BY_NUMBER, 1.5),
        (BY_NUMBER, True),
        (BY_NUMBER, [1]),
        (BY_NUMBER, {}),
        (BY_NUMBER, 2**63),
        (BY_NUMBER, -(2**63)),
        (BY_NUMBER, 10**400),
        (1, 1),
        (None, 1),
        ([BY_NUMBER], 1),
    ],
    ids=str,
)
def test_cursor_with_a_wrong_part_is_refused(
    protected_client: TestClient, parts: tuple[Any, ...]
) -> None:
    refused(protected_client, cursor(*parts))


@pytest.mark.parametrize(
    "value", ["NaN", "sNaN", "Infinity", "1E+1000000", "1e-1000000", "x", "", 5, True]
)
def test_cursor_with_a_wrong_decimal_is_refused(
    protected_client: TestClient, value: object
) -> None:
    refused(protected_client, cursor(BY_PERCENT, value, 1), "COCOA_PERCENT")


@pytest.mark.parametrize("value", ["2026-02-30", "infinity", "", 20260101, True, "10000-01-01"])
def test_cursor_with_a_wrong_day_is_refused(protected_client: TestClient, value: object) -> None:
    refused(protected_client, cursor(BY_DAY, value, 1), "PRODUCTION_DATE")


@pytest.mark.parametrize("value", ["a\0b", "a\ud800b", None, 1, ["a"]])
def test_cursor_with_a_wrong_text_is_refused(protected_client: TestClient, value: object) -> None:
    refused(protected_client, cursor(BY_NAME, value, 1), "NAME")


@pytest.mark.parametrize(
    "value",
    [None, 0, "", "now", "2026-02-30T00:00:00+00:00", "2026-01-01T00:00:00+23:59",
     "2026-01-01T00:00:00-23:59", "2026-01-01T00:00:00+23:59:59.999999"],
)  # fmt: skip
def test_cursor_with_a_wrong_moment_is_refused(protected_client: TestClient, value: object) -> None:
    text = cursor(BY_TIME, value, 1)
    assert code_of(protected_client, TRANSACTIONS, {"after": text}) == "INVALID_CURSOR"


def test_cursor_of_another_connection_is_refused(protected_client: TestClient) -> None:
    data = ask(
        protected_client,
        """{ suppliers { pageInfo { endCursor } }
             manufacturers { nodes { products { pageInfo { endCursor } } } } }""",
    )
    refused(protected_client, data["suppliers"]["pageInfo"]["endCursor"])
    refused(
        protected_client, data["manufacturers"]["nodes"][0]["products"]["pageInfo"]["endCursor"]
    )


def test_cursor_of_another_connection_of_the_same_type_is_refused(
    protected_client: TestClient,
) -> None:
    data = ask(
        protected_client,
        "{ cacaoBatch(by: {cacaoBatchId: 3}) { inputs { pageInfo { endCursor } } } }",
    )
    query = """query ($after: String) {
      cacaoBatch(by: {cacaoBatchId: 3}) { outputs(after: $after) { totalCount } } }"""
    text = data["cacaoBatch"]["inputs"]["pageInfo"]["endCursor"]
    assert code_of(protected_client, query, {"after": text}) == "INVALID_CURSOR"


@pytest.mark.parametrize(
    ("made", "used"),
    [
        ([], ["NAME"]),
        (["NAME"], []),
        (["NAME"], ["GTIN"]),
        (["NAME", "GTIN"], ["GTIN", "NAME"]),
        (["NAME"], ["NAME", "GTIN"]),
    ],
)
def test_cursor_of_another_order_is_refused(
    protected_client: TestClient, made: list[str], used: list[str]
) -> None:
    terms = [{"field": field} for field in made]
    end = ask(protected_client, PRODUCTS, order=terms)["products"]["pageInfo"]["endCursor"]
    refused(protected_client, end, *used)


def test_cursor_of_the_other_direction_is_refused(protected_client: TestClient) -> None:
    descending = [{"field": "NAME", "direction": "DESC"}]
    end = ask(protected_client, PRODUCTS, order=descending)["products"]["pageInfo"]["endCursor"]
    refused(protected_client, end, "NAME")


def test_position_past_every_key_is_an_empty_page(protected_client: TestClient) -> None:
    far = cursor(BY_NUMBER, 2**63 - 1)
    page = ask(protected_client, PRODUCTS, after=far)["products"]
    assert page == {
        "nodes": [],
        "pageInfo": {"endCursor": None, "hasNextPage": False, "hasPreviousPage": True},
    }


def test_refusal_names_the_field_and_gives_a_hint(protected_client: TestClient) -> None:
    query = '{ suppliers { nodes { lots: cacaoBatches(after: "x") { totalCount } } } }'
    assert refusal(protected_client, query) == {
        "message": "This is not a cursor.",
        "locations": [{"line": 1, "column": 23}],
        "path": ["suppliers", "nodes", "lots"],
        "extensions": {
            "code": "INVALID_CURSOR",
            "hint": "Pass a cursor that the same field returned under the same orderBy.",
        },
    }
