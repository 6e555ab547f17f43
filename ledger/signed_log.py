"""Compares the log with its signed tree heads, and rebuilds the tree that is signed next.

No function of the database and no column `root_hash` is used: a tree head is read from a note, and every
hash that a signature depends on is computed here. Whoever may alter leaves may alter those as well.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from psycopg2.extensions import cursor as cursor_type

from ledger.merkle import Tree, ends_of_subtrees
from ledger.published import Published, head_of
from ledger.verifier import Checkpoint, NotVerified, VerifierKey, open_checkpoint

# So many leaves are in memory at once.
LEAVES_READ = 10_000
NOTHING = "nothing is integrated or signed"
SIZE = "select coalesce(max(sequence) + 1, 0) from ledger_entries"
EDGE = "select sequence, hashes from ledger_entries where sequence = any (%s)"
_LEAVES = """
select sequence, leaf, hashes from ledger_entries
where sequence >= %s and sequence < %s order by sequence"""
_NOTES = "select size, note from ledger_checkpoints where size < %s order by size desc limit %s"
ABOVE_ALL = 2**63 - 1


class Forked(Exception):
    """The log is not the one that was signed: shortened, set back, or rewritten."""


@dataclass(frozen=True)
class KnownTreeHead:
    """A tree head that the log has to agree with; `trusted` where our own key has signed it."""

    source: str
    checkpoint: Checkpoint
    trusted: bool


def size_of(cursor: cursor_type) -> int:
    """Return the number of leaves, by the last of them."""
    cursor.execute(SIZE)
    (size,) = cursor.fetchone() or (0,)
    return int(size)


def known_heads(
    cursor: cursor_type, published: Published | None, key: VerifierKey | None
) -> tuple[int, list[KnownTreeHead]]:
    """Return the size that the database says was signed last, and the heads to compare the log with.

    These are the newest of the database, the newest trusted one of it, and the newest published one.
    Raises Forked where a note cannot be read, OSError where the published file cannot be.
    """
    heads = [*_heads_of_database(cursor, key)]
    signed = heads[0].checkpoint.size if heads else 0
    note = published.newest() if published else None
    if note is not None:
        heads.append(_head_of_note(note, "the newest published checkpoint", key))
    return signed, heads


def _heads_of_database(cursor: cursor_type, key: VerifierKey | None) -> Iterator[KnownTreeHead]:
    """Yield the newest head, and the newest that our key has signed where that is an older one."""
    below, count = ABOVE_ALL, 1
    while True:
        cursor.execute(_NOTES, (below, count))
        rows = cursor.fetchall()
        for size, note in rows:
            head = _head_of_note(note, f"its checkpoint of {size} events", key)
            if head.checkpoint.size != size:
                raise Forked(f"the note of {head.source} is of another size; {NOTHING}")
            if head.trusted or below == ABOVE_ALL:
                yield head
            if head.trusted or key is None:
                return
            below = size
        if len(rows) < count:
            return
        count = 1_000


def _head_of_note(note: str, source: str, key: VerifierKey | None) -> KnownTreeHead:
    try:
        checkpoint = head_of(note)
    except (NotVerified, ValueError) as error:
        raise Forked(f"{source} cannot be read: {error}; {NOTHING}") from None
    return KnownTreeHead(source, checkpoint, key is not None and _is_signed(note, key))


def _is_signed(note: str, key: VerifierKey) -> bool:
    try:
        open_checkpoint(note, key)
    except NotVerified:
        return False
    return True


def tree_at(cursor: cursor_type, size: int) -> Tree:
    """Return the tree of the first `size` leaves, by the stored hashes of its edge; raises Forked."""
    ends = ends_of_subtrees(size)
    cursor.execute(EDGE, ([end for end, _ in ends],))
    found = {sequence: bytes(hashes) for sequence, hashes in cursor.fetchall()}
    edge = [found.get(end, b"")[32 * height : 32 * height + 32] for end, height in ends]
    if any(len(each) != 32 for each in edge):
        raise Forked(f"leaves of the ledger are missing; {NOTHING}")
    return Tree(size, edge)


def compare(cursor: cursor_type, heads: Sequence[KnownTreeHead], size: int) -> Tree:
    """Compare a log of this size with all heads; the tree of the largest trusted one, or an empty one.

    Raises Forked where the log does not begin with what a head says.
    """
    base = Tree()
    for head in heads:
        signed = head.checkpoint.size
        if signed > size:
            raise Forked(
                f"the ledger has {size} events, and {head.source} says {signed}: it was cut"
                f" off or set back; {NOTHING}"
            )
        tree = tree_at(cursor, signed)
        if tree.root() != head.checkpoint.root:
            raise Forked(
                f"the first {signed} events of the ledger are not those of {head.source}:"
                f" it was rewritten; {NOTHING}"
            )
        if head.trusted and signed >= base.size:
            base = tree
    return base


def grow_to(cursor: cursor_type, tree: Tree, size: int) -> None:
    """Hash the leaves from the tree's size on, up to `size`, into the tree.

    Raises Forked where a leaf is missing, or its stored hashes are not those that are computed.
    """
    while tree.size < size:
        first = tree.size
        cursor.execute(_LEAVES, (first, min(first + LEAVES_READ, size)))
        for sequence, leaf, hashes in cursor.fetchall():
            if sequence != tree.size:
                break
            if tree.append(bytes(leaf)) != bytes(hashes):
                raise Forked(f"the hashes of leaf {sequence} are not those of its leaf; {NOTHING}")
        if tree.size != min(first + LEAVES_READ, size):
            raise Forked(f"leaf {tree.size} of the ledger is missing; {NOTHING}")
