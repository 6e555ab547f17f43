"""The sample data: counts, relations, dates in order, sums, and equality by seed."""

from argparse import ArgumentParser
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from models import sample_data
from models.database.engines import Database
from models.sample_data import (
    TABLES,
    DatabaseNotEmpty,
    SampleSize,
    add_arguments,
    fill,
    filling,
    is_empty,
    run,
)

SIZE = SampleSize(products=400, cacao_batches=320, suppliers=70, manufacturers=14)

CATALOGUE = """
select 'index', tablename, indexname, indexdef from pg_indexes where schemaname = 'public'
union all
select 'constraint', conrelid::regclass::text, conname,
       pg_get_constraintdef(oid) || ' validated: ' || convalidated
from pg_constraint where connamespace = 'public'::regnamespace
union all
select 'trigger', tgrelid::regclass::text, tgname, pg_get_triggerdef(oid) || ' ' || tgenabled::text
from pg_trigger where not tgisinternal
order by 1, 2, 3"""
DATED = """
with dated as (
  select cacao_batch_id, coalesce(production_date, harvest_date) as day from cacao_batches)
"""
# Every batch with every batch that it was made of, itself included.
ORIGINS = """
with recursive origin (batch_id, source_id) as (
  select cacao_batch_id, cacao_batch_id from cacao_batches
  union
  select o.batch_id, i.input_batch_id
  from origin o join cacao_batch_input i on i.output_batch_id = o.source_id)
"""


@pytest.fixture
def filled(fresh: Database) -> Database:
    fill(fresh, SIZE)
    return fresh


def read(database: Database, query: str) -> list[tuple[Any, ...]]:
    with database.reader() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def read_one(database: Database, query: str) -> Any:
    return read(database, query)[0][0]


def hash_tables(database: Database) -> dict[str, tuple[int, str]]:
    """Return the row count of each table, and a hash of its rows in physical order."""
    hashes = {}
    for table in TABLES:
        query = f"select count(*), md5(string_agg(t::text, '|' order by ctid)) from {table} t"
        count, content = read(database, query)[0]
        hashes[table] = (int(count), str(content))
    return hashes


APPEND_ONLY = """
select tgrelid::regclass::text from pg_trigger where tgname = 'append_only_truncate' order by 1"""


def empty_out(database: Database) -> None:
    append_only = [table for (table,) in read(database, APPEND_ONLY)]
    with database.session() as session:
        # An append-only table refuses a truncate.
        for table in append_only:
            session.execute(text(f"alter table {table} disable trigger user"))
        emptied = ", ".join(TABLES)
        session.execute(text(f"truncate {emptied} restart identity cascade"))
        for table in append_only:
            session.execute(text(f"alter table {table} enable trigger user"))
        session.commit()


def test_same_seed_gives_the_same_rows_and_another_seed_others(fresh: Database) -> None:
    fill(fresh, SIZE, seed=7)
    first = hash_tables(fresh)
    empty_out(fresh)
    fill(fresh, SIZE, seed=7)
    assert hash_tables(fresh) == first
    empty_out(fresh)
    fill(fresh, SIZE, seed=8)
    other = hash_tables(fresh)
    assert [table for table in TABLES if other[table] == first[table]] == []


def test_every_table_has_rows_and_the_sized_ones_as_many_as_asked(filled: Database) -> None:
    counts = {table: count for table, (count, _) in hash_tables(filled).items()}
    assert min(counts.values()) > 0
    assert counts["products"] == 400
    assert counts["cacao_batches"] == 320
    assert counts["suppliers"] == 70
    assert counts["manufacturers"] == 14


def test_every_product_has_four_transactions_in_order_and_on_disk_apart(filled: Database) -> None:
    events = read(
        filled,
        "select array_agg(event order by transaction_id) as events,"
        ' bool_and(t."timestamp" >= p.production_date and record_time > t."timestamp"),'
        ' array_agg(transaction_id order by "timestamp") = array_agg(transaction_id'
        " order by transaction_id), min(lag)"
        " from (select *, transaction_id - lag(transaction_id) over (partition by product_id"
        " order by transaction_id) as lag from transactions where product_id is not null) t"
        " join products p using (product_id) group by product_id",
    )
    assert len(events) == 400
    lifecycle = ["produced", "quality_checked", "shipped", "received"]
    assert all(row == (lifecycle, True, True, 400) for row in events)


def test_some_batches_have_one_or_two_transactions(filled: Database) -> None:
    counts = read(
        filled,
        "select count(*) from transactions where cacao_batch_id is not null"
        " group by cacao_batch_id",
    )
    assert {count for (count,) in counts} == {1, 2}
    assert 160 <= len(counts) <= 300


def test_every_product_is_made_of_one_to_five_batches(filled: Database) -> None:
    uses = dict(
        read(
            filled,
            "select uses, count(*) from (select count(b.cacao_batch_id) as uses from products"
            " left join product_cacao_batch b using (product_id) group by product_id) u"
            " group by uses",
        )
    )
    assert set(uses) <= {1, 2, 3, 4, 5}
    assert {1, 2, 3} <= set(uses)


