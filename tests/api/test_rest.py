"""The first design's REST door, /api/products: its methods, status codes and field names."""

import re

import pytest
from starlette.testclient import TestClient

from models.database import Database
from tests.api.asking import contents, encode, fetch, rows, send
from tests.recorder import recording

NEW = {
    "name": "Dark Chocolate Bar",
    "description": "70% cocoa dark chocolate bar",
    "manufacturer_id": 1,
    "batch_number": "BATCH123",
}
FIELDS = ["product_id", "name", "description", "manufacturer_id", "batch_number"]


def test_list_has_exactly_the_first_design_fields(
    reader: TestClient, world_to_read: Database
) -> None:
    with recording(world_to_read) as statements:
        answer = fetch(reader, "/api/products")
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert len(statements) == 1
    one, two, three = answer.json
    assert list(one) == FIELDS
    assert one == {
        "product_id": 1,
        "name": "Noir Café 70%",
        "description": "Dark",
        "manufacturer_id": 1,
        "batch_number": "L1",
    }
    assert (two["description"], two["manufacturer_id"]) == (None, 1)
    assert (three["manufacturer_id"], three["batch_number"]) == (None, None)
    assert "link" not in answer.headers


def test_list_is_paged_by_link(reader: TestClient) -> None:
    path, found = "/api/products?limit=2", []
    for _ in range(3):
        answer = fetch(reader, path)
        found.append([product["product_id"] for product in answer.json])
        link = answer.headers.get("link")
        if link is None:
            break
        match = re.fullmatch(r'<(/api/products\?limit=2&after=[^>]+)>; rel="next"', link)
        assert match is not None
        path = match[1]
    assert found == [[1, 2], [3]]


def test_list_of_the_sample_is_100_products_a_page(client: TestClient) -> None:
    answer = fetch(client, "/api/products")
    assert [product["product_id"] for product in answer.json] == list(range(1, 101))
    assert 'rel="next"' in answer.headers["link"]


def test_empty_page_is_an_empty_list(reader: TestClient) -> None:
    answer = fetch(reader, "/api/products?limit=0")
    assert (answer.status, answer.json) == (200, [])


@pytest.mark.parametrize(
    "query",
    ["limit=-1", "limit=101", "limit=x", "limit=", "limit=1.5", "limit=9999999999", "limit=%D9%A1",
     "after=x", "after=", "after=%00", "after=bnVsbA=="],
)  # fmt: skip
def test_bad_page_is_400(reader: TestClient, world_to_read: Database, query: str) -> None:
    with recording(world_to_read) as statements:
        answer = fetch(reader, f"/api/products?{query}")
    assert answer.status == 400
    assert list(answer.json) == ["error"]
    assert statements == []


def test_create_is_201_with_the_product(author: TestClient, own_world: Database) -> None:
    answer = send(author, encode(NEW), "/api/products")
    assert answer.status == 201
    assert answer.json == {"product_id": 4, **NEW}
    assert list(answer.json) == FIELDS
    assert rows(own_world, "SELECT * FROM products WHERE product_id = 4") == [
        (4, NEW["name"], NEW["description"], 1, "BATCH123", None, None, None, False)
    ]


@pytest.mark.parametrize("extra", [{"product_id": 99}, {"colour": "brown"}, {"gtin": "x"}])
def test_create_ignores_other_members(author: TestClient, extra: dict[str, object]) -> None:
    answer = send(author, encode({**NEW, **extra}), "/api/products")
    assert (answer.status, answer.json["product_id"]) == (201, 4)


@pytest.mark.parametrize("given", [{}, {"description": None}])
def test_create_without_a_description(author: TestClient, given: dict[str, None]) -> None:
    body = {name: value for name, value in NEW.items() if name != "description"} | given
    answer = send(author, encode(body), "/api/products")
    assert (answer.status, answer.json["description"]) == (201, None)


@pytest.mark.parametrize("name", ["name", "manufacturer_id", "batch_number"])
@pytest.mark.parametrize("value", ["", None, "absent"])
def test_create_names_what_is_missing(
    author: TestClient, own_world: Database, name: str, value: str | None
) -> None:
    before = contents(own_world)
    body = {key: item for key, item in NEW.items() if key != name}
    answer = send(
        author, encode(body if value == "absent" else {**body, name: value}), "/api/products"
    )
    assert (answer.status, answer.json) == (400, {"error": f"missing: {name}"})
    assert contents(own_world) == before


def test_create_with_an_unknown_manufacturer_is_400(
    author: TestClient, own_world: Database
) -> None:
    before = contents(own_world)
    answer = send(author, encode({**NEW, "manufacturer_id": 9}), "/api/products")
    expected = {"error": "manufacturer_id: There is no Manufacturer with the id 9."}
    assert (answer.status, answer.json) == (400, expected)
    assert contents(own_world) == before


def test_created_product_is_listed(author: TestClient) -> None:
    send(author, encode(NEW), "/api/products")
    products = fetch(author, "/api/products").json
    assert products[-1] == {"product_id": 4, **NEW}


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_other_method_is_405(author: TestClient, own_world: Database, method: str) -> None:
    before = contents(own_world)
    answer = send(author, encode(NEW), "/api/products", method)
    assert answer.status == 405
    assert set(answer.headers["allow"].replace(" ", "").split(",")) == {"GET", "HEAD", "POST"}
    assert contents(own_world) == before
