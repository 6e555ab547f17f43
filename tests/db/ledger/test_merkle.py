"""Hashes and proofs equal the vectors of certificate-transparency's tests (RFC 6962, RFC 9162).

The naive definitions of RFC 9162, section 2.1, stand here once more, for trees of any size.
"""

from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.tree import EMPTY, MerkleTree, complete_subtrees
from ledger.verifier import NotVerified, check_consistency, leaf_hash, root_from_inclusion
from models.database.engines import Database
from tests.writing import run_sql

LEAVES = [
    bytes.fromhex(leaf)
    for leaf in (
        *("", "00", "10", "2021", "3031", "40414243", "5051525354555657"),
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
# Leaf and size, both counted from 1 there, and the path.
INCLUSION = [
    (1, 1, []),
    (
        1,
        8,
        [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        6,
        8,
        [
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
    (3, 3, ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
    (
        2,
        5,
        [
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    ),
]
CONSISTENCY = [
    (1, 1, []),
    (1, 8, INCLUSION[1][2]),
    (
        6,
        8,
        [
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
    (
        2,
        5,
        [
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    ),
]


def naive_root(leaves: list[bytes]) -> bytes:
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return sha256(b"\0" + leaves[0]).digest()
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\1" + naive_root(leaves[:half]) + naive_root(leaves[half:])).digest()


def naive_path(index: int, leaves: list[bytes]) -> list[bytes]:
    if len(leaves) <= 1:
        return []
    half = 1 << (len(leaves) - 1).bit_length() - 1
    if index < half:
        return [*naive_path(index, leaves[:half]), naive_root(leaves[half:])]
    return [*naive_path(index - half, leaves[half:]), naive_root(leaves[:half])]


def naive_proof(first: int, leaves: list[bytes], whole: bool = True) -> list[bytes]:
    if first == len(leaves):
        return [] if whole else [naive_root(leaves)]
    half = 1 << (len(leaves) - 1).bit_length() - 1
    if first <= half:
        return [*naive_proof(first, leaves[:half], whole), naive_root(leaves[half:])]
    return [*naive_proof(first - half, leaves[half:], False), naive_root(leaves[:half])]


def tree_of(leaves: list[bytes]) -> MerkleTree:
    tree = MerkleTree()
    for leaf in leaves:
        tree.append(leaf)
    return tree


def from_hex(path: list[str]) -> list[bytes]:
    return [bytes.fromhex(each) for each in path]


# ---------------------------------------------------------------- as published


def test_root_of_nothing() -> None:
    assert MerkleTree().root() == EMPTY
    assert EMPTY.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.mark.parametrize("size", range(1, 9))
def test_published_roots(size: int) -> None:
    assert tree_of(LEAVES[:size]).root().hex() == ROOTS[size - 1]


@pytest.mark.parametrize(("leaf", "size", "path"), INCLUSION)
def test_published_inclusion_proofs(leaf: int, size: int, path: list[str]) -> None:
    assert naive_path(leaf - 1, LEAVES[:size]) == from_hex(path)
    hashed = leaf_hash(LEAVES[leaf - 1])
    assert root_from_inclusion(hashed, leaf - 1, size, from_hex(path)).hex() == ROOTS[size - 1]


@pytest.mark.parametrize(("first", "second", "path"), CONSISTENCY)
def test_published_consistency_proofs(first: int, second: int, path: list[str]) -> None:
    assert naive_proof(first, LEAVES[:second]) == from_hex(path)
    old, new = (bytes.fromhex(ROOTS[size - 1]) for size in (first, second))
    check_consistency(first, old, second, new, from_hex(path))


def test_database_proves_as_published(fresh: Database) -> None:
    fill(fresh, LEAVES)
    for size in range(1, 9):
        assert asked(fresh, f"ledger_root({size})").hex() == ROOTS[size - 1]
    for leaf, size, path in INCLUSION:
        assert asked(fresh, f"ledger_inclusion({leaf - 1}, {size})") == from_hex(path)
    for first, second, path in CONSISTENCY:
        assert asked(fresh, f"ledger_consistency({first}, {second})") == from_hex(path)


# ---------------------------------------------------------------- of any size


def fill(database: Database, leaves: list[bytes]) -> None:
    """Write a ledger of these leaves, valid or not."""
    tree = MerkleTree()
    for sequence, leaf in enumerate(leaves):
        run_sql(
            database,
            "INSERT INTO ledger_entries VALUES (:s, :s + 1, decode(repeat('00', 16), 'hex'), :l, :h)",
            s=sequence,
            l=leaf,
            h=tree.append(leaf),
        )


def asked(database: Database, call: str) -> Any:
    with database.reader() as connection:
        found = connection.exec_driver_sql(f"SELECT {call}").scalar_one()
    if isinstance(found, list):
        return [bytes(each) for each in found]
    return None if found is None else bytes(found)


def test_database_proves_as_the_definition_says(fresh: Database) -> None:
    leaves = [bytes([number]) for number in range(70)]
    fill(fresh, leaves)
    for size in (1, 2, 3, 5, 8, 31, 32, 33, 63, 64, 65, 70):
        assert asked(fresh, f"ledger_root({size})") == naive_root(leaves[:size])
        for index in {0, 1, size // 2, size - 2, size - 1} & set(range(size)):
            path = naive_path(index, leaves[:size])
            assert asked(fresh, f"ledger_inclusion({index}, {size})") == path
        for first in {1, 2, 3, size // 2, size - 1, size} & set(range(1, size + 1)):
            proof = naive_proof(first, leaves[:size])
            assert asked(fresh, f"ledger_consistency({first}, {size})") == proof


@pytest.mark.parametrize(
    "call",
    [
        *("ledger_root(9)", "ledger_root(-1)", "ledger_inclusion(8, 8)", "ledger_inclusion(-1, 8)"),
        *("ledger_consistency(0, 8)", "ledger_consistency(8, 7)"),
    ],
)
def test_database_proves_nothing_of_what_is_not_there(fresh: Database, call: str) -> None:
    fill(fresh, LEAVES)
    assert asked(fresh, call) is None


@given(st.integers(1, 300), st.data())
def test_proofs_of_any_tree_verify_and_of_another_do_not(size: int, data: st.DataObject) -> None:
    leaves = [number.to_bytes(2) for number in range(size)]
    index = data.draw(st.integers(0, size - 1))
    root, path = naive_root(leaves), naive_path(index, leaves)
    assert tree_of(leaves).root() == root
    assert root_from_inclusion(leaf_hash(leaves[index]), index, size, path) == root
    assert root_from_inclusion(leaf_hash(b"other"), index, size, path) != root
    for wrong in (path[1:], [*path, root]):
        if wrong != path:
            with pytest.raises(NotVerified):
                root_from_inclusion(leaf_hash(leaves[index]), index, size, wrong)
    first = data.draw(st.integers(1, size))
    proof = naive_proof(first, leaves)
    check_consistency(first, naive_root(leaves[:first]), size, root, proof)
    with pytest.raises(NotVerified):
        check_consistency(first, leaf_hash(b"other"), size, root, proof)


@given(st.integers(0, 2**40))
def test_complete_subtrees_cover_a_tree(size: int) -> None:
    ends = complete_subtrees(size)
    assert sum(1 << height for _, height in ends) == size
    assert all((end + 1) % (1 << height) == 0 for end, height in ends)
    assert [height for _, height in ends] == sorted((h for _, h in ends), reverse=True)
