"""Names and identifiers have one normal form, by Python and by SQL, by INSERT, UPDATE and COPY."""

import io

import psycopg2
import pytest
from sqlalchemy import text

from models.database.engines import Database
from models.findings.claims import RULES
from models.findings.reading import stream
from models.findings.scope import Scope
from models.texts.normal_form import normal_text
from models.texts.schemes import scheme_name

FORMS = {
    " 2W ": "2W",
    "2W\u00a0": "2W",
    "\u200b2\u200bW\ufeff": "2W",
    "\u200b": "",
    "Côte  d\u2009Ivoire": "Côte d Ivoire",
    "Cafe\u0301": "Café",
    "e\u200b\u0301": "é",
    "a\t\r\nb": "a b",
    "\u0645\u06cc\u200c\u062e": "\u0645\u06cc\u200c\u062e",
    "A\u200cB": "AB",
    "": "",
    # A mark of direction, a deprecated one, the fillers of Hangul and the blank of Braille.
    "2\u061cW\u206f": "2W",
    "\u3164\uffa0": "",
    "\u2800a\u3164b": "a b",
    "可\u3000可": "可 可",
    "Lost \ufffd": "Lost \ufffd",
}


def test_python_and_sql_make_the_same_form_of_a_text(fresh: Database) -> None:
    query = text("select normal_text(:value), is_normal_text(:value)")
    with fresh.reader() as connection:
        for value, form in FORMS.items():
            assert normal_text(value) == form
            assert normal_text(form) == form
            assert tuple(connection.execute(query, {"value": value}).one()) == (form, value == form)


def test_insert_update_and_copy_store_the_normal_form(fresh: Database) -> None:
    connection = fresh.engine().raw_connection()
    try:
        cursor = connection.cursor()
        cursor.execute(
            "insert into suppliers (name, location, external_id)"
            " values (%s, %s, %s), ('plain', 'x', null)",
            (" Cafe\u0301\u200b ", "Abidjan\u00a0 2", "K\u200b-1"),
        )
        cursor.execute("update suppliers set external_id = ' B 2 ' where name = 'plain'")
        cursor.copy_expert(
            "copy cacao_batches (supplier_id, harvest_date, quantity, lot_number) from stdin",
            io.StringIO("1\t2026-01-01\t1\t 2W \u200b\n"),
        )
        cursor.execute("select name, location, external_id from suppliers order by supplier_id")
        assert cursor.fetchall() == [("Café", "Abidjan 2", "K-1"), ("plain", "x", "B 2")]
        cursor.execute("select lot_number from cacao_batches")
        assert cursor.fetchall() == [("2W",)]
    finally:
        connection.close()


def test_two_writings_of_one_lot_number_are_one_lot(fresh: Database) -> None:
    with fresh.engine().connect() as connection:
        connection.execute(text("insert into suppliers (name, location) values ('a', 'b')"))
        lot = text(
            "insert into cacao_batches (supplier_id, harvest_date, quantity, lot_number)"
            " values (1, '2026-01-01', 1, :lot)"
        )
        connection.execute(lot, {"lot": "2W"})
        with pytest.raises(Exception, match="cacao_batches_supplier_id_lot_number_key"):
            connection.execute(lot, {"lot": "2W "})


@pytest.mark.parametrize(
    "statement",
    [
        "insert into suppliers (name, location, external_id) values ('a', 'b', 'x\ufffd')",
        "insert into products (name, batch_number) values ('a', 'x\ufffd')",
        "insert into manufacturers (name, location) values ('\u200b', 'b')",
        "insert into suppliers (name, external_id) values ('a', '\u00a0')",
        "insert into transactions (event, event_id) values ('a', '\u200b')",
        (
            "insert into cacao_batches (harvest_date, quantity, lot_number)"
            " values ('2026-01-01', 1, '\u3164')"
        ),
    ],
)
def test_sql_refuses_a_lost_character_of_an_identifier_and_a_name_of_nothing(
    fresh: Database, statement: str
) -> None:
    connection = fresh.engine().raw_connection()
    try:
        with pytest.raises(psycopg2.errors.CheckViolation):
            connection.cursor().execute(statement)
    finally:
        connection.close()


def test_schemes_have_one_spelling() -> None:
    assert {scheme_name(name) for name in ("fairtrade", "FAIRTRADE ", "Fairtrade")} == {"Fairtrade"}
    assert scheme_name("rainforest\u00a0ALLIANCE") == "Rainforest Alliance"
    assert scheme_name("House scheme") == "House scheme"


@pytest.mark.parametrize(
    ("claim", "scheme", "covered"),
    [
        ("fairtrade", "Fairtrade", 1),
        ("Équitable Suisse", "équitable suisse", 1),
        ("UTZ", "Fairtrade", 0),
    ],
)
def test_a_claim_meets_a_certificate_of_any_case(
    fresh: Database, claim: str, scheme: str, covered: int
) -> None:
    with fresh.engine().connect() as connection:
        connection.execute(text("insert into suppliers (name, location) values ('a', 'b')"))
        connection.execute(
            text(
                "insert into certificates (supplier_id, scheme, number, valid_from, valid_to)"
                " values (1, :scheme, 'N', '2026-01-01', '2026-12-31')"
            ),
            {"scheme": scheme},
        )
        connection.execute(
            text(
                "insert into cacao_batches (supplier_id, harvest_date, quantity, certification)"
                " values (1, '2026-02-01', 1, :claim)"
            ),
            {"claim": claim},
        )
        found = connection.execute(text("select count(*) from cacao_batch_cover")).scalar_one()
        assert found == covered


def test_accounts_of_one_scheme_in_two_spellings_share_no_day(fresh: Database) -> None:
    account = text(
        "insert into mass_balance_accounts (scheme, supplier_id, period_from, period_to)"
        " values (:scheme, 1, :since, '2026-12-31')"
    )
    with fresh.engine().connect() as connection:
        connection.execute(text("insert into suppliers (name, location) values ('a', 'b')"))
        connection.execute(account, {"scheme": "Fairtrade", "since": "2026-01-01"})
        with pytest.raises(Exception, match="an account of FAIRTRADE at this site has some"):
            connection.execute(account, {"scheme": "FAIRTRADE", "since": "2026-02-01"})


def test_findings_compare_schemes_by_fold(fresh: Database) -> None:
    with fresh.engine().begin() as connection:
        connection.execute(
            text(
                "insert into suppliers (name, location) values ('a', 'b');"
                "insert into certificates (supplier_id, scheme, number, valid_from, valid_to)"
                " values (1, 'Fairtrade', 'N', '2026-01-01', '2026-12-31');"
                "insert into cacao_batches (supplier_id, harvest_date, quantity, certification) values"
                " (1, '2026-02-01', 1, 'fairtrade'), (1, '2027-02-01', 1, 'FAIRTRADE'),"
                " (1, '2026-02-01', 1, 'Organic')"
            )
        )
    found = [(one["cacao_batch_id"], one["rule"]) for one in stream(fresh, Scope(), RULES)]
    assert sorted(found) == [(2, "certificate_expired"), (3, "certificate_missing")]
