"""Rows that are imported again: known values stay, and keys may arrive later."""

import csv

import pytest

from exchange.csv.errors import BadOptions
from tests.db.csv.conftest import Loader

GTIN = "4006381333931"


@pytest.fixture
def lots(load: Loader) -> Loader:
    """Batches 1 to 3 of 100 kg and product 1, with a value in every column."""
    load("suppliers", "name,location,contact_person,country\nA,X,Ama,GH\n")
    load(
        "cacao-batches",
        "supplier_id,lot_number,quantity,stage,harvest_date,production_date,certification\n"
        + "".join(f"1,L{n},100,nibs,2025-11-01,2025-12-01,Organic\n" for n in (1, 2, 3)),
    )
    load(
        "products",
        "gtin,batch_number,name,description,cocoa_percent,production_date,"
        f"manufacturer_name,manufacturer_location\n{GTIN},1,P,dark,70,2026-01-01,M,X\n",
    )
    load("uses", "cacao_batch_id,product_id,output_batch_id,quantity_kg\n1,1,,60\n1,,2,30\n")
    return load


@pytest.mark.parametrize(
    ("kind", "content", "read_back"),
    [
        (
            "suppliers",
            "name,location,contact_person,country,external_id\nA,X,,,\n",
            "select contact_person, country from suppliers",
        ),
        (
            "cacao-batches",
            (
                "supplier_id,lot_number,quantity,stage,harvest_date,production_date,certification\n"
                "1,L1,100,,,,\n"
            ),
            "select stage, harvest_date, production_date, certification from cacao_batches",
        ),
        (
            "products",
            (
                "gtin,batch_number,name,description,cocoa_percent,production_date,manufacturer_id\n"
                f"{GTIN},1,P,,,,\n"
            ),
            "select description, cocoa_percent, production_date, manufacturer_id from products",
        ),
        (
            "products",
            f"gtin,batch_number,name,manufacturer_name,manufacturer_location\n{GTIN},1,P,,\n",
            "select manufacturer_id from products",
        ),
        (
            "uses",
            "cacao_batch_id,product_id,quantity_kg\n1,1,\n",
            "select quantity_kg from product_cacao_batch",
        ),
        (
            "uses",
            "cacao_batch_id,output_batch_id,quantity_kg\n1,2,\n",
            "select quantity_kg from cacao_batch_input",
        ),
    ],
)
def test_empty_cell_erases_nothing(lots: Loader, kind: str, content: str, read_back: str) -> None:
    before = lots.rows(read_back)
    report = lots(kind, content)
    assert (report.changes, report.unchanged, report.rejected) == (0, 1, 0)
    assert lots.rows(read_back) == before
    assert all(value is not None for row in before for value in row)


def test_use_with_an_empty_cell_does_not_free_its_kilograms(lots: Loader) -> None:
    lots("products", "name\nQ\n")
    report = lots("uses", "cacao_batch_id,product_id,quantity_kg\n1,1,\n1,2,20\n")
    assert (report.inserted, report.rejected_by_code) == (0, {"OVERDRAWN": 1})


def test_event_with_an_empty_cell_is_the_one_that_is_recorded(lots: Loader) -> None:
    header = "product_id,timestamp,event,details,event_id\n"
    lots("transactions", header + '1,2026-01-01,sold,"{""a"": 1}",E1\n')
    report = lots("transactions", header + "1,2026-01-01,sold,,E1\n")
    assert (report.changes, report.unchanged, report.rejected) == (0, 1, 0)
    assert lots.rows("select details from transactions") == [({"a": 1},)]


def test_empty_cell_keeps_what_an_earlier_row_of_the_file_says(load: Loader) -> None:
    header = "name,location,contact_person,country\n"
    content = header + "A,X,Ama,GH\nA,X,Kofi,\nA,X,,\n"
    first = load("suppliers", content)
    assert (first.inserted, first.superseded, first.unchanged) == (1, 1, 1)
    assert load.rows("select contact_person, country from suppliers") == [("Kofi", "GH")]
    assert load("suppliers", content).changes == 0


