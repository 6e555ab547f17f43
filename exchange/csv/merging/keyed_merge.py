"""The merge of rows that land in one table under a natural key: insert, update, or leave alone.

Of several rows with one key the last wins, so that a second run of the file changes nothing; of
events, which never change, the first. An empty cell leaves what is known, of the table and of
earlier rows of the file, unless its column is to be cleared.
"""

from exchange.csv.importers.declaration import Target
from exchange.csv.merging.dry_run import NEXT_NUMBER, number_of
from exchange.csv.merging.identity import guard_identity
from exchange.csv.merging.late_keys import adopt_late_keys
from exchange.csv.merging.manufacturer_rows import ensure_manufacturers
from exchange.csv.merging.merge import MergeCounts
from exchange.csv.merging.table_statistics import cut_lines, refresh_statistics
from exchange.csv.refusals import Code
from exchange.csv.staging.table import LIVE, StagingTable


class KeyedMerge:
    """Staged rows into `target.table`; `written` are its columns that the file gives."""

    def __init__(
        self,
        staging: StagingTable,
        target: Target,
        given: frozenset[str],
        *,
        allow_identity_change: bool = False,
        dry_run: bool = False,
    ) -> None:
        self.staging = staging
        self.target = target
        self.dry_run = dry_run
        self.names_manufacturers = "manufacturer_name" in given
        self.columns = tuple(column for column in target.columns if column in given)
        self._guard = (
            None if allow_identity_change else guard_identity(target, self.columns, staging.cleared)
        )
        self._defaults = dict(target.defaults)
        held = ", ".join(map(_held, self.columns))
        staged = ", ".join(map(self._update_value, self.columns))
        self._differs = f"row({held}) is distinct from row({staged})"

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
            self._refuse_changed(f"{table} t where t.{key} = s.target_id", "'is recorded already'")
        if self._guard:
            self.staging.refuse_where(self._guard.code, self._guard.condition, self._guard.reason)

    def supersede(self) -> None:
        winner = "min" if self.target.append_only else "max"
        # Rows about one row of the table have one key, even where they give it in part.
        keys = ["s.target_id"]
        keys += [f"case when s.target_id is null then {each} end" for each in self.target.identity]
        self.staging.cursor.execute(
            "update import_rows set superseded_by = null where superseded_by is not null"
        )
        self.staging.cursor.execute(
            "update import_rows s set superseded_by = w.winner from (select s.line, "
            f"{winner}(s.line) over (partition by {', '.join(keys)}) as winner"
            " from import_rows s where s.code is null) w"
            " where w.line = s.line and w.winner <> w.line"
        )
        if self.staging.cursor.rowcount and not self.target.append_only:
            self.staging.fill_winners(self.columns)

    def settle(self) -> int:
        if self.target.append_only:
            self._refuse_changed(
                "import_rows t where t.line = s.superseded_by",
                "'stands on line ' || s.superseded_by",
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
            self.staging.step("writing", high)
        return MergeCounts(inserted, updated, created, changed)

    def differs(self) -> str:
        return self._differs

    def difference(self) -> str:
        return f"concat_ws('; ', {', '.join(map(self._tell_difference, self.columns))})"

    def _refuse_changed(self, earlier: str, where: str) -> None:
        self.staging.refuse_where(
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
        return f'coalesce(s."{column}", {_held(column)})'

    def _insert_value(self, column: str) -> str:
        default = self._defaults.get(column)
        return f'coalesce(s."{column}", {default})' if default else f's."{column}"'

    def _tell_difference(self, column: str) -> str:
        return (
            f"case when {_held(column)} is distinct from {self._update_value(column)}"
            f" then '{column} ' || {_shown('s', column)} || ' here, ' || {_shown('t', column)}"
            " || ' there' end"
        )


def _held(column: str) -> str:
    return f't."{column}"'


def _shown(row: str, column: str) -> str:
    return f"coalesce(quote_literal(left({row}.\"{column}\"::text, 100)), 'empty')"
