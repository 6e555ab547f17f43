"""The integrator: events that wait become leaves of the log, and each run ends with a signed checkpoint.

One at a time, by an advisory lock that nobody waits for; writers of events meet none of its locks.
Refuses to write on, and to sign, where the log is not the one that the newest checkpoint was signed of.
"""

import io
import os
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import cast

from psycopg2.extensions import connection as connection_type
from psycopg2.extensions import cursor as cursor_type

from ledger.leaf import leaf_of
from ledger.merkle import Tree, ends_of_subtrees
from ledger.note import Signer, now, read_signer
from ledger.published import Published
from ledger.verifier import Checkpoint
from models.database import Database

LOCK = 0x0CAC_A07B
BATCH, MOST_BATCHES = 10_000, 1_000
# So many dead rows of the queue are worth removing at once, or each look at it would read them.
VACUUM_FROM = 50_000
# Index look-ups, however large PostgreSQL believes the queue to be.
SETTINGS = "set local enable_hashjoin = off; set local enable_mergejoin = off; set local jit = off"
TAKE = """
with taken as (
  delete from ledger_queue where ctid = any (array(
    select q.ctid from ledger_queue q
    where exists (select from transactions t where t.transaction_id = q.transaction_id) limit %s))
  returning transaction_id)
select t.transaction_id, (ledger_record(t) - 'details')::text, t.details::text
from (select distinct transaction_id from taken) n join transactions t using (transaction_id)
where not exists (select from ledger_entries e where e.transaction_id = t.transaction_id)
order by t.transaction_id"""
EDGE = "select sequence, hashes from ledger_entries where sequence = any (%s)"
LAST = "select size, root_hash from ledger_checkpoints order by size desc limit 1"


class Forked(Exception):
    """The log is not the one that was signed: shortened, set back, or rewritten."""


@dataclass(frozen=True)
class Keeper:
    """Who keeps a log: its name, the key that signs, and where checkpoints are published.

    Without a key events become leaves, and no checkpoint is signed.
    """

    origin: str = "cacaotrace"
    key: Path | None = None
    published: Path | None = None

    def signer(self) -> Signer | None:
        """Raises UnusableKey."""
        return read_signer(self.key, self.origin) if self.key else None


@dataclass(frozen=True)
class Integrated:
    """What a run did: events that became leaves, and the size of the log."""

    events: int
    size: int


class Integrator:
    """Integrates on one connection, which is its own and commits by itself."""

    def __init__(self, connection: connection_type, keeper: Keeper) -> None:
        """Raises UnusableKey."""
        connection.autocommit = True
        self._connection = connection
        self._signer = keeper.signer()
        self._published = Published(keeper.published) if keeper.published else None

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

    def run(self, batch: int = BATCH, most: int = MOST_BATCHES) -> Integrated | None:
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

    def step(self, batch: int = BATCH, *, sign: bool = True) -> Integrated | None:
        """One batch, one commit; its checkpoint, where it is the last or that is asked for."""
        with self._turn() as cursor:
            if cursor is None:
                return None
            tree = _read_tree(cursor)
            signed = self._check(cursor, tree)
            before = tree.size
            taken = _take(cursor, tree, batch)
            if self._signer and tree.size > signed and (sign or taken < batch):
                _sign(cursor, self._signer, tree, now())
        self._publish()
        return Integrated(tree.size - before, tree.size)

    @contextmanager
    def _turn(self) -> Iterator[cursor_type | None]:
        """A transaction in which nobody else integrates; None where somebody does."""
        with self._connection.cursor() as cursor:
            cursor.execute("begin")
            try:
                cursor.execute(SETTINGS)
                cursor.execute("select pg_try_advisory_xact_lock(%s)", (LOCK,))
                yield cursor if cursor.fetchone() == (True,) else None
                cursor.execute("commit")
            except BaseException:
                if not self._connection.closed:
                    cursor.execute("rollback")
                raise

    def _check(self, cursor: cursor_type, tree: Tree) -> int:
        """The size that was signed last; raises Forked where the log does not begin with what was."""
        cursor.execute(LAST)
        found = cursor.fetchone()
        heads = [("its newest", Checkpoint("", found[0], b64decode(found[1])))] if found else []
        published = self._published.last() if self._published else None
        if published:
            heads.append(("the newest published", published))
        for whose, head in heads:
            if head.size > tree.size:
                raise Forked(
                    f"the ledger has {tree.size} events, and {whose} checkpoint {head.size}: it was cut"
                    " off or set back; nothing is integrated or signed"
                )
            cursor.execute("select ledger_root(%s)", (head.size,))
            (root,) = cursor.fetchone() or (None,)
            if root is None or bytes(root) != head.root:
                raise Forked(
                    f"the first {head.size} events of the ledger are not those of {whose} checkpoint:"
                    " it was rewritten; nothing is integrated or signed"
                )
        return found[0] if found else 0

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


def _read_tree(cursor: cursor_type) -> Tree:
    """The log as it is: its size and its right edge; raises Forked where a leaf of that is missing."""
    cursor.execute("select coalesce(max(sequence) + 1, 0) from ledger_entries")
    (size,) = cursor.fetchone() or (0,)
    ends = ends_of_subtrees(size)
    cursor.execute(EDGE, ([end for end, _ in ends],))
    found = {sequence: bytes(hashes) for sequence, hashes in cursor.fetchall()}
    edge = [found.get(end, b"")[32 * height : 32 * height + 32] for end, height in ends]
    if any(len(each) != 32 for each in edge):
        raise Forked("leaves of the ledger are missing; nothing is integrated or signed")
    return Tree(size, edge)


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
def opened(database: Database, keeper: Keeper, *, beside: bool = False) -> Iterator[Integrator]:
    """An integrator with a connection of its own, `beside` a server or not; raises UnusableKey."""
    pooled = (database.beside() if beside else database.engine()).raw_connection()
    try:
        yield Integrator(cast("connection_type", pooled.driver_connection), keeper)
    finally:
        pooled.invalidate()


def integrate(database: Database, keeper: Keeper) -> Integrated | None:
    """Integrate all that waits; None where another integrator does. Raises Forked, UnusableKey."""
    with opened(database, keeper) as integrator:
        return integrator.run()
