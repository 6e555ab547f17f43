"""The impact of a recall, as fields and as CSV, and the roles that see each part of a lineage."""

import csv
from dataclasses import replace
from datetime import date
from io import StringIO
from typing import Any

import pyexcel
import pytest
from starlette.testclient import TestClient

from graph.admission.limits import DEFAULTS
from models.database.engines import Database
from serving.app import create_app
from serving.settings import Settings
from tests.conftest import client_of, local, temporary_folder
from tests.recorder import recording
from tests.requests import ask, global_id, request

IMPACT = """query ($id: Int!) { cacaoBatch(by: {cacaoBatchId: $id}) { impact {
  affected lotCount productCount manufacturerCount quantityKg truncated
  products { nodes { depth quantityKg product { productId } } }
  manufacturers { nodes { productCount quantityKg manufacturer { name } } } } } }"""
ORIGINS = """query ($id: Int!) { product(by: {productId: $id}) { origins { truncated totalCount
  nodes { share quantityKg cacaoBatch { cacaoBatchId } } } } }"""


def impact(client: TestClient, id: int) -> Any:
    return ask(client, IMPACT, id=id)["cacaoBatch"]["impact"]


def origins(client: TestClient, id: int) -> list[tuple[int, str | None, str | None]]:
    nodes = ask(client, ORIGINS, id=id)["product"]["origins"]["nodes"]
    return [(n["cacaoBatch"]["cacaoBatchId"], n["share"], n["quantityKg"]) for n in nodes]


# Of batch 3, 700 of 1,100.125 kg are of batch 1; all of batch 4 is of batch 3.
def test_impact_says_how_much_of_the_lot_is_in_each_product(reader: TestClient) -> None:
    assert impact(reader, 1) == {
        "affected": True,
        "lotCount": 2,
        "productCount": 2,
        "manufacturerCount": 1,
        # What product 2 took of batch 4 was never recorded.
        "quantityKg": None,
        "truncated": False,
        "products": {
            "nodes": [
                {"depth": 1, "quantityKg": "114.129", "product": {"productId": 1}},
                {"depth": 3, "quantityKg": None, "product": {"productId": 2}},
            ]
        },
        "manufacturers": {
            "nodes": [
                {"productCount": 2, "quantityKg": None, "manufacturer": {"name": "Bonnat"}},
            ]
        },
    }


def test_origins_are_shares_of_all_the_kilograms_a_product_took(reader: TestClient) -> None:
    found = origins(reader, 1)
    assert found == [(1, "0.758333109987", "114.129"), (2, "0.241666890013", "36.371")]


def test_a_product_of_one_lot_has_shares_even_where_its_kilograms_are_not_known(
    reader: TestClient,
) -> None:
    assert origins(reader, 2) == [(1, "0.636291330531", None), (2, "0.363708669469", None)]
    assert origins(reader, 3) == []


def test_a_product_of_several_lots_has_none_where_one_is_not_known(own_world: Database) -> None:
    with own_world.engine().begin() as connection:
        connection.exec_driver_sql("INSERT INTO product_cacao_batch VALUES (2, 1, 10)")
    with client_of(own_world) as client:
        assert origins(client, 2) == [(1, None, None), (2, None, None)]


CUSTOMERS = """query ($id: Int!, $after: String) { cacaoBatch(by: {cacaoBatchId: $id}) { impact {
  customerCount customers(first: 2, after: $after) { pageInfo { endCursor hasNextPage }
    nodes { name productCount ofLots } }
  products { nodes { customers product { productId } } } } } }"""
EVENTS = """INSERT INTO transactions (product_id, cacao_batch_id, event, details) VALUES
  (2, NULL, 'shipped', '{"customer": "Épicerie Anne"}'),
  (1, NULL, 'shipped', '{"customer": {"name": "Épicerie Anne"}, "destination": "elsewhere"}'),
  (1, NULL, 'sold', '{"destination": {"name": "Depot 7", "place": "Lyon"}}'),
  (1, NULL, 'sold', '{"destination": "Depot 7"}'),
  (1, NULL, 'received', '{"customer": 7, "destination": {"country": "FR"}}'),
  (1, NULL, 'received', '{"customer": " "}'),
  (NULL, 3, 'sold', '{"destination": {"place": "Puratos"}}'),
  (3, NULL, 'shipped', '{"customer": "not affected"}')"""


