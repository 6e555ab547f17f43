"""The version of a database's schema, compared with the one that this program needs.

The version is the row of alembic_version. A database made before versions existed has none; it is recognised by
comparing its catalogue with the schemas of migrations/known.
"""

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import psycopg2

from models.migration.catalogue import Difference, described, described_script, differences
from models.migration.schema_file import KNOWN, head_version, known_versions

MIGRATE = "python server.py migrate"
# The commits whose schema.sql made databases without a version.
COMMITS = {"0001": "50d0e70", "0002": "0e95079"}


class Status(Enum):
    """How the schema of a database relates to this program; the value is the code of the readiness probe."""

    CURRENT = "SCHEMA_CURRENT"
    EMPTY = "SCHEMA_EMPTY"
    BEHIND = "SCHEMA_BEHIND"
    AHEAD = "SCHEMA_AHEAD"
    UNKNOWN = "SCHEMA_UNKNOWN"
    FOREIGN = "SCHEMA_FOREIGN"


@dataclass(frozen=True, slots=True)
class State:
    """The schema of a database: `version` is None where no version is recorded or recognised."""

    status: Status
    version: str | None = None
    # Whether alembic_version has the version; else the catalogue was recognised.
    recorded: bool = True
    # From the known schema that is the nearest, where the status is UNKNOWN.
    differences: tuple[Difference, ...] = field(default=())

    @property
    def advice(self) -> str:
        """What is wrong and what to run, in one line; empty where the database can be used."""
        if self.status is Status.UNKNOWN and not self.differences:
            return f"its schema has no version: to see whether it can be upgraded run: {MIGRATE} --plan"
        return ADVICE[self.status].format(
            version=self.version,
            head=head_version(),
            migrate=MIGRATE,
            count=len(self.differences),
            first=next(iter(self.differences), ""),
        )


ADVICE = {
    Status.CURRENT: "",
    Status.EMPTY: "",
    Status.BEHIND: "its schema has version {version} and this program needs {head}: make a backup, then run: {migrate}",
    Status.AHEAD: "its schema has version {version} and this program knows none after {head}: run the newer version"
    " of the program, or restore a backup",
    Status.UNKNOWN: "its schema has no version and is older than version 0001 or was altered ({count}"
    " differences from the nearest version, the first: {first}): it cannot be upgraded; for the differences run: {migrate} --plan",
    Status.FOREIGN: "its tables are those of another application: set DATABASE_URL to another database",
}

PRESENT = """
select to_regclass('products') is not null, to_regclass('cacao_batches') is not null,
  to_regclass('alembic_version') is not null"""


def state_of_version(version: str | None) -> State:
    """Return the state that the recorded version alone tells; UNKNOWN where there is none."""
    if version is None:
        return State(Status.UNKNOWN, recorded=False)
    if version not in known_versions():
        return State(Status.AHEAD, version)
    return State(Status.CURRENT if version == head_version() else Status.BEHIND, version)


def inspect(cursor: Any) -> State:
    """Return the state of the database of a cursor, in its transaction. Leaves nothing behind.

    Recognises a database without a version where the role may create a schema; else it is UNKNOWN.
    """
    cursor.execute(PRESENT)
    products, batches, versioned = cursor.fetchone()
    if not products:
        return State(Status.FOREIGN if versioned else Status.EMPTY)
    versions: list[str] = []
    if versioned:
        cursor.execute("SELECT version_num FROM alembic_version")
        versions = [version for (version,) in cursor.fetchall()]
    if not batches or len(versions) > 1:
        return State(Status.FOREIGN, recorded=bool(versions))
    return state_of_version(versions[0]) if versions else _recognise(cursor)


def _recognise(cursor: Any) -> State:
    found = described(cursor)
    nearest: list[Difference] | None = None
    for version in sorted(COMMITS):
        script = (KNOWN / f"v{version}.sql").read_text(encoding="utf-8")
        try:
            listed = differences(found, described_script(cursor, script), strict=False)
        except psycopg2.errors.InsufficientPrivilege:
            return State(Status.UNKNOWN, recorded=False)
        if not listed:
            return State(Status.BEHIND, version, recorded=False)
        if nearest is None or len(listed) < len(nearest):
            nearest = listed
    return State(Status.UNKNOWN, recorded=False, differences=tuple(nearest or ()))
