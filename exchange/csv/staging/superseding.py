"""Staged rows that another row of the file with the same key supersedes."""

from collections.abc import Sequence

from exchange.csv.rejections import WarningCode
from exchange.csv.staging.table import StagingTable


def reset_superseded(staging: StagingTable) -> None:
    """Forget which rows are superseded."""
    staging.cursor.execute(
        "update import_rows set superseded_by = null where superseded_by is not null"
    )


def fill_from_superseded(staging: StagingTable, columns: Sequence[str]) -> None:
    """Fill empty cells of superseding rows from the rows that they supersede.

    The last value counts.
    """
    kept = [column for column in columns if column not in staging.cleared]
    if not kept:
        return
    last = ", ".join(
        f'(array_agg("{c}" order by line desc) filter (where "{c}" is not null))[1] as "{c}"'
        for c in kept
    )
    filled = ", ".join(f'"{c}" = coalesce(w."{c}", f."{c}")' for c in kept)
    empty = " or ".join(f'w."{c}" is null and f."{c}" is not null' for c in kept)
    staging.cursor.execute(
        f"update import_rows w set {filled} from (select superseded_by, {last}"
        " from import_rows where code is null and superseded_by is not null group by 1) f"
        f" where f.superseded_by = w.line and ({empty})"
    )


def warn_superseded(staging: StagingTable, differs: str, difference: str) -> None:
    """Warn about each row that a row with other values supersedes.

    `differs` and `difference` are SQL of the superseded row `s` and the superseding row `t`.
    """
    staging.cursor.execute(
        "update import_rows s set warning_code = %s, warning = 'replaced by line ' || t.line"
        f" || ': ' || {difference}"
        f" from import_rows t where t.line = s.superseded_by and s.code is null and {differs}",
        (WarningCode.SUPERSEDED,),
    )


def list_superseded(
    staging: StagingTable, differs: str, limit: int
) -> tuple[int, tuple[tuple[int, int], ...]]:
    """Count the rows that a row with other values supersedes.

    Returns their number and the first pairs of lines.
    """
    rows = (
        "from import_rows s join import_rows t on t.line = s.superseded_by"
        f" where s.code is null and {differs}"
    )
    count = staging.count(f"select count(*) {rows}")
    staging.cursor.execute(f"select s.line, t.line {rows} order by 1 limit %s", (limit,))
    return count, tuple(staging.cursor.fetchall())
