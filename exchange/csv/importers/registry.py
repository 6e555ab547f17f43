"""The six kinds of row that can be imported, by the name they have on the command line."""

from exchange.csv import cells
from exchange.csv.importers.declaration import (
    CORRECTED,
    MANUFACTURER,
    PRODUCT,
    Field,
    Importer,
    LateKey,
    RowCheck,
    Target,
    fields_of,
    fields_of_supplier,
    no_other_row_provides,
    refer_to_batch,
    refer_to_supplier,
    unless,
)
from exchange.csv.refusals import Code

MANUFACTURERS = Importer(
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

SUPPLIERS = Importer(
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

_HELD = "(select t.{} from cacao_batches t where t.cacao_batch_id = s.target_id)"
_USED = (
    "(select round(coalesce(sum(u.quantity_kg), 0), 3) from cacao_batch_draws u"
    " where u.cacao_batch_id = s.target_id)"
)

CACAO_BATCHES = Importer(
    "cacao-batches",
    (
        *fields_of_supplier(),
        Field("lot_number", cells.IDENTIFIER, required=True),
        Field("quantity", cells.KILOGRAMS, required=True, aliases=("quantity_kg",)),
        *fields_of(cells.DAY, "harvest_date", "production_date"),
        Field("certification", cells.SCHEME),
        Field("stage", cells.STAGE_CELL),
    ),
    Target(
        "cacao_batches",
        "cacao_batch_id",
        (
            "supplier_id",
            "harvest_date",
            "quantity",
            "certification",
            "stage",
            "lot_number",
            "production_date",
        ),
        ("t.supplier_id = s.supplier_id and t.lot_number = s.lot_number",),
        ("s.supplier_id", "s.lot_number"),
        defaults=(("stage", "'beans'"),),
        guarded=("supplier_id", "stage", "harvest_date", "production_date"),
    ),
    (refer_to_supplier(),),
    (("supplier",),),
    (
        RowCheck(
            Code.MISSING,
            f"coalesce(s.stage, {_HELD.format('stage')}, 'beans') = 'beans' and s.harvest_date is null"
            " and (s.target_id is null or 'harvest_date' = any (%(cleared)s)"
            f" or {_HELD.format('harvest_date')} is null)"
            f" and {no_other_row_provides('harvest_date', ('supplier_id', 'lot_number'))}",
            "'harvest_date is empty: beans are harvested'",
        ),
        RowCheck(
            Code.OVERDRAWN,
            f"s.quantity < {_HELD.format('quantity')} and s.quantity < {_USED}",
            f"'quantity ' || s.quantity || ' kg is less than the ' || {_USED}"
            " || ' kg of this batch that are used'",
        ),
    ),
    clearable=("harvest_date", "certification", "production_date"),
)

_SAME_PRODUCT = (
    # A maker that is not there yet has no products: its rows match none.
    "t.name = s.name and (s.manufacturer_id is not null or s.manufacturer_name is null)"
    " and coalesce(t.manufacturer_id, 0) = coalesce(s.manufacturer_id, 0)"
    " and coalesce(t.batch_number, '') = coalesce(s.batch_number, '')"
    " and coalesce(t.cocoa_percent, -1) = coalesce(s.cocoa_percent, -1)"
)
_NEW_MAKER = tuple(
    f"case when s.manufacturer_id is null then s.{each} end"
    for each in ("manufacturer_name", "manufacturer_location")
)

_PRODUCTS = Importer(
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
            ("s.name", "s.cocoa_percent", "s.batch_number", "s.manufacturer_id", *_NEW_MAKER),
        ),
        guarded=("manufacturer_id", "production_date"),
    ),
    (MANUFACTURER,),
    clearable=("description", "manufacturer_id", "cocoa_percent", "production_date"),
)