def test_impact_names_the_customers_of_products_and_of_lots(
    writable_client: TestClient, own_world: Database
) -> None:
    with own_world.engine().begin() as connection:
        connection.exec_driver_sql(EVENTS)
    with recording(own_world) as statements:
        found = ask(writable_client, CUSTOMERS, id=1, after=None)["cacaoBatch"]["impact"]
    # Three, and BEGIN and COMMIT around them.
    assert len(statements) == 5
    assert found["customerCount"] == 3
    assert found["customers"]["nodes"] == [
        {"name": "Épicerie Anne", "productCount": 2, "ofLots": False},
        {"name": "Depot 7", "productCount": 1, "ofLots": False},
    ]
    assert found["products"]["nodes"] == [
        {"customers": ["Épicerie Anne", "Depot 7"], "product": {"productId": 1}},
        {"customers": ["Épicerie Anne"], "product": {"productId": 2}},
    ]
    after = found["customers"]["pageInfo"]["endCursor"]
    rest = ask(writable_client, CUSTOMERS, id=1, after=after)["cacaoBatch"]["impact"]["customers"]
    assert rest["nodes"] == [{"name": "Puratos", "productCount": 0, "ofLots": True}]
    assert rest["pageInfo"]["hasNextPage"] is False
    rows = table(writable_client, "/trace/1/impact.csv")
    assert [(row["finding"], row["product_id"], row["customers"]) for row in rows] == [
        ("product", "1", "Épicerie Anne; Depot 7"),
        ("product", "2", "Épicerie Anne"),
        ("customer of a lot", "", "Puratos"),
    ]


def test_events_are_read_only_where_customers_are_asked_for(
    reader: TestClient, world_to_read: Database
) -> None:
    with recording(world_to_read) as statements:
        assert impact(reader, 1)["productCount"] == 2
    assert [text for text in statements if "FROM transactions" in str(text)] == []


# ---------------------------------------------------------------- CSV


def table(client: TestClient, path: str) -> list[dict[str, str]]:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/csv; charset=utf-8; header=present"
    assert answer.content.startswith(b"\xef\xbb\xbffinding,product_id,name,")
    assert answer.content.endswith(b"\r\n")
    return list(csv.DictReader(StringIO(answer.content.decode("utf-8-sig"), newline="")))


def sheet(client: TestClient, path: str) -> pyexcel.Sheet:
    """Return the CSV as a spreadsheet opens it: the types of its cells are guessed."""
    with temporary_folder() as folder:
        file = folder / "impact.csv"
        file.write_bytes(client.get(path).content)
        return pyexcel.get_sheet(file_name=str(file), encoding="utf-8-sig")


@pytest.mark.parametrize("batch", ["1", global_id("CacaoBatch", 1)])
def test_csv_lists_products_with_their_makers(reader: TestClient, batch: str) -> None:
    rows = table(reader, f"/trace/{batch}/impact.csv")
    assert rows[0] == {
        "finding": "product",
        "product_id": "1",
        "name": "Noir Café 70%",
        "gtin": "'04006381333931",
        "batch_number": "L1",
        "production_date": "2026-03-01",
        "manufacturer": "Bonnat",
        "location": "Voiron",
        "country": "FR",
        "steps": "1",
        "quantity_kg": "114.129",
        "customers": "",
    }
    assert [(row["product_id"], row["quantity_kg"]) for row in rows] == [
        ("1", "114.129"),
        ("2", ""),
    ]


def test_csv_says_where_nothing_was_made(writable_client: TestClient, own_world: Database) -> None:
    with own_world.engine().begin() as connection:
        connection.exec_driver_sql("DELETE FROM product_cacao_batch")
        connection.exec_driver_sql("DELETE FROM cacao_batch_input WHERE output_batch_id = 4")
    (row,) = table(writable_client, "/trace/1/impact.csv")
    assert (row["finding"], row["product_id"]) == ("no product; lots made from it: 1", "")
    (row,) = table(writable_client, "/trace/4/impact.csv")
    assert row["finding"] == "nothing was made from it"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ('=HYPERLINK("http://evil.example")', '\'=HYPERLINK("http://evil.example")'),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        # The normal form of a name has neither tabs nor line ends.
        ("\t=1", "'=1"),
        (";=cmd|' /C calc'!A0", ";'=cmd|' /C calc'!A0"),
        ("ACME; =1+1", "ACME; '=1+1"),
        ("ACME\n=1+1", "ACME =1+1"),
        ('a "quoted", name\nof lines', 'a "quoted", name of lines'),
    ],
)
def test_csv_has_no_formulas(
    writable_client: TestClient, own_world: Database, name: str, shown: str
) -> None:
    with own_world.engine().begin() as connection:
        connection.exec_driver_sql("UPDATE products SET name = %s WHERE product_id = 1", (name,))
    assert table(writable_client, "/trace/1/impact.csv")[0]["name"] == shown


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        *(("007", "'007"), ("1E5", "'1E5"), ("3/4", "'3/4"), ("2026-03-01", "'2026-03-01")),
        *(("1.50", "'1.50"), ("1234567890123456", "'1234567890123456")),
        *(("MAR1", "'MAR1"), ("5%", "'5%"), ("TRUE", "'TRUE"), ("1;007", "1;'007")),
        *(("0", "0"), ("12", "12"), ("L1", "L1"), ("2026-03-A", "2026-03-A"), ("1E5B", "1E5B")),
    ],
)
def test_csv_has_no_batch_numbers_that_a_spreadsheet_rewrites(
    writable_client: TestClient, own_world: Database, number: str, shown: str
) -> None:
    with own_world.engine().begin() as connection:
        renumber = "UPDATE products SET batch_number = %s WHERE product_id = 1"
        connection.exec_driver_sql(renumber, (number,))
    assert table(writable_client, "/trace/1/impact.csv")[0]["batch_number"] == shown
    assert str(sheet(writable_client, "/trace/1/impact.csv")[1, 4]) == shown


