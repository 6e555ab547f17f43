"""The check that a row in use keeps its identity.

The identity is the harvest or production date, the stage, the supplier and the manufacturer. A row is in use
if other rows refer to it. An unknown value may become known; a known value changes only with
--allow-identity-change.
"""

from collections.abc import Sequence

from exchange.csv.importers.declaration import RowCheck, Target
from exchange.csv.rejections import Code
from models import Base


def guard_identity(
    target: Target, columns: Sequence[str], cleared: frozenset[str]
) -> RowCheck | None:
    """Return a check of the guarded columns among `columns`; None if there are none."""
    guarded = [column for column in target.guarded if column in columns]
    if not guarded:
        return None
    changes = {column: _changes(column, column in cleared) for column in guarded}
    changed = f"from {target.table} t where t.{target.key} = s.target_id and ({' or '.join(changes.values())})"
    message = ", ".join(
        f"case when {condition} then '{column} ' || t.{column} || ' would become '"
        f" || {_spell(column)} end"
        for column, condition in changes.items()
    )
    noun = target.key.removesuffix("_id").replace("_", " ")
    return RowCheck(
        Code.IDENTITY_CHANGED,
        f"exists (select {changed} and ({_is_used(target)}))",
        f"(select concat_ws(', ', {message}) {changed}) || ' of {noun} ' || s.target_id"
        " || ', which is in use; --allow-identity-change permits the change'",
    )


def references_to(table: str) -> list[tuple[str, str]]:
    """Return the tables, with their columns, that refer to rows of `table`."""
    return sorted(
        (each.name, key.parent.name)
        for each in Base.metadata.tables.values()
        for key in each.foreign_keys
        if key.column.table.name == table
    )


def _is_used(target: Target) -> str:
    return " or ".join(
        f"exists (select from {table} u where u.{column} = t.{target.key})"
        for table, column in references_to(target.table)
    )


def _changes(column: str, cleared: bool) -> str:
    differs = f"s.{column} is distinct from t.{column}" if cleared else f"s.{column} <> t.{column}"
    if column != "manufacturer_id":
        return f"(t.{column} is not null and {differs})"
    # A manufacturer that is not stored yet is another one.
    new = "s.manufacturer_id is null and s.manufacturer_name is not null"
    return f"(t.{column} is not null and ({differs} or {new}))"


def _spell(column: str) -> str:
    if column == "manufacturer_id":
        return "coalesce(s.manufacturer_id::text, s.manufacturer_name, 'empty')"
    return f"coalesce(s.{column}::text, 'empty')"
