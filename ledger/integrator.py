"""The integrator, which appends waiting events to the log and signs it.

Integrators exclude each other by an advisory lock that is only tried, never waited for; it never blocks
writers of events. The integrator neither appends nor signs if the log differs from what its newest checkpoint
signed. It signs only a tree that this process has computed.
"""

import io
import os
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from psycopg2.extensions import connection as connection_type
from psycopg2.extensions import cursor as cursor_type

from ledger.consistency import (
    KnownTreeHead,
    check_consistent,
    hash_up_to,
    known_tree_heads,
    size_of,
    tree_at,
)
from ledger.leaf import leaf_of
from ledger.leaf_record import record_of_event
from ledger.log_config import LogConfig
from ledger.published_checkpoints import PublishedCheckpoints
from ledger.signed_note import Signer, now
from ledger.tree import MerkleTree
from ledger.verifier import Checkpoint
from models.database.engines import Database

LOCK = 0x0CAC_A07B
_BATCH, MAX_BATCHES = 10_000, 1_000
# From this number of dead rows on, a vacuum costs less than reading past them at each poll.
VACUUM_FROM = 50_000
# Index look-ups, whatever PostgreSQL estimates the size of the queue to be.
_SETTINGS = "set local enable_hashjoin = off; set local enable_mergejoin = off; set local jit = off"
_TAKE = f"""
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
class Integrated:
    """The events that became leaves in a run, and the size of the log after it."""

    events: int
    size: int


class Integrator:
    """Integrates on a connection of its own, in autocommit mode."""

    def __init__(self, connection: connection_type, log_config: LogConfig) -> None:
        """Raise UnusableKey for a key that cannot be read."""
        connection.autocommit = True
        self._connection = connection
        self._signer = log_config.signer()
        self._published = (
            PublishedCheckpoints(log_config.published) if log_config.published else None
        )
        # The tree that this process has hashed, or read under its own signature. None without a key.
        self._tree: MerkleTree | None = None

    def writable(self) -> bool:
        """Whether the database has a ledger and can be written to."""
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

    def run(self, batch: int = _BATCH, max_batches: int = MAX_BATCHES) -> Integrated | None:
        """Integrate waiting events batch by batch.

        Returns None if another integrator is running. Raises Forked.
        """
        done = self.step(batch, sign=max_batches <= 1)
        events = done.events if done else 0
        while done and done.events == batch and max_batches > 1:
            max_batches -= 1
            done = self.step(batch, sign=max_batches <= 1)
            events += done.events if done else 0
        if done is None:
            return None
        if events >= VACUUM_FROM:
            with self._connection.cursor() as cursor:
                cursor.execute("vacuum ledger_queue")
        return Integrated(events, done.size)

    def step(self, batch: int = _BATCH, *, sign: bool = True) -> Integrated | None:
        """Integrate one batch and commit.

        A checkpoint is signed if `sign`, or if no events are left.
        """
        with self._exclusive_transaction() as cursor:
            if cursor is None:
                return None
            done, tree = self._integrate(cursor, batch, sign)
        # After the commit only, since a rolled back tree is in no log.
        self._tree = tree
        self._publish()
        return done

    def _integrate(
        self, cursor: cursor_type, batch: int, sign: bool
    ) -> tuple[Integrated, MerkleTree | None]:
        """Return the result, and the tree that the next step continues; raises Forked."""
        size = size_of(cursor)
        key = self._signer.key if self._signer else None
        signed, tree_heads = known_tree_heads(cursor, self._published, key)
        if self._tree:
            own = Checkpoint("", self._tree.size, self._tree.root())
            tree_heads.append(KnownTreeHead("what this process knows", own, trusted=True))
        tree = check_consistent(cursor, tree_heads, size)
        if size == signed and not self.waiting():
            known = self._signer is not None and tree.size == size
            return Integrated(0, size), tree if known else self._tree
        if self._signer:
            hash_up_to(cursor, tree, size)
        else:
            tree = tree_at(cursor, size)
        taken = _append_leaves(cursor, tree, batch)
        if self._signer and tree.size > signed and (sign or taken < batch):
            _sign(cursor, self._signer, tree, now())
        return Integrated(tree.size - size, tree.size), tree if self._signer else None

    @contextmanager
    def _exclusive_transaction(self) -> Iterator[cursor_type | None]:
        """Provide a transaction under the integrators' lock, or None if it is taken."""
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
        """Append the signed checkpoints that the file lacks; raises OSError."""
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


def _append_leaves(cursor: cursor_type, tree: MerkleTree, batch: int) -> int:
    """Append the next waiting events, by their numbers; return how many."""
    cursor.execute(_TAKE, (batch,))
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


def _sign(cursor: cursor_type, signer: Signer, tree: MerkleTree, issued_at: datetime) -> None:
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
    """Provide an integrator with a connection of its own; raises UnusableKey.

    `beside` takes the connection from the pool for work beside the requests of a server.
    """
    pooled = (database.beside() if beside else database.engine()).raw_connection()
    try:
        yield Integrator(cast("connection_type", pooled.driver_connection), log_config)
    finally:
        pooled.invalidate()


def integrate(database: Database, log_config: LogConfig) -> Integrated | None:
    """Integrate all waiting events.

    Returns None if another integrator is running. Raises Forked or UnusableKey.
    """
    with opened_integrator(database, log_config) as integrator:
        return integrator.run()
