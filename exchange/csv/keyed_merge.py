"""The merge of rows that land in one table under a natural key: insert, update, or leave alone.

Of several rows with one key the last wins, so that a second run of the file changes nothing; of
events, which never change, the first.
"""

from exchange.csv.kinds import Target
from exchange.csv.makers import ensure_makers
from exchange.csv.merging import Written
from exchange.csv.refusals import Code
from exchange.csv.staging import LIVE, Staging


class KeyedMerge:
    """Staged rows into `target.table`; `written` are its columns that the file gives."""

    def __init__(self, staging: Staging, target: Target, given: frozenset[str]) -> None:
        self.staging = staging
        self.target = target
        self.names_makers = "manufacturer_name" in given
        self.columns = tuple(column for column in target.columns if column in given)
        self._defaults = dict(target.defaults)
        held = ", ".join(map(_held, self.columns))
        staged = ", ".join(self._value(column, _held(column)) for column in self.columns)
        self._differs = f"row({held}) is distinct from row({staged})"

    def find(self) -> None:
        table, key = self.target.table, self.target.key
        for match in self.target.matches:
            self.staging.cursor.execute(
                "update import_rows s set target_id = f.id from (select s.line, min(t."
                f"{key}) as id from import_rows s join {table} t on {match}"
                " where s.code is null group by s.line) f where f.line = s.line"
            )
        if self.target.append_only:
            self._refuse_changed(f"{table} t where t.{key} = s.target_id", "'is recorded already'")

    def supersede(self) -> None:
        winner = "min" if self.target.append_only else "max"
        self.staging.cursor.execute(
            "update import_rows set superseded_by = null where superseded_by is not null"
        )
        self.staging.cursor.execute(
            "update import_rows s set superseded_by = w.winner from (select s.line, "
            f"{winner}(s.line) over (partition by {', '.join(self.target.identity)}) as winner"
            " from import_rows s where s.code is null) w"
            " where w.line = s.line and w.winner <> w.line"
        )

    def settle(self) -> int:
        if self.target.append_only:
            self._refuse_changed(
                "import_rows t where t.line = s.superseded_by",
                "'stands on line ' || s.superseded_by",
            )
        return 0

    def write(self, first: int, last: int) -> Written:
        created, changed = (0, 0)
        if self.names_makers:
            created, changed = ensure_makers(self.staging.cursor, first, last)
        lines = {"first": first, "last": last}
        updated = 0 if self.target.append_only else self._update(lines)
        return Written(self._insert(lines), updated, created, changed)

    def differs(self) -> str:
        return self._differs

    def _refuse_changed(self, earlier: str, where: str) -> None:
        self.staging.refuse_where(
            Code.EVENT_CHANGED,
            f"exists (select from {earlier} and {self._differs})",
            f"'event_id ' || s.event_id || ' ' || {where}"
            " || ' with other values: record a correcting event'",
        )

    def _update(self, lines: dict[str, int]) -> int:
        assignments = ", ".join(
            f'"{column}" = {self._value(column, _held(column))}' for column in self.columns
        )
        self.staging.cursor.execute(
            f"update {self.target.table} t set {assignments} from import_rows s where {LIVE}"
            f" and s.target_id = t.{self.target.key} and s.line between %(first)s and %(last)s"
            f" and {self._differs}",
            lines,
        )
        return self.staging.cursor.rowcount

    def _insert(self, lines: dict[str, int]) -> int:
        names = ", ".join(f'"{column}"' for column in self.columns)
        values = ", ".join(self._value(c, self._defaults.get(c, "")) for c in self.columns)
        self.staging.cursor.execute(
            f"insert into {self.target.table} ({names}) select {values} from import_rows s"
            f" where {LIVE} and s.target_id is null"
            " and s.line between %(first)s and %(last)s order by s.line",
            lines,
        )
        return self.staging.cursor.rowcount

    def _value(self, column: str, otherwise: str) -> str:
        staged = f's."{column}"'
        return f"coalesce({staged}, {otherwise})" if column in self._defaults else staged


def _held(column: str) -> str:
    return f't."{column}"'
