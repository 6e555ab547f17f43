"""Generate schema.sql from the files of schema/.

`python -m models.migration` writes it; a test compares it with its parts. The files are
concatenated in the order of their numbers, between BEGIN and COMMIT, with the version at the end.
"""

import re
from pathlib import Path

_ROOT = Path(__file__).parents[2]
SCHEMA = _ROOT / "schema.sql"
PARTS = _ROOT / "schema"
MIGRATIONS = _ROOT / "migrations"
VERSIONS = MIGRATIONS / "versions"
# The schemas that made databases without a version.
KNOWN = MIGRATIONS / "known"

# One process at a time changes the schema of a database. The lock belongs to a transaction, since a pooler may never
# give back a lock of a session.
SCHEMA_LOCK = "SELECT pg_advisory_xact_lock(hashtext('cacaotrace schema.sql'))"

_HEADER = """\
-- The schema of cacaotrace. Generated from schema/*.sql by `python -m models.migration`: edit those files.
--   psql -f schema.sql        applies it to an empty database, in one transaction
begin;
"""
FOOTER = """\
insert into alembic_version (version_num) values ('{head}');

commit;
"""


def known_versions() -> list[str]:
    """Return the versions of migrations/versions, oldest first: a file is named vNNNN_subject.py."""
    names = (re.fullmatch(r"v(\d{4})_\w+\.py", path.name) for path in VERSIONS.iterdir())
    return sorted(name[1] for name in names if name)


def head_version() -> str:
    """Return the version of this program."""
    return known_versions()[-1]


def generate() -> str:
    """Return the text of schema.sql."""
    parts = [path.read_text(encoding="utf-8") for path in sorted(PARTS.glob("*.sql"))]
    return "\n".join([_HEADER, *parts]) + FOOTER.format(head=head_version())


def statements(script: str) -> str:
    """Return a schema script without its BEGIN and COMMIT, for a transaction of the caller."""
    return re.sub(r"^(?:begin|commit);\n", "", script, flags=re.M)
