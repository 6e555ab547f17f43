"""Fills an empty database with sample data, the same for the same seed and size to the byte.

Refuses a database that holds anything. One transaction: a failure leaves nothing.
"""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import NoReturn

from psycopg2 import extensions
from sqlalchemy import PoolProxiedConnection, text
from tqdm import tqdm

from models.database.engines import Database
from models.sample_data.events import count_events, write_events
from models.sample_data.flow import FEWEST_BATCHES, make_lots
from models.sample_data.load import Progress, copy, set_aside
from models.sample_data.lots import Lots, write_batch_plots, write_batches, write_inputs
from models.sample_data.manufacturers import (
    SampleManufacturer,
    make_manufacturers,
    write_manufacturers,
)
from models.sample_data.parties import (
    FEWEST_SUPPLIERS,
    SampleSupplier,
    make_suppliers,
    write_certificates,
    write_suppliers,
)
from models.sample_data.plots import PlotRanges, assign_plots, write_plots
from models.sample_data.products import Products, make_products, write_products, write_uses
from models.sample_data.statements import (
    plan_statements,
    write_batch_statements,
    write_product_statements,
    write_statements,
)

# Tables in the order in which they are filled, with their columns, the key first.
TABLES = {
    "manufacturers": "manufacturer_id, name, location, country",
    "suppliers": "supplier_id, name, location, contact_person, country, external_id",
    "certificates": "certificate_id, supplier_id, scheme, number, scope, valid_from, valid_to",
    "plots": "plot_id, supplier_id, name, producer_name, country, area_ha, geometry",
    "cacao_batches": "cacao_batch_id, supplier_id, harvest_date, quantity, certification, stage, "
    "lot_number, production_date",
    "cacao_batch_input": "output_batch_id, input_batch_id, quantity_kg, record_time",
    "cacao_batch_plot": "cacao_batch_id, plot_id, quantity_kg",
    "products": "product_id, name, description, batch_number, manufacturer_id, gtin, "
    "cocoa_percent, production_date",
    "product_cacao_batch": "product_id, cacao_batch_id, quantity_kg, record_time",
    "due_diligence_statements": "statement_id, reference_number, verification_number, submitted_on",
    "product_statement": "product_id, statement_id",
    "cacao_batch_statement": "cacao_batch_id, statement_id",
    "transactions": 'transaction_id, product_id, cacao_batch_id, "timestamp", event, details, '
    "event_id, record_time",
}
NUMBERED = (
    "manufacturers", "suppliers", "certificates", "plots", "cacao_batches", "products",
    "due_diligence_statements", "transactions",
)  # fmt: skip
ANY_ROW = " or ".join(f"exists (select from {table})" for table in TABLES)
OVERDRAWN = """
select b.cacao_batch_id from cacao_batches b join (
  select batch_id, sum(kg) as kg from (
    select cacao_batch_id, quantity_kg from product_cacao_batch
    union all
    select input_batch_id, quantity_kg from cacao_batch_input) u (batch_id, kg)
  group by batch_id) used on used.batch_id = b.cacao_batch_id
where used.kg > b.quantity limit 1"""


class DatabaseNotEmpty(Exception):
    """Sample data only goes into an empty database: it brings its own ids."""

    def __init__(self) -> None:
        super().__init__("the database is not empty: sample data only goes into an empty one")


class SampleOverdrawn(Exception):
    """The sample itself does not add up: a fault of this generator."""


