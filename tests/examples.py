"""The examples of README and docs: fenced blocks with what comes before and after them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tests.conftest import ROOT

FENCE = re.compile(
    r"(?:<!-- not run: (?P<reason>.+?) -->\n)?^(?P<indent> *)```(?P<language>[a-z]*)\n"
    r"(?P<text>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)
WRITTEN_BY_HAND = ("tutorial", "how-to", "explanation", "contributing")
PAGES_WITH_EXAMPLES = [
    "README.md",
    "CONTRIBUTING.md",
    "docs/reference/http.md",
    *sorted(
        str(path.relative_to(ROOT))
        for folder in WRITTEN_BY_HAND
        for path in (ROOT / "docs" / folder).glob("*.md")
    ),
]


@dataclass(frozen=True)
class Block:
    """A fenced block; `reason` says why it is not run, if it is not."""

    page: str
    line: int
    language: str
    text: str
    reason: str


@dataclass(frozen=True)
class Command:
    """A command of a `console` block, and the output below it."""

    line: int
    text: str
    output: str


def blocks_of(page: str) -> list[Block]:
    """Return the fenced blocks of a page, in order."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return [
        Block(
            page,
            text[: found.start("language")].count("\n") + 1,
            found["language"],
            found["text"],
            found["reason"] or "",
        )
        for found in FENCE.finditer(text)
    ]


def pages_with(language: str) -> list[str]:
    """Return the pages with a block of this language that the tests run."""
    return [
        page
        for page in PAGES_WITH_EXAMPLES
        if any(block.language == language and not block.reason for block in blocks_of(page))
    ]


def answered(page: str) -> Iterator[tuple[Block, Block]]:
    """Each query of a page that the tests run, with the block of its answer."""
    blocks = blocks_of(page)
    for block, after in zip(blocks, [*blocks[1:], None], strict=True):
        if block.language == "graphql" and not block.reason:
            assert after is not None, f"{page}:{block.line} has no answer"
            assert after.language == "json", f"{page}:{block.line} has no answer"
            yield block, after


def commands_of(page: str) -> Iterator[Command]:
    """Yield the commands of the `console` blocks of a page, each with its output."""
    for block in blocks_of(page):
        if block.language != "console" or block.reason:
            continue
        assert block.text.startswith("$ "), f"{page}:{block.line} does not begin with a command"
        for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
            lines = part.splitlines(keepends=True)
            ends = next(n for n, line in enumerate(lines, 1) if not line.rstrip().endswith("\\"))
            yield Command(block.line, "".join(lines[:ends]), "".join(lines[ends:]))
