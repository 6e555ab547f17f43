"""Dry runs that consume no numbers of sequences, which a rollback does not return.

New rows get numbers of a temporary sequence. Temporary tables without a sequence shadow the tables that
triggers write to: PostgreSQL resolves unqualified names to temporary tables first.
"""

from psycopg2.extensions import cursor as cursor_type

from exchange.csv.importers.declaration import Target

# Tables with a sequence, written by the triggers of the imported tables.
_WRITTEN_BY_TRIGGERS = ("changes", "flags")
# Above every stored number, since a correction has a greater number than the event that it corrects.
_FIRST_EVENT = 2**62
NEXT_NUMBER = "nextval('pg_temp.import_numbers')"


def hide_sequences(cursor: cursor_type) -> None:
    """Prepare the transaction of a dry run, which must be rolled back."""
    # No table has stored rows with ids below zero.
    cursor.execute(
        "create temp sequence import_numbers increment -1 minvalue -2147483648 maxvalue -1"
    )
    for table in _WRITTEN_BY_TRIGGERS:
        cursor.execute(
            f"create temp table {table} on commit drop as select * from {table} with no data"
        )
    # Cached plans of this session refer to the tables that are shadowed now.
    cursor.execute("discard plans")


def number_of(target: Target) -> str:
    """Return the SQL of the id of the next new row of `target`."""
    return f"{_FIRST_EVENT} - {NEXT_NUMBER}" if target.append_only else NEXT_NUMBER
