"""Examines the ledger of a whole database: every leaf, hash and checkpoint, in bounded memory.

Refuses to find nothing wrong where nothing was there to examine. Reads in one snapshot.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from struct import Struct
from typing import cast

from psycopg2 import DataError
from psycopg2.extensions import connection as connection_type
from psycopg2.extensions import cursor as cursor_type

from ledger.checkpoints import Finding, SignedTreeHead, exact_time_of, published_notes, read_heads
from ledger.comparison import GONE, SAME, entries, sources_of_leaves
from ledger.leaf import COLUMN_OF, leaf_of, version_of
from ledger.merkle import Tree
from ledger.verifier import NotVerified, VerifierKey, open_checkpoint
from models.database.engines import Database

_RANGE = 20_000
# PostgreSQL's binary COPY: a signature, and rows of sequence, event, state, leaf, hashes.
_SIGNATURE, TRAILER, _HEADER = b"PGCOPY\n\xff\r\n\0", b"\xff\xff", 19
ROW = Struct(">hiqiqihi")
UNPACK = ROW.unpack_from
_RECORDED = b',"recordTime":"'
# An event is recorded when its transaction begins, and may wait for its leaf until that has ended.
LATE = timedelta(days=1)
_NOTES = """
select size, root_hash, to_char(issued_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'), public_key, note
from ledger_checkpoints order by size"""
# A range is read in its order by one index, and its events by another: nothing is sorted or read twice.
BY_INDEX = "; ".join(f"set local enable_{way} = off" for way in ("hashjoin", "mergejoin", "sort"))
UNLISTED = """
select attname from pg_attribute
where attrelid = 'transactions'::regclass and attnum > 0 and not attisdropped and attname <> all (%s)
order by 1"""
MISSED = """
select t.transaction_id from transactions t
where not exists (select from ledger_entries e where e.transaction_id = t.transaction_id)
  and not exists (select from ledger_queue q where q.transaction_id = t.transaction_id)
order by 1 limit 1"""
_LOST = """
select q.transaction_id from ledger_queue q
where not exists (select from transactions t where t.transaction_id = q.transaction_id)
order by 1 limit 1"""
TWICE = """
select min(sequence), max(sequence), transaction_id from ledger_entries
group by transaction_id having count(*) > 1 order by 2 limit 1"""
UNIQUE = """
select from pg_index where indrelid = 'ledger_entries'::regclass and indisunique and indisvalid
  and indpred is null and pg_get_indexdef(indexrelid) like '%(transaction_id)'"""


@dataclass
class Examined:
    """What was examined and what is wrong, the first bad event first."""

    events: int = 0
    checkpoints: int = 0
    signed: int = 0
    findings: list[Finding] = field(default_factory=list)

    def sorted(self) -> list[Finding]:
        """By sequence; what is in no leaf by its number, and behind that what is about no event."""
        last = 2**63
        return sorted(
            self.findings,
            key=lambda f: (
                f.event is None,
                last if f.sequence is None else f.sequence,
                f.event or 0,
            ),
        )


class Examination:
    """One pass over the leaves, which compares the tree that they make with every head on the way."""

    def __init__(self, heads: Sequence[SignedTreeHead], found: list[Finding]) -> None:
        self.tree = Tree()
        self.doubtful: list[int] = []
        self.broken = False
        self._heads = iter(heads)
        self._found = found
        self._not_before = b""
        # The first event behind the newest head that was right.
        self._unsigned: tuple[int, int] | None = None
        self._next_head()

    def write(self, chunk: bytes) -> None:
        """Take a row, as COPY sends it: each in a piece of its own, the first behind a header."""
        if chunk[0]:
            chunk = chunk[_HEADER:] if chunk.startswith(_SIGNATURE) else chunk
            if chunk[:2] == TRAILER:
                return
        _, _, sequence, _, event, _, state, length = UNPACK(chunk)
        tree = self.tree
        if state != SAME or sequence != tree.size or self.broken:
            self._doubt(sequence, event, state)
            if self.broken:
                return
        if self._unsigned is None:
            self._unsigned = (sequence, event)
        end = ROW.size + length
        leaf = chunk[ROW.size : end]
        if tree.grow(sha256(b"\0" + leaf).digest()) != chunk[end + 4 :]:
            self._break("its hashes are not those of its leaf", sequence, event)
        elif self._not_before and _recorded(leaf) < self._not_before:
            self._add_finding(
                "it says it was recorded long before the checkpoint ahead of it", sequence, event
            )
        if self._head_size == tree.size:
            self._meet()

    def _doubt(self, sequence: int, event: int, state: int) -> None:
        """Add findings of a leaf that is out of sequence, has no event, or may differ from its event."""
        size = self.tree.size
        if self.broken:
            return
        if sequence != size:
            self._break(f"the leaves from {size} to {sequence - 1} are missing", size, event)
        elif state == GONE:
            self._add_finding("its event is gone", sequence, event)
        else:
            self.doubtful.append(sequence)

    def _meet(self) -> None:
        """Compare the tree with the heads of its size."""
        root = self.tree.root()
        while self._head is not None and self._head.checkpoint.size == self.tree.size:
            if self._head.checkpoint.root != root:
                sequence, event = self._unsigned or (0, 0)
                self._break(
                    f"from here to leaf {self.tree.size - 1} the log is another one than was signed"
                    f" ({self._head.source})",
                    sequence,
                    event,
                )
                return
            if self._head.time:
                earliest = datetime.fromisoformat(self._head.time) - LATE
                self._not_before = f"{earliest:%Y-%m-%dT%H:%M:%S}".encode()
            self._next_head()
        self._unsigned = None

    def _next_head(self) -> None:
        self._head = next(self._heads, None)
        self._head_size = -1 if self._head is None else self._head.checkpoint.size

    def end(self) -> None:
        """Tell of a head that the log does not reach."""
        if self._head is not None and not self.broken:
            size, signed = self.tree.size, self._head.checkpoint.size
            self._add_finding(
                f"the log ends ahead of it, and was signed up to leaf {signed - 1}"
                f" ({self._head.source}): its tail is cut off, or an old state restored",
                size,
                0,
            )

    def _add_finding(self, message: str, sequence: int, event: int) -> None:
        self._found.append(Finding(message, sequence, event))

    def _break(self, message: str, sequence: int, event: int) -> None:
        """Behind this no hash can be right."""
        self._add_finding(message, sequence, event)
        self.broken = True


def _recorded(leaf: bytes) -> bytes:
    """When a leaf says that its event was recorded, to the second: no text in it holds bare quotes."""
    start = leaf.rfind(_RECORDED) + len(_RECORDED)
    return leaf[start : start + 19]


def examine(
    database: Database, keys: Sequence[VerifierKey], published: Path | None, span: int = _RANGE
) -> Examined:
    """Examine all; raises Unreadable where the published checkpoints cannot be read."""
    done = Examined()
    with _snapshot(database) as cursor:
        heads = read_heads(_notes(cursor, keys, published, done), keys, done.findings)
        done.checkpoints = len(heads)
        cursor.execute("select coalesce(max(sequence) + 1, 0) from ledger_entries")
        (size,) = cursor.fetchone() or (0,)
        examination = Examination(heads, done.findings)
        cursor.execute(BY_INDEX)
        for first in range(0, size, span):
            _examine_range(cursor, examination, first, min(first + span, size), done.findings)
            if done.findings or examination.broken:
                break
        done.events = examination.tree.size
        if not examination.broken and done.events == size:
            examination.end()
        cursor.execute(BY_INDEX.replace("off", "on"))
        done.signed = max((head.checkpoint.size for head in heads), default=0)
        _examine_events(cursor, done.findings)
    if not done.events:
        done.findings.append(Finding("there is no event in the ledger: nothing was checked"))
    elif not heads:
        done.findings.append(Finding("there is no checkpoint: nothing in it is signed"))
    return done


@contextmanager
def _snapshot(database: Database) -> Iterator[cursor_type]:
    pooled = database.engine().raw_connection()
    connection = cast("connection_type", pooled.driver_connection)
    try:
        with connection.cursor() as cursor:
            cursor.execute("set transaction isolation level repeatable read, read only")
            cursor.execute("set local jit = off; set local max_parallel_workers_per_gather = 0")
            yield cursor
    finally:
        connection.rollback()
        pooled.close()


def _notes(
    cursor: cursor_type, keys: Sequence[VerifierKey], published: Path | None, done: Examined
) -> Iterator[tuple[str, str]]:
    cursor.execute(_NOTES)
    for size, root, issued_at, public_key, note in cursor.fetchall():
        source = f"the checkpoint of {size} events"
        lines = note.split("\n")
        if lines[1:3] != [str(size), root]:
            done.findings.append(Finding(f"{source} has another note than its row says"))
        yield source, note
        if exact_time_of(note) != issued_at:
            done.findings.append(Finding(f"{source} has another issued_at than its note"))
        if not _is_key_of(note, public_key, keys):
            done.findings.append(Finding(f"{source} has another public_key than its note"))
    if published is not None:
        yield from published_notes(published)


def _is_key_of(note: str, public_key: str, keys: Sequence[VerifierKey]) -> bool:
    """Whether a row names the key that its note opens with; true of a note that none of the keys opens."""
    for key in keys:
        try:
            origin = open_checkpoint(note, key).origin
        except NotVerified:
            continue
        return public_key == str(VerifierKey(origin, key.public))
    return True


def _examine_range(
    cursor: cursor_type, examination: Examination, first: int, last: int, found: list[Finding]
) -> None:
    cursor.execute("savepoint range")
    edge, size = [*examination.tree.edge], examination.tree.size
    told = len(found)
    try:
        cursor.copy_expert(entries(first, last, compared=True), examination)
    except DataError:
        # A leaf that is no JSON, or no UTF-8: the range is read again, and judged leaf by leaf.
        cursor.execute("rollback to savepoint range")
        del found[told:]
        examination.tree, examination.doubtful = Tree(size, edge), []
        cursor.copy_expert(entries(first, last, compared=False), examination)
    _judge(cursor, examination.doubtful, found)
    examination.doubtful = []


def _judge(cursor: cursor_type, doubtful: list[int], found: list[Finding]) -> None:
    """Compare leaves with the canonical bytes of their events."""
    if not doubtful:
        return
    cursor.execute(sources_of_leaves(), (doubtful,))
    for sequence, record, details, salt, leaf in cursor:
        content = bytes(leaf)
        if leaf_of(record, details, sequence, bytes(salt), version_of(content)) != content:
            cursor.execute(
                "select transaction_id from ledger_entries where sequence = %s", (sequence,)
            )
            (event,) = cursor.fetchone() or (0,)
            found.append(Finding("it is not as it was when it was recorded", sequence, event))
            return


def _examine_events(cursor: cursor_type, found: list[Finding]) -> None:
    """Every event has one leaf, or waits for it; and that holds all its columns."""
    cursor.execute(UNLISTED, ([*COLUMN_OF.values()],))
    found.extend(
        Finding(f"no leaf holds the column {column} of transactions: a change of it is not found")
        for (column,) in cursor.fetchall()
    )
    _ask(
        cursor,
        MISSED,
        lambda row: Finding("it is in no leaf and waits for none", None, row[0]),
        found,
    )
    _ask(
        cursor,
        _LOST,
        lambda row: Finding("it waits for its leaf, and is gone", None, row[0]),
        found,
    )
    cursor.execute(UNIQUE)
    if cursor.fetchone() is None:
        _ask(
            cursor,
            TWICE,
            lambda row: Finding(f"it is in leaf {row[0]} already", row[1], row[2]),
            found,
        )


def _ask(
    cursor: cursor_type,
    query: str,
    tell: Callable[[tuple[int, ...]], Finding],
    found: list[Finding],
) -> None:
    cursor.execute(query)
    row = cursor.fetchone()
    if row is not None:
        found.append(tell(row))
