"""Verification of the ledger of a whole database, in bounded memory.

It reads one snapshot. A database without events or checkpoints is never verified: that is a finding.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from psycopg2 import DataError
from psycopg2.extensions import connection as connection_type
from psycopg2.extensions import cursor as cursor_type

from audit.leaf_comparison import copy_leaves, select_records
from audit.log_scan import LogScan
from ledger.checkpoints import LedgerFinding, exact_time_of, published_notes, read_tree_heads
from ledger.leaf import COLUMN_OF, leaf_of, version_of
from ledger.tree import MerkleTree
from ledger.verifier import NotVerified, VerifierKey, open_checkpoint
from models.database.engines import Database

_LEAVES_PER_RANGE = 20_000
_CHECKPOINTS = """
select size, root_hash, to_char(issued_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'), public_key, note
from ledger_checkpoints order by size"""
# Leaves are read in order by one index and their events by another, so that nothing is sorted or read twice.
_BY_INDEX = "; ".join(
    f"set local enable_{each} = off" for each in ("hashjoin", "mergejoin", "sort")
)
_UNCOVERED_COLUMNS = """
select attname from pg_attribute
where attrelid = 'transactions'::regclass and attnum > 0 and not attisdropped and attname <> all (%s)
order by 1"""
_WITHOUT_LEAF = """
select t.transaction_id from transactions t
where not exists (select from ledger_entries e where e.transaction_id = t.transaction_id)
  and not exists (select from ledger_queue q where q.transaction_id = t.transaction_id)
order by 1 limit 1"""
_QUEUED_BUT_MISSING = """
select q.transaction_id from ledger_queue q
where not exists (select from transactions t where t.transaction_id = q.transaction_id)
order by 1 limit 1"""
_WITH_TWO_LEAVES = """
select min(sequence), max(sequence), transaction_id from ledger_entries
group by transaction_id having count(*) > 1 order by 2 limit 1"""
# The unique index that excludes a second leaf of an event.
_UNIQUE_INDEX = """
select from pg_index where indrelid = 'ledger_entries'::regclass and indisunique and indisvalid
  and indpred is null and pg_get_indexdef(indexrelid) like '%(transaction_id)'"""


@dataclass
class DatabaseVerification:
    """What was verified, and what is wrong.

    `signed` is the number of events that the largest checkpoint covers.
    """

    events: int = 0
    checkpoints: int = 0
    signed: int = 0
    findings: list[LedgerFinding] = field(default_factory=list)

    def sorted(self) -> list[LedgerFinding]:
        """Return the findings by sequence.

        Those about events without a leaf follow, then those about no event.
        """
        last = 2**63
        return sorted(
            self.findings,
            key=lambda f: (
                f.event is None,
                last if f.sequence is None else f.sequence,
                f.event or 0,
            ),
        )


def verify_database(
    database: Database,
    keys: Sequence[VerifierKey],
    published: Path | None,
    span: int = _LEAVES_PER_RANGE,
) -> DatabaseVerification:
    """Verify all leaves, hashes and checkpoints, by ranges of `span` leaves.

    Raises Unreadable if the file of published checkpoints cannot be read.
    """
    done = DatabaseVerification()
    with _snapshot(database) as cursor:
        tree_heads = read_tree_heads(_notes(cursor, keys, published, done), keys, done.findings)
        done.checkpoints = len(tree_heads)
        cursor.execute("select coalesce(max(sequence) + 1, 0) from ledger_entries")
        (size,) = cursor.fetchone() or (0,)
        scan = LogScan(tree_heads, done.findings)
        cursor.execute(_BY_INDEX)
        for first in range(0, size, span):
            _scan_range(cursor, scan, first, min(first + span, size), done.findings)
            if done.findings or scan.broken:
                break
        done.events = scan.tree.size
        if not scan.broken and done.events == size:
            scan.end()
        cursor.execute(_BY_INDEX.replace("off", "on"))
        done.signed = max((each.checkpoint.size for each in tree_heads), default=0)
        _check_events(cursor, done.findings)
    if not done.events:
        done.findings.append(LedgerFinding("the ledger has no events: nothing was checked"))
    elif not tree_heads:
        done.findings.append(LedgerFinding("the ledger has no checkpoint: no event is signed"))
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
    cursor: cursor_type,
    keys: Sequence[VerifierKey],
    published: Path | None,
    done: DatabaseVerification,
) -> Iterator[tuple[str, str]]:
    """Yield (source, note) pairs of stored and published checkpoints.

    The columns of stored rows are compared with their note.
    """
    cursor.execute(_CHECKPOINTS)
    for size, root, issued_at, public_key, note in cursor.fetchall():
        source = f"the checkpoint of {size} events"
        lines = note.split("\n")
        if lines[1:3] != [str(size), root]:
            done.findings.append(
                LedgerFinding(f"the size or root of {source} is not that of its note")
            )
        yield source, note
        if exact_time_of(note) != issued_at:
            done.findings.append(
                LedgerFinding(f"the issued_at of {source} is not that of its note")
            )
        if not _is_key_of(note, public_key, keys):
            done.findings.append(
                LedgerFinding(f"the public_key of {source} is not that of its note")
            )
    if published is not None:
        yield from published_notes(published)


def _is_key_of(note: str, public_key: str, keys: Sequence[VerifierKey]) -> bool:
    """Whether `public_key` is the key that signed the note.

    True if none of the keys signed it.
    """
    for key in keys:
        try:
            origin = open_checkpoint(note, key).origin
        except NotVerified:
            continue
        return public_key == str(VerifierKey(origin, key.public))
    return True


def _scan_range(
    cursor: cursor_type, scan: LogScan, first: int, last: int, found: list[LedgerFinding]
) -> None:
    cursor.execute("savepoint range")
    edge, size = [*scan.tree.edge], scan.tree.size
    known = len(found)
    try:
        cursor.copy_expert(copy_leaves(first, last, compared=True), scan)
    except DataError:
        # A leaf is not JSON or not UTF-8: the range is read again and compared leaf by leaf.
        cursor.execute("rollback to savepoint range")
        del found[known:]
        scan.tree, scan.doubtful = MerkleTree(size, edge), []
        cursor.copy_expert(copy_leaves(first, last, compared=False), scan)
    _compare_canonical(cursor, scan.doubtful, found)
    scan.doubtful = []


def _compare_canonical(
    cursor: cursor_type, doubtful: list[int], found: list[LedgerFinding]
) -> None:
    """Compare leaves with canonical bytes of events; report the first other."""
    if not doubtful:
        return
    cursor.execute(select_records(), (doubtful,))
    for sequence, record, details, salt, leaf in cursor:
        content = bytes(leaf)
        if leaf_of(record, details, sequence, bytes(salt), version_of(content)) != content:
            cursor.execute(
                "select transaction_id from ledger_entries where sequence = %s", (sequence,)
            )
            (event,) = cursor.fetchone() or (0,)
            found.append(LedgerFinding("it was changed after it was recorded", sequence, event))
            return


def _check_events(cursor: cursor_type, found: list[LedgerFinding]) -> None:
    """Check that every event has one leaf or is queued, and all its columns."""
    cursor.execute(_UNCOVERED_COLUMNS, ([*COLUMN_OF.values()],))
    found.extend(
        LedgerFinding(
            f"no leaf covers the column {column} of transactions: changes are not detected"
        )
        for (column,) in cursor.fetchall()
    )
    _report_first(
        cursor,
        _WITHOUT_LEAF,
        lambda row: LedgerFinding("it has no leaf and is not queued for one", None, row[0]),
        found,
    )
    _report_first(
        cursor,
        _QUEUED_BUT_MISSING,
        lambda row: LedgerFinding("it is queued for its leaf, but missing", None, row[0]),
        found,
    )
    cursor.execute(_UNIQUE_INDEX)
    if cursor.fetchone() is None:
        _report_first(
            cursor,
            _WITH_TWO_LEAVES,
            lambda row: LedgerFinding(f"it already has leaf {row[0]}", row[1], row[2]),
            found,
        )


def _report_first(
    cursor: cursor_type,
    query: str,
    finding_of: Callable[[tuple[int, ...]], LedgerFinding],
    found: list[LedgerFinding],
) -> None:
    cursor.execute(query)
    row = cursor.fetchone()
    if row is not None:
        found.append(finding_of(row))
