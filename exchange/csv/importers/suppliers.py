"""The importer of suppliers: key external_id, or name and location."""

from exchange.csv import cells
from exchange.csv.importers.declaration import Field, Importer, LateKey, Target
from exchange.csv.importers.shared import unless

SUPPLIER_IMPORTER = Importer(
    "suppliers",
    (
        Field("name", cells.INDEXED_NAME, required=True),
        Field("location", cells.NAME_CELL, required=True),
        Field("contact_person", cells.TEXT),
        Field("country", cells.COUNTRY),
        Field("external_id", cells.IDENTIFIER),
    ),
    Target(
        "suppliers",
        "supplier_id",
        ("name", "location", "contact_person", "country", "external_id"),
        (
            "t.external_id = s.external_id",
            (
                "s.external_id is null and t.external_id is null"
                " and t.name = s.name and t.location = s.location"
            ),
        ),
        ("s.external_id", *unless("external_id", ("name", "location"))),
        late_key=LateKey(
            "external_id",
            "t.name = s.name and t.location = s.location",
            ("s.name", "s.location"),
        ),
    ),
    clearable=("contact_person", "country"),
)
