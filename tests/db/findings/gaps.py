"""Values that columns of the first design may lack, and the findings about them."""

from tests.db.findings.sound import Sample

EVENT = """insert into transactions (product_id, cacao_batch_id, "timestamp", event, details, record_time)
  values ({}); insert into ledger_queue values (lastval())"""
GAPS = [
    Sample(
        "lot_without_supplier",
        "update cacao_batches set supplier_id = null where cacao_batch_id = 3",
        "820.000 kg of liquor name no supplier",
        {"stage": "liquor", "heldKg": "820.000"},
        {"cacao_batch_id": 3},
        "update cacao_batches set supplier_id = 2 where cacao_batch_id = 3",
    ),
    Sample(
        "supplier_without_location",
        "update suppliers set location = null where supplier_id = 2",
        "its supplier Other has no location",
        {"supplier": "Other"},
        {"cacao_batch_id": 2, "supplier_id": 2},
        "insert into suppliers (supplier_id, name) values (50, 'Of no lot')",
    ),
    Sample(
        "manufacturer_without_location",
        "insert into manufacturers (manufacturer_id, name) values (50, 'X');"
        " update products set manufacturer_id = 50 where product_id = 1",
        "its manufacturer X has no location",
        {"manufacturer": "X"},
        {"product_id": 1},
        "insert into manufacturers (manufacturer_id, name) values (50, 'Of no product')",
    ),
    Sample(
        "event_without_subject",
        EVENT.format("null, null, '2026-04-01 00:00Z', 'weighed', null, '2026-04-01 00:00Z'"),
        "event weighed names neither a product nor a lot",
        {"event": "weighed"},
        {"transaction_id": 3},
        EVENT.format("1, null, '2026-04-01 00:00Z', 'weighed', null, '2026-04-01 00:00Z'"),
    ),
    Sample(
        "custody_mixed",
        "update cacao_batches set custody = 'identity_preserved' where cacao_batch_id = 3;"
        " update cacao_batches set supplier_id = null where cacao_batch_id in (1, 2)",
        "is identity_preserved, made of lots of 2 suppliers",
        {},
        {"cacao_batch_id": 3, "supplier_id": 3},
        "update cacao_batches set custody = 'identity_preserved' where cacao_batch_id = 3;"
        " update cacao_batches set supplier_id = null where cacao_batch_id = 1;"
        " delete from cacao_batch_input where input_batch_id = 2",
        ("certificate_missing", "lot_without_supplier"),
    ),
]
