"""The manufacturers of product rows: found, inserted if missing, updated.

An empty country keeps the stored one. If rows give several countries for a manufacturer, the last row counts.
"""

from psycopg2.extensions import cursor as cursor_type

from exchange.csv.merging.table_statistics import refresh_statistics
from exchange.csv.staging.table import LIVE

_NAMED = f"{LIVE} and s.manufacturer_name is not null and s.line between %(first)s and %(last)s"


def ensure_manufacturers(
    cursor: cursor_type, first: int, last: int, number: str | None = None
) -> tuple[int, int]:
    """Set the manufacturer_id of live rows.

    Returns the numbers of inserted and updated manufacturers. `number` is the SQL of a new row's id, if the
    sequence of the table must not be used.
    """
    lines = {"first": first, "last": last}
    _find(cursor, lines)
    cursor.execute(
        f"insert into manufacturers (name, location, country{', manufacturer_id' if number else ''})"
        f" select m.*{f', {number}' if number else ''} from (select s.manufacturer_name, s.manufacturer_location,"
        " (array_agg(s.manufacturer_country order by s.line desc)"
        "   filter (where s.manufacturer_country is not null))[1]"
        f" from import_rows s where {_NAMED} and s.manufacturer_id is null"
        " group by 1, 2 order by min(s.line)) m",
        lines,
    )
    if created := cursor.rowcount:
        refresh_statistics(cursor, ("manufacturers",))
        _find(cursor, lines)
    cursor.execute(
        "update manufacturers m set country = c.country from ("
        " select distinct on (s.manufacturer_id) s.manufacturer_id, s.manufacturer_country as country"
        f" from import_rows s where {_NAMED} and s.manufacturer_country is not null"
        " order by s.manufacturer_id, s.line desc) c"
        " where c.manufacturer_id = m.manufacturer_id and m.country is distinct from c.country",
        lines,
    )
    return created, cursor.rowcount


def _find(cursor: cursor_type, lines: dict[str, int]) -> None:
    cursor.execute(
        "update import_rows s set manufacturer_id = f.id from ("
        " select s.line, min(m.manufacturer_id) as id from import_rows s join manufacturers m"
        " on m.name = s.manufacturer_name and m.location = s.manufacturer_location"
        # Superseded rows too, since they are compared with the rows that supersede them.
        " where s.code is null and s.manufacturer_id is null"
        " and s.line between %(first)s and %(last)s"
        " group by s.line) f where f.line = s.line",
        lines,
    )
