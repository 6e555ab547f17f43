"""The merge of uses: kg of a batch into a product or into another batch, never more than it holds.

Rows of one batch are taken in file order; the row that does not fit is refused, a later one that
fits is not. Rows that give kg back go first: they always fit.
"""

from dataclasses import dataclass

from psycopg2.extras import execute_values

from exchange.csv.merging.cycles import Cycle, find_cycles
from exchange.csv.merging.merge import MergeCounts
from exchange.csv.merging.table_statistics import cut_lines, refresh_statistics
from exchange.csv.refusals import Code
from exchange.csv.staging.table import LIVE, StagingTable


@dataclass(frozen=True)
class UseEdge:
    """A table of uses: its columns for what goes out and for what comes in."""

    table: str
    output: str
    input: str

    def same(self) -> str:
        return f"t.{self.output} = s.{self.output} and t.{self.input} = s.cacao_batch_id"


EDGES = (
    UseEdge("product_cacao_batch", "product_id", "cacao_batch_id"),
    UseEdge("cacao_batch_input", "output_batch_id", "input_batch_id"),
)

# A running sum that passes over what does not fit: a plain sum would count refused rows too.
FITTED = """
create or replace function pg_temp.import_fit(taken numeric, kg numeric, room numeric)
  returns numeric language plpgsql immutable as $$
begin
  return case when kg <= 0 or taken + kg <= room then taken + kg else taken end;
end $$;
create or replace aggregate pg_temp.import_fitted(kg numeric, room numeric) (
  sfunc = pg_temp.import_fit, stype = numeric, initcond = '0');
"""
DROP_FITTED = """
drop aggregate pg_temp.import_fitted(numeric, numeric);
drop function pg_temp.import_fit(numeric, numeric, numeric);
"""

# Materialized: else the room of a batch would be added up for each of its rows.
MISFITS = f"""
with rooms as materialized (
  select b.cacao_batch_id, b.quantity
    - coalesce((select sum(u.quantity_kg) from cacao_batch_draws u
                where u.cacao_batch_id = b.cacao_batch_id), 0) as room
  from cacao_batches b
  where b.cacao_batch_id in (select cacao_batch_id from import_rows)),
demands as (
  select s.line, s.cacao_batch_id, r.room,
    coalesce(s.quantity_kg, case when not %(cleared)s then s.old_kg end, 0) - coalesce(s.old_kg, 0) as kg
  from import_rows s join rooms r on r.cacao_batch_id = s.cacao_batch_id
  where {LIVE}),
takings as (
  select d.*, pg_temp.import_fitted(kg, room) over own as taken
  from demands d
  window own as (partition by cacao_batch_id order by kg > 0, line)),
steps as (
  select line, kg, room, coalesce(lag(taken) over own, 0) as before
  from takings
  window own as (partition by cacao_batch_id order by kg > 0, line))
update import_rows s set code = %(code)s,
  reason = 'cacao batch ' || s.cacao_batch_id || ' has ' || round(greatest(m.room - m.before, 0), 3)
    || ' kg left, this row needs ' || m.kg || ' kg more'
from steps m
where m.line = s.line and m.kg > 0 and m.before + m.kg > m.room
"""

# Stored edges between lots that new edges of the file lead to: only these can close a circle.
REACHED = """
with recursive starts as materialized (
  select distinct output_batch_id as id from import_rows
  where code is null and not is_old and output_batch_id is not null),
reach (id) as (
  select id from starts
  union select x.id from reach r cross join lateral (
    select e.output_batch_id as id from cacao_batch_input e
    where e.input_batch_id = r.id offset 0) x)
select 0, e.input_batch_id, e.output_batch_id
from reach r join cacao_batch_input e on e.input_batch_id = r.id
"""


