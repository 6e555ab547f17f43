"""Upgrade a database to the schema of this program.

Each migration is one transaction: it takes the lock of schema changes and the locks of all tables, looks for rows
that it refuses, changes the schema and records its version. A process that ends in between leaves the version before.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg2
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from models.migration.checks import Check, RefusedRow, find_refused_rows, repair
from models.migration.privileges import grants, restore_grants
from models.migration.schema_file import MIGRATIONS, SCHEMA_LOCK, known_versions
from models.migration.status import MIGRATE, State, Status, inspect

if TYPE_CHECKING:
    from alembic.config import Config

_LOCK_SECONDS = 20.0
REPAIR_PASSES = 2
# statement_timeout is off, because a large table takes its time; a client that ended is noticed in 2 s.
_SETTINGS = """
SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0;
SET LOCAL client_connection_check_interval = '2s'; SET LOCAL lock_timeout = {milliseconds}"""
VERSION_TABLE = """
CREATE TABLE alembic_version (version_num varchar(32) NOT NULL CONSTRAINT alembic_version_pkc PRIMARY KEY);
GRANT SELECT ON alembic_version TO PUBLIC"""


# Alembic logs each plugin that it loads.
logging.getLogger("alembic").setLevel(logging.WARNING)


class MigrationError(Exception):
    """The database cannot be upgraded now; the message is one line that says what to do."""


def rows_block(count: int) -> str:
    """`1 row blocks` or `2 rows block`."""
    return "1 row blocks" if count == 1 else f"{count} rows block"


class RowsRefused(MigrationError):
    """Rows of the database block a migration. `rows` are all of them."""

    def __init__(self, version: str, rows: list[RefusedRow]) -> None:
        super().__init__(
            f"{rows_block(len(rows))} version {version} of the schema: list them by {MIGRATE} --plan,"
            f" repair them by {MIGRATE} --repair"
        )
        self.rows = rows


@dataclass(frozen=True, slots=True)
class Migration:
    """A migration of migrations/versions."""

    version: str
    summary: str
    checks: tuple[Check, ...]


@dataclass(frozen=True, slots=True)
class MigrationPlan:
    """What `migrate` would do: nothing where `pending` is empty."""

    state: State
    pending: tuple[Migration, ...]
    # Rows that block the migrations, and rows that are kept as they are.
    blocking: tuple[RefusedRow, ...]
    kept: tuple[RefusedRow, ...]
    # Versions whose rows can only be checked after an earlier migration.
    unchecked: tuple[str, ...]


def plan(engine: Engine) -> MigrationPlan:
    """Inspect a database and check its rows, in one snapshot that is rolled back. Never writes.

    Raises MigrationError where the database cannot be upgraded.
    """
    with _connected(engine) as connection, connection.begin() as transaction:
        cursor = connection.connection.cursor()
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        state = _upgradable(inspect(cursor))
        pending = pending_migrations(state)
        rows: list[RefusedRow] = []
        unchecked = []
        for migration in pending:
            cursor.execute("SAVEPOINT checks")
            try:
                rows += find_refused_rows(cursor, migration.checks)
            except psycopg2.errors.SyntaxErrorOrAccessRuleViolation:
                cursor.execute("ROLLBACK TO SAVEPOINT checks")
                unchecked.append(migration.version)
        transaction.rollback()
    blocking = tuple(row for row in rows if row.check.blocks)
    kept = tuple(row for row in rows if not row.check.blocks)
    return MigrationPlan(state, pending, blocking, kept, tuple(unchecked))


def migrate(
    engine: Engine, lock_seconds: float = _LOCK_SECONDS, last: str | None = None
) -> list[Migration]:
    """Run the migrations that a database lacks, up to `last`, then ANALYZE; the ones that this call ran.

    Raises MigrationError; RowsRefused where rows block a migration. The migrations before it stay.
    """
    done: list[Migration] = []
    while (migration := _step(engine, lock_seconds)) is not None:
        done.append(migration)
        if migration.version == last:
            break
    if done:
        with _connected(engine) as connection, connection.begin():
            # Statistics of expressions and of new indexes do not exist yet.
            connection.exec_driver_sql("ANALYZE")
    return done


def repair_rows(
    engine: Engine, lock_seconds: float = _LOCK_SECONDS
) -> tuple[list[tuple[RefusedRow, str]], list[RefusedRow]]:
    """Repair the rows that block the next migration, in one transaction.

    Returns the rows that a check can repair, each with the reason where it failed, and the rows that still block.
    """
    with _changing(engine, lock_seconds) as (_, cursor):
        state = _upgradable(inspect(cursor))
        pending = pending_migrations(state)
        if not pending:
            return [], []
        _lock_tables(cursor)
        checks = pending[0].checks
        repaired: list[tuple[RefusedRow, str]] = []
        # A bound of a period may have to move before the other one can.
        for _ in range(REPAIR_PASSES):
            before = [row for row, failed in repaired if not failed]
            repaired = [*((row, "") for row in before), *repair(cursor, checks)]
        return repaired, [row for row in find_refused_rows(cursor, checks) if row.check.blocks]


def pending_migrations(state: State) -> tuple[Migration, ...]:
    """Return the migrations that a database of this state lacks, in their order."""
    if state.status is not Status.BEHIND:
        return ()
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory.from_config(_config())
    lacking = [version for version in known_versions() if version > (state.version or "")]
    found = []
    for version in lacking:
        module: Any = scripts.get_revision(version).module
        summary = (module.__doc__ or "").splitlines()[0]
        found.append(Migration(version, summary, getattr(module, "CHECKS", ())))
    return tuple(found)


def _step(engine: Engine, lock_seconds: float) -> Migration | None:
    """Run the next migration in one transaction; None where the database is current or empty."""
    from alembic import command

    with _changing(engine, lock_seconds) as (connection, cursor):
        # Another process may have migrated while this one waited for the lock.
        state = _upgradable(inspect(cursor))
        pending = pending_migrations(state)
        if not pending:
            return None
        migration = pending[0]
        _lock_tables(cursor)
        rows = [row for row in find_refused_rows(cursor, migration.checks) if row.check.blocks]
        if rows:
            raise RowsRefused(migration.version, rows)
        before = grants(cursor)
        if not state.recorded:
            cursor.execute(VERSION_TABLE)
            cursor.execute("INSERT INTO alembic_version VALUES (%s)", (state.version,))
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, migration.version)
        restore_grants(cursor, before)
        return migration


def _upgradable(state: State) -> State:
    if state.status in (Status.CURRENT, Status.EMPTY, Status.BEHIND):
        return state
    if state.status is Status.UNKNOWN and not state.differences:
        raise MigrationError(
            "this role may not create a schema, which a comparison of catalogues needs: run it as the owner"
            " of the tables, with CREATE on the database"
        )
    raise Unupgradable(state)


class Unupgradable(MigrationError):
    """The schema of the database is not one that this program can upgrade."""

    def __init__(self, state: State) -> None:
        super().__init__(state.advice)
        self.state = state


def _config() -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    return config


@contextmanager
def _connected(engine: Engine) -> Iterator[Connection]:
    """Provide a connection whose errors are MigrationErrors of one line."""
    try:
        with engine.connect() as connection:
            yield connection
    except (DBAPIError, psycopg2.Error) as error:
        cause = getattr(error, "orig", error)
        if isinstance(cause, psycopg2.errors.LockNotAvailable):
            raise MigrationError(
                "another session holds a lock on the tables, or another process is migrating: end the servers and"
                f" writers of this database, then run again: {MIGRATE}"
            ) from error
        reason = (str(cause).strip() or type(cause).__name__).splitlines()[0]
        raise MigrationError(f"the migration was rolled back: {reason}") from error


@contextmanager
def _changing(engine: Engine, lock_seconds: float) -> Iterator[tuple[Connection, Any]]:
    """Provide a transaction that changes the schema, as the owner of the tables, under the lock of schema changes."""
    with _connected(engine) as connection, connection.begin():
        cursor = connection.connection.cursor()
        cursor.execute(_SETTINGS.format(milliseconds=round(lock_seconds * 1000)))
        cursor.execute(SCHEMA_LOCK)
        cursor.execute(
            "SELECT pg_get_userbyid(relowner), pg_get_userbyid(relowner) = current_user"
            " FROM pg_class WHERE oid = to_regclass('products')"
        )
        for owner, mine in cursor.fetchall():
            if not mine:
                # What a superuser makes would belong to the superuser.
                cursor.execute("SELECT set_config('role', %s, true)", (owner,))
        yield connection, cursor


def _lock_tables(cursor: Any) -> None:
    """Lock every table at once: locks that are taken one by one could deadlock with a writer."""
    cursor.execute(
        "SELECT string_agg(quote_ident(relname), ', ' ORDER BY relname) FROM pg_class c"
        " WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'"
        " AND relowner = (SELECT relowner FROM pg_class WHERE oid = 'products'::regclass)"
    )
    ((tables,),) = cursor.fetchall()
    cursor.execute(f"LOCK TABLE {tables} IN ACCESS EXCLUSIVE MODE")
