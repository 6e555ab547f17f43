"""The page of error codes: a heading for each with cause and cure.

The codes come from the code; `error_texts.toml` has what to say of each.
"""

import tomllib
from collections.abc import Iterable
from pathlib import Path

from docs.generator.markdown import paragraph
from exchange.csv.errors import Unusable
from exchange.csv.rejections import Code, WarningCode
from graph.error_code import ErrorCode
from models.errors import DomainError
from models.migration.status import Status

_TEXTS = Path(__file__).with_name("error_texts.toml")
_INTRODUCTION = """# Error codes

Codes are stable: a client may depend on them. Messages are for people and may change.

- An error of a request has its code in `extensions.code`, and `path` or `locations` say where it is.
- An error in the input of a mutation is an entry of `userErrors`, with `field`, `message` and `code`. Nothing was written.
- An import reports codes of files on standard error, and codes of rows in the file of `--reject`.
- `GET /api/health/ready` answers 503 with a `code` if the schema of the database has another version.
"""
_KINDS = {
    "request": "`extensions.code` of a request",
    "user": "`userErrors.code` of a mutation",
    "file": "the message of an import that cannot begin (exit code 2)",
    "row": "the code of a row in a reject file",
    "readiness": "`code` of `GET /api/health/ready` with status 503",
}


def codes_by_kind() -> dict[str, set[str]]:
    """Return the codes that the code can produce, by where they appear."""
    return {
        "request": {*map(str, ErrorCode)},
        "user": {*_codes_of(DomainError)},
        "file": {*_codes_of(Unusable)},
        "row": {*map(str, Code), *map(str, WarningCode)},
        "readiness": {status.value for status in Status if status is not Status.CURRENT},
    }


def read_texts() -> dict[str, dict[str, dict[str, str]]]:
    """Cause and cure by kind and code."""
    return tomllib.loads(_TEXTS.read_text(encoding="utf-8"))


def render_errors() -> str:
    """Return the page as Markdown."""
    texts, kinds = read_texts(), codes_by_kind()
    names = sorted(set().union(*kinds.values()))
    sections = (_section(name, kinds, texts) for name in names)
    return "\n".join((_INTRODUCTION, *sections))


def _section(
    name: str, kinds: dict[str, set[str]], texts: dict[str, dict[str, dict[str, str]]]
) -> str:
    lines = [f"\n## {name} {{ #{name.lower()} }}\n"]
    for kind, codes in kinds.items():
        if name in codes:
            told = texts[kind][name]
            lines.append(f"As {_KINDS[kind]}:\n")
            lines.append(f"- **Cause**: {paragraph(told['cause'])}")
            lines.append(f"- **Cure**: {paragraph(told['cure'])}\n")
    return "\n".join(lines)


def _codes_of(base: type[Exception]) -> Iterable[str]:
    """Yield the codes of a class of errors and of all that derive from it."""
    yield str(base.code)  # type: ignore[attr-defined]
    for derived in base.__subclasses__():
        yield from _codes_of(derived)
