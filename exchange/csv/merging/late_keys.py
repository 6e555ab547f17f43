"""Adoption of a key that arrives after its row, or without it: a supplier's external_id, a GTIN.

A row of the table without the key takes it over where it is the only such row that agrees with the
staged rows of one key in everything else. A staged row without the key means the only row that
agrees with it. Where several would do, nothing is adopted, and the staged row gets a warning.
"""

from exchange.csv.importers.declaration import LateKey, Target
from exchange.csv.refusals import WarningCode
from exchange.csv.staging.table import StagingTable

OPEN = "s.code is null and s.target_id is null"


def adopt_late_keys(staging: StagingTable, target: Target, late: LateKey) -> None:
    """Set `target_id`, or the key, of staged rows that no key of the table has matched."""
    keyed = late.column in staging.fields
    if keyed:
        _adopt_into_table(staging, target, late)
    _recognise_without_key(staging, target, late)
    if keyed:
        _adopt_within_file(staging, late)


def _adopt_into_table(staging: StagingTable, target: Target, late: LateKey) -> None:
    column, groups = late.column, ", ".join(late.group)
    staging.cursor.execute(
        f"with found as (select s.line, min(t.{target.key}) as id, count(*) as n"
        f" from import_rows s join {target.table} t on t.{column} is null and {late.same}"
        f" where {OPEN} and s.{column} is not null group by s.line),"
        f" judged as (select f.*, min(s.{column}) over own = max(s.{column}) over own as alone"
        " from found f join import_rows s on s.line = f.line"
        f" window own as (partition by {groups}))"
        " update import_rows s set target_id = case when j.n = 1 and j.alone then j.id end,"
        " warning_code = case when j.n > 1 or not j.alone then %(code)s end,"
        f" warning = case when j.n > 1 then 'several {target.table} agree with this row and have"
        f" no {column}: another one was made'"
        f" when not j.alone then 'rows of different {column} agree with one of {target.table}"
        " that has none: another one was made' end"
        " from judged j where j.line = s.line",
        {"code": WarningCode.KEY_NOT_ADOPTED},
    )


def _recognise_without_key(staging: StagingTable, target: Target, late: LateKey) -> None:
    column = late.column
    staging.cursor.execute(
        f"with found as (select s.line, min(t.{target.key}) as id, count(*) as n"
        f" from import_rows s join {target.table} t on t.{column} is not null and {late.same}"
        f" where {OPEN} and s.{column} is null group by s.line)"
        " update import_rows s set target_id = case when f.n = 1 then f.id end,"
        " warning_code = case when f.n > 1 then %(code)s end,"
        f" warning = case when f.n > 1 then 'several {target.table} agree with this row, each with"
        f" {column}: another one was made' end"
        " from found f where f.line = s.line",
        {"code": WarningCode.KEY_NOT_ADOPTED},
    )


def _adopt_within_file(staging: StagingTable, late: LateKey) -> None:
    column, groups = late.column, ", ".join(late.group)
    staging.cursor.execute(
        f"update import_rows s set {column} = k.least from (select s.line,"
        f" min(s.{column}) over own as least, max(s.{column}) over own as greatest"
        f" from import_rows s where {OPEN} and s.warning_code is null"
        f" window own as (partition by {groups})) k"
        f" where k.line = s.line and s.{column} is null and k.least = k.greatest"
    )
