"""The integrator: events that wait become leaves of the log, and each run ends with a signed checkpoint.

One at a time, by an advisory lock that nobody waits for; writers of events meet none of its locks.
Refuses to write on, and to sign, where the log is not the one that the newest checkpoint was signed of.
What is signed is a tree that was made outside of the database.
"""

import io
import os
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import cast

from psycopg2.extensions import connection as connection_type
from psycopg2.extensions import cursor as cursor_type

from ledger.comparison import record_of_event
from ledger.leaf import leaf_of
from ledger.merkle import Tree
from ledger.published import Published
from ledger.signed_log import KnownTreeHead, compare, grow_to, known_heads, size_of, tree_at
from ledger.signed_note import Signer, now, read_signer
from ledger.verifier import Checkpoint
from models.database.engines import Database

LOCK = 0x0CAC_A07B
_BATCH, MOST_BATCHES = 10_000, 1_000
# So many dead rows of the queue are worth removing at once, or each look at it would read them.
VACUUM_FROM = 50_000
# Index look-ups, however large PostgreSQL believes the queue to be.
_SETTINGS = "set local enable_hashjoin = off; set local enable_mergejoin = off; set local jit = off"
# By the definition in schema.sql: a function of the database may have been replaced.
TAKE = f"""
with taken as (
  delete from ledger_queue where ctid = any (array(
    select q.ctid from ledger_queue q
    where exists (select from transactions t where t.transaction_id = q.transaction_id) limit %s))
  returning transaction_id)
select t.transaction_id, (r.record - 'details')::text, t.details::text
from (select distinct transaction_id from taken) n join transactions t using (transaction_id)
cross join lateral (select {record_of_event()} as record offset 0) r
where not exists (select from ledger_entries e where e.transaction_id = t.transaction_id)
order by t.transaction_id"""


@dataclass(frozen=True)
class LogConfig:
    """Who keeps a log: its name, the key that signs, and where checkpoints are published.

    Without a key events become leaves, and no checkpoint is signed.
    """

    origin: str = "cacaotrace"
    key: Path | None = None
    published: Path | None = None

    def signer(self) -> Signer | None:
        """Raise UnusableKey for a key that cannot be read."""
        return read_signer(self.key, self.origin) if self.key else None


@dataclass(frozen=True)
class Integrated:
    """What a run did: events that became leaves, and the size of the log."""

    events: int
    size: int


