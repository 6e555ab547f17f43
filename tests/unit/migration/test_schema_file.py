"""schema.sql is generated from schema/, and its version is the last migration."""

import re

from alembic.script import ScriptDirectory

from models.migration.schema_file import (
    MIGRATIONS,
    PARTS,
    SCHEMA,
    generate,
    head_version,
    known_versions,
)


def test_schema_sql_is_generated_from_its_parts() -> None:
    assert SCHEMA.read_text(encoding="utf-8") == generate(), (
        "schema.sql is not what schema/ makes: edit schema/*.sql, then run"
        " .venv/bin/python -m models.migration"
    )


def test_versions_are_one_line_of_migrations() -> None:
    scripts = ScriptDirectory(str(MIGRATIONS))
    history = [script.revision for script in scripts.walk_revisions()][::-1]
    assert history == known_versions()
    assert scripts.get_heads() == [head_version()]
    assert history == [f"{number:04}" for number in range(1, len(history) + 1)]


def test_parts_are_numbered_and_short() -> None:
    names = [path.name for path in sorted(PARTS.iterdir())]
    assert all(re.fullmatch(r"\d\d_[a-z_]+\.sql", name) for name in names)
    assert len({name[:2] for name in names}) == len(names)
    assert max(path.read_text().count("\n") for path in PARTS.iterdir()) <= 250


def test_a_rule_of_values_is_written_once() -> None:
    schema = SCHEMA.read_text(encoding="utf-8")
    for word in ("'couverture')", "strict $.**{64}", "'AD AE AF"):
        assert schema.count(word) == 1, word
