"""The importer of events: key event_id, or all values."""

from exchange.csv import cells
from exchange.csv.importers.declaration import (
    Field,
    Importer,
    NaturalKey,
    Reference,
    RowCheck,
    Target,
)
from exchange.csv.importers.shared import (
    PRODUCT_REFERENCE,
    fields_of_supplier,
    refer_to_batch,
    refer_to_supplier,
    unless,
)
from exchange.csv.rejections import Code

# An event that is already stored, not one of the same file.
_CORRECTED_EVENT = Reference(
    "corrected_event",
    "transactions",
    "transaction_id",
    "corrects",
    (NaturalKey(("corrects_event_id",), "t.event_id = s.corrects_event_id"),),
)

TRANSACTION_IMPORTER = Importer(
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
            # As text, to the digit: jsonb compares 1.0 and 1.00 as equal.
            *unless("event_id", ("details::text",)),
            *unless("event_id", ("corrects",)),
        ),
        append_only=True,
    ),
    (refer_to_supplier(), PRODUCT_REFERENCE, refer_to_batch("cacao_batch"), _CORRECTED_EVENT),
    (("product", "cacao_batch"),),
    (
        RowCheck(
            Code.MISSING,
            "(s.corrects is null) <> (s.correction_reason is null)",
            "'corrects and correction_reason must be given together'",
        ),
        RowCheck(
            Code.UNKNOWN,
            "exists (select from transactions t where t.transaction_id = s.corrects and"
            " (t.product_id, t.cacao_batch_id) is distinct from (s.product_id, s.cacao_batch_id))",
            "'transaction ' || s.corrects || ' is about another product or cacao batch'",
        ),
    ),
)
