"""The columns in which an empty cell erases the stored value.

In other columns an empty cell keeps the value.
"""

from collections.abc import Collection

from exchange.csv.columns.plan import Columns, normalize_header
from exchange.csv.errors import BadOptions


def plan_cleared(columns: Columns, clear: Collection[str]) -> frozenset[str]:
    """Return the columns of the fields in `clear`.

    Raises BadOptions for a field that cannot be cleared.
    """
    importer = columns.importer
    fields = frozenset(columns.fields)
    provided = fields.union(
        each.column for each in importer.references if each.is_provided_by(fields)
    )
    cleared: set[str] = set()
    for text in clear:
        names = [f.name for f in importer.fields if normalize_header(text) in (f.name, *f.aliases)]
        name = names[0] if names else text
        # A reference is cleared by its own field, or by a field of one of its natural keys.
        references = [
            each.column
            for each in importer.references
            if any(name in natural_key.fields for natural_key in each.natural_keys)
        ]
        column = references[0] if references else name
        if column not in importer.clearable:
            choices = ", ".join(importer.clearable) or "nothing"
            raise BadOptions(f"--clear {text}: fields of {importer.name} to clear: {choices}")
        if column not in provided:
            raise BadOptions(f"--clear {text}: no column and no constant provides it")
        cleared.add(column)
    return frozenset(cleared)
