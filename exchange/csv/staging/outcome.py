"""Queries of the rejections and warnings in the staging table, in file order."""

from collections.abc import Iterator

from exchange.csv.rejections import Rejection
from exchange.csv.staging.table import LIVE, StagingTable
from models.texts.normal_form import LOST

_REJECTED = "code is not null"
_WARNED = "code is null and warning_code is not null"


def count_rejections(staging: StagingTable) -> dict[str, int]:
    """Return the number of rejected rows by code."""
    staging.cursor.execute(
        f"select code, count(*) from import_rows where {_REJECTED} group by 1 order by 1"
    )
    return dict(staging.cursor.fetchall())


def count_warnings(staging: StagingTable) -> int:
    """Return the number of rows with a warning that are not rejected."""
    return staging.count(f"select count(*) from import_rows where {_WARNED}")


def rejected_rows(staging: StagingTable, limit: int | None = None) -> Iterator[Rejection]:
    """Return the rejected rows, fetched a few at a time."""
    return _stream(staging, "line, code, reason", _REJECTED, limit)


def warned_rows(staging: StagingTable, limit: int | None = None) -> Iterator[Rejection]:
    """Return the rows with a warning that are not rejected."""
    return _stream(staging, "line, warning_code, warning", _WARNED, limit)


def rows_to_report(staging: StagingTable) -> Iterator[Rejection]:
    """Return the rejected rows and those with a warning, together."""
    return _stream(
        staging,
        "line, coalesce(code, warning_code), case when code is null then warning else reason end",
        "(code is not null or warning_code is not null)",
        None,
    )


def rows_with_lost_characters(staging: StagingTable, limit: int) -> tuple[int, tuple[int, ...]]:
    """Return the number of live rows with U+FFFD, and the first of their lines."""
    texts = ", ".join(f's."{name}"' for name in staging.fields)
    staging.cursor.execute(
        "select count(*), (array_agg(s.line order by s.line))[1:%s] from import_rows s"
        f" where {LIVE} and strpos(concat_ws(' ', {texts}), %s) > 0",
        (limit, LOST),
    )
    row = staging.cursor.fetchone()
    return (row[0], tuple(row[1] or ())) if row else (0, ())


def _stream(
    staging: StagingTable, columns: str, condition: str, limit: int | None
) -> Iterator[Rejection]:
    with staging.connection.cursor("import_rejections") as cursor:
        cursor.execute(
            f"select {columns} from import_rows where {condition} order by line limit %s", (limit,)
        )
        for line, code, reason in cursor:
            yield Rejection(line, code, reason)
