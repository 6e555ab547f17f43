"""The columns that a caller lets an empty cell erase; elsewhere an empty cell says nothing."""

from collections.abc import Collection

from exchange.csv.columns.plan import Columns, fold
from exchange.csv.errors import BadOptions


def plan_cleared(columns: Columns, clear: Collection[str]) -> frozenset[str]:
    """The columns of the fields in `clear`; raises BadOptions for one that cannot be cleared."""
    kind = columns.kind
    given = set(columns.fields)
    given.update(each.column for each in kind.references if each.is_provided_by(frozenset(given)))
    cleared: set[str] = set()
    for text in clear:
        names = [f.name for f in kind.fields if fold(text) in (f.name, *f.aliases)]
        name = names[0] if names else text
        # A reference is cleared by its own name, or by those that stand for it.
        natural_keys = [
            r.column
            for r in kind.references
            if any(name in natural_key.fields for natural_key in r.natural_keys)
        ]
        column = natural_keys[0] if natural_keys else name
        if column not in kind.clearable:
            choices = ", ".join(kind.clearable) or "nothing"
            raise BadOptions(f"--clear {text}: of {kind.name}, {choices} can be cleared")
        if column not in given:
            raise BadOptions(f"--clear {text}: no column and no constant gives it")
        cleared.add(column)
    return frozenset(cleared)
