"""A trace as SVG: lots and products as boxes by stage, held ones in red, kilograms on the edges.

Pure: boxes and arrows in, text out. Columns go with the matter, from left to right; within a column
boxes stand near those they are joined to. Every text of the data is escaped, and there is neither
script nor style in the picture, so that any policy lets it be shown.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

import networkx as nx

WIDTH, HEIGHT, GAP, ROW, MARGIN, HEAD = 220, 58, 110, 82, 24, 40
SWEEPS = 8
STAGES = ("BEANS", "NIBS", "LIQUOR", "BUTTER", "POWDER", "COUVERTURE", "PRODUCT")
FILL = {
    "BEANS": "#e9dcc3",
    "NIBS": "#dcc39c",
    "LIQUOR": "#c9a27a",
    "BUTTER": "#f5e8a9",
    "POWDER": "#d3b195",
    "COUVERTURE": "#b98a68",
    "PRODUCT": "#d7e3f4",
}
HELD, HELD_FILL = "#b3261e", "#f6bdb6"
MAX_TEXT = 30


@dataclass(frozen=True)
class Box:
    """A lot or a product: its lines of text, and where a click on it leads.

    `begins` is whether the trace begins there, `held` whether it is on hold.
    """

    key: str
    stage: str
    lines: tuple[str, ...]
    link: str
    begins: bool = False
    held: bool = False


@dataclass(frozen=True)
class Arrow:
    """Matter from one box to another; kilograms where they are known and may be seen."""

    giver: str
    taker: str
    quantity_kg: str | None


Point = tuple[int, int]


@dataclass(frozen=True)
class Layout:
    """The upper left corner of each box, and of each place that an arrow passes on its way."""

    corners: dict[str, Point]
    passes: dict[tuple[str, str], list[Point]]


def draw(title: str, boxes: Sequence[Box], arrows: Sequence[Arrow]) -> str:
    """The SVG document."""
    layout = place(boxes, arrows)
    corners = [*layout.corners.values(), *(at for each in layout.passes.values() for at in each)]
    right = max([x for x, _ in corners], default=0) + WIDTH + MARGIN
    bottom = max([y for _, y in corners], default=0) + HEIGHT + MARGIN
    heading = text_of(title)
    parts = [
        f"""<svg xmlns="http://www.w3.org/2000/svg" width="{right}" height="{bottom}"
 viewBox="0 0 {right} {bottom}" font-family="system-ui, sans-serif" font-size="12" role="img">
<title>{heading}</title>
<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7"
 orient="auto"><path d="M0 0 8 4 0 8z" fill="#555"/></marker></defs>
<rect width="{right}" height="{bottom}" fill="#fff"/>
<text x="{MARGIN}" y="24" font-size="15" font-weight="600">{heading}</text>""",
        *(line for arrow in arrows for line in draw_arrow(arrow, layout)),
        *(line for box in boxes for line in draw_box(box, layout.corners[box.key])),
        "</svg>",
    ]
    return "\n".join(parts)


# ---------------------------------------------------------------- layout


def place(boxes: Sequence[Box], arrows: Sequence[Arrow]) -> Layout:
    """Columns by rank, in an order with few crossings; an arrow has a place in each column it passes."""
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(box.key for box in boxes)
    graph.add_edges_from((arrow.giver, arrow.taker) for arrow in arrows)
    if not graph:
        return Layout({}, {})
    ranks = rank(graph, {box.key: box.stage for box in boxes})
    passed = lead_past(graph, ranks)
    columns = arrange(graph, ranks)
    highest = max(map(len, columns))
    corners = {
        key: (
            MARGIN + x * (WIDTH + GAP),
            HEAD + MARGIN + (highest - len(column) + 2 * y) * ROW // 2,
        )
        for x, column in enumerate(columns)
        for y, key in enumerate(column)
    }
    passes = {ends: [corners.pop(key) for key in keys] for ends, keys in passed.items()}
    return Layout(corners, passes)


def rank(graph: "nx.DiGraph[str]", stages: dict[str, str]) -> dict[str, int]:
    """The column of each box: that of its stage among those there are, or behind what it took."""
    present = [stage for stage in STAGES if stage in stages.values()]
    ranks = {key: present.index(stage) for key, stage in stages.items()}
    if nx.is_directed_acyclic_graph(graph):
        for key in nx.topological_sort(graph):
            behind = [ranks[giver] + 1 for giver in graph.predecessors(key)]
            ranks[key] = max([ranks[key], *behind])
    used = sorted(set(ranks.values()))
    return {key: used.index(number) for key, number in ranks.items()}


def lead_past(graph: "nx.DiGraph[str]", ranks: dict[str, int]) -> dict[tuple[str, str], list[str]]:
    """Have a vertex of its own in each column that an edge passes (Sugiyama, 1981)."""
    passed = {}
    for giver, taker in list(graph.edges):
        between = range(ranks[giver] + 1, ranks[taker])
        if between:
            keys = [f"{giver} {taker} {column}" for column in between]
            ranks.update(zip(keys, between, strict=True))
            graph.remove_edge(giver, taker)
            nx.add_path(graph, [giver, *keys, taker])
            passed[giver, taker] = keys
    return passed


def arrange(graph: "nx.DiGraph[str]", ranks: dict[str, int]) -> list[list[str]]:
    """Columns, each in the order of the means of its neighbours' places (Sugiyama, 1981)."""
    columns = [[key for key in graph if ranks[key] == n] for n in range(max(ranks.values()) + 1)]
    neighbours = graph.to_undirected()
    for sweep in range(SWEEPS):
        for column in columns if sweep % 2 == 0 else columns[::-1]:
            at = {key: n / len(one) for one in columns for n, key in enumerate(one, start=1)}
            mean = {}
            for key in column:
                near = [at[other] for other in neighbours[key]]
                mean[key] = sum(near) / len(near) if near else at[key]
            column.sort(key=lambda key: mean[key])
    return columns