def test_no_batch_gives_more_than_it_holds(filled: Database) -> None:
    assert read(filled, sample_data.OVERDRAWN) == []
    assert (
        read_one(filled, "select count(*) from product_cacao_batch where quantity_kg is null") == 0
    )


def test_nothing_is_made_before_what_it_is_made_of(filled: Database) -> None:
    batches = (
        DATED + "select i.* from cacao_batch_input i join dated a on a.cacao_batch_id ="
        " output_batch_id join dated b on b.cacao_batch_id = input_batch_id where a.day <= b.day"
    )
    products = (
        DATED + "select * from product_cacao_batch join dated using (cacao_batch_id)"
        " join products using (product_id) where production_date <= day"
    )
    assert read(filled, batches) == []
    assert read(filled, products) == []


def test_stages_follow_each_other_and_none_is_missing(filled: Database) -> None:
    steps = set(
        read(
            filled,
            "select distinct a.stage, b.stage from cacao_batch_input"
            " join cacao_batches a on a.cacao_batch_id = output_batch_id"
            " join cacao_batches b on b.cacao_batch_id = input_batch_id",
        )
    )
    assert steps == {
        ("beans", "beans"), ("nibs", "beans"), ("liquor", "beans"), ("liquor", "nibs"),
        ("butter", "liquor"), ("powder", "liquor"),
        ("couverture", "liquor"), ("couverture", "butter"),
    }  # fmt: skip
    share = read_one(filled, "select avg((stage = 'beans')::int) from cacao_batches")
    assert 0.6 <= share <= 0.85


def test_lineage_has_no_cycle(filled: Database) -> None:
    query = (
        ORIGINS + "select * from cacao_batch_input i join origin o"
        " on o.batch_id = i.input_batch_id and o.source_id = i.output_batch_id"
    )
    assert read(filled, query) == []


def test_every_batch_leads_to_beans_of_plots_whose_kg_add_up(filled: Database) -> None:
    lost = (
        ORIGINS + "select batch_id from origin left join cacao_batch_plot"
        " on cacao_batch_id = source_id group by batch_id having count(plot_id) = 0"
    )
    wrong = (
        "select b.cacao_batch_id from cacao_batches b join cacao_batch_plot e using (cacao_batch_id)"
        " join plots p using (plot_id) group by b.cacao_batch_id having sum(quantity_kg) <> quantity"
        " or bool_or(p.supplier_id <> b.supplier_id) or count(*) > 6"
    )
    assert read(filled, lost) == []
    assert read(filled, wrong) == []


def test_a_blend_is_certified_only_as_all_its_inputs_are(filled: Database) -> None:
    query = (
        "select output_batch_id from cacao_batch_input"
        " join cacao_batches a on a.cacao_batch_id = output_batch_id"
        " join cacao_batches b on b.cacao_batch_id = input_batch_id"
        " where a.certification is not null and b.certification is distinct from a.certification"
    )
    assert read(filled, query) == []


def test_certified_harvests_are_covered_by_their_suppliers_certificates(filled: Database) -> None:
    query = (
        "select * from cacao_batches b where certification is not null and not exists ("
        " select from certificates c where c.supplier_id = b.supplier_id"
        " and scheme = certification"
        " and coalesce(production_date, harvest_date) between valid_from and valid_to)"
    )
    assert read(filled, query) == []


def test_gtins_are_valid_and_shared_by_lots_of_one_item(filled: Database) -> None:
    gtins = read(
        filled,
        "select gtin, count(*), count(distinct (name, description, manufacturer_id, cocoa_percent))"
        " from products group by gtin",
    )
    for gtin, _, _ in gtins:
        digits = [int(digit) for digit in gtin]
        assert len(digits) == 14
        assert sum(digits[0::2]) * 3 % 10 == -sum(digits[1::2]) % 10
    assert {items for _, _, items in gtins} == {1}
    assert max(lots for _, lots, _ in gtins) > 2


def test_names_say_the_cocoa_content(filled: Database) -> None:
    query = "select name from products where strpos(name, trunc(cocoa_percent) || '%') = 0"
    assert read(filled, query) == []


def test_plots_have_points_or_closed_polygons_by_their_size(filled: Database) -> None:
    wrong = (
        "select name from plots where (geometry ->> 'type' = 'Point') <> (area_ha < 4)"
        " or geometry #> '{coordinates,0,0}' <> geometry #> '{coordinates,0,-1}'"
    )
    assert read(filled, wrong) == []
    assert {kind for (kind,) in read(filled, "select geometry ->> 'type' from plots")} == {
        "Point",
        "Polygon",
    }


@pytest.mark.parametrize("table", ["suppliers", "manufacturers"])
def test_a_party_is_known_by_name_and_location(filled: Database, table: str) -> None:
    assert read(filled, f"select 1 from {table} group by name, location having count(*) > 1") == []


