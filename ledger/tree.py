"""A Merkle tree that grows leaf by leaf (RFC 9162, section 2.1), in memory.

It keeps only its right edge: the roots of the complete subtrees, largest first.
"""

from collections.abc import Iterable
from hashlib import sha256

from ledger.verifier import leaf_hash, node_hash

EMPTY = sha256(b"").digest()


def complete_subtrees(size: int) -> list[tuple[int, int]]:
    """Return the last leaf and the height of each complete subtree.

    The largest comes first.
    """
    subtrees, end = [], 0
    for height in range(size.bit_length() - 1, -1, -1):
        if size >> height & 1:
            end += 1 << height
            subtrees.append((end - 1, height))
    return subtrees


class MerkleTree:
    """A tree of `size` leaves; `edge` are the roots of its complete subtrees."""

    def __init__(self, size: int = 0, edge: Iterable[bytes] = ()) -> None:
        self.size = size
        self.edge = [*edge]

    def append(self, leaf: bytes) -> bytes:
        """Append a leaf.

        Returns the hashes of all complete subtrees that end with it, its own first.
        """
        return self.append_hash(leaf_hash(leaf))

    def append_hash(self, hashed: bytes) -> bytes:
        """Append the hash of a leaf; returns the same as `append`."""
        hashes, number, edge = hashed, self.size, self.edge
        while number & 1:
            hashed = node_hash(edge.pop(), hashed)
            hashes += hashed
            number >>= 1
        edge.append(hashed)
        self.size += 1
        return hashes

    def root(self) -> bytes:
        """Return the root hash of the tree."""
        if not self.edge:
            return EMPTY
        *rest, folded = self.edge
        for left in reversed(rest):
            folded = node_hash(left, folded)
        return folded
