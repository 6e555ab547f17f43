"""The merge of rows into one table by a natural key: insert, update, or no change.

Of several rows with one key the last counts, so that a second import of the file changes nothing; of
events, which never change, the first. An empty cell keeps the value of the stored row and of earlier rows of
the file, unless its column is cleared.
"""

from exchange.csv.importers.declaration import Target
from exchange.csv.merging.dry_run import NEXT_NUMBER, number_of
from exchange.csv.merging.identity import guard_identity
from exchange.csv.merging.late_keys import adopt_late_keys
from exchange.csv.merging.manufacturer_rows import ensure_manufacturers
from exchange.csv.merging.merge import MergeCounts
from exchange.csv.merging.table_statistics import cut_lines, refresh_statistics
from exchange.csv.rejections import Code
from exchange.csv.staging.superseding import fill_from_superseded, reset_superseded
from exchange.csv.staging.table import LIVE, StagingTable


class KeyedMerge:
    """Merges staged rows into `target.table`.

    `provided` are the columns that the file provides.
    """

    def __init__(
        self,
        staging: StagingTable,
        target: Target,
        provided: frozenset[str],
        *,
        allow_identity_change: bool = False,
        dry_run: bool = False,
    ) -> None:
        self.staging = staging
        self.target = target
        self.dry_run = dry_run
        self.names_manufacturers = "manufacturer_name" in provided
        self.columns = tuple(column for column in target.columns if column in provided)
        self._guard = (
            None if allow_identity_change else guard_identity(target, self.columns, staging.cleared)
        )
        self._defaults = dict(target.defaults)
        stored = ", ".join(map(_stored_value, self.columns))
        staged = ", ".join(map(self._update_value, self.columns))
        self._differs = f"row({stored}) is distinct from row({staged})"

    def find(self) -> None:
        table, key = self.target.table, self.target.key
        for match in self.target.matches:
            self.staging.cursor.execute(
                "update import_rows s set target_id = f.id from (select s.line, min(t."
                f"{key}) as id from import_rows s join {table} t on {match}"
                " where s.code is null group by s.line) f where f.line = s.line"
            )
        if self.target.late_key:
            adopt_late_keys(self.staging, self.target, self.target.late_key)
        if self.target.append_only:
            self._reject_changed_events(
                f"{table} t where t.{key} = s.target_id", "'is already recorded'"
            )
        if self._guard:
            self.staging.reject_where(self._guard.code, self._guard.condition, self._guard.reason)

    def supersede(self) -> None:
        winner = "min" if self.target.append_only else "max"
        # Rows that match one stored row have one key, even if they provide only a part of it.
        keys = ["s.target_id"]
        keys += [f"case when s.target_id is null then {each} end" for each in self.target.identity]
        reset_superseded(self.staging)
        self.staging.cursor.execute(
            "update import_rows s set superseded_by = w.winner from (select s.line, "
            f"{winner}(s.line) over (partition by {', '.join(keys)}) as winner"
            " from import_rows s where s.code is null) w"
            " where w.line = s.line and w.winner <> w.line"
        )
        if self.staging.cursor.rowcount and not self.target.append_only:
            fill_from_superseded(self.staging, self.columns)

    def reject_conflicts(self) -> int:
        if self.target.append_only:
            self._reject_changed_events(
                "import_rows t where t.line = s.superseded_by",
                "'is on line ' || s.superseded_by",
            )
        return 0

    def write(self, first: int, last: int) -> MergeCounts:
        created, changed = (0, 0)
        if self.names_manufacturers:
            created, changed = ensure_manufacturers(
                self.staging.cursor, first, last, NEXT_NUMBER if self.dry_run else None
            )
        lines = {"first": first, "last": last}
        updated = 0 if self.target.append_only else self._update(lines)
        inserted = 0
        for low, high in cut_lines(first, last):
            inserted += self._insert({"first": low, "last": high})
            refresh_statistics(self.staging.cursor, (self.target.table,))
            self.staging.report_step("writing", high)
        return MergeCounts(inserted, updated, created, changed)

    def differs(self) -> str:
        return self._differs

    def difference(self) -> str:
        return f"concat_ws('; ', {', '.join(map(self._describe_difference, self.columns))})"

    def _reject_changed_events(self, earlier: str, where: str) -> None:
        self.staging.reject_where(
            Code.EVENT_CHANGED,
            f"exists (select from {earlier} and {self._differs})",
            f"'event_id ' || s.event_id || ' ' || {where}"
            " || ' with other values: record a correcting event'",
        )

    def _update(self, lines: dict[str, int]) -> int:
        assignments = ", ".join(
            f'"{column}" = {self._update_value(column)}' for column in self.columns
        )
        self.staging.cursor.execute(
            f"update {self.target.table} t set {assignments} from import_rows s where {LIVE}"
            f" and s.target_id = t.{self.target.key} and s.line between %(first)s and %(last)s"
            f" and {self._differs}",
            lines,
        )
        return self.staging.cursor.rowcount

    def _insert(self, lines: dict[str, int]) -> int:
        columns = {column: self._insert_value(column) for column in self.columns}
        if self.dry_run:
            columns[self.target.key] = number_of(self.target)
        names = ", ".join(f'"{column}"' for column in columns)
        values = ", ".join(columns.values())
        self.staging.cursor.execute(
            f"insert into {self.target.table} ({names}) select {values} from import_rows s"
            f" where {LIVE} and s.target_id is null"
            " and s.line between %(first)s and %(last)s order by s.line",
            lines,
        )
        return self.staging.cursor.rowcount

    def _update_value(self, column: str) -> str:
        if column in self.staging.cleared:
            return f's."{column}"'
        return f'coalesce(s."{column}", {_stored_value(column)})'

    def _insert_value(self, column: str) -> str:
        default = self._defaults.get(column)
        return f'coalesce(s."{column}", {default})' if default else f's."{column}"'

    def _describe_difference(self, column: str) -> str:
        return (
            f"case when {_stored_value(column)} is distinct from {self._update_value(column)}"
            f" then '{column} ' || {_quoted('s', column)} || ' here, ' || {_quoted('t', column)}"
            " || ' there' end"
        )


def _stored_value(column: str) -> str:
    return f't."{column}"'


def _quoted(row: str, column: str) -> str:
    return f"coalesce(quote_literal(left({row}.\"{column}\"::text, 100)), 'empty')"
