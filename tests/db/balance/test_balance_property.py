"""Random sequences of events of lots, compared with a ledger in Python.

After each step the database's state is the ledger's: what was accepted conserves mass, what was
refused left nothing behind, and was refused for the reason the ledger gives.
"""

from collections.abc import Callable, Iterator
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from models.database.engines import Database
from models.errors import violation_of
from tests.conftest import Cluster, opened
from tests.writing import run_sql

LOTS, PRODUCTS = 5, 2
GRAMS = st.integers(1, 1500)
LOT = st.integers(0, LOTS * 2)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("harvest"), GRAMS),
        st.tuples(st.just("process"), GRAMS),
        st.tuples(st.just("use"), LOT, LOT, GRAMS),
        st.tuples(st.just("split"), LOT, GRAMS),
        st.tuples(st.just("sell"), LOT, st.integers(1, PRODUCTS), GRAMS),
        st.tuples(st.just("lose"), LOT, GRAMS),
        st.tuples(st.just("hold"), LOT),
        st.tuples(st.just("release"), LOT),
    ),
    max_size=25,
)


class Ledger:
    """Lots in grams, the flows between them, and their holds."""

    def __init__(self) -> None:
        self.grams: dict[int, int] = {}
        self.stage: dict[int, str] = {}
        self.made: dict[tuple[int, int], int] = {}
        self.sold: dict[tuple[int, int], int] = {}
        self.lost: dict[int, int] = {}
        self.held: dict[int, int] = {}

    def drawn(self, lot: int) -> int:
        made = sum(grams for (source, _), grams in self.made.items() if source == lot)
        sold = sum(grams for (source, _), grams in self.sold.items() if source == lot)
        return made + sold + self.lost.get(lot, 0)

    def reached(self) -> set[int]:
        """Held lots and all made of them."""
        found = set(self.held)
        while more := {output for source, output in self.made if source in found} - found:
            found |= more
        return found

    def yields(self, lot: int) -> Decimal | None:
        """Grams that the inputs of a lot yield; None without any."""
        inputs = [(source, grams) for (source, output), grams in self.made.items() if output == lot]
        if not inputs:
            return None
        total = Decimal(0)
        for source, grams in inputs:
            same = self.stage[source] == self.stage[lot]
            total += grams if same else grams * Decimal("0.82")
        return total

    def refuses(self, *lots: int, uses: int | None = None) -> str | None:
        """Return the rule that the state after a step breaks, if any."""
        if uses is not None and uses in self.reached():
            return "BATCH_ON_HOLD"
        if any(self.drawn(lot) > self.grams[lot] for lot in lots[:1]):
            return "OVERDRAWN"
        for lot in lots:
            bound = self.yields(lot)
            if bound is not None and self.drawn(lot) > round(bound):
                return "YIELD_EXCEEDED"
        return None


