"""What the fields of a kind are, for `import --help` and `import KIND --help`."""

from exchange.csv import cells
from exchange.csv.cells import CellType
from exchange.csv.importers.declaration import Field, Importer
from models import STAGES

_WORDS: dict[CellType, str] = {
    cells.ID: "number of a row",
    cells.GTIN_CELL: "GTIN-8, -12, -13 or -14",
    cells.DAY: "day, YYYY-MM-DD",
    cells.INSTANT: "ISO 8601 date and time; UTC without an offset",
    cells.KILOGRAMS: "kilograms, at most 3 decimals",
    cells.PERCENT: "0 to 100, at most 1 decimal",
    cells.COUNTRY: "ISO 3166-1 alpha-2 code",
    cells.STAGE_CELL: f"one of {', '.join(STAGES)}",
    cells.JSON_CELL: "JSON",
}


def describe_fields(kind: Importer) -> str:
    """The fields of a kind, one a line, and what its rows must name."""
    width = max(len(field.name) for field in kind.fields)
    lines = [f"fields of {kind.name}:"]
    lines += [f"  {field.name:<{width}}  {_describe(field)}" for field in kind.fields]
    for choice in kind.choices:
        keys = " or ".join(str(kind.reference(noun)) for noun in choice)
        lines.append(f"  a row names exactly one {' or '.join(choice)}, by {keys}")
    return "\n".join(lines)


def _describe(field: Field) -> str:
    parts = [_WORDS.get(field.type, "text")]
    if field.required:
        parts.append("required")
    if field.aliases:
        parts.append(f"also named {', '.join(field.aliases)}")
    return "; ".join(parts)
