"""The merge of uses: kg of a batch into a product or into another batch, never more than it holds.

Rows of one batch are taken in file order; the row that does not fit is refused, a later one that
fits is not. Rows that give kg back go first: they always fit.
"""

from dataclasses import dataclass

from exchange.csv.merging import Written
from exchange.csv.refusals import Code
from exchange.csv.staging import LIVE, Staging


@dataclass(frozen=True)
class Edge:
    """A table of uses: its columns for what goes out and for what comes in."""

    table: str
    output: str
    input: str

    def same(self) -> str:
        return f"t.{self.output} = s.{self.output} and t.{self.input} = s.cacao_batch_id"


EDGES = (
    Edge("product_cacao_batch", "product_id", "cacao_batch_id"),
    Edge("cacao_batch_input", "output_batch_id", "input_batch_id"),
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
    coalesce(s.quantity_kg, 0) - coalesce(s.old_kg, 0) as kg
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
update import_rows s set code = %s,
  reason = 'cacao batch ' || s.cacao_batch_id || ' has ' || round(greatest(m.room - m.before, 0), 3)
    || ' kg left, this row needs ' || m.kg || ' kg more'
from steps m
where m.line = s.line and m.kg > 0 and m.before + m.kg > m.room
"""


class UseMerge:
    """Staged uses into the two tables of edges."""

    def __init__(self, staging: Staging) -> None:
        self.staging = staging
        self.gives_kg = "quantity_kg" in staging.fields

    def find(self) -> None:
        cursor = self.staging.cursor
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

    def settle(self) -> int:
        """Refuse the live rows that overdraw their batch; how many."""
        if not self.gives_kg:
            return 0
        cursor = self.staging.cursor
        cursor.execute(FITTED)
        cursor.execute(MISFITS, (Code.OVERDRAWN,))
        refused = cursor.rowcount
        cursor.execute(DROP_FITTED)
        return refused

    def write(self, first: int, last: int) -> Written:
        lines = {"first": first, "last": last}
        updated = 0
        if self.gives_kg:
            # What gives kg back is written before what needs them: the triggers look after each.
            for sign in ("<", ">="):
                updated += sum(self._update(edge, sign, lines) for edge in EDGES)
        return Written(sum(self._insert(edge, lines) for edge in EDGES), updated)

    def differs(self) -> str:
        return "s.quantity_kg is distinct from t.quantity_kg"

    def _update(self, edge: Edge, sign: str, lines: dict[str, int]) -> int:
        self.staging.cursor.execute(
            f"update {edge.table} t set quantity_kg = s.quantity_kg from import_rows s"
            f" where {LIVE} and s.is_old and {edge.same()}"
            " and s.quantity_kg is distinct from t.quantity_kg"
            f" and coalesce(s.quantity_kg, 0) {sign} coalesce(t.quantity_kg, 0)"
            " and s.line between %(first)s and %(last)s",
            lines,
        )
        return self.staging.cursor.rowcount

    def _insert(self, edge: Edge, lines: dict[str, int]) -> int:
        self.staging.cursor.execute(
            f"insert into {edge.table} ({edge.output}, {edge.input}, quantity_kg)"
            f" select s.{edge.output}, s.cacao_batch_id, s.quantity_kg from import_rows s"
            f" where {LIVE} and not s.is_old and s.{edge.output} is not null"
            " and s.line between %(first)s and %(last)s order by s.line",
            lines,
        )
        return self.staging.cursor.rowcount
