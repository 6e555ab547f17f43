"""Consistency of the log with its signed tree heads.

Tree heads are read from notes, and every hash that a signature depends on is computed here. Functions of the
database and its column `root_hash` are never used: a user who can alter leaves can alter them too.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from psycopg2.extensions import cursor as cursor_type

from ledger.published_checkpoints import PublishedCheckpoints, checkpoint_of
from ledger.tree import MerkleTree, complete_subtrees
from ledger.verifier import Checkpoint, NotVerified, VerifierKey, open_checkpoint

# The number of leaves in memory at a time.
LEAVES_READ = 10_000
_NOTHING = "nothing is integrated or signed"
_SIZE = "select coalesce(max(sequence) + 1, 0) from ledger_entries"
_EDGE = "select sequence, hashes from ledger_entries where sequence = any (%s)"
_LEAVES = """
select sequence, leaf, hashes from ledger_entries
where sequence >= %s and sequence < %s order by sequence"""
_NOTES = "select size, note from ledger_checkpoints where size < %s order by size desc limit %s"
_ABOVE_ALL = 2**63 - 1


class Forked(Exception):
    """The log is not the one that was signed: it was shortened, restored or rewritten."""


@dataclass(frozen=True)
class KnownTreeHead:
    """A tree head that the log must be consistent with.

    `trusted` says whether the log's own key signed it.
    """

    source: str
    checkpoint: Checkpoint
    trusted: bool


def size_of(cursor: cursor_type) -> int:
    """Return the number of leaves, by the sequence of the last one."""
    cursor.execute(_SIZE)
    (size,) = cursor.fetchone() or (0,)
    return int(size)


def known_tree_heads(
    cursor: cursor_type, published: PublishedCheckpoints | None, key: VerifierKey | None
) -> tuple[int, list[KnownTreeHead]]:
    """Return the size of the newest checkpoint, and the tree heads to check.

    These are the newest stored one, the newest trusted one, and the newest published one. Raises Forked if a
    note is unreadable, OSError if the file is.
    """
    tree_heads = [*_stored_tree_heads(cursor, key)]
    signed = tree_heads[0].checkpoint.size if tree_heads else 0
    note = published.newest() if published else None
    if note is not None:
        tree_heads.append(_tree_head_of_note(note, "the newest published checkpoint", key))
    return signed, tree_heads


def _stored_tree_heads(cursor: cursor_type, key: VerifierKey | None) -> Iterator[KnownTreeHead]:
    """Yield the newest stored tree head, and the newest that `key` signed."""
    below, count = _ABOVE_ALL, 1
    while True:
        cursor.execute(_NOTES, (below, count))
        rows = cursor.fetchall()
        for size, note in rows:
            tree_head = _tree_head_of_note(note, f"its checkpoint of {size} events", key)
            if tree_head.checkpoint.size != size:
                raise Forked(f"the note of {tree_head.source} is of another size; {_NOTHING}")
            if tree_head.trusted or below == _ABOVE_ALL:
                yield tree_head
            if tree_head.trusted or key is None:
                return
            below = size
        if len(rows) < count:
            return
        count = 1_000


def _tree_head_of_note(note: str, source: str, key: VerifierKey | None) -> KnownTreeHead:
    try:
        checkpoint = checkpoint_of(note)
    except (NotVerified, ValueError) as error:
        raise Forked(f"{source} cannot be read: {error}; {_NOTHING}") from None
    return KnownTreeHead(source, checkpoint, key is not None and _is_signed(note, key))


def _is_signed(note: str, key: VerifierKey) -> bool:
    try:
        open_checkpoint(note, key)
    except NotVerified:
        return False
    return True


def tree_at(cursor: cursor_type, size: int) -> MerkleTree:
    """Return the tree of the first `size` leaves, by its stored hashes.

    Raises Forked if leaves are missing.
    """
    ends = complete_subtrees(size)
    cursor.execute(_EDGE, ([end for end, _ in ends],))
    found = {sequence: bytes(hashes) for sequence, hashes in cursor.fetchall()}
    edge = [found.get(end, b"")[32 * height : 32 * height + 32] for end, height in ends]
    if any(len(each) != 32 for each in edge):
        raise Forked(f"leaves of the ledger are missing; {_NOTHING}")
    return MerkleTree(size, edge)


def check_consistent(
    cursor: cursor_type, tree_heads: Sequence[KnownTreeHead], size: int
) -> MerkleTree:
    """Check that a log of this size begins with the tree of each tree head.

    Returns the tree of the largest trusted one, or an empty tree. Raises Forked.
    """
    base = MerkleTree()
    for tree_head in tree_heads:
        signed = tree_head.checkpoint.size
        if signed > size:
            raise Forked(
                f"the ledger has {size} events, but {tree_head.source} says {signed}: its end was"
                f" deleted, or an older state was restored; {_NOTHING}"
            )
        tree = tree_at(cursor, signed)
        if tree.root() != tree_head.checkpoint.root:
            raise Forked(
                f"the first {signed} events of the ledger are not those of {tree_head.source}:"
                f" it was rewritten; {_NOTHING}"
            )
        if tree_head.trusted and signed >= base.size:
            base = tree
    return base


def hash_up_to(cursor: cursor_type, tree: MerkleTree, size: int) -> None:
    """Append the stored leaves to the tree until it has `size` leaves.

    Raises Forked if a leaf is missing, or if its stored hashes differ from the computed ones.
    """
    while tree.size < size:
        first = tree.size
        cursor.execute(_LEAVES, (first, min(first + LEAVES_READ, size)))
        for sequence, leaf, hashes in cursor.fetchall():
            if sequence != tree.size:
                break
            if tree.append(bytes(leaf)) != bytes(hashes):
                raise Forked(f"the hashes of leaf {sequence} are not those of its leaf; {_NOTHING}")
        if tree.size != min(first + LEAVES_READ, size):
            raise Forked(f"leaf {tree.size} of the ledger is missing; {_NOTHING}")
