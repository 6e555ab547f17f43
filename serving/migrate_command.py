"""`server.py migrate`: upgrade the schema of a database, or list what an upgrade would do."""

import argparse
import sys
from functools import partial
from typing import TYPE_CHECKING

from models.migration.migrate import (
    MigrationError,
    Plan,
    RowsRefused,
    Unupgradable,
    migrate,
    plan,
    repair_rows,
    rows_block,
)
from models.migration.schema_file import head_version
from models.migration.status import MIGRATE, Status

if TYPE_CHECKING:
    from collections.abc import Iterable

    from models.database.engines import Database
    from models.migration.checks import Row


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `server.py migrate`."""
    group = parser.add_mutually_exclusive_group()
    group.add_argument(
        "--plan",
        action="store_true",
        help="list pending migrations and the rows that block them; write nothing; exit with 1 if rows block",
    )
    group.add_argument(
        "--repair",
        action="store_true",
        help="repair the rows that can be repaired, list the others; exit with 1 if any remain",
    )


def run(args: argparse.Namespace, database: "Database") -> int:
    """Run the command: 0 where nothing is left to do or to decide, else 1."""
    from models.database.waiting import within

    # A signal ends the wait; PostgreSQL then rolls back the open transaction.
    return within(None, partial(_run, args, database))


def _run(args: argparse.Namespace, database: "Database") -> int:
    try:
        if args.plan:
            return _plan(database)
        return _repair(database) if args.repair else _migrate(database)
    except RowsRefused as refused:
        _list(refused.rows)
        print(f"error: {refused}", file=sys.stderr)
    except Unupgradable as refused:
        if args.plan:
            for difference in refused.state.differences:
                print(difference)
        print(f"error: the database cannot be used: {refused}", file=sys.stderr)
    except MigrationError as error:
        print(f"error: {error}", file=sys.stderr)
    return 1


def _plan(database: "Database") -> int:
    planned = plan(database.engine())
    if planned.state.status is Status.EMPTY:
        print(f"the database is empty: {MIGRATE} applies schema.sql, version {head_version()}")
        return 0
    _print(planned)
    if planned.blocking:
        print(f"{rows_block(len(planned.blocking))} the upgrade. Nothing was written.")
    elif planned.pending:
        print(f"No row blocks the upgrade. Make a backup, then run: {MIGRATE}")
    return 1 if planned.blocking else 0


def _print(planned: Plan) -> None:
    recorded = "" if planned.state.recorded else ", recognised by its catalogue"
    print(f"version {planned.state.version}{recorded}; this program needs {head_version()}")
    for migration in planned.pending:
        print(f"pending {migration.version}: {migration.summary}")
    for version in planned.unchecked:
        print(f"the rows are checked for {version} once the versions before it are applied")
    _list([*planned.kept, *planned.blocking])


def _repair(database: "Database") -> int:
    repaired, remaining = repair_rows(database.engine())
    for row, failed in repaired:
        print(f"{row.place()}: not repaired: {failed}" if failed else row.repaired_as())
    _list(remaining)
    if remaining:
        print(f"error: {rows_block(len(remaining))} the upgrade", file=sys.stderr)
        return 1
    print(f"No row blocks the upgrade. Run: {MIGRATE}")
    return 0


def _migrate(database: "Database") -> int:
    if database.apply_schema():
        print(f"applied schema.sql, version {head_version()}")
        return 0
    for migration in migrate(database.engine()):
        print(f"migrated to {migration.version}: {migration.summary}")
    print(f"the schema has version {head_version()}")
    return 0


def _list(rows: "Iterable[Row]") -> None:
    for row in rows:
        print(row)
