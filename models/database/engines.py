"""Engines and sessions: read-only statements for queries, one commit for writes.

The environment never decides a session's time zone or encoding: every session runs
in UTC and UTF-8, so a value's text is the same whichever path formats it.
"""

import asyncio
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg2
from sqlalchemy import Connection, Engine, NullPool, create_engine, event, make_url, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session, SessionTransaction, sessionmaker

from models.accounts.password_queue import AT_ONCE, PasswordHashQueue
from models.accounts.revocations import Credentials
from models.database.asynchronous import dsn_of, session_of
from models.database.blocking import watched
from models.database.connection_limiter import ConnectionLimiter
from models.database.pool import Pool
from models.database.timeouts import NOTICING, TIMEOUTS, UTC, Timeouts
from models.exact_json import dumps
from models.migration.schema_file import SCHEMA, SCHEMA_LOCK
from models.migration.status import State, inspect, state_of_version

# Known to the triggers that record changes, until the transaction ends.
NAME_ACTOR = text("SELECT set_config('cacaotrace.actor', :actor, true)")
# How long a process waits for another one that applies the schema.
LOCK_SECONDS = 20.0


class Database:
    """One PostgreSQL database: a pool of read-only connections and a pool for writes.

    `url` is a libpq or SQLAlchemy URL. Nothing connects until the first use. `prepare` is off where
    a pooler in transaction mode is between, since a prepared statement belongs to a session.
    """

    def __init__(
        self,
        url: str,
        pool_size: int = 8,
        *,
        prepare: bool = True,
        timeouts: Timeouts = TIMEOUTS,
    ) -> None:
        parsed = make_url(url).set(drivername="postgresql+psycopg2")
        options = parsed.query.get("options", "")
        given = options if isinstance(options, str) else " ".join(options)

        def engine(session: str, isolation: str, *, bounded: bool = True, **pool: Any) -> Engine:
            arguments = {"connect_timeout": 5, **session_of(given, session)}
            if bounded:
                arguments |= watched(timeouts.request)
            return create_engine(
                parsed,
                isolation_level=isolation,
                connect_args=arguments,
                json_serializer=dumps,
                **pool,
            )

        size: dict[str, Any] = {
            "pool_size": pool_size,
            "max_overflow": 0,
            "pool_timeout": timeouts.pool,
        }
        # Not SQLAlchemy's postgresql_readonly: where the server cut a connection, that one fails
        # outside of SQLAlchemy's error handling, and the connection would not be replaced.
        self._reads = engine(timeouts.reading(), "AUTOCOMMIT", **size)
        # READ COMMITTED, whatever the role's default: what a lock waited for must be seen behind it.
        # Some more than writers: who verifies passwords does not wait for them, nor they for it.
        more = size | {"max_overflow": AT_ONCE, "pool_pre_ping": True}
        self._writes = engine(timeouts.writing(), "READ COMMITTED", **more)
        self._bulk = engine(UTC, "READ COMMITTED", bounded=False, poolclass=NullPool)
        self._beside = engine(f"{UTC} {NOTICING}", "READ COMMITTED", poolclass=NullPool)
        self._sessions = sessionmaker(self._writes)
        event.listen(self._sessions, "after_begin", _name_actor)
        self._dsn = dsn_of(parsed, timeouts.reading())
        self.pool_size = pool_size
        self.timeouts = timeouts
        self._prepare = prepare
        self._pool: Pool | None = None
        self._writers: ConnectionLimiter | None = None
        self._verifiers: PasswordHashQueue | None = None
        self.credentials = Credentials()

    def pool(self) -> Pool:
        """Return the read-only connections of the running event loop."""
        if self._pool is None or not self._pool.is_here():
            made = Pool(self._dsn, self.pool_size, prepare=self._prepare, timeouts=self.timeouts)
            if self._pool is not None:
                self._pool.close()
            self._pool = made
        return self._pool

    def writers(self) -> ConnectionLimiter:
        """Return the limiter of sessions for writes; a request waits for it on the event loop."""
        if self._writers is None or not self._writers.is_here():
            self._writers = ConnectionLimiter(self.pool_size, self.timeouts.pool)
        return self._writers

    def verifiers(self) -> PasswordHashQueue:
        """Whose password is compared now, on the running event loop."""
        if self._verifiers is None or self._verifiers.loop is not asyncio.get_running_loop():
            self._verifiers = PasswordHashQueue()
        return self._verifiers

    def reader(self) -> Connection:
        """Return a connection on which every statement is its own read-only snapshot."""
        return self._reads.connect()

    def session(self, actor: str = "") -> Session:
        """Return a session for writes; the caller commits once, or closes it and nothing was written.

        `actor` is who writes, as it is recorded; without one, the role of the connection.
        """
        return self._sessions(info={"actor": actor})

    def engine(self) -> Engine:
        """Return an engine without time limits, for bulk work (COPY) that needs the driver's own cursor."""
        return self._bulk

    def beside(self) -> Engine:
        """Return an engine for a thread beside the requests: no answer is waited for without end."""
        return self._beside

    def is_ready(self) -> bool:
        """Ask the database for an answer; raises what the driver raises when there is none."""
        with self.reader() as connection:
            return bool(connection.execute(text("SELECT 1")).scalar_one() == 1)

    def apply_schema(self, seconds: float = LOCK_SECONDS) -> bool:
        """Apply schema.sql where there is no `products` table yet; True if it was applied.

        Of several processes that start at once on one empty database, one applies it; the others wait
        for so many seconds, and raise psycopg2.errors.LockNotAvailable then.
        """
        with closing(self._bulk.raw_connection()) as raw, closing(raw.cursor()) as cursor:
            missing = _lacks_schema(cursor)
            if missing:
                cursor.execute("SELECT set_config('lock_timeout', %s, true)", (f"{seconds:.3f}s",))
                cursor.execute(SCHEMA_LOCK)
                missing = _lacks_schema(cursor)
            if missing:
                # It ends with the commit of this transaction.
                cursor.execute(SCHEMA.read_text(encoding="utf-8"))
            raw.commit()
        return missing

    def schema_state(self) -> State:
        """Return the state of the schema by its recorded version, in one statement; raises DBAPIError."""
        try:
            with self.reader() as connection:
                version = connection.scalar(text("SELECT version_num FROM alembic_version"))
        except ProgrammingError as error:
            if isinstance(error.orig, psycopg2.errors.UndefinedTable):
                return state_of_version(None)
            raise
        return state_of_version(version)

    def inspect_schema(self) -> State:
        """Return the state of the schema, by its catalogue where no version is recorded."""
        with closing(self._bulk.raw_connection()) as raw, closing(raw.cursor()) as cursor:
            # A client that ended is noticed while the catalogues are compared.
            cursor.execute("SET LOCAL client_connection_check_interval = '2s'")
            state = inspect(cursor)
            raw.rollback()
        return state

    def close(self) -> None:
        if self._pool is not None:
            self._pool.close()
            self._pool = None
        self._reads.dispose()
        self._writes.dispose()
        self._bulk.dispose()


def _lacks_schema(cursor: Any) -> bool:
    # Not to_regclass(): after the wait for an advisory lock its cache may not know a table made meanwhile.
    cursor.execute(
        "SELECT NOT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE c.relname IN ('products', 'alembic_version')"
        " AND n.nspname = ANY (current_schemas(false)))"
    )
    (missing,) = cursor.fetchone()
    return bool(missing)


@contextmanager
def acting(session: Session, actor: str) -> Iterator[None]:
    """While inside, what is executed is recorded as this actor's; until a rollback, if there is one."""
    session.execute(NAME_ACTOR, {"actor": actor})
    yield
    session.execute(NAME_ACTOR, {"actor": session.info["actor"]})


def _name_actor(session: Session, transaction: SessionTransaction, connection: Connection) -> None:
    if session.info["actor"] and not transaction.nested:
        connection.execute(NAME_ACTOR, {"actor": session.info["actor"]})
