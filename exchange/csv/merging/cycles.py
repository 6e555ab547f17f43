"""Detection of cycles among uses, by an incremental topological order.

The algorithm is that of Pearce and Kelly (A Dynamic Topological Sort Algorithm, 2006). Edges that cannot be
part of a cycle are removed first, in linear time, so that a file without cycles costs one pass.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

LotEdge = tuple[int, int, int]
"""(line, or 0 for a stored edge; input lot; output lot)."""


@dataclass(frozen=True, slots=True)
class Cycle:
    """An edge that closes a cycle.

    `lines` are those of the edges that lead from its output to its input. `stored` says whether stored edges
    are part of the cycle too.
    """

    line: int
    input: int
    output: int
    lines: tuple[int, ...]
    stored: bool


def find_cycles(edges: Sequence[LotEdge]) -> Iterator[Cycle]:
    """Yield the edges that close a cycle with edges before them, each with that cycle.

    Stored edges come first in `edges`; a cycle of stored edges alone is not reported.
    """
    core = _remove_sources(_remove_sources(edges, forward=True), forward=False)
    order = _Order(core)
    for edge in core:
        path = order.add(edge)
        if path is not None and edge[0]:
            lines = tuple(sorted({line for line in path if line}))
            yield Cycle(edge[0], edge[1], edge[2], lines, 0 in path)


def _remove_sources(edges: Sequence[LotEdge], *, forward: bool) -> Sequence[LotEdge]:
    """Repeatedly remove lots without edges into them; return the edges left."""
    near, far = (1, 2) if forward else (2, 1)
    leading: dict[int, list[int]] = defaultdict(list)
    waiting: dict[int, int] = defaultdict(int)
    for edge in edges:
        leading[edge[near]].append(edge[far])
        waiting[edge[far]] += 1
    free = [lot for lot in leading if lot not in waiting]
    while free:
        for lot in leading.pop(free.pop(), ()):
            waiting[lot] -= 1
            if not waiting[lot]:
                free.append(lot)
    return [edge for edge in edges if waiting.get(edge[near], 0)]


class _Order:
    """A topological order of lots under the edges that were added."""

    def __init__(self, edges: Sequence[LotEdge]) -> None:
        self._outputs: dict[int, list[tuple[int, int]]] = defaultdict(list)
        self._inputs: dict[int, list[int]] = defaultdict(list)
        self._rank = _guess_ranks(edges)

    def add(self, edge: LotEdge) -> list[int] | None:
        """Add an edge, or return a path that leads from its end to its start.

        The path is given by the lines of its edges.
        """
        line, start, end = edge
        if start == end:
            return []
        if self._rank[end] < self._rank[start]:
            path = self._reorder(start, end)
            if path is not None:
                return path
        self._outputs[start].append((end, line))
        self._inputs[end].append(start)
        return None

    def _reorder(self, start: int, end: int) -> list[int] | None:
        reached = self._search_forward(start, end)
        if start in reached:
            return _path(reached, start)
        reaching = self._search_backward(start, self._rank[end])
        moved = sorted(reaching, key=self._rank.__getitem__)
        moved += sorted(reached, key=self._rank.__getitem__)
        for lot, rank in zip(moved, sorted(self._rank[lot] for lot in moved), strict=True):
            self._rank[lot] = rank
        return None

    def _search_forward(self, start: int, end: int) -> dict[int, tuple[int, int] | None]:
        """Return the lots reachable from `end` up to the rank of `start`.

        Each has the edge that reaches it.
        """
        limit = self._rank[start]
        reached: dict[int, tuple[int, int] | None] = {end: None}
        pending = [end]
        while pending:
            lot = pending.pop()
            for output, line in self._outputs[lot]:
                if output not in reached and self._rank[output] <= limit:
                    reached[output] = (lot, line)
                    pending.append(output)
                    if output == start:
                        return reached
        return reached

    def _search_backward(self, start: int, limit: int) -> set[int]:
        reached = {start}
        pending = [start]
        while pending:
            for lot in self._inputs[pending.pop()]:
                if lot not in reached and self._rank[lot] >= limit:
                    reached.add(lot)
                    pending.append(lot)
        return reached


def _path(reached: dict[int, tuple[int, int] | None], start: int) -> list[int]:
    lines: list[int] = []
    step = reached[start]
    while step is not None:
        lot, line = step
        lines.append(line)
        step = reached[lot]
    return lines


def _guess_ranks(edges: Sequence[LotEdge]) -> dict[int, int]:
    """Ranks by a depth-first search; they agree with all edges except its back edges."""
    outputs: dict[int, list[int]] = defaultdict(list)
    for _, start, end in edges:
        outputs[start].append(end)
    finished: list[int] = []
    seen: set[int] = set()
    for root in list(outputs):
        if root in seen:
            continue
        seen.add(root)
        stack = [(root, iter(outputs[root]))]
        while stack:
            lot, ends = stack[-1]
            following = next((end for end in ends if end not in seen), None)
            if following is None:
                finished.append(lot)
                stack.pop()
            else:
                seen.add(following)
                stack.append((following, iter(outputs.get(following, ()))))
    return {lot: rank for rank, lot in enumerate(reversed(finished))}