def test_csv_opens_as_a_sheet(writable_client: TestClient, own_world: Database) -> None:
    """Cells with the types that a spreadsheet gives them: numbers, dates and texts."""
    with own_world.engine().begin() as connection:
        connection.exec_driver_sql(
            "UPDATE products SET batch_number = '1E5', name = '=1+1,\n\"é\"' WHERE product_id = 2"
        )
    opened = sheet(writable_client, "/trace/1/impact.csv")
    gtin, maker = "'04006381333931", ("Bonnat", "Voiron", "FR")
    assert opened.to_array() == [
        [*opened.row[0]],
        ["product", 1, "Noir Café 70%", gtin, "L1", date(2026, 3, 1), *maker, 1, 114.129, ""],
        ["product", 2, '\'=1+1, "é"', gtin, "'1E5", "", *maker, 3, "", ""],
    ]
    assert opened.row[0][0] == "finding"


def test_csv_of_nothing_opens_as_a_sheet(writable_client: TestClient, own_world: Database) -> None:
    with own_world.engine().begin() as connection:
        connection.exec_driver_sql("DELETE FROM product_cacao_batch")
    header, found = sheet(writable_client, "/trace/4/impact.csv").to_array()
    assert found == ["nothing was made from it", *[""] * (len(header) - 1)]


@pytest.mark.parametrize(
    ("batch", "status"),
    [("99", 404), ("nonsense", 400), (global_id("Product", 1), 400), ("9" * 12, 400)],
)
def test_csv_of_no_batch_is_refused(reader: TestClient, batch: str, status: int) -> None:
    answer = reader.get(f"/trace/{batch}/impact.csv")
    assert answer.status_code == status
    assert set(answer.json()) == {"error"}


def test_csv_of_a_costly_recall_is_refused(world_to_read: Database) -> None:
    with client_of(world_to_read, replace(DEFAULTS, cost=20_000)) as client:
        answer = client.get("/trace/1/impact.csv")
    assert answer.status_code == 400
    assert "cost 30503" in answer.json()["error"]


# ---------------------------------------------------------------- who may

PUBLIC = """{ product(by: {productId: 1}) {
    trace { lotCount flows { nodes { from { stage } } } } origins { nodes { cacaoBatch { stage } } } }
  cacaoBatch(by: {cacaoBatchId: 1}) { impact { affected products { nodes { product { name } } } } } }"""
QUANTITIES = """{ product(by: {productId: 1}) { trace { flows { nodes { quantityKg } } }
    origins { nodes { share quantityKg } } }
  cacaoBatch(by: {cacaoBatchId: 1}) { impact { quantityKg products { nodes { quantityKg } }
    manufacturers { nodes { quantityKg } } } } }"""


@pytest.mark.parametrize("role", ["public", "viewer", "operator", "auditor", "admin"])
def test_quantities_and_shares_are_for_viewers_and_up(world_to_read: Database, role: str) -> None:
    app = create_app(Settings(dev_role=role), world_to_read)
    with local(app) as client:
        assert request(client, PUBLIC, None).status == 200
        assert "errors" not in request(client, PUBLIC, None).json
        with recording(world_to_read) as statements:
            answer = request(client, QUANTITIES, None)
            document = client.get("/trace/1/impact.csv")
    if role != "public":
        assert "errors" not in answer.json
        assert document.status_code == 200
        return
    assert answer.codes == ["UNAUTHENTICATED"] * 6
    assert [error["path"][-1] for error in answer.errors] == [
        *("quantityKg", "share", "quantityKg", "quantityKg", "quantityKg", "quantityKg"),
    ]
    assert document.status_code == 401
    assert statements == []
