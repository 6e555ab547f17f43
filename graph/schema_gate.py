"""The gate for changes of the schema: `python -m graph.schema_gate`, run by `make check`.

It compares schema.graphql with that of the newest tag v* by graphql-core's find_breaking_changes. A
breaking change passes where breaking_changes.txt lists it, one description a line. A release empties
that file: a line that describes no change is printed.
"""

import subprocess
import sys
from pathlib import Path

from graphql import GraphQLSchema, build_schema
from graphql.utilities import DangerousChangeType, find_breaking_changes, find_dangerous_changes

HERE = Path(__file__).parent
SDL = "graph/schema.graphql"
LISTED = HERE / "breaking_changes.txt"
# Clients that do not know an optional argument or member omit it, and get what they got before.
HARMLESS = {
    DangerousChangeType.OPTIONAL_ARG_ADDED,
    DangerousChangeType.OPTIONAL_INPUT_FIELD_ADDED,
}


def released() -> tuple[str, str] | None:
    """Return the newest tag v* before this commit and its SDL; None without git, a tag or a schema there."""
    tag = _git("describe", "--tags", "--abbrev=0", "--match", "v*")
    sdl = _git("show", f"{tag.strip()}:{SDL}") if tag else None
    return (tag.strip(), sdl) if tag and sdl else None


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", *arguments], check=False, cwd=HERE, capture_output=True, text=True
        )
    except OSError:
        return None
    return done.stdout if done.returncode == 0 else None


def listed_changes(text: str) -> list[str]:
    """Return the descriptions in a list of allowed changes; blank lines and lines that begin with # are not."""
    lines = (line.strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def unlisted_changes(old: GraphQLSchema, new: GraphQLSchema, listed: list[str]) -> list[str]:
    """Return the descriptions of breaking changes that are not listed."""
    found = [change.description for change in find_breaking_changes(old, new)]
    return [change for change in found if change not in listed]


def stale_lines(old: GraphQLSchema, new: GraphQLSchema, listed: list[str]) -> list[str]:
    """Return the listed changes that are none."""
    found = {change.description for change in find_breaking_changes(old, new)}
    return [change for change in listed if change not in found]


def main() -> int:
    """Compare with the newest release; 1 where a change is not allowed."""
    earlier = released()
    if earlier is None:
        print("no release to compare the schema with: git finds no tag v*")
        return 0
    tag, sdl = earlier
    old = build_schema(sdl)
    new = build_schema((HERE / "schema.graphql").read_text(encoding="utf-8"))
    listed = listed_changes(LISTED.read_text(encoding="utf-8"))
    for change in find_dangerous_changes(old, new):
        if change.type not in HARMLESS:
            print(f"dangerous since {tag}: {change.description}")
    for line in stale_lines(old, new, listed):
        print(f"{LISTED.name}: no change since {tag}, remove the line: {line}")
    breaking = unlisted_changes(old, new, listed)
    for description in breaking:
        print(f"breaking since {tag}: {description}", file=sys.stderr)
    if breaking:
        cure = f"deprecate instead, or list it in graph/{LISTED.name} and in CHANGELOG.md"
        print(cure, file=sys.stderr)
    return 1 if breaking else 0


if __name__ == "__main__":
    sys.exit(main())
