"""A dry run that uses up no numbers: a rollback gives back rows, but not what a sequence gave.

New rows get numbers of a temporary sequence. Tables that triggers write to are hidden behind
temporary ones of the same name, which have no sequence: unqualified names mean temporary tables.
"""

from psycopg2.extensions import cursor as cursor_type

from exchange.csv.importers.declaration import Target

# Tables with a sequence that the triggers of imported tables write to.
WRITTEN_BY_TRIGGERS = ("changes", "flags")
# Above every number that is given: a correction has a greater number than what it corrects.
FIRST_EVENT = 2**62
NEXT_NUMBER = "nextval('pg_temp.import_numbers')"


def hide_sequences(cursor: cursor_type) -> None:
    """Prepare the transaction of a dry run; it must be rolled back."""
    # Below zero, where no stored row of any table is.
    cursor.execute(
        "create temp sequence import_numbers increment -1 minvalue -2147483648 maxvalue -1"
    )
    for table in WRITTEN_BY_TRIGGERS:
        cursor.execute(
            f"create temp table {table} on commit drop as select * from {table} with no data"
        )
    # Plans of this session may know the tables that are hidden now.
    cursor.execute("discard plans")


def number_of(target: Target) -> str:
    """In SQL: the number of the next new row of `target`."""
    return f"{FIRST_EVENT} - {NEXT_NUMBER}" if target.append_only else NEXT_NUMBER