class Mill:
    """Applies each step to the database and to the ledger."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.ledger = Ledger()

    def run(self, statement: str) -> str | None:
        """Return the code of the error, or None."""
        try:
            with self.connection.begin_nested():
                self.connection.execute(text(statement))
        except DBAPIError as error:
            violation = violation_of(error)
            return violation.code if violation else str(error)
        return None

    def lot(self, number: int) -> int | None:
        """One of the lots there are."""
        keys = sorted(self.ledger.grams)
        return keys[number % len(keys)] if keys else None

    def add(self, stage: str, grams: int) -> int:
        key = len(self.ledger.grams) + 1
        day = "'2026-01-01'" if stage == "beans" else "null"
        statement = f"""insert into cacao_batches (cacao_batch_id, supplier_id, stage, harvest_date,
          quantity) values ({key}, 1, '{stage}', {day}, {grams}::numeric / 1000)"""
        assert self.run(statement) is None
        self.ledger.grams[key], self.ledger.stage[key] = grams, stage
        return key

    def step(self, kind: str, *given: int) -> None:
        if kind in ("harvest", "process"):
            if len(self.ledger.grams) < LOTS:
                self.add("beans" if kind == "harvest" else "liquor", given[0])
            return
        source = self.lot(given[0])
        if source is None:
            return
        acts: dict[str, Callable[..., None]] = {
            "use": self.use,
            "split": self.split,
            "sell": self.sell,
            "lose": self.lose,
            "hold": self.hold,
            "release": self.release,
        }
        acts[kind](source, *given[1:])

    def use(self, source: int, output: int, grams: int) -> None:
        target = self.lot(output)
        # Stages go forward and keys upward, so that there is no cycle.
        if target is None or source >= target or (source, target) in self.ledger.made:
            return
        if (self.ledger.stage[source], self.ledger.stage[target]) == ("liquor", "beans"):
            return
        code = self.run(
            f"insert into cacao_batch_input values ({target}, {source}, {grams}::numeric / 1000)"
        )
        before = source in self.ledger.reached()
        self.ledger.made[source, target] = grams
        expected = "BATCH_ON_HOLD" if before else self.ledger.refuses(source, target)
        assert code == expected
        if code:
            del self.ledger.made[source, target]

    def split(self, source: int, grams: int) -> None:
        if len(self.ledger.grams) < LOTS:
            part = self.add(self.ledger.stage[source], grams)
            self.use(source, sorted(self.ledger.grams).index(part), grams)

    def sell(self, source: int, product: int, grams: int) -> None:
        if (source, product) in self.ledger.sold:
            return
        code = self.run(
            f"insert into product_cacao_batch values ({product}, {source}, {grams}::numeric / 1000)"
        )
        self.ledger.sold[source, product] = grams
        assert code == self.ledger.refuses(source, uses=source)
        if code:
            del self.ledger.sold[source, product]

    def lose(self, source: int, grams: int) -> None:
        code = self.run(
            "insert into losses (cacao_batch_id, quantity_kg, reason)"
            f" values ({source}, {grams}::numeric / 1000, 'spillage')"
        )
        before = self.ledger.lost.get(source, 0)
        self.ledger.lost[source] = before + grams
        assert code == self.ledger.refuses(source)
        if code:
            self.ledger.lost[source] = before

    def hold(self, source: int) -> None:
        if source not in self.ledger.held:
            assert (
                self.run(f"insert into holds (cacao_batch_id, reason) values ({source}, 'x')")
                is None
            )
            self.ledger.held[source] = 1

    def release(self, source: int) -> None:
        if self.ledger.held.pop(source, None):
            statement = f"""update holds set released_at = now(), release_reason = 'y'
              where cacao_batch_id = {source} and released_at is null"""
            assert self.run(statement) is None

    def check(self) -> None:
        """Assert that the tables equal the ledger, and that no lot is overdrawn."""
        ledger, ask = self.ledger, self.ask
        made = {(row[1], row[0]): row[2] for row in ask("cacao_batch_input", "quantity_kg * 1000")}
        sold = {
            (row[1], row[0]): row[2] for row in ask("product_cacao_batch", "quantity_kg * 1000")
        }
        assert (made, sold) == (ledger.made, ledger.sold)
        lost = self.connection.execute(
            text("select cacao_batch_id, sum(quantity_kg) * 1000 from losses group by 1")
        )
        assert {row[0]: row[1] for row in lost} == {k: v for k, v in ledger.lost.items() if v}
        marked = self.connection.scalars(
            text("select cacao_batch_id from cacao_batches where on_hold")
        )
        assert {*marked} == ledger.reached()
        assert all(ledger.drawn(lot) <= grams for lot, grams in ledger.grams.items())

    def ask(self, table: str, kg: str) -> list[tuple[int, int, int]]:
        first = (
            "output_batch_id, input_batch_id" if "input" in table else "product_id, cacao_batch_id"
        )
        found = self.connection.execute(text(f"select {first}, {kg} from {table}"))
        return [(row[0], row[1], int(row[2])) for row in found]


@pytest.fixture(scope="module")
def mill(cluster: Cluster, schema_template: str) -> Iterator[Database]:
    """Provide a database with a supplier and products, under the strictest rules."""
    url = cluster.create(schema_template)
    with opened(url) as database:
        run_sql(
            database,
            "insert into suppliers (name, location) values ('A', 'X');"
            "insert into products (name) values ('P'), ('Q');"
            "update matter_rules set yields = 'refuse'",
        )
        yield database
    cluster.drop(url)


@settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
)
@given(steps=STEPS)
def test_matter_is_conserved_whatever_happens(mill: Database, steps: list[tuple[str, int]]) -> None:
    with mill.engine().connect() as connection, connection.begin() as transaction:
        at_work = Mill(connection)
        for kind, *given_ in steps:
            at_work.step(kind, *given_)
            at_work.check()
        transaction.rollback()