def test_product_1_leads_through_the_stages_to_plots_in_four_countries(filled: Database) -> None:
    query = (
        ORIGINS + "select array_agg(distinct b.stage), array_agg(distinct l.country)"
        " from product_cacao_batch p join origin o on o.batch_id = p.cacao_batch_id"
        " join cacao_batches b on b.cacao_batch_id = o.source_id"
        " left join cacao_batch_plot e on e.cacao_batch_id = b.cacao_batch_id"
        " left join plots l using (plot_id) where p.product_id = 1"
    )
    stages, countries = read(filled, query)[0]
    assert stages == ["beans", "butter", "couverture", "liquor", "nibs"]
    assert countries == ["CI", "EC", "GH", "MG", None]
    assert read_one(filled, "select count(*) from product_statement where product_id = 1") == 1


def test_batch_1_went_into_other_batches_and_straight_into_products(filled: Database) -> None:
    assert read_one(filled, "select stage from cacao_batches where cacao_batch_id = 1") == "beans"
    outputs = "select count(*) from cacao_batch_input where input_batch_id = 1"
    products = "select count(*) from product_cacao_batch where cacao_batch_id = 1"
    assert read_one(filled, outputs) >= 2
    assert read_one(filled, products) >= 2


def test_catalogue_is_as_before_the_load(fresh: Database) -> None:
    before = read(fresh, CATALOGUE)
    fill(fresh, SIZE)
    assert read(fresh, CATALOGUE) == before
    assert {kind for kind, *_ in before} == {"index", "constraint", "trigger"}


def test_ids_go_on_after_the_sample(filled: Database) -> None:
    with filled.session() as session:
        insert = text("insert into products (name) values ('Next 70%') returning product_id")
        assert session.execute(insert).scalar_one() == 401


def test_triggers_refuse_an_overdraw_after_the_load(filled: Database) -> None:
    with filled.session() as session:
        overdraw = text("update product_cacao_batch set quantity_kg = 99999 where product_id = 1")
        with pytest.raises(DBAPIError, match="its uses and losses add up to"):
            session.execute(overdraw)


def test_database_that_is_not_empty_is_refused(fresh: Database) -> None:
    assert is_empty(fresh)
    with fresh.session() as session:
        session.execute(text("insert into suppliers (name, location) values ('Finca', 'Chuao')"))
        session.commit()
    assert not is_empty(fresh)
    with pytest.raises(DatabaseNotEmpty):
        fill(fresh, SIZE)
    assert read_one(fresh, "select count(*) from suppliers") == 1
    assert read_one(fresh, "select count(*) from manufacturers") == 0


def test_fill_that_fails_leaves_nothing(fresh: Database) -> None:
    before = read(fresh, CATALOGUE)

    def stop(step: str, _done: int, _total: int) -> None:
        if step == "constraints":
            raise InterruptedError

    with pytest.raises(InterruptedError):
        fill(fresh, SIZE, progress=stop)
    assert is_empty(fresh)
    assert read(fresh, CATALOGUE) == before


def test_overdrawn_sample_is_refused(fresh: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    more = "select cacao_batch_id from cacao_batches limit 1"
    monkeypatch.setattr(filling, "OVERDRAWN", more)
    with pytest.raises(sample_data.SampleOverdrawn, match="cacao batch 1 "):
        fill(fresh, SIZE)
    assert is_empty(fresh)


def test_progress_reaches_the_end_of_every_table(fresh: Database) -> None:
    seen: dict[str, tuple[int, int]] = {}
    fill(fresh, SIZE, progress=lambda step, done, total: seen.update({step: (done, total)}))
    assert set(TABLES) | {"sample", "indexes", "constraints", "vacuum"} == set(seen)
    assert seen["products"] == (400, 400)


def test_command_fills_once_and_then_refuses(
    fresh: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    parser = ArgumentParser()
    add_arguments(parser)
    args = parser.parse_args(["--products", "40", "--seed", "3"])
    assert run(args, fresh) == 0
    assert read_one(fresh, "select count(*) from products") == 40
    assert "40 products" in capsys.readouterr().out
    assert run(args, fresh) == 1
    assert "not empty" in capsys.readouterr().out


def test_command_refuses_no_products() -> None:
    parser = ArgumentParser()
    add_arguments(parser)
    with pytest.raises(SystemExit):
        parser.parse_args(["--products", "0"])


def test_size_keeps_the_proportions_of_a_million() -> None:
    assert SampleSize.for_products(1_000_000) == SampleSize(1_000_000, 200_000, 20_000, 500)
    assert SampleSize.for_products(1) == SampleSize(1, 300, 60, 12)


@pytest.mark.parametrize("size", [(0, 300, 60, 12), (10, 20, 60, 12), (10, 300, 9, 12)])
def test_size_too_small_for_every_role_is_refused(size: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValueError, match="needs"):
        SampleSize(*size)


@pytest.mark.parametrize("products", [1, 3, 25])
def test_small_samples_fill_too(fresh: Database, products: int) -> None:
    fill(fresh, SampleSize(products, 60, 24, 2), seed=products)
    assert read_one(fresh, "select count(*) from products") == products
