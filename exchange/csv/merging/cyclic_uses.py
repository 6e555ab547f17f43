"""The rejection of uses that would make a cacao batch its own input."""

from psycopg2.extras import execute_values

from exchange.csv.merging.cycles import Cycle, find_cycles
from exchange.csv.rejections import Code
from exchange.csv.staging.table import StagingTable

# Stored edges reachable from the outputs of new edges of the file; no other stored edge can close a cycle.
_REACHABLE_EDGES = """
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
_NEW_EDGES = """
select min(s.line), s.cacao_batch_id, s.output_batch_id from import_rows s
where s.code is null and not s.is_old and s.output_batch_id is not null
group by 2, 3 order by 1
"""
_REJECT_EDGES = """
update import_rows s set code = c.code, reason = c.reason
from (values %s) c (output, input, code, reason)
where s.code is null and s.output_batch_id = c.output and s.cacao_batch_id = c.input
"""
# The number of lines of a cycle that a reason lists.
_LISTED_LINES = 10


def reject_cyclic(staging: StagingTable) -> int:
    """Reject the rows that close a cycle, the later ones of each.

    Returns the number of rejected edges.
    """
    cursor = staging.cursor
    cursor.execute(_REACHABLE_EDGES)
    edges = cursor.fetchall()
    cursor.execute(_NEW_EDGES)
    edges += cursor.fetchall()
    rejected = [
        (cycle.output, cycle.input, Code.CYCLIC_LINEAGE, _describe(cycle))
        for cycle in find_cycles(edges)
    ]
    if rejected:
        execute_values(cursor, _REJECT_EDGES, rejected)
    return len(rejected)


def _describe(cycle: Cycle) -> str:
    parts = []
    if cycle.lines:
        listed = ", ".join(map(str, cycle.lines[:_LISTED_LINES]))
        more = len(cycle.lines) - _LISTED_LINES
        parts.append(f"line {listed}" + (f" and {more} more" if more > 0 else ""))
    if cycle.stored:
        parts.append("stored uses")
    return (
        f"cacao batch {cycle.input} was itself made from cacao batch {cycle.output},"
        f" by {' and '.join(parts)}"
    )
