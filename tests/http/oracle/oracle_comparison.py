"""Compares a server's answer with the oracle's, key order included, and learns the cursors in it."""

import json
from collections.abc import Iterator
from typing import Any

from tests.http.oracle.oracle_pages import Cursors, Place

Path = tuple[str | int, ...]


def read_answer(text: str) -> Any:
    """Parse the JSON of the server; fails for an object with a repeated key."""
    return json.loads(text, object_pairs_hook=unique)


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    assert len(dict(pairs)) == len(pairs), f"a key is repeated: {[key for key, _ in pairs]}"
    return dict(pairs)


def first_difference(server: Any, oracle: Any, cursors: Cursors) -> str | None:
    """Return the first path at which they differ, with both values; None if they agree."""
    return next(differences((), server, oracle, cursors), None)


def differences(path: Path, server: Any, oracle: Any, cursors: Cursors) -> Iterator[str]:
    if isinstance(oracle, Place):
        if not isinstance(server, str) or not server or not cursors.record(oracle, server):
            yield report(path, server, oracle)
    elif isinstance(oracle, dict) and isinstance(server, dict):
        if list(server) != list(oracle):
            yield report(path, list(server), list(oracle))
        for key in oracle:
            yield from differences((*path, key), server[key], oracle[key], cursors)
    elif isinstance(oracle, list) and isinstance(server, list):
        for index, (left, right) in enumerate(zip(server, oracle, strict=False)):
            yield from differences((*path, index), left, right, cursors)
        if len(server) != len(oracle):
            yield report(path, f"{len(server)} entries", f"{len(oracle)} entries")
    elif type(server) is not type(oracle) or server != oracle:
        yield report(path, server, oracle)


def report(path: Path, server: Any, oracle: Any) -> str:
    return f"at {'.'.join(map(str, path))}: server {server!r}, oracle {oracle!r}"