_USES = Importer(
    "uses",
    (
        Field("cacao_batch_id", cells.ID),
        Field("lot_number", cells.IDENTIFIER),
        *fields_of_supplier(),
        Field("product_id", cells.ID),
        Field("gtin", cells.GTIN_CELL),
        Field("product_batch_number", cells.IDENTIFIER),
        Field("output_batch_id", cells.ID),
        Field("output_lot_number", cells.IDENTIFIER),
        *fields_of_supplier("output_"),
        Field("quantity_kg", cells.KILOGRAMS, aliases=("quantity",)),
    ),
    None,
    (
        refer_to_supplier(),
        refer_to_supplier("output_"),
        refer_to_batch("cacao_batch"),
        PRODUCT,
        refer_to_batch("output_batch", "output_"),
    ),
    (("cacao_batch",), ("product", "output_batch")),
    (
        RowCheck(
            Code.SELF_USE,
            "s.cacao_batch_id = s.output_batch_id",
            "'cacao batch ' || s.cacao_batch_id || ' cannot go into itself'",
        ),
        RowCheck(
            Code.MISSING,
            "s.output_batch_id is not null and s.quantity_kg is null"
            " and (s.old_kg is null or 'quantity_kg' = any (%(cleared)s))"
            f" and {no_other_row_provides('quantity_kg', ('output_batch_id', 'cacao_batch_id'))}",
            "'quantity_kg is empty: a use in another batch has its kg'",
        ),
        RowCheck(
            Code.OVERDRAWN,
            "s.quantity_kg > (select t.quantity from cacao_batches t"
            " where t.cacao_batch_id = s.cacao_batch_id)",
            "s.quantity_kg || ' kg are more than all of cacao batch ' || s.cacao_batch_id",
        ),
    ),
    clearable=("quantity_kg",),
)

TRANSACTIONS = Importer(
    "transactions",
    (
        Field("product_id", cells.ID),
        Field("gtin", cells.GTIN_CELL),
        Field("product_batch_number", cells.IDENTIFIER),
        Field("cacao_batch_id", cells.ID),
        Field("lot_number", cells.IDENTIFIER),
        *fields_of_supplier(),
        Field("timestamp", cells.INSTANT, required=True),
        Field("event", cells.INDEXED_NAME, required=True),
        Field("details", cells.JSON_CELL),
        Field("event_id", cells.IDENTIFIER),
        Field("corrects", cells.ID),
        Field("corrects_event_id", cells.IDENTIFIER),
        Field("correction_reason", cells.TEXT),
    ),
    Target(
        "transactions",
        "transaction_id",
        (
            *("product_id", "cacao_batch_id", "timestamp", "event", "details", "event_id"),
            *("corrects", "correction_reason"),
        ),
        (
            "t.event_id = s.event_id",
            (
                's.event_id is null and t.event_id is null and t."timestamp" = s."timestamp"'
                " and t.event = s.event and coalesce(t.details::text, '') = coalesce(s.details::text, '')"
                " and coalesce(t.product_id, 0) = coalesce(s.product_id, 0)"
                " and coalesce(t.cacao_batch_id, 0) = coalesce(s.cacao_batch_id, 0)"
                " and coalesce(t.corrects, 0) = coalesce(s.corrects, 0)"
            ),
        ),
        (
            "s.event_id",
            *unless("event_id", ("product_id", "cacao_batch_id", "timestamp", "event")),
            # To the digit, as above: jsonb holds 1.0 and 1.00 for equal.
            *unless("event_id", ("details::text",)),
            *unless("event_id", ("corrects",)),
        ),
        append_only=True,
    ),
    (refer_to_supplier(), PRODUCT, refer_to_batch("cacao_batch"), CORRECTED),
    (("product", "cacao_batch"),),
    (
        RowCheck(
            Code.MISSING,
            "(s.corrects is null) <> (s.correction_reason is null)",
            "'corrects and correction_reason need each other'",
        ),
        RowCheck(
            Code.UNKNOWN,
            "exists (select from transactions t where t.transaction_id = s.corrects and"
            " (t.product_id, t.cacao_batch_id) is distinct from (s.product_id, s.cacao_batch_id))",
            "'transaction ' || s.corrects || ' happened to something else'",
        ),
    ),
)

IMPORTERS = {
    kind.name: kind
    for kind in (MANUFACTURERS, SUPPLIERS, CACAO_BATCHES, _PRODUCTS, _USES, TRANSACTIONS)
}
