"""Markdown for generated pages: tables and text that is safe inside them."""

from collections.abc import Iterable, Sequence


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table; a bar or a line break inside a cell does not end it."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def code(text: str) -> str:
    """Text as inline code."""
    return f"`{text}`"


def paragraph(text: str | None) -> str:
    """Text on one line, with a full stop at its end."""
    line = " ".join((text or "").split())
    return line if not line or line[-1] in ".:!?)" else f"{line}."


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
