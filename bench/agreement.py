"""Before anything is measured: every peer must answer as the project does, for random keys."""

import json
from collections.abc import Sequence

from bench.answers import data_of, unwrapped
from bench.queries import QUERY_NAMES, Keys
from bench.servers import Server


class Disagreement(Exception):
    """Two servers answered the same question differently: nothing may be compared."""


def check_agreement(servers: Sequence[Server], keys: Keys, count: int) -> int:
    """Compare the answers to `count` keys of each query; how many. Raises Disagreement."""
    project, *peers = servers
    compared = 0
    for query in QUERY_NAMES:
        for key in keys.drawn(query, "agreement", count):
            wanted = project.post(project.body(query, key))
            for peer in peers:
                _compare(query, key, peer, peer.post(peer.body(query, key)), wanted)
                compared += 1
    return compared


def _compare(query: str, key: int, peer: Server, given: bytes, wanted: bytes) -> None:
    if peer.peer.name == "bare":
        # The same text but for spaces, down to the order of keys.
        equal = json.dumps(data_of(given)) == json.dumps(data_of(wanted))
    else:
        equal = unwrapped(given) == unwrapped(wanted)
    if not equal:
        raise Disagreement(
            f"{peer.peer.title} answers {query} of {key} differently:\n"
            f"  {_shown(given)}\nand the project:\n  {_shown(wanted)}"
        )


def _shown(content: bytes) -> str:
    return content[:1500].decode("utf-8", "replace")
