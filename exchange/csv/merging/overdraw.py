"""The rejection of uses that take more kilograms than their cacao batch has left.

The rows of one batch are taken in file order: a row that exceeds what is left is rejected, a later, smaller
row may still fit. Rows that return kilograms come first, since they always fit.
"""

from exchange.csv.rejections import Code
from exchange.csv.staging.table import LIVE, StagingTable

# A running sum that skips rows that do not fit; sum() would count rejected rows too.
_CREATE_FITTED_SUM = """
create or replace function pg_temp.import_fit(taken numeric, kg numeric, room numeric)
  returns numeric language plpgsql immutable as $$
begin
  return case when kg <= 0 or taken + kg <= room then taken + kg else taken end;
end $$;
create or replace aggregate pg_temp.import_fitted(kg numeric, room numeric) (
  sfunc = pg_temp.import_fit, stype = numeric, initcond = '0');
"""
_DROP_FITTED_SUM = """
drop aggregate pg_temp.import_fitted(numeric, numeric);
drop function pg_temp.import_fit(numeric, numeric, numeric);
"""

# Materialized, so that the room of a batch is computed once and not for each of its rows.
_REJECT_OVERDRAWN = f"""
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


def reject_overdrawn(staging: StagingTable) -> int:
    """Reject the live rows that do not fit their batch; returns their number."""
    cursor = staging.cursor
    cursor.execute(_CREATE_FITTED_SUM)
    cleared = "quantity_kg" in staging.cleared
    cursor.execute(_REJECT_OVERDRAWN, {"code": Code.OVERDRAWN, "cleared": cleared})
    rejected = cursor.rowcount
    cursor.execute(_DROP_FITTED_SUM)
    return rejected