class Integrator:
    """Integrates on one connection, which is its own and commits by itself."""

    def __init__(self, connection: connection_type, log_config: LogConfig) -> None:
        """Raise UnusableKey for a key that cannot be read."""
        connection.autocommit = True
        self._connection = connection
        self._signer = log_config.signer()
        self._published = Published(log_config.published) if log_config.published else None
        # The log as this process has hashed it, or opened it under its own signature; with a key alone.
        self._written: Tree | None = None

    def writable(self) -> bool:
        """Whether there is a ledger, on a database that may be written."""
        return self._holds(
            "to_regclass('ledger_queue') is not null and not pg_is_in_recovery()"
            " and current_setting('transaction_read_only') = 'off'"
        )

    def waiting(self) -> bool:
        """Whether there are events to integrate."""
        return self._holds("exists (select from ledger_queue)")

    def _holds(self, condition: str) -> bool:
        with self._connection.cursor() as cursor:
            cursor.execute(f"select {condition}")
            return cursor.fetchone() == (True,)

    def run(self, batch: int = _BATCH, most: int = MOST_BATCHES) -> Integrated | None:
        """Integrate what waits, batch by batch; None where another integrator does. Raises Forked."""
        done = self.step(batch, sign=most <= 1)
        events = done.events if done else 0
        while done and done.events == batch and most > 1:
            most -= 1
            done = self.step(batch, sign=most <= 1)
            events += done.events if done else 0
        if done is None:
            return None
        if events >= VACUUM_FROM:
            with self._connection.cursor() as cursor:
                cursor.execute("vacuum ledger_queue")
        return Integrated(events, done.size)

    def step(self, batch: int = _BATCH, *, sign: bool = True) -> Integrated | None:
        """One batch, one commit; its checkpoint, where it is the last or that is asked for."""
        with self._turn() as cursor:
            if cursor is None:
                return None
            done, tree = self._integrate(cursor, batch, sign)
        # Not before the commit: what was rolled back is in no log.
        self._written = tree
        self._publish()
        return done

    def _integrate(
        self, cursor: cursor_type, batch: int, sign: bool
    ) -> tuple[Integrated, Tree | None]:
        """Return what was done, and the tree that may be signed next; raises Forked."""
        size = size_of(cursor)
        key = self._signer.key if self._signer else None
        signed, heads = known_heads(cursor, self._published, key)
        if self._written:
            made = Checkpoint("", self._written.size, self._written.root())
            heads.append(KnownTreeHead("what this process knows", made, trusted=True))
        tree = compare(cursor, heads, size)
        if size == signed and not self.waiting():
            known = self._signer is not None and tree.size == size
            return Integrated(0, size), tree if known else self._written
        if self._signer:
            grow_to(cursor, tree, size)
        else:
            tree = tree_at(cursor, size)
        taken = _take(cursor, tree, batch)
        if self._signer and tree.size > signed and (sign or taken < batch):
            _sign(cursor, self._signer, tree, now())
        return Integrated(tree.size - size, tree.size), tree if self._signer else None

    @contextmanager
    def _turn(self) -> Iterator[cursor_type | None]:
        """Provide a transaction in which nobody else integrates; None where somebody does."""
        with self._connection.cursor() as cursor:
            cursor.execute("begin")
            try:
                cursor.execute(_SETTINGS)
                cursor.execute("select pg_try_advisory_xact_lock(%s)", (LOCK,))
                yield cursor if cursor.fetchone() == (True,) else None
                cursor.execute("commit")
            except BaseException:
                if not self._connection.closed:
                    cursor.execute("rollback")
                raise

    def _publish(self) -> None:
        """Append to the file what the database has signed and the file has not. Raises OSError."""
        if self._published is None:
            return
        last = self._published.last()
        with self._connection.cursor() as cursor:
            cursor.execute(
                "select note from ledger_checkpoints where size > %s order by size",
                (last.size if last else 0,),
            )
            notes = [note for (note,) in cursor.fetchall()]
        if notes:
            self._published.append(notes)


def _take(cursor: cursor_type, tree: Tree, batch: int) -> int:
    """Make leaves of the events that wait, in the order of their numbers; how many there were."""
    cursor.execute(TAKE, (batch,))
    lines = io.StringIO()
    salts = os.urandom(16 * cursor.rowcount)
    rows = cursor.fetchall()
    for place, (event, record, details) in enumerate(rows):
        salt = salts[16 * place : 16 * place + 16]
        sequence = tree.size
        leaf = leaf_of(record, details, sequence, salt)
        hashes = tree.append(leaf)
        lines.write(
            f"{sequence}\t{event}\t\\\\x{salt.hex()}\t\\\\x{leaf.hex()}\t\\\\x{hashes.hex()}\n"
        )
    if rows:
        lines.seek(0)
        cursor.copy_expert("copy ledger_entries from stdin", lines)
    return len(rows)


def _sign(cursor: cursor_type, signer: Signer, tree: Tree, issued_at: datetime) -> None:
    root = tree.root()
    note = signer.checkpoint(tree.size, root, issued_at)
    cursor.execute(
        "insert into ledger_checkpoints values (%s, %s, %s, %s, %s)",
        (tree.size, b64encode(root).decode(), issued_at, note, str(signer.key)),
    )


@contextmanager
def opened_integrator(
    database: Database, log_config: LogConfig, *, beside: bool = False
) -> Iterator[Integrator]:
    """Provide an integrator with a connection of its own, `beside` a server or not; raises UnusableKey."""
    pooled = (database.beside() if beside else database.engine()).raw_connection()
    try:
        yield Integrator(cast("connection_type", pooled.driver_connection), log_config)
    finally:
        pooled.invalidate()


def integrate(database: Database, log_config: LogConfig) -> Integrated | None:
    """Integrate all that waits; None where another integrator does. Raises Forked, UnusableKey."""
    with opened_integrator(database, log_config) as integrator:
        return integrator.run()
