"""The gate refuses a breaking change of the schema, unless it is listed."""

import subprocess
from pathlib import Path

import pytest
from graphql import build_schema

from graph import schema_gate
from graph.schema_gate import listed_changes, main, stale_lines, unlisted_changes

OLD = build_schema("type Query { a: Int! b: Int! }")
REMOVED = "Query.b was removed."


@pytest.mark.parametrize(
    ("sdl", "found"),
    [
        ("type Query { a: Int! }", [REMOVED]),
        ("type Query { a: Int b: Int! }", ["Query.a changed type from Int! to Int."]),
        (
            "type Query { a(x: Int!): Int! b: Int! }",
            ["A required argument Query.a(x:) was added."],
        ),
        ("type Query { a(x: Int): Int! b: Int! @deprecated c: Int }", []),
    ],
)
def test_breaking_change_that_is_not_listed_is_found(sdl: str, found: list[str]) -> None:
    assert [
        change.replace("Field ", "") for change in unlisted_changes(OLD, build_schema(sdl), [])
    ] == found


def test_listed_change_passes_and_a_line_of_no_change_is_told() -> None:
    new = build_schema("type Query { a: Int! }")
    (change,) = unlisted_changes(OLD, new, [])
    listed = listed_changes(f"# why\n\n{change}\nQuery.c was removed.\n")
    assert unlisted_changes(OLD, new, listed) == []
    assert stale_lines(OLD, new, listed) == ["Query.c was removed."]


def test_gate_compares_with_the_newest_tag(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def git(*arguments: str) -> None:
        identity = ("-c", "user.name=t", "-c", "user.email=t@example.org")
        subprocess.run(
            ["git", *identity, *arguments], cwd=tmp_path, check=True, capture_output=True
        )

    folder = tmp_path / "graph"
    folder.mkdir()
    sdl, listed = folder / "schema.graphql", folder / "breaking_changes.txt"
    monkeypatch.setattr(schema_gate, "HERE", folder)
    monkeypatch.setattr(schema_gate, "LISTED", listed)
    listed.write_text("")
    sdl.write_text("type Query { a: Int! b: Int! }")
    git("init", "-q")
    git("add", "-A")
    git("commit", "-qm", "one")
    assert main() == 0
    assert "no tag" in capsys.readouterr().out
    git("tag", "v1.0.0")
    sdl.write_text("type Query { a: Int! }")
    assert main() == 1
    error = capsys.readouterr().err
    assert "since v1.0.0" in error
    listed.write_text(error.splitlines()[0].partition(": ")[2])
    assert main() == 0


def test_gate_passes_on_this_commit() -> None:
    assert main() == 0
