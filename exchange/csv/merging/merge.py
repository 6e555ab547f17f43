"""The order of a merge: find, settle who wins, write; and when the database refuses, find out whom.

What a row means is the business of the merges that are run here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import psycopg2

from exchange.csv.importers.declaration import RowCheck
from exchange.csv.staging.table import VIOLATIONS, StagingTable, isolate


@dataclass(frozen=True)
class MergeCounts:
    """Rows written: of the kind itself, and of the manufacturers that its rows name."""

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
    """Rows of one kind on their natural_key from the staging table into the tables."""

    def find(self) -> None:
        """Match staged rows with the rows that are there."""

    def supersede(self) -> None:
        """Of staged rows with one key, leave one live."""

    def settle(self) -> int:
        """Refuse live rows that cannot be written together; how many."""

    def write(self, first: int, last: int) -> MergeCounts:
        """Write the live rows of these lines."""

    def differs(self) -> str:
        """In SQL: the values of staged row `s` are other than those of `t`."""

    def difference(self) -> str:
        """In SQL: a text of the values in which staged rows `s` and `t` differ."""


def run_merge(staging: StagingTable, merge: Merge, checks: Sequence[RowCheck]) -> MergeCounts:
    """Write every row that can be written; the others are refused in the staging table."""
    staging.step("finding what is there")
    merge.find()
    # The columns that were found are no longer empty: the plans from here on need to know.
    staging.analyze()
    staging.step("checking")
    for check in checks:
        staging.refuse_where(check.code, check.condition, check.reason)
    lines = range(1, staging.count("select coalesce(max(line), 1) from import_rows") + 1)
    while True:
        merge.supersede()
        # A refused row may uncover an earlier one with the same key.
        if merge.settle():
            continue
        attempt = _Attempt(staging, merge)
        if attempt(lines) is None:
            return attempt.written
        if not attempt.refuse_guilty(lines):
            return attempt.written


class _Attempt:
    """Writing, in parts where the whole is refused."""

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

    def refuse_guilty(self, lines: Sequence[int]) -> bool:
        """Find the lines that the database refuses; without any, the parts stay written."""
        guilty: list[tuple[int, psycopg2.Error]] = []
        cursor = self.staging.cursor
        cursor.execute("savepoint import_parts")
        isolate(lines, self, lambda line, error: guilty.append((line, error)))
        if guilty:
            cursor.execute("rollback to savepoint import_parts")
        cursor.execute("release savepoint import_parts")
        for line, error in guilty:
            self.staging.refuse(line, error)
        return bool(guilty)