# ---------------------------------------------------------------- SVG


def draw_box(box: Box, corner: tuple[int, int]) -> Iterator[str]:
    x, y = corner
    told = (*box.lines, "on hold") if box.held else box.lines
    current = ' aria-current="true"' if box.begins else ""
    yield f"<a href={quoteattr(box.link)}{current}><title>{text_of(' · '.join(told), 200)}</title>"
    fill = HELD_FILL if box.held else FILL.get(box.stage, "#eee")
    colour = HELD if box.held else "#222" if box.begins else "#777"
    stroke = f'stroke="{colour}" stroke-width="{2.5 if box.begins else 1.5 if box.held else 1}"'
    yield f'<rect x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" rx="6" fill="{fill}" {stroke}/>'
    if box.held:
        # Red alone says nothing to who cannot tell it.
        place = f'x="{x + WIDTH}" y="{y - 5}" text-anchor="end"'
        yield f'<text {place} fill="{HELD}" font-weight="600">on hold</text>'
    for number, line in enumerate(box.lines[:3]):
        weight = ' font-weight="600"' if number == 0 else ""
        place = f'x="{x + 9}" y="{y + 18 + 16 * number}"'
        yield f'<text {place} fill="#222"{weight}>{text_of(line)}</text>'
    yield "</a>"


def draw_arrow(arrow: Arrow, layout: Layout) -> Iterator[str]:
    ends = arrow.giver, arrow.taker
    start, end = (layout.corners[key] for key in ends)
    first, *rest = [*layout.passes.get(ends, []), end]
    x, y = start[0] + WIDTH, start[1] + HEIGHT // 2
    to_x, to_y = first[0], first[1] + HEIGHT // 2
    path = f"M{x} {y}{curve((x, y), (to_x, to_y))}"
    for corner in rest:
        passed = first[0] + WIDTH, first[1] + HEIGHT // 2
        path += f"H{passed[0]}{curve(passed, (corner[0], corner[1] + HEIGHT // 2))}"
        first = corner
    yield f'<path d="{path}" fill="none" stroke="#555" marker-end="url(#tip)"/>'
    if arrow.quantity_kg is not None:
        # Near where it begins: edges to one box come together at its end.
        place = f'x="{x + (to_x - x) // 4}" y="{y + (to_y - y) // 5 - 4}"'
        kilograms = text_of(short(arrow.quantity_kg))
        halo = 'stroke="#fff" stroke-width="3" paint-order="stroke"'
        yield f'<text {place} font-size="11" fill="#333" {halo}>{kilograms}</text>'


def curve(start: Point, end: Point) -> str:
    """From the right of a box to the left of another."""
    bend = max(GAP // 2, (end[0] - start[0]) // 2)
    return f"C{start[0] + bend} {start[1]} {end[0] - bend} {end[1]} {end[0]} {end[1]}"


def short(kilograms: str) -> str:
    """Kilograms without zeros that say nothing."""
    whole = kilograms.rstrip("0").rstrip(".") if "." in kilograms else kilograms
    return f"{whole} kg"


def text_of(text: str, most: int = MAX_TEXT * 4) -> str:
    """A text of the data as XML has it; what no XML can hold is left out."""
    held = "".join(char for char in text if char >= " " and char not in "\ufffe\uffff")
    return escape(held if len(held) <= most else held[: most - 1] + "…")


def shorten(text: str) -> str:
    """A line that fits into a box."""
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"
