"""Draws boxes and arrows as SVG: a column for each stage, boxes on hold in red, kilograms on arrows.

Pure: boxes and arrows in, text out. Arrows lead from left to right; within a column, a box is near the
boxes that it is connected to. Every text of the data is escaped. The SVG contains neither scripts nor
styles, so that every content security policy allows it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

import networkx as nx

BOX_WIDTH, BOX_HEIGHT = 220, 58
COLUMN_GAP, ROW_HEIGHT, PAGE_MARGIN, TITLE_HEIGHT = 110, 82, 24, 40
# Passes over all columns; the order of boxes hardly changes after a few.
SWEEPS = 8
STAGE_ORDER = ("BEANS", "NIBS", "LIQUOR", "BUTTER", "POWDER", "COUVERTURE", "PRODUCT")
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
MAX_LINE = 30


@dataclass(frozen=True)
class Box:
    """A lot or a product: its lines of text, and the address of its link.

    `begins`: the trace begins at this box. `held`: the lot or product is on hold.
    """

    key: str
    stage: str
    lines: tuple[str, ...]
    link: str
    begins: bool = False
    held: bool = False


@dataclass(frozen=True)
class Arrow:
    """A flow from one box to another, with its kilograms if they are known and visible."""

    giver: str
    taker: str
    quantity_kg: str | None


Point = tuple[int, int]


@dataclass(frozen=True)
class Layout:
    """The upper left corner of each box, and of each column that an arrow passes."""

    corners: dict[str, Point]
    passes: dict[tuple[str, str], list[Point]]


def draw_svg(title: str, boxes: Sequence[Box], arrows: Sequence[Arrow]) -> str:
    """Return the SVG document."""
    layout = place(boxes, arrows)
    corners = [*layout.corners.values(), *(at for each in layout.passes.values() for at in each)]
    right = max([x for x, _ in corners], default=0) + BOX_WIDTH + PAGE_MARGIN
    bottom = max([y for _, y in corners], default=0) + BOX_HEIGHT + PAGE_MARGIN
    heading = xml_text(title)
    parts = [
        f"""<svg xmlns="http://www.w3.org/2000/svg" width="{right}" height="{bottom}"
 viewBox="0 0 {right} {bottom}" font-family="system-ui, sans-serif" font-size="12" role="img">
<title>{heading}</title>
<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7"
 orient="auto"><path d="M0 0 8 4 0 8z" fill="#555"/></marker></defs>
