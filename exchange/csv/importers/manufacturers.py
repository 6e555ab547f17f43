"""The importer of manufacturers: key name and location."""

from exchange.csv import cells
from exchange.csv.importers.declaration import Field, Importer, Target

MANUFACTURER_IMPORTER = Importer(
    "manufacturers",
    (
        Field("name", cells.INDEXED_NAME, required=True),
        Field("location", cells.NAME_CELL, required=True),
        Field("country", cells.COUNTRY),
    ),
    Target(
        "manufacturers",
        "manufacturer_id",
        ("name", "location", "country"),
        ("t.name = s.name and t.location = s.location",),
        ("s.name", "s.location"),
    ),
    clearable=("country",),
)
