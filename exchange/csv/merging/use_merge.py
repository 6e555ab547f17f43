"""The merge of uses: kilograms of a cacao batch in a product or in another batch."""

from dataclasses import dataclass

from exchange.csv.merging.cyclic_uses import reject_cyclic
from exchange.csv.merging.merge import MergeCounts
from exchange.csv.merging.overdraw import reject_overdrawn
from exchange.csv.merging.table_statistics import cut_lines, refresh_statistics
from exchange.csv.staging.superseding import fill_from_superseded, reset_superseded
from exchange.csv.staging.table import LIVE, StagingTable


@dataclass(frozen=True)
class UseEdge:
    """A table of uses: its columns of the output and of the input."""

    table: str
    output: str
    input: str

    def same(self) -> str:
        """Return the SQL of: stored row `t` and staged row `s` are about one use."""
        return f"t.{self.output} = s.{self.output} and t.{self.input} = s.cacao_batch_id"


EDGES = (
    UseEdge("product_cacao_batch", "product_id", "cacao_batch_id"),
    UseEdge("cacao_batch_input", "output_batch_id", "input_batch_id"),
)


class UseMerge:
    """Merges staged uses into the two tables of edges."""

    def __init__(self, staging: StagingTable) -> None:
        self.staging = staging
        self.provides_kg = "quantity_kg" in staging.fields
        # An empty cell keeps the stored kilograms, unless they are cleared.
        kept = "quantity_kg" not in staging.cleared
        self._kg = "coalesce(s.quantity_kg, t.quantity_kg)" if kept else "s.quantity_kg"
        self._differs = f"{self._kg} is distinct from t.quantity_kg"
        self._cycles_rejected = False

    def find(self) -> None:
        """Match staged uses with stored ones; locks their batches."""
        cursor = self.staging.cursor
        # Writers of lineage exclude each other, since a cycle may need an edge of each.
        cursor.execute("select pg_advisory_xact_lock(hashtext('cacao_batch_input'))")
        # The lock of the trigger, in the same order, so that concurrent writers to these batches wait.
        cursor.execute(
            "select count(*) from (select from cacao_batches where cacao_batch_id in"
            " (select cacao_batch_id from import_rows where code is null)"
            " order by cacao_batch_id for no key update) b"
        )
        for edge in EDGES:
            cursor.execute(
                "update import_rows s set is_old = true, old_kg = t.quantity_kg"
                f" from {edge.table} t where s.code is null and {edge.same()}"
            )

    def supersede(self) -> None:
        """Leave the last row of each use live."""
        reset_superseded(self.staging)
        self.staging.cursor.execute(
            "update import_rows s set superseded_by = w.winner from (select line, max(line) over"
            " (partition by cacao_batch_id, product_id, output_batch_id) as winner"
            " from import_rows where code is null) w"
            " where w.line = s.line and w.winner <> w.line"
        )
        if self.provides_kg and self.staging.cursor.rowcount:
            fill_from_superseded(self.staging, ("quantity_kg",))

    def reject_conflicts(self) -> int:
        """Reject live rows that close a cycle or overdraw their batch.

        Returns their number.
        """
        if not self._cycles_rejected:
            # Once is enough: rejecting further rows only removes edges.
            self._cycles_rejected = True
            if rejected := reject_cyclic(self.staging):
                return rejected
        return reject_overdrawn(self.staging) if self.provides_kg else 0

    def write(self, first: int, last: int) -> MergeCounts:
        """Write the live uses of these lines."""
        lines = {"first": first, "last": last}
        updated = 0
        if self.provides_kg:
            # Reductions first: the triggers check the batch after each statement.
            for sign in ("<", ">="):
                updated += sum(self._update(edge, sign, lines) for edge in EDGES)
        return MergeCounts(self._insert_all(first, last), updated)

    def differs(self) -> str:
        """Return the SQL of: the kilograms of row `s` differ from those of row `t`."""
        return self._differs

    def difference(self) -> str:
        """Return the SQL of the kilograms of `s` and `t`."""
        return (
            "'quantity_kg ' || coalesce(s.quantity_kg::text, 'empty') || ' here, '"
            " || coalesce(t.quantity_kg::text, 'empty') || ' there'"
        )

    def _update(self, edge: UseEdge, sign: str, lines: dict[str, int]) -> int:
        self.staging.cursor.execute(
            f"update {edge.table} t set quantity_kg = {self._kg} from import_rows s"
            f" where {LIVE} and s.is_old and {edge.same()} and {self._differs}"
            f" and coalesce({self._kg}, 0) {sign} coalesce(t.quantity_kg, 0)"
            " and s.line between %(first)s and %(last)s",
            lines,
        )
        return self.staging.cursor.rowcount

    def _insert_all(self, first: int, last: int) -> int:
        products, batches = EDGES
        cursor = self.staging.cursor
        inserted = 0
        for low, high in cut_lines(first, last):
            self.staging.report_step("writing uses in products", high)
            inserted += self._insert(products, {"first": low, "last": high})
            refresh_statistics(cursor, (products.table,))
        self.staging.report_step("writing uses in batches")
        refresh_statistics(cursor, (batches.table,))
        # In one statement, since custody and yield of a batch depend on all of its inputs. Its triggers must not
        # reuse plans that were made for the smaller table of uses in products.
        cursor.execute("discard plans")
        return inserted + self._insert(batches, {"first": first, "last": last})

    def _insert(self, edge: UseEdge, lines: dict[str, int]) -> int:
        self.staging.cursor.execute(
            f"insert into {edge.table} ({edge.output}, {edge.input}, quantity_kg)"
            f" select s.{edge.output}, s.cacao_batch_id, s.quantity_kg from import_rows s"
            f" where {LIVE} and not s.is_old and s.{edge.output} is not null"
            " and s.line between %(first)s and %(last)s order by s.line",
            lines,
        )
        return self.staging.cursor.rowcount