@dataclass(frozen=True)
class SampleSize:
    """How many rows; four transactions a product, one to five batches a product."""

    products: int
    cacao_batches: int
    suppliers: int
    manufacturers: int

    def __post_init__(self) -> None:
        if self.products < 1 or self.cacao_batches < max(FEWEST_BATCHES, self.products // 20):
            raise ValueError(
                f"needs 1 product and {FEWEST_BATCHES} cacao batches, one for 20 products, at least"
            )
        if self.suppliers < FEWEST_SUPPLIERS or not 2 <= self.manufacturers <= 10_000:
            raise ValueError(f"needs {FEWEST_SUPPLIERS} suppliers and 2 to 10000 manufacturers")

    @classmethod
    def for_products(cls, products: int) -> SampleSize:
        """In the proportions of 1,000,000 products, 200,000 batches, 20,000 suppliers, 500 makers."""
        return cls(
            products, max(300, products // 5), max(60, products // 50), max(12, products // 2000)
        )


MOST_PRODUCTS = 20_000_000
DEFAULT = SampleSize.for_products(500)


@dataclass(frozen=True)
class Sample:
    """Everything that the rows are written from; `seed` also seeds what is drawn while writing."""

    seed: int
    suppliers: list[SampleSupplier]
    makers: list[SampleManufacturer]
    plots: PlotRanges
    lots: Lots
    products: Products
    statements: list[int]

    def rng(self, table: str) -> Random:
        return Random(f"{self.seed}:{table}")


def make_sample(size: SampleSize, seed: int, progress: Progress) -> Sample:
    def rng(step: str, number: int) -> Random:
        progress("sample", number, 5)
        return Random(f"{seed}:make {step}")

    suppliers = make_suppliers(rng("suppliers", 0), size.suppliers)
    makers = make_manufacturers(rng("makers", 1), size.manufacturers)
    plots = assign_plots(rng("plots", 2), suppliers)
    lots = make_lots(rng("lots", 3), suppliers, size.cacao_batches)
    products = make_products(rng("products", 4), lots, makers, size.products)
    statements = plan_statements(rng("statements", 5), size.cacao_batches // 4)
    return Sample(seed, suppliers, makers, plots, lots, products, statements)


def write_rows(sample: Sample) -> Iterator[tuple[str, Iterator[str], int]]:
    """Every table in order with its lines for COPY and about how many there are."""
    s, lots, products, rng = sample, sample.lots, sample.products, sample.rng
    yield "manufacturers", write_manufacturers(s.makers), len(s.makers)
    yield "suppliers", write_suppliers(s.suppliers), len(s.suppliers)
    yield "certificates", write_certificates(rng("certificates"), s.suppliers), len(s.suppliers)
    yield "plots", write_plots(rng("plots"), s.suppliers, s.plots), s.plots.total
    yield "cacao_batches", write_batches(lots), len(lots)
    yield "cacao_batch_input", write_inputs(lots), len(lots.inputs) // 3
    edges = write_batch_plots(rng("cacao_batch_plot"), lots, s.plots)
    yield "cacao_batch_plot", edges, len(lots) * 2
    yield "products", write_products(products), len(products)
    yield "product_cacao_batch", write_uses(products), len(products.picks) // 2
    statements = write_statements(rng("statements"), s.statements)
    yield "due_diligence_statements", statements, len(s.statements)
    covered = write_product_statements(rng("product_statement"), s.statements, products)
    yield "product_statement", covered, int(len(products) * 0.4)
    imported = write_batch_statements(rng("cacao_batch_statement"), s.statements, lots)
    yield "cacao_batch_statement", imported, len(lots) // 6
    events = write_events(rng("transactions"), lots, s.suppliers, products, s.makers)
    yield "transactions", events, count_events(len(lots), len(products))


def ignore_progress(_step: str, _done: int, _total: int) -> None:
    pass


def is_empty(database: Database) -> bool:
    """Whether no table that the sample fills has a row."""
    with database.reader() as connection:
        return not connection.execute(text(f"select {ANY_ROW}")).scalar_one()


def fill(
    database: Database,
    size: SampleSize = DEFAULT,
    seed: int = 1,
    progress: Callable[[str, int, int], None] | None = None,
) -> None:
    """Fill an empty database; `progress` gets a step's name, rows done and about how many.

    Raises DatabaseNotEmpty before anything is written.
    """
    report = progress or ignore_progress
    connection = database.engine().raw_connection()
    try:
        with driver_of(connection).cursor() as cursor:
            cursor.execute(f"lock table {', '.join(TABLES)} in share row exclusive mode")
            cursor.execute(f"select {ANY_ROW}")
            if cursor.fetchone() != (False,):
                raise DatabaseNotEmpty
            load(cursor, make_sample(size, seed, report), report)
        connection.commit()
    finally:
        # What was not committed is rolled back here.
        connection.close()
    vacuum(database, report)


def vacuum(database: Database, progress: Progress) -> None:
    """Gather statistics and mark pages as visible to all, without which no scan is index-only."""
    with database.engine().connect() as connection:
        autocommit = connection.execution_options(isolation_level="AUTOCOMMIT")
        for done, table in enumerate(TABLES, 1):
            autocommit.execute(text(f"vacuum (analyze) {table}"))
            progress("vacuum", done, len(TABLES))


def driver_of(connection: PoolProxiedConnection) -> extensions.connection:
    """Return the driver's own connection, whose cursors can COPY."""
    driver = connection.driver_connection
    assert isinstance(driver, extensions.connection)
    return driver


def load(cursor: extensions.cursor, sample: Sample, progress: Progress) -> None:
    cursor.execute("select set_config('cacaotrace.actor', %s, true)", (f"sample:{sample.seed}",))
    cursor.execute("set local synchronous_commit = off; set local maintenance_work_mem = '256MB'")
    with set_aside(cursor, list(TABLES), lambda: refuse_overdrawn(cursor), progress):
        for table, lines, total in write_rows(sample):
            copy(cursor, table, TABLES[table], lines, total, progress)
    for table in NUMBERED:
        column = TABLES[table].split(",")[0]
        cursor.execute(
            f"select setval(pg_get_serial_sequence('{table}', '{column}'), max({column}))"
            f" from {table}"
        )
    cursor.execute("insert into ledger_queue select transaction_id from transactions order by 1")
    # The triggers that record changes were away. All keys are of the sample: none is listed.
    cursor.execute(
        "insert into changes (relation, operation, keys)"
        " select relation, 'INSERT', '{}' from unnest(%s) relation",
        (list(TABLES),),
    )


def refuse_overdrawn(cursor: extensions.cursor) -> None:
    cursor.execute(OVERDRAWN)
    row = cursor.fetchone()
    if row is not None:
        raise SampleOverdrawn(f"cacao batch {row[0]} gives more than it holds")


class Bars:
    """A progress bar per step, for the command line."""

    def __init__(self) -> None:
        self._step = ""
        self._bar: tqdm[NoReturn] = tqdm(disable=True)

    def show(self, step: str, done: int, total: int) -> None:
        if step != self._step:
            self.close()
            self._step, self._bar = step, tqdm(desc=step, total=total, unit_scale=True)
        self._bar.total = total
        self._bar.update(done - self._bar.n)

    def close(self) -> None:
        self._bar.close()


def parse_count(value: str) -> int:
    count = int(value.replace("_", "").replace(",", ""))
    if not 1 <= count <= MOST_PRODUCTS:
        raise ArgumentTypeError(f"from 1 to {MOST_PRODUCTS:,}")
    return count


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the options of `server.py sample`."""
    parser.add_argument(
        "--products", type=parse_count, default=DEFAULT.products, metavar="N",
        help="how many products; the other tables follow (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--seed", type=int, default=1, help="the same seed gives the same data (default: 1)"
    )


def run(args: Namespace, database: Database) -> int:
    """Fill the database as the command line asks; the exit code, 1 if it was not empty."""
    bars = Bars()
    try:
        fill(database, SampleSize.for_products(args.products), args.seed, bars.show)
    except DatabaseNotEmpty as error:
        print(error)
        return 1
    finally:
        bars.close()
    print(f"{args.products:,} products with everything behind them are in the database")
    return 0
