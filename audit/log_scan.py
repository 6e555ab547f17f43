"""One pass over the leaves of a log and its signed tree heads."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from struct import Struct

from audit.leaf_comparison import GONE, SAME
from ledger.checkpoints import LedgerFinding, SignedTreeHead
from ledger.tree import MerkleTree

# The format of PostgreSQL's binary COPY: a signature, a header, and rows of sequence, event, state, leaf, hashes.
_SIGNATURE, _TRAILER, _HEADER_BYTES = b"PGCOPY\n\xff\r\n\0", b"\xff\xff", 19
_ROW = Struct(">hiqiqihi")
_unpack_row = _ROW.unpack_from
_RECORDED = b',"recordTime":"'
# The record time of an event is the start of its transaction; its leaf is appended after the transaction ended.
_MAX_DELAY = timedelta(days=1)


class LogScan:
    """Builds the Merkle tree of the leaves and adds what is wrong to `found`.

    `doubtful` are the sequences of leaves that may differ from their events. `broken` is set at the first
    error after which no hash can be right.
    """

    def __init__(self, tree_heads: Sequence[SignedTreeHead], found: list[LedgerFinding]) -> None:
        self.tree = MerkleTree()
        self.doubtful: list[int] = []
        self.broken = False
        self._tree_heads = iter(tree_heads)
        self._found = found
        self._earliest = b""
        # The sequence and number of the first event after the newest tree head that was right.
        self._unsigned: tuple[int, int] | None = None
        self._advance()

    def write(self, chunk: bytes) -> None:
        """Process one row.

        COPY calls this once for each row; the first chunk begins with a header.
        """
        if chunk[0]:
            chunk = chunk[_HEADER_BYTES:] if chunk.startswith(_SIGNATURE) else chunk
            if chunk[:2] == _TRAILER:
                return
        _, _, sequence, _, event, _, state, length = _unpack_row(chunk)
        tree = self.tree
        if state != SAME or sequence != tree.size or self.broken:
            self._check_doubtful(sequence, event, state)
            if self.broken:
                return
        if self._unsigned is None:
            self._unsigned = (sequence, event)
        end = _ROW.size + length
        leaf = chunk[_ROW.size : end]
        if tree.append_hash(sha256(b"\0" + leaf).digest()) != chunk[end + 4 :]:
            self._break("its hashes are not those of its leaf", sequence, event)
        elif self._earliest and _record_time(leaf) < self._earliest:
            self._report(
                "its record time is long before the checkpoint that precedes it", sequence, event
            )
        if self._next_size == tree.size:
            self._check_tree_heads()

    def end(self) -> None:
        """Report a tree head that is larger than the log."""
        if self._next is not None and not self.broken:
            size, signed = self.tree.size, self._next.checkpoint.size
            self._report(
                f"the log ends here, but was signed up to leaf {signed - 1}"
                f" ({self._next.source}): its end was deleted, or an older state restored",
                size,
                0,
            )

    def _check_doubtful(self, sequence: int, event: int, state: int) -> None:
        """Handle a leaf out of sequence, without event, or perhaps changed."""
        size = self.tree.size
        if self.broken:
            return
        if sequence != size:
            self._break(f"the leaves from {size} to {sequence - 1} are missing", size, event)
        elif state == GONE:
            self._report("its event is missing", sequence, event)
        else:
            self.doubtful.append(sequence)

    def _check_tree_heads(self) -> None:
        """Compare the tree with the tree heads of its size."""
        root = self.tree.root()
        while self._next is not None and self._next.checkpoint.size == self.tree.size:
            if self._next.checkpoint.root != root:
                sequence, event = self._unsigned or (0, 0)
                self._break(
                    f"from here to leaf {self.tree.size - 1} the log is not the one that was signed"
                    f" ({self._next.source})",
                    sequence,
                    event,
                )
                return
            if self._next.time:
                earliest = datetime.fromisoformat(self._next.time) - _MAX_DELAY
                self._earliest = f"{earliest:%Y-%m-%dT%H:%M:%S}".encode()
            self._advance()
        self._unsigned = None

    def _advance(self) -> None:
        self._next = next(self._tree_heads, None)
        self._next_size = -1 if self._next is None else self._next.checkpoint.size

    def _report(self, message: str, sequence: int, event: int) -> None:
        self._found.append(LedgerFinding(message, sequence, event))

    def _break(self, message: str, sequence: int, event: int) -> None:
        self._report(message, sequence, event)
        self.broken = True


def _record_time(leaf: bytes) -> bytes:
    """Return the record time in a leaf, to the second.

    Text within a leaf has no unescaped quotes.
    """
    start = leaf.rfind(_RECORDED) + len(_RECORDED)
    return leaf[start : start + 19]
