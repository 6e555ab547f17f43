"""The tables of a run, as text for a terminal."""

from collections.abc import Mapping, Sequence

from bench.measure import Cell
from bench.summary import Median, host, medians, ratio

_COLUMNS = {
    "": 26,
    "req/s": 8,
    "p50 ms": 9,
    "p99 ms": 9,
    "statements": 12,
    "server us": 11,
    "PG us": 9,
    "busiest": 9,
    "RSS MB": 8,
    "cacaotrace": 12,
}


def markdown_table(
    cells: Sequence[Cell], titles: Mapping[str, str], statements: Mapping[tuple[str, str], float]
) -> str:
    """One block for each query and number of clients, then the ratios, then the machine."""
    lines: list[str] = []
    seen: tuple[str, int] | None = None
    for row in medians(cells):
        if (row.query, row.clients) != seen:
            seen = row.query, row.clients
            several = "1 client" if row.clients == 1 else f"{row.clients} clients"
            lines += ["", f"{row.query.capitalize()}, {several}", _line(tuple(_COLUMNS))]
        lines.append(_row(row, cells, titles, statements))
    lines += ["", _ratios(cells, titles), "", _host(cells)]
    return "\n".join(lines)


def _row(
    row: Median,
    cells: Sequence[Cell],
    titles: Mapping[str, str],
    statements: Mapping[tuple[str, str], float],
) -> str:
    compared = ratio(cells, row.query, row.clients, "project", row.peer)
    counted = statements.get((row.peer, row.query))
    return _line(
        (
            titles[row.peer],
            f"{row.rate:,.0f}",
            f"{row.p50_ms:.2f}",
            f"{row.p99_ms:.2f}",
            "" if counted is None else f"{counted:g}",
            f"{row.server_us:,.0f}" if row.server_us else "",
            f"{row.postgres_us:,.0f}",
            f"{row.busiest:.0%}" if row.busiest else "",
            f"{row.rss_mb:.0f}" if row.rss_mb else "",
            "" if compared is None or row.peer == "project" else f"{compared:.2f} x",
        )
    )


def _line(texts: Sequence[str]) -> str:
    first, *rest = zip(texts, _COLUMNS.values(), strict=True)
    return first[0].ljust(first[1]) + "".join(text.rjust(width) for text, width in rest)


def _ratios(cells: Sequence[Cell], titles: Mapping[str, str]) -> str:
    """How many times each peer's rate cacaotrace's is."""
    places = list(dict.fromkeys((cell.query, cell.clients) for cell in cells))
    peers = [name for name in dict.fromkeys(cell.peer for cell in cells) if name != "project"]
    widths = {name: len(titles[name]) + 3 for name in peers}
    lines = ["cacaotrace's rate as a multiple of that of"]
    lines.append(" " * 16 + "".join(titles[name].rjust(width) for name, width in widths.items()))
    for query, clients in places:
        shown = ""
        for name, width in widths.items():
            found = ratio(cells, query, clients, "project", name)
            shown += ("" if found is None else f"{found:.2f}").rjust(width)
        lines.append(f"{query.capitalize()}, {clients}".ljust(16) + shown)
    return "\n".join(lines)


def _host(cells: Sequence[Cell]) -> str:
    seen = host(cells)
    return (
        f"machine: calibration loop {seen.calibration_ms:.1f} ms at the median, "
        f"{seen.calibration_worst_ms:.1f} at worst; CPU of others {seen.foreign:.2f} cores, "
        f"{seen.foreign_worst:.2f} at worst; stolen {seen.stolen:.2f} cores; "
        f"{len(cells)} measurements"
    )
