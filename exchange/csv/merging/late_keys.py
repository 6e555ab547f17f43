"""Adoption of keys that stored rows lack: external_id of suppliers, GTIN.

A stored row without the key adopts it if it is the only such row that agrees in everything else with the
staged rows of one key. A staged row without the key refers to the only stored row that agrees with it. If
several rows agree, none adopts the key and the staged row gets a warning.
"""

from exchange.csv.importers.declaration import LateKey, Target
from exchange.csv.rejections import WarningCode
from exchange.csv.staging.table import StagingTable

_UNMATCHED = "s.code is null and s.target_id is null"


def adopt_late_keys(staging: StagingTable, target: Target, late: LateKey) -> None:
    """Set `target_id`, or the key, of staged rows that match no key of the table."""
    keyed = late.column in staging.fields
    if keyed:
        _adopt_into_table(staging, target, late)
    _match_without_key(staging, target, late)
    if keyed:
        _adopt_within_file(staging, late)


def _adopt_into_table(staging: StagingTable, target: Target, late: LateKey) -> None:
    column, groups = late.column, ", ".join(late.group)
    staging.cursor.execute(
        f"with found as (select s.line, min(t.{target.key}) as id, count(*) as n"
        f" from import_rows s join {target.table} t on t.{column} is null and {late.same}"
        f" where {_UNMATCHED} and s.{column} is not null group by s.line),"
        f" compared as (select f.*, min(s.{column}) over own = max(s.{column}) over own as alone"
        " from found f join import_rows s on s.line = f.line"
        f" window own as (partition by {groups}))"
        " update import_rows s set target_id = case when j.n = 1 and j.alone then j.id end,"
        " warning_code = case when j.n > 1 or not j.alone then %(code)s end,"
        f" warning = case when j.n > 1 then 'several {target.table} agree with this row and have"
        f" no {column}: a new row was inserted'"
        f" when not j.alone then 'rows of different {column} agree with one of {target.table}"
        " that has none: a new row was inserted' end"
        " from compared j where j.line = s.line",
        {"code": WarningCode.KEY_NOT_ADOPTED},
    )


def _match_without_key(staging: StagingTable, target: Target, late: LateKey) -> None:
    column = late.column
    staging.cursor.execute(
        f"with found as (select s.line, min(t.{target.key}) as id, count(*) as n"
        f" from import_rows s join {target.table} t on t.{column} is not null and {late.same}"
        f" where {_UNMATCHED} and s.{column} is null group by s.line)"
        " update import_rows s set target_id = case when f.n = 1 then f.id end,"
        " warning_code = case when f.n > 1 then %(code)s end,"
        f" warning = case when f.n > 1 then 'several {target.table} agree with this row, each with"
        f" {column}: a new row was inserted' end"
        " from found f where f.line = s.line",
        {"code": WarningCode.KEY_NOT_ADOPTED},
    )


def _adopt_within_file(staging: StagingTable, late: LateKey) -> None:
    column, groups = late.column, ", ".join(late.group)
    staging.cursor.execute(
        f"update import_rows s set {column} = k.least from (select s.line,"
        f" min(s.{column}) over own as least, max(s.{column}) over own as greatest"
        f" from import_rows s where {_UNMATCHED} and s.warning_code is null"
        f" window own as (partition by {groups})) k"
        f" where k.line = s.line and s.{column} is null and k.least = k.greatest"
    )
