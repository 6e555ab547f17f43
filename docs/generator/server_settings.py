"""The page of settings: each variable of the environment with its meaning."""

import re
from collections.abc import Iterator

from docs.generator.markdown import code, paragraph, table
from serving.settings import VARIABLES

_INTRODUCTION = """# Settings

The server reads its settings from the environment. A value that cannot be used ends the start with one line on
standard error and exit code 2; the line never contains a password. Defaults are in parentheses.

The `MAX_...` settings are described with their ranges in [Limits](limits.md).
"""
_VARIABLE = re.compile(r"  (?P<names>[A-Z_]+(?:, ?[A-Z_]+)*,?)(?:\s+(?P<told>.*))?")


def render_settings() -> str:
    """Return the page as Markdown."""
    rows = [(", ".join(map(code, names)), paragraph(told)) for names, told in read_variables()]
    return "\n".join((_INTRODUCTION, table(("setting", "meaning"), rows)))


def read_variables() -> Iterator[tuple[list[str], str]]:
    """Yield the names and the meaning of each entry of the help text."""
    names: list[str] = []
    told = ""
    for line in VARIABLES.strip().splitlines()[1:]:
        found = _VARIABLE.fullmatch(line)
        if found is None:
            told = f"{told} {line.strip()}"
            continue
        if names and told:
            yield names, told.strip()
            names, told = [], ""
        names += re.findall("[A-Z_]+", found["names"])
        told = found["told"] or ""
    yield names, told.strip()
