"""Case folding of `contains`: one Unicode version's table, the same in every locale."""

import unicodedata
from collections.abc import Iterator

import psycopg2
import pytest
from sqlalchemy import text

from models.database.engines import Database
from models.migration.schema_file import SCHEMA
from models.texts import case_folding
from tests.conftest import Cluster, opened

# How a name is written, and how it is looked for.
PAIRS = [
    ("ПРИВЕТ", "привет"),
    ("Ёлка", "ёЛКА"),
    ("ΣΟΚΟΛΑΤΕΣ", "σοκολάτες"),
    ("σοκολάτες", "ΣΟΚΟΛΆΤΕΣ"),
    ("Straße", "STRASSE"),
    ("I\u011eDIR", "\u0131\u011fd\u0131r"),
    ("istanbul", "İSTANBUL"),
    ("Crème brûlée", "CREME BRULEE"),
    ("ՇՈԿՈԼԱԴ", "շոկոլադ"),
    ("ᲨᲝᲙᲝᲚᲐᲓᲘ", "შოკოლადი"),
    ("\uff23\uff21\uff23\uff21\uff2f", "cacao"),
    ("\U00010400", "\U00010428"),
    ("可可", "可可"),
]
KEY = text("select search_key(:value)")


LOCALES = {
    "C": "LOCALE 'C'",
    "Turkish": "LOCALE 'tr_TR.utf8'",
    "Turkish of ICU": "LOCALE 'C' LOCALE_PROVIDER icu ICU_LOCALE 'tr-TR'",
}


@pytest.fixture(params=LOCALES)
def located(request: pytest.FixtureRequest, cluster: Cluster) -> Iterator[Database]:
    """Provide a database with the schema under each of these locales, where the server has it."""
    try:
        url = cluster.create(options=f"ENCODING 'UTF8' {LOCALES[request.param]}")
    except psycopg2.Error as error:
        pytest.skip(f"this server lacks the locale: {error}")
    with opened(url) as database:
        database.apply_schema()
        yield database
    cluster.drop(url)


def test_folding_depends_on_no_locale(located: Database) -> None:
    with located.reader() as connection:
        for written, sought in PAIRS:
            keys = [
                connection.execute(KEY, {"value": value}).scalar_one()
                for value in (written, sought)
            ]
            assert keys[0] == keys[1], (written, sought)


def test_different_letters_stay_different(fresh: Database) -> None:
    with fresh.reader() as connection:
        keys = {
            connection.execute(KEY, {"value": value}).scalar_one()
            for value in ("привет", "приват", "σοκολατα", "privet")
        }
    assert len(keys) == 4


@pytest.mark.skipif(
    unicodedata.unidata_version != case_folding.UNICODE_VERSION,
    reason="this Python has another Unicode",
)
def test_schema_carries_the_table_that_the_script_prints() -> None:
    assert case_folding.folding_table() in SCHEMA.read_text(encoding="utf-8")


def test_every_letter_of_the_table_has_the_key_of_what_it_folds_to(fresh: Database) -> None:
    folded = [(chr(code), chr(code + by)) for code, by in case_folding.distances()]
    query = text(
        "select l, f from unnest(cast(:l as text[]), cast(:f as text[])) x (l, f)"
        " where search_key(l) <> search_key(f)"
    )
    with fresh.reader() as connection:
        wrong = connection.execute(
            query, {"l": [one for one, _ in folded], "f": [two for _, two in folded]}
        ).all()
    assert wrong == []
    assert len(folded) > 1000


def test_search_by_a_part_of_30000_names_is_answered_by_the_index(fresh: Database) -> None:
    with fresh.engine().begin() as connection:
        connection.execute(
            text(
                "insert into manufacturers (name, location)"
                " select 'ТЁМНЫЙ ШОКОЛАД ' || i, 'Київ' from generate_series(1, 30000) i"
            )
        )
        connection.execute(text("analyze manufacturers"))
        plan = connection.execute(
            text(
                "explain select * from manufacturers"
                " where search_key(name) like '%' || search_key('шоколад 1234') || '%'"
            )
        ).all()
    assert any("manufacturers_name_search" in line for (line,) in plan), plan