class UseMerge:
    """Staged uses into the two tables of edges."""

    def __init__(self, staging: StagingTable) -> None:
        self.staging = staging
        self.gives_kg = "quantity_kg" in staging.fields
        # An empty cell keeps the kg that are stored.
        kept = "quantity_kg" not in staging.cleared
        self._kg = "coalesce(s.quantity_kg, t.quantity_kg)" if kept else "s.quantity_kg"
        self._differs = f"{self._kg} is distinct from t.quantity_kg"
        self._searched = False

    def find(self) -> None:
        cursor = self.staging.cursor
        # Writers of lineage wait for each other: a circle may need an edge of each.
        cursor.execute("select pg_advisory_xact_lock(hashtext('cacao_batch_input'))")
        # As the trigger does, in the same order: who writes to these batches next, waits.
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
        self.staging.cursor.execute(
            "update import_rows set superseded_by = null where superseded_by is not null"
        )
        self.staging.cursor.execute(
            "update import_rows s set superseded_by = w.winner from (select line, max(line) over"
            " (partition by cacao_batch_id, product_id, output_batch_id) as winner"
            " from import_rows where code is null) w"
            " where w.line = s.line and w.winner <> w.line"
        )
        if self.gives_kg and self.staging.cursor.rowcount:
            self.staging.fill_winners(("quantity_kg",))

    def settle(self) -> int:
        """Refuse the live rows that close a circle or overdraw their batch; how many."""
        cursor = self.staging.cursor
        if not self._searched:
            # Once: rows that are refused later only take edges away.
            self._searched = True
            if refused := self._refuse_circles():
                return refused
        if not self.gives_kg:
            return 0
        cursor.execute(FITTED)
        cleared = "quantity_kg" in self.staging.cleared
        cursor.execute(MISFITS, {"code": Code.OVERDRAWN, "cleared": cleared})
        refused = cursor.rowcount
        cursor.execute(DROP_FITTED)
        return refused

    def write(self, first: int, last: int) -> MergeCounts:
        lines = {"first": first, "last": last}
        updated = 0
        if self.gives_kg:
            # What gives kg back is written before what needs them: the triggers look after each.
            for sign in ("<", ">="):
                updated += sum(self._update(edge, sign, lines) for edge in EDGES)
        return MergeCounts(self._insert_all(first, last), updated)

    def differs(self) -> str:
        return self._differs

    def difference(self) -> str:
        return (
            "'quantity_kg ' || coalesce(s.quantity_kg::text, 'empty') || ' here, '"
            " || coalesce(t.quantity_kg::text, 'empty') || ' there'"
        )

    def _refuse_circles(self) -> int:
        """Refuse the rows that would make a batch from itself, later ones of a circle first."""
        cursor = self.staging.cursor
        cursor.execute(REACHED)
        edges = cursor.fetchall()
        cursor.execute(
            "select min(s.line), s.cacao_batch_id, s.output_batch_id from import_rows s"
            " where s.code is null and not s.is_old and s.output_batch_id is not null"
            " group by 2, 3 order by 1"
        )
        edges += cursor.fetchall()
        refused = [
            (circle.output, circle.input, Code.CYCLIC_LINEAGE, _describe(circle))
            for circle in find_cycles(edges)
        ]
        if refused:
            execute_values(
                cursor,
                "update import_rows s set code = c.code, reason = c.reason"
                " from (values %s) c (output, input, code, reason) where s.code is null"
                " and s.output_batch_id = c.output and s.cacao_batch_id = c.input",
                refused,
            )
        return len(refused)

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
            self.staging.step("writing uses in products", high)
            inserted += self._insert(products, {"first": low, "last": high})
            refresh_statistics(cursor, (products.table,))
        self.staging.step("writing uses in batches")
        refresh_statistics(cursor, (batches.table,))
        # In one statement: a batch takes its custody, and its yield, from all of its inputs. Its
        # triggers must not use plans that the uses in products were checked by, of a smaller table.
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


# Lines of a circle that are named.
NAMED_LINES = 10


def _describe(circle: Cycle) -> str:
    parts = []
    if circle.lines:
        named = ", ".join(map(str, circle.lines[:NAMED_LINES]))
        more = len(circle.lines) - NAMED_LINES
        parts.append(f"line {named}" + (f" and {more} more" if more > 0 else ""))
    if circle.stored:
        parts.append("what is stored")
    return (
        f"cacao batch {circle.input} was itself made from cacao batch {circle.output},"
        f" by {' and '.join(parts)}"
    )
