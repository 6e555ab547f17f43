"""The report of an import: numbers of rows, and its text for a terminal."""

from collections.abc import Mapping
from dataclasses import dataclass

from exchange.csv.rejections import Rejection

MAX_SHOWN_LINES = 10


@dataclass(frozen=True)
class ImportReport:
    """Numbers of rows: read = inserted + updated + unchanged + superseded + rejected.

    A `superseded` row is followed by a row with the same key and other values, which counts. `warnings` is
    the number of rows with a WarningCode that are not rejected; they do not change the exit code. `written`
    is False after a dry run, and if --all-or-nothing discarded the rows. `lost_characters` is the number of
    written rows with U+FFFD, the mark of a character lost before the import.
    """

    importer: str
    path: str
    read: int
    inserted: int
    updated: int
    unchanged: int
    superseded: int
    rejected: int
    created: Mapping[str, int]
    changed: Mapping[str, int]
    ignored: tuple[str, ...]
    rejected_by_code: Mapping[str, int]
    first_superseded: tuple[tuple[int, int], ...]
    first_rejections: tuple[Rejection, ...]
    written: bool
    dry_run: bool
    warnings: int = 0
    first_warnings: tuple[Rejection, ...] = ()
    lost_characters: int = 0
    first_lost_characters: tuple[int, ...] = ()

    @property
    def changes(self) -> int:
        """The number of rows that were, or in a dry run would be, written to any table."""
        others = sum(self.created.values()) + sum(self.changed.values())
        return self.inserted + self.updated + others

    @property
    def exit_code(self) -> int:
        """1 if a row was rejected, else 0."""
        return 1 if self.rejected else 0

    def __str__(self) -> str:
        lines = [self._title(), *self._numbers(), *self._notes()]
        return "\n".join(map(_print_safely, lines))

    def _title(self) -> str:
        if self.written:
            return f"{self.importer} from {self.path}"
        reason = "dry run" if self.dry_run else "all or nothing, and rows were rejected"
        return f"{self.importer} from {self.path}: nothing was written ({reason})"

    def _numbers(self) -> list[str]:
        names = ["read", "inserted", "updated", "unchanged", "superseded", "rejected"]
        shown = [name for name in names if name != "superseded" or self.superseded]
        lines = [f"  {name:<10} {getattr(self, name):>11,}" for name in shown]
        lines += [f"  {'created':<10} {n:>11,} {table}" for table, n in self.created.items() if n]
        lines += [f"  {'changed':<10} {n:>11,} {table}" for table, n in self.changed.items() if n]
        return lines

    def _notes(self) -> list[str]:
        lines = []
        if self.ignored:
            lines.append(f"  columns not used: {', '.join(self.ignored)}")
        if self.superseded:
            pairs = ", ".join(f"{line} by {later}" for line, later in self.first_superseded)
            more = ", …" if self.superseded > len(self.first_superseded) else ""
            lines.append(f"  superseded by a later row with the same key: line {pairs}{more}")
        if self.lost_characters:
            shown = ", ".join(map(str, self.first_lost_characters))
            more = ", …" if self.lost_characters > len(self.first_lost_characters) else ""
            lines.append(
                f"  warning: a character was lost before the import (U+FFFD): line {shown}{more}"
            )
        lines += [f"  rejected as {code}: {n:,}" for code, n in self.rejected_by_code.items()]
        lines += [f"    line {r.line}: {r.code}: {r.reason}" for r in self.first_rejections]
        if self.rejected > MAX_SHOWN_LINES:
            lines.append(f"    … and {self.rejected - MAX_SHOWN_LINES:,} more")
        if self.warnings:
            lines.append(f"  warnings: {self.warnings:,}")
        lines += [f"    line {w.line}: {w.code}: {w.reason}" for w in self.first_warnings]
        if self.warnings > MAX_SHOWN_LINES:
            lines.append(f"    … and {self.warnings - MAX_SHOWN_LINES:,} more")
        return lines


def _print_safely(line: str) -> str:
    """Escape unprintable characters of a line.

    A file must not send control sequences to the terminal.
    """
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in line)
