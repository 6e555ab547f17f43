"""The help on fields, for `import --help` and `import KIND --help`."""

from exchange.csv import cells
from exchange.csv.cells import CellType
from exchange.csv.importers.declaration import Field, Importer
from models import STAGES

_DESCRIPTIONS: dict[CellType, str] = {
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


def describe_fields(importer: Importer) -> str:
    """Describe the fields of an importer, one a line, and its references."""
    width = max(len(field.name) for field in importer.fields)
    lines = [f"fields of {importer.name}:"]
    lines += [f"  {field.name:<{width}}  {_describe(field)}" for field in importer.fields]
    for choice in importer.choices:
        keys = " or ".join(str(importer.reference(noun)) for noun in choice)
        lines.append(f"  a row names exactly one {' or '.join(choice)}, by {keys}")
    return "\n".join(lines)


def _describe(field: Field) -> str:
    parts = [_DESCRIPTIONS.get(field.type, "text")]
    if field.required:
        parts.append("required")
    if field.aliases:
        parts.append(f"also named {', '.join(field.aliases)}")
    return "; ".join(parts)
