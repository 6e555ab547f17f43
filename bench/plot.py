"""The plot of the measurements: a panel a query, a bar a peer, as SVG without a library."""

from collections.abc import Mapping, Sequence
from html import escape

from bench.measure import Cell
from bench.summary import Median, medians

_WIDTH, MARGIN, LABELS = 860, 16, 190
_BAR, GAP, TITLE = 16, 6, 30
COLOURS = {"project": "#7b3f00", "bare": "#b9a28c", "pgbench": "#b9a28c"}
_OTHER = "#8a8f98"
STYLE = "text{font:12px system-ui,sans-serif;fill:#24292f}.t{font-weight:600}.v{fill:#57606a}"


def draw_plot(cells: Sequence[Cell], titles: Mapping[str, str], clients: int, note: str) -> str:
    """Draw the requests a second of every peer, by query, at one number of clients."""
    rows = [row for row in medians(cells) if row.clients == clients]
    parts: list[str] = []
    top = MARGIN
    for query in dict.fromkeys(row.query for row in rows):
        of_query = sorted((r for r in rows if r.query == query), key=lambda r: -r.rate)
        parts += _panel(query, of_query, titles, top)
        top += TITLE + len(of_query) * (_BAR + GAP) + GAP
    parts.append(f'<text class="v" x="{MARGIN}" y="{top + 12}">{escape(note)}</text>')
    height = top + 28
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
        f'width="{_WIDTH}" height="{height}" role="img" aria-label="requests a second">'
        f"<style>{STYLE}</style>"
        f'<rect width="{_WIDTH}" height="{height}" rx="6" fill="#ffffff"/>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def _panel(query: str, rows: Sequence[Median], titles: Mapping[str, str], top: int) -> list[str]:
    title = f"{query.capitalize()}: requests a second"
    parts = [f'<text class="t" x="{MARGIN}" y="{top + 16}">{title}</text>']
    scale = (_WIDTH - LABELS - MARGIN - 150) / max(row.rate for row in rows)
    project = next((row.rate for row in rows if row.peer == "project"), None)
    for place, row in enumerate(rows):
        y = top + TITLE + place * (_BAR + GAP)
        length = max(1.0, row.rate * scale)
        colour = COLOURS.get(row.peer, _OTHER)
        label = escape(titles[row.peer])
        value = f"{row.rate:,.0f}"
        if project is not None and row.peer != "project":
            value += f"  (cacaotrace {project / row.rate:.2f} x)"
        parts += [
            f'<text x="{LABELS - 8}" y="{y + 12}" text-anchor="end">{label}</text>',
            f'<rect x="{LABELS}" y="{y}" width="{length:.1f}" height="{_BAR}" fill="{colour}"/>',
            f'<text class="v" x="{LABELS + length + 6:.1f}" y="{y + 12}">{value}</text>',
        ]
    return parts