def test_column_is_cleared_where_that_is_said(lots: Loader) -> None:
    report = lots("uses", "cacao_batch_id,product_id,quantity_kg\n1,1,\n", clear=["quantity_kg"])
    assert report.updated == 1
    assert lots.rows("select quantity_kg from product_cacao_batch") == [(None,)]
    refused = lots("uses", "cacao_batch_id,output_batch_id,quantity\n1,2,\n", clear=["quantity"])
    assert refused.rejected_by_code == {"MISSING": 1}
    content = f"gtin,batch_number,name,description,cocoa_percent\n{GTIN},1,P,,\n"
    assert lots("products", content, clear=["description"]).updated == 1
    assert lots.rows("select description, cocoa_percent::text from products") == [(None, "70.0")]


@pytest.mark.parametrize(
    ("clear", "message"),
    [
        ("name", "--clear name: fields of suppliers to clear: contact_person, country"),
        ("external_id", "fields of suppliers to clear"),
        ("colour", "fields of suppliers to clear"),
        ("country", "no column and no constant provides it"),
    ],
)
def test_column_that_cannot_be_cleared_is_named(load: Loader, clear: str, message: str) -> None:
    with pytest.raises(BadOptions, match=message):
        load("suppliers", "name,location,contact_person\nA,X,\n", clear=[clear])


def test_external_id_that_arrives_later_is_adopted(load: Loader) -> None:
    early, late = "name,location\nTwice,Gagnoa\n", "name,location,external_id\nTwice,Gagnoa,T1\n"
    load("suppliers", early)
    assert load("suppliers", late).updated == 1
    assert (load("suppliers", early).unchanged, load("suppliers", late).unchanged) == (1, 1)
    assert load.rows("select name, external_id from suppliers") == [("Twice", "T1")]
    by_name = "supplier_name,supplier_location,lot_number,quantity,stage\nTwice,Gagnoa,L,1,nibs\n"
    assert load("cacao-batches", by_name).inserted == 1


def test_external_id_of_another_row_of_the_file_is_adopted(load: Loader) -> None:
    content = "name,location,country,external_id\nTwice,Gagnoa,CI,\nTwice,Gagnoa,,T1\n"
    report = load("suppliers", content)
    assert (report.inserted, report.unchanged) == (1, 1)
    assert load.rows("select country, external_id from suppliers") == [("CI", "T1")]
    assert load("suppliers", content).changes == 0


def test_key_is_not_adopted_where_several_have_none_or_several_keys_arrive(load: Loader) -> None:
    load.execute("insert into suppliers (name, location) values ('B', 'X'), ('B', 'X'), ('C', 'X')")
    content = "name,location,external_id\nB,X,1\nC,X,2\nC,X,3\n"
    report = load("suppliers", content)
    assert (report.inserted, report.warnings, report.exit_code) == (3, 3, 0)
    assert {each.code for each in report.first_warnings} == {"WARNING_KEY_NOT_ADOPTED"}
    assert load.rows("select count(*) from suppliers where external_id is null") == [(3,)]
    second = load("suppliers", content)
    assert (second.changes, second.warnings) == (0, 0)


def test_gtin_that_arrives_later_is_adopted(load: Loader) -> None:
    header = "name,batch_number,cocoa_percent,manufacturer_name,manufacturer_location,gtin\n"
    early, late = header + "P,1,70,M,X,\n", header + f"P,1,70,M,X,{GTIN}\n"
    load("products", early)
    load("products", header + "P,1,70,N,X,\nP,2,70,M,X,\nP,1,,M,X,\n")
    assert load("products", late).updated == 1
    assert (load("products", early).changes, load("products", late).changes) == (0, 0)
    assert load.rows("select product_id, gtin from products where gtin is not null") == [
        (1, f"0{GTIN}")
    ]
    assert load.count("products") == 4


