"""A dry run leaves the database unchanged, its sequences included."""

import pytest

from tests.db.csv.conftest import Loader

NUMBERS = "select schemaname, sequencename, last_value from pg_sequences order by schemaname, sequencename"
FILES = {
    "manufacturers": "name,location\nN,X\nM,X\n",
    "suppliers": "name,location,country\nB,X,\nA,X,GH\n",
    "cacao-batches": "supplier_id,lot_number,quantity,stage\n1,L3,100,nibs\n1,L1,90,nibs\n",
    "products": "name,manufacturer_name,manufacturer_location\nQ,New,X\nR,M,X\nP,,\n",
    "uses": "cacao_batch_id,product_id,output_batch_id,quantity_kg\n1,1,,5\n1,,2,5\n",
    "transactions": "product_id,timestamp,event,corrects,correction_reason\n"
    "1,2026-01-02,lost,1,mistyped\n1,2026-01-02,sold,,\n",
}


@pytest.fixture
def world(load: Loader) -> Loader:
    load("manufacturers", "name,location\nM,X\n")
    load("suppliers", "name,location\nA,X\n")
    load(
        "cacao-batches",
        "supplier_id,lot_number,quantity,stage\n1,L1,100,nibs\n1,L2,5,liquor\n1,L0,100,beans\n",
        constants={"harvest_date": "2025-11-01"},
    )
    load("products", "name\nP\n")
    load("transactions", "product_id,timestamp,event\n1,2026-01-01,sold\n")
    return load


@pytest.mark.parametrize("kind", FILES)
def test_dry_run_counts_like_a_run_and_uses_up_no_number(world: Loader, kind: str) -> None:
    before, changes = world.rows(NUMBERS), world.count("changes")
    dry = world(kind, FILES[kind], dry_run=True)
    assert (dry.written, dry.rejected) == (False, 0)
    assert dry.changes > 0
    assert world.rows(NUMBERS) == before
    assert world.count("changes") == changes
    real = world(kind, FILES[kind])
    assert (real.inserted, real.updated, real.created, real.changed) == (
        dry.inserted,
        dry.updated,
        dry.created,
        dry.changed,
    )
    # The session that made the dry run records changes where they belong again.
    assert world.count("changes") > changes
    assert world.rows("select to_regclass('pg_temp.changes')") == [(None,)]


def test_dry_run_with_a_flag_uses_up_no_number(world: Loader) -> None:
    world("uses", "cacao_batch_id,output_batch_id,quantity_kg\n3,2,1\n")
    before = world.rows(NUMBERS)
    content = "cacao_batch_id,product_id,quantity_kg\n2,1,5\n"
    assert world("uses", content, dry_run=True).inserted == 1
    assert (world.rows(NUMBERS), world.count("flags")) == (before, 0)
    assert world("uses", content).inserted == 1
    assert world.count("flags") == 1


def test_rows_that_the_database_refuses_are_found_in_a_dry_run(world: Loader) -> None:
    world.execute("alter table manufacturers add constraint no_be check (country <> 'BE')")
    before = world.rows(NUMBERS)
    report = world("manufacturers", "name,location,country\nO,X,BE\nN,X,FR\n", dry_run=True)
    assert (report.inserted, report.rejected_by_code) == (1, {"CONSTRAINT": 1})
    assert world.rows(NUMBERS) == before


def test_steps_of_the_merge_are_reported_with_their_rows(world: Loader) -> None:
    seen: list[tuple[str, int, int]] = []
    content = "name\n" + "".join(f"Bar {n}\n" for n in range(2_500))
    world("products", content, on_step=lambda *step: seen.append(step))
    assert [each for each in seen if each[0] != "writing"] == [
        ("looking up manufacturer", 0, 2_501),
        ("finding what is there", 0, 2_501),
        ("checking", 0, 2_501),
    ]
    assert [done for name, done, _ in seen if name == "writing"] == [1_000, 2_501]


def test_tables_have_statistics_after_a_first_import(load: Loader) -> None:
    load("products", "name\n" + "".join(f"Bar {n}\n" for n in range(2_500)))
    load("suppliers", "name,location\nA,X\n")
    load("cacao-batches", "supplier_id,lot_number,quantity,stage\n1,L1,100000,nibs\n1,L2,9,nibs\n")
    rows = "".join(f"1,{n},,1\n" for n in range(1, 2_501))
    load("uses", "cacao_batch_id,product_id,output_batch_id,quantity_kg\n" + rows + "1,,2,5\n")
    known = dict(load.rows("select relname::text, reltuples::int from pg_class"))
    assert known["products"] >= 1_000
    assert known["product_cacao_batch"] >= 1_000
