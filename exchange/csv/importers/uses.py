"""The importer of uses of cacao batches in products or other batches."""

from exchange.csv import cells
from exchange.csv.importers.declaration import Field, Importer, RowCheck
from exchange.csv.importers.shared import (
    PRODUCT_REFERENCE,
    fields_of_supplier,
    no_other_row_provides,
    refer_to_batch,
    refer_to_supplier,
)
from exchange.csv.rejections import Code

USE_IMPORTER = Importer(
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
        PRODUCT_REFERENCE,
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
            "'quantity_kg is empty: a use in another batch needs it'",
        ),
        RowCheck(
            Code.OVERDRAWN,
            "s.quantity_kg > (select t.quantity from cacao_batches t"
            " where t.cacao_batch_id = s.cacao_batch_id)",
            "s.quantity_kg || ' kg exceed the quantity of cacao batch ' || s.cacao_batch_id",
        ),
    ),
    clearable=("quantity_kg",),
)
