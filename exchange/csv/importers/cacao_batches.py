"""The importer of cacao batches: key supplier and lot number."""

from exchange.csv import cells
from exchange.csv.importers.declaration import Field, Importer, RowCheck, Target
from exchange.csv.importers.shared import (
    fields_of,
    fields_of_supplier,
    no_other_row_provides,
    refer_to_supplier,
)
from exchange.csv.rejections import Code

_STORED = "(select t.{} from cacao_batches t where t.cacao_batch_id = s.target_id)"
_USED = (
    "(select round(coalesce(sum(u.quantity_kg), 0), 3) from cacao_batch_draws u"
    " where u.cacao_batch_id = s.target_id)"
)

CACAO_BATCH_IMPORTER = Importer(
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
            f"coalesce(s.stage, {_STORED.format('stage')}, 'beans') = 'beans' and s.harvest_date is null"
            " and (s.target_id is null or 'harvest_date' = any (%(cleared)s)"
            f" or {_STORED.format('harvest_date')} is null)"
            f" and {no_other_row_provides('harvest_date', ('supplier_id', 'lot_number'))}",
            "'harvest_date is empty: beans need a harvest date'",
        ),
        RowCheck(
            Code.OVERDRAWN,
            f"s.quantity < {_STORED.format('quantity')} and s.quantity < {_USED}",
            f"'quantity ' || s.quantity || ' kg is less than the ' || {_USED}"
            " || ' kg of this batch that are already used'",
        ),
    ),
    clearable=("harvest_date", "certification", "production_date"),
)