def test_warning_rows_of_a_reject_file_are_left_out_when_it_is_imported(load: Loader) -> None:
    reject = load.folder / "rejects.csv"
    content = "name,location,country\nA,X,FR\nA,X,BE\nB,X,XX\n"
    report = load("manufacturers", content, reject=reject)
    assert (report.superseded, report.warnings, report.rejected) == (1, 1, 1)
    with reject.open(newline="") as stream:
        listed = list(csv.reader(stream))[1:]
    assert [row[:2] for row in listed] == [["2", "WARNING_SUPERSEDED"], ["4", "BAD_COUNTRY"]]
    assert listed[0][2] == "replaced by line 3: country 'FR' here, 'BE' there"
    reject.write_text(reject.read_text().replace("B,X,XX", "B,X,IT"))
    again = load("manufacturers", reject)
    assert (again.read, again.inserted) == (1, 1)
    assert load.rows("select name, country from manufacturers order by 1") == [
        ("A", "BE"),
        ("B", "IT"),
    ]


def test_warning_is_no_rejection(load: Loader) -> None:
    content = "cacao_batch_id,product_id,quantity_kg\n1,1,60\n1,1,50\n"
    load("suppliers", "name,location\nA,X\n")
    load("cacao-batches", "supplier_id,lot_number,quantity,stage\n1,L1,100,nibs\n")
    load("products", "name\nP\n")
    report = load("uses", content, all_or_nothing=True)
    assert (report.written, report.exit_code, report.warnings) == (True, 0, 1)
    assert "warnings: 1" in str(report)
    assert report.first_warnings[0].reason == (
        "replaced by line 3: quantity_kg 60.000 here, 50.000 there"
    )


def test_events_that_differ_in_a_digit_are_written_once_each(lots: Loader) -> None:
    """In one file or two: equal as jsonb, but with different leaves in the ledger."""
    content = "product_id,timestamp,event,details\n" + "".join(
        f'1,2026-01-01T00:00:00Z,weighed,"{{""kg"":{kg}}}"\n' for kg in ("1.0", "1.00", "1.0")
    )
    assert lots("transactions", content).inserted == 2
    assert lots("transactions", content).inserted == 0


@pytest.mark.parametrize(
    ("kind", "content", "read_back", "kept"),
    [
        (
            "cacao-batches",
            "supplier_id,lot_number,quantity,harvest_date\n1,N,10,2026-01-01\n1,N,12,\n",
            "select quantity::text, harvest_date::text from cacao_batches where lot_number = 'N'",
            ("12.000", "2026-01-01"),
        ),
        (
            "uses",
            "cacao_batch_id,output_batch_id,quantity_kg\n2,3,5\n2,3,\n",
            "select quantity_kg::text from cacao_batch_input where input_batch_id = 2",
            ("5.000",),
        ),
    ],
)
def test_an_empty_cell_keeps_what_another_row_of_the_file_says(
    lots: Loader, kind: str, content: str, read_back: str, kept: tuple[str, ...]
) -> None:
    for inserted in (1, 0):
        report = lots(kind, content)
        assert (report.inserted, report.rejected, report.updated) == (inserted, 0, 0)
        assert lots.rows(read_back) == [kept]


def test_an_empty_cell_of_a_cleared_field_is_refused_whatever_another_row_says(
    lots: Loader,
) -> None:
    content = "cacao_batch_id,output_batch_id,quantity_kg\n2,3,5\n2,3,\n"
    report = lots("uses", content, clear=["quantity_kg"])
    assert [(each.line, each.code) for each in report.first_rejections] == [(3, "MISSING")]
    assert lots.rows(
        "select quantity_kg::text from cacao_batch_input where input_batch_id = 2"
    ) == [("5.000",)]