<rect width="{right}" height="{bottom}" fill="#fff"/>
<text x="{PAGE_MARGIN}" y="24" font-size="15" font-weight="600">{heading}</text>""",
        *(line for arrow in arrows for line in draw_arrow(arrow, layout)),
        *(line for box in boxes for line in draw_box(box, layout.corners[box.key])),
        "</svg>",
    ]
    return "\n".join(parts)


# ---------------------------------------------------------------- layout


def place(boxes: Sequence[Box], arrows: Sequence[Arrow]) -> Layout:
    """Assign boxes to columns by rank, in an order with few crossings of arrows."""
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
            PAGE_MARGIN + x * (BOX_WIDTH + COLUMN_GAP),
            TITLE_HEIGHT + PAGE_MARGIN + (highest - len(column) + 2 * y) * ROW_HEIGHT // 2,
        )
        for x, column in enumerate(columns)
        for y, key in enumerate(column)
    }
    passes = {ends: [corners.pop(key) for key in keys] for ends, keys in passed.items()}
    return Layout(corners, passes)


def rank(graph: "nx.DiGraph[str]", stages: dict[str, str]) -> dict[str, int]:
    """Return the column of each box: that of its stage, or the one after its last input."""
    present = [stage for stage in STAGE_ORDER if stage in stages.values()]
    ranks = {key: present.index(stage) for key, stage in stages.items()}
    if nx.is_directed_acyclic_graph(graph):
        for key in nx.topological_sort(graph):
            behind = [ranks[giver] + 1 for giver in graph.predecessors(key)]
            ranks[key] = max([ranks[key], *behind])
    used = sorted(set(ranks.values()))
    return {key: used.index(number) for key, number in ranks.items()}


def lead_past(graph: "nx.DiGraph[str]", ranks: dict[str, int]) -> dict[tuple[str, str], list[str]]:
    """Split each long edge: it gets a vertex in each column that it passes (Sugiyama, 1981)."""
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
    """Order each column by the mean position of each vertex's neighbours (Sugiyama, 1981)."""
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
    lines = (*box.lines, "on hold") if box.held else box.lines
    current = ' aria-current="true"' if box.begins else ""
    yield f"<a href={quoteattr(box.link)}{current}><title>{xml_text(' · '.join(lines), 200)}</title>"
    fill = HELD_FILL if box.held else FILL.get(box.stage, "#eee")
    colour = HELD if box.held else "#222" if box.begins else "#777"
    stroke = f'stroke="{colour}" stroke-width="{2.5 if box.begins else 1.5 if box.held else 1}"'
    yield f'<rect x="{x}" y="{y}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="6" fill="{fill}" {stroke}/>'
    if box.held:
        # The text is for readers who do not distinguish red.
        place = f'x="{x + BOX_WIDTH}" y="{y - 5}" text-anchor="end"'
        yield f'<text {place} fill="{HELD}" font-weight="600">on hold</text>'
    for number, line in enumerate(box.lines[:3]):
        weight = ' font-weight="600"' if number == 0 else ""
        place = f'x="{x + 9}" y="{y + 18 + 16 * number}"'
        yield f'<text {place} fill="#222"{weight}>{xml_text(line)}</text>'
    yield "</a>"


def draw_arrow(arrow: Arrow, layout: Layout) -> Iterator[str]:
    ends = arrow.giver, arrow.taker
    start, end = (layout.corners[key] for key in ends)
    first, *rest = [*layout.passes.get(ends, []), end]
    x, y = start[0] + BOX_WIDTH, start[1] + BOX_HEIGHT // 2
    to_x, to_y = first[0], first[1] + BOX_HEIGHT // 2
    path = f"M{x} {y}{curve((x, y), (to_x, to_y))}"
    for corner in rest:
        passed = first[0] + BOX_WIDTH, first[1] + BOX_HEIGHT // 2
        path += f"H{passed[0]}{curve(passed, (corner[0], corner[1] + BOX_HEIGHT // 2))}"
        first = corner
    yield f'<path d="{path}" fill="none" stroke="#555" marker-end="url(#tip)"/>'
    if arrow.quantity_kg is not None:
        # Near the start of the arrow, since arrows to one box meet at their end.
        place = f'x="{x + (to_x - x) // 4}" y="{y + (to_y - y) // 5 - 4}"'
        kilograms = xml_text(kilograms_text(arrow.quantity_kg))
        halo = 'stroke="#fff" stroke-width="3" paint-order="stroke"'
        yield f'<text {place} font-size="11" fill="#333" {halo}>{kilograms}</text>'


def curve(start: Point, end: Point) -> str:
    """Return the curve from the right side of a box to the left side of another."""
    bend = max(COLUMN_GAP // 2, (end[0] - start[0]) // 2)
    return f"C{start[0] + bend} {start[1]} {end[0] - bend} {end[1]} {end[0]} {end[1]}"


def kilograms_text(kilograms: str) -> str:
    """Return kilograms with their unit, without trailing zeros."""
    whole = kilograms.rstrip("0").rstrip(".") if "." in kilograms else kilograms
    return f"{whole} kg"


def xml_text(text: str, most: int = MAX_LINE * 4) -> str:
    """Return a text escaped for XML, without characters that XML forbids."""
    held = "".join(char for char in text if char >= " " and char not in "\ufffe\uffff")
    return escape(held if len(held) <= most else held[: most - 1] + "…")


def shorten(text: str) -> str:
    """Return a line that fits into a box."""
    return text if len(text) <= MAX_LINE else text[: MAX_LINE - 1] + "…"
