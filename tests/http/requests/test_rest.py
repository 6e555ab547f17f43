"""The REST endpoint of the first design, /api/products: its methods, status codes and field names."""

import re

import pytest
from starlette.testclient import TestClient

from models.database.engines import Database
from serving.app import create_app
from serving.settings import Settings
from tests.conftest import local
from tests.recorder import recording
from tests.requests import contents, encode, fetch, rows, send
from tests.world import LONG

NEW = {
    "name": "Dark Chocolate Bar",
    "description": "70% cocoa dark chocolate bar",
    "manufacturer_id": 1,
    "batch_number": "BATCH123",
}
FIELDS = ["product_id", "name", "description", "manufacturer_id", "batch_number"]


def test_list_has_exactly_the_first_design_shape(
    reader: TestClient, world_to_read: Database
) -> None:
    with recording(world_to_read) as statements:
        answer = fetch(reader, "/api/products")
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert len(statements) == 1
    assert answer.json == {
        "products": [
            {
                "product_id": 1,
                "name": "Noir Café 70%",
                "description": "Dark",
                "manufacturer_id": 1,
                "batch_number": "L1",
            },
            {
                "product_id": 2,
                "name": "noir cafe_lait",
                "description": None,
                "manufacturer_id": 1,
                "batch_number": "L2",
            },
            {
                "product_id": 3,
                "name": "Ærø \\ 100",
                "description": LONG,
                "manufacturer_id": None,
                "batch_number": None,
            },
        ]
    }
    assert [list(product) for product in answer.json["products"]] == [FIELDS] * 3
    assert "link" not in answer.headers


def test_list_names_the_next_ones_in_body_and_link(reader: TestClient) -> None:
    first = fetch(reader, "/api/products?limit=2")
    address = first.json["next"]
    assert list(first.json) == ["products", "next"]
    assert re.fullmatch(r"/api/products\?limit=2&after=[^>&]+", address)
    assert first.headers["link"] == f'<{address}>; rel="next"'
    assert [product["product_id"] for product in first.json["products"]] == [1, 2]
    second = fetch(reader, address)
    assert list(second.json) == ["products"]
    assert [product["product_id"] for product in second.json["products"]] == [3]
    assert "link" not in second.headers


@pytest.mark.parametrize(
    ("limit", "statements_expected"), [(1, 1), (99, 1), (100, 1), (101, 2), (250, 3)]
)
def test_list_reads_pages_of_a_hundred(
    client: TestClient, sample: Database, limit: int, statements_expected: int
) -> None:
    with recording(sample) as statements:
        answer = fetch(client, f"/api/products?limit={limit}")
    found = [product["product_id"] for product in answer.json["products"]]
    assert found == list(range(1, limit + 1))
    assert len(statements) == statements_expected
    following = fetch(client, answer.json["next"]).json["products"]
    assert following[0]["product_id"] == limit + 1


def test_list_without_a_limit_ends_at_the_setting(world_to_read: Database) -> None:
    settings = Settings.from_environment({"MAX_LISTED_PRODUCTS": "2"})
    assert Settings.from_environment({}).limits.listed_products == 1_000
    with local(create_app(settings, world_to_read)) as client:
        answer = fetch(client, "/api/products")
        assert [product["product_id"] for product in answer.json["products"]] == [1, 2]
        assert answer.json["next"].startswith("/api/products?limit=2&after=")
        refused = fetch(client, "/api/products?limit=3")
    assert (refused.status, refused.json) == (400, {"error": "limit must be a number from 0 to 2"})


def test_all_of_the_sample_are_listed_at_once(client: TestClient, sample: Database) -> None:
    ((count,),) = rows(sample, "SELECT count(*) FROM products")
    answer = fetch(client, "/api/products")
    listed = [product["product_id"] for product in answer.json["products"]]
    assert 100 < count <= 1_000
    assert listed == list(range(1, count + 1))
    assert list(answer.json) == ["products"]


def test_list_beyond_the_cost_limit_is_refused_without_sql(world_to_read: Database) -> None:
    settings = Settings.from_environment({"MAX_COST": "10"})
    with local(create_app(settings, world_to_read)) as client, recording(world_to_read) as sent:
        answer = fetch(client, "/api/products")
    assert (answer.status, sent) == (400, [])
    assert answer.json == {"error": "The request may cost 201; the maximum is 10."}


