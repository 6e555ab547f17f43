"""The importer of products.

The key is GTIN and batch number, or else name, manufacturer, batch number and cocoa percentage.
"""

from exchange.csv import cells
from exchange.csv.importers.declaration import (
    Field,
    Importer,
    LateKey,
    NaturalKey,
    Reference,
    Target,
)
from exchange.csv.importers.shared import unless

_MANUFACTURER = Reference(
    "manufacturer",
    "manufacturers",
    "manufacturer_id",
    "manufacturer_id",
    (
        NaturalKey(
            ("manufacturer_name", "manufacturer_location"),
            "t.name = s.manufacturer_name and t.location = s.manufacturer_location",
        ),
    ),
    creates=True,
)

_SAME_PRODUCT = (
    # A manufacturer that is not stored yet has no products, so its rows match none.
    "t.name = s.name and (s.manufacturer_id is not null or s.manufacturer_name is null)"
    " and coalesce(t.manufacturer_id, 0) = coalesce(s.manufacturer_id, 0)"
    " and coalesce(t.batch_number, '') = coalesce(s.batch_number, '')"
    " and coalesce(t.cocoa_percent, -1) = coalesce(s.cocoa_percent, -1)"
)
_NEW_MANUFACTURER = tuple(
    f"case when s.manufacturer_id is null then s.{each} end"
    for each in ("manufacturer_name", "manufacturer_location")
)

PRODUCT_IMPORTER = Importer(
    "products",
    (
        Field("name", cells.INDEXED_NAME, required=True),
        Field("description", cells.TEXT),
        Field("manufacturer_id", cells.ID),
        Field("manufacturer_name", cells.INDEXED_NAME),
        Field("manufacturer_location", cells.NAME_CELL),
        Field("manufacturer_country", cells.COUNTRY),
        Field("batch_number", cells.IDENTIFIER),
        Field("gtin", cells.GTIN_CELL),
        Field("cocoa_percent", cells.PERCENT),
        Field("production_date", cells.DAY),
    ),
    Target(
        "products",
        "product_id",
        (
            "name",
            "description",
            "manufacturer_id",
            "batch_number",
            "gtin",
            "cocoa_percent",
            "production_date",
        ),
        (
            "t.gtin = s.gtin and coalesce(t.batch_number, '') = coalesce(s.batch_number, '')",
            f"s.gtin is null and t.gtin is null and {_SAME_PRODUCT}",
        ),
        (
            "s.gtin",
            "s.batch_number",
            *unless("gtin", ("name", "cocoa_percent", "manufacturer_id")),
            "case when s.gtin is null and s.manufacturer_id is null then s.manufacturer_name end",
            "case when s.gtin is null and s.manufacturer_id is null then s.manufacturer_location end",
        ),
        late_key=LateKey(
            "gtin",
            _SAME_PRODUCT,
            (
                "s.name",
                "s.cocoa_percent",
                "s.batch_number",
                "s.manufacturer_id",
                *_NEW_MANUFACTURER,
            ),
        ),
        guarded=("manufacturer_id", "production_date"),
    ),
    (_MANUFACTURER,),
    clearable=("description", "manufacturer_id", "cocoa_percent", "production_date"),
)
