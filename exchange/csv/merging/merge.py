"""The steps of a merge, and the search for the rows that the database rejects."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import psycopg2

from exchange.csv.importers.declaration import RowCheck
from exchange.csv.staging.table import StagingTable
from exchange.csv.staging.violations import VIOLATIONS, isolate_violations


@dataclass(frozen=True)
class MergeCounts:
    """Numbers of rows written.

    Manufacturers that product rows name are counted apart.
    """

    inserted: int = 0
    updated: int = 0
    manufacturers_created: int = 0
    manufacturers_updated: int = 0

    def __add__(self, other: "MergeCounts") -> "MergeCounts":
        return MergeCounts(
            self.inserted + other.inserted,
            self.updated + other.updated,
            self.manufacturers_created + other.manufacturers_created,
            self.manufacturers_updated + other.manufacturers_updated,
        )


class Merge(Protocol):
    """The rows of one importer on their way from the staging table to the tables."""

    def find(self) -> None:
        """Match staged rows with stored rows."""

    def supersede(self) -> None:
        """Leave one live row of each key."""

    def reject_conflicts(self) -> int:
        """Reject live rows that cannot be written together; returns their number."""

    def write(self, first: int, last: int) -> MergeCounts:
        """Write the live rows from line `first` to line `last`."""

    def differs(self) -> str:
        """Return the SQL of: the values of row `s` differ from those of row `t`."""

    def difference(self) -> str:
        """Return the SQL of a text of the values in which staged rows `s` and `t` differ."""


def run_merge(staging: StagingTable, merge: Merge, checks: Sequence[RowCheck]) -> MergeCounts:
    """Write every row that can be written; reject the others."""
    staging.report_step("finding what is there")
    merge.find()
    # The columns filled by `find` were empty before; later plans need their statistics.
    staging.analyze()
    staging.report_step("checking")
    for check in checks:
        staging.reject_where(check.code, check.condition, check.reason)
    lines = range(1, staging.count("select coalesce(max(line), 1) from import_rows") + 1)
    while True:
        merge.supersede()
        # Once a row is rejected, an earlier row with the same key may be live again.
        if merge.reject_conflicts():
            continue
        attempt = _Attempt(staging, merge)
        if attempt(lines) is None:
            return attempt.written
        if not attempt.reject_violating(lines):
            return attempt.written


class _Attempt:
    """Writes a range of lines, or its parts if the database rejects the whole."""

    def __init__(self, staging: StagingTable, merge: Merge) -> None:
        self.staging = staging
        self.merge = merge
        self.written = MergeCounts()

    def __call__(self, lines: Sequence[int]) -> psycopg2.Error | None:
        try:
            with self.staging.savepoint():
                self.written += self.merge.write(lines[0], lines[-1])
        except VIOLATIONS as error:
            return error
        return None

    def reject_violating(self, lines: Sequence[int]) -> bool:
        """Reject the lines that the database rejects alone.

        Returns False if there are none; then all parts are written.
        """
        violations: list[tuple[int, psycopg2.Error]] = []
        cursor = self.staging.cursor
        cursor.execute("savepoint import_parts")
        isolate_violations(lines, self, lambda line, error: violations.append((line, error)))
        if violations:
            cursor.execute("rollback to savepoint import_parts")
        cursor.execute("release savepoint import_parts")
        for line, error in violations:
            self.staging.reject_line(line, error)
        return bool(violations)