def test_empty_page_is_an_empty_list(reader: TestClient) -> None:
    answer = fetch(reader, "/api/products?limit=0")
    assert (answer.status, answer.json) == (200, {"products": []})


@pytest.mark.parametrize(
    "query",
    ["limit=-1", "limit=1001", "limit=x", "limit=", "limit=1.5", "limit=9999999999", "limit=%D9%A1",
     "after=x", "after=", "after=%00", "after=bnVsbA=="],
)  # fmt: skip
def test_bad_page_is_400(reader: TestClient, world_to_read: Database, query: str) -> None:
    with recording(world_to_read) as statements:
        answer = fetch(reader, f"/api/products?{query}")
    assert answer.status == 400
    assert list(answer.json) == ["error"]
    assert statements == []


def test_create_is_201_with_the_number(writable_client: TestClient, own_world: Database) -> None:
    answer = send(writable_client, encode(NEW), "/api/products")
    assert answer.status == 201
    assert answer.json == {"message": "Product created successfully", "product_id": 4}
    assert list(answer.json) == ["message", "product_id"]
    assert rows(own_world, "SELECT * FROM products WHERE product_id = 4") == [
        (4, NEW["name"], NEW["description"], 1, "BATCH123", None, None, None, False)
    ]


@pytest.mark.parametrize("extra", [{"product_id": 99}, {"colour": "brown"}, {"gtin": "x"}])
def test_create_ignores_other_members(
    writable_client: TestClient, extra: dict[str, object]
) -> None:
    answer = send(writable_client, encode({**NEW, **extra}), "/api/products")
    created = {"message": "Product created successfully", "product_id": 4}
    assert (answer.status, answer.json) == (201, created)


@pytest.mark.parametrize("given", [{}, {"description": None}])
def test_create_without_a_description(
    writable_client: TestClient, own_world: Database, given: dict[str, None]
) -> None:
    body = {name: value for name, value in NEW.items() if name != "description"} | given
    answer = send(writable_client, encode(body), "/api/products")
    created = {"message": "Product created successfully", "product_id": 4}
    assert (answer.status, answer.json) == (201, created)
    assert rows(own_world, "SELECT description FROM products WHERE product_id = 4") == [(None,)]


@pytest.mark.parametrize("name", ["name", "manufacturer_id", "batch_number"])
@pytest.mark.parametrize("value", ["", None, "absent"])
def test_create_names_what_is_missing(
    writable_client: TestClient, own_world: Database, name: str, value: str | None
) -> None:
    before = contents(own_world)
    body = {key: item for key, item in NEW.items() if key != name}
    answer = send(
        writable_client,
        encode(body if value == "absent" else {**body, name: value}),
        "/api/products",
    )
    expected = {"error": "Missing required fields", "missing": [name]}
    assert (answer.status, answer.json) == (400, expected)
    assert contents(own_world) == before


def test_create_names_everything_that_is_missing(writable_client: TestClient) -> None:
    answer = send(writable_client, b"{}", "/api/products")
    expected = {
        "error": "Missing required fields",
        "missing": ["name", "manufacturer_id", "batch_number"],
    }
    assert (answer.status, answer.json) == (400, expected)


def test_create_with_an_unknown_manufacturer_is_400(
    writable_client: TestClient, own_world: Database
) -> None:
    before = contents(own_world)
    answer = send(writable_client, encode({**NEW, "manufacturer_id": 9}), "/api/products")
    expected = {"error": "manufacturer_id: There is no Manufacturer with the id 9."}
    assert (answer.status, answer.json) == (400, expected)
    assert contents(own_world) == before


def test_created_product_is_listed(writable_client: TestClient) -> None:
    send(writable_client, encode(NEW), "/api/products")
    listed = fetch(writable_client, "/api/products").json
    assert listed["products"][-1] == {"product_id": 4, **NEW}


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_other_method_is_405(writable_client: TestClient, own_world: Database, method: str) -> None:
    before = contents(own_world)
    answer = send(writable_client, encode(NEW), "/api/products", method)
    assert answer.status == 405
    assert set(answer.headers["allow"].replace(" ", "").split(",")) == {"GET", "HEAD", "POST"}
    assert contents(own_world) == before
