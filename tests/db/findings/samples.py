"""For every rule: SQL that breaks it in the sound world, and SQL just within it."""

from tests.db.findings.amounts import MATTER
from tests.db.findings.gaps import EVENT, GAPS
from tests.db.findings.sound import Sample

HELD = (
    "insert into holds (cacao_batch_id, reason, placed_at, released_at, release_reason) values {}"
)
EDGE_1_4 = {"product_id": 1, "input_batch_id": 4, "supplier_id": 3}
EVENT_3 = {"transaction_id": 3, "cacao_batch_id": 3, "supplier_id": 3}


def event(lot: str, details: str, name: str = "weighed", product: str = "null") -> str:
    later = "'2026-04-01 00:00Z'"
    return EVENT.format(f"{product}, {lot}, {later}, '{name}', '{details}', {later}")


def mismatch(stated: str, recorded: str | None, of: str = "edge", **more: int) -> dict[str, object]:
    known = {} if recorded is None else {"recordedKg": recorded}
    return {"event": "weighed", "statedKg": stated, "of": of, **known, **more}


TIMING = [
    Sample(
        "event_too_early",
        EVENT.format("null, 1, '2025-09-30 09:59:59.999Z', 'weighed', null, '2025-10-02 00:00Z'"),
        "event weighed on 2025-09-30, harvested only on 2025-10-01",
        {
            "event": "weighed",
            "timestamp": "2025-09-30T09:59:59.999+00:00",
            "harvestDate": "2025-10-01",
        },
        {"transaction_id": 3, "cacao_batch_id": 1, "supplier_id": 1},
        # The first of October begins at ten in the morning UTC on Kiritimati.
        EVENT.format("null, 1, '2025-09-30 10:00Z', 'weighed', null, '2025-10-02 00:00Z'"),
    ),
    Sample(
        "event_too_early",
        EVENT.format("1, null, '2026-02-28 09:59Z', 'shipped', null, '2026-03-01 00:00Z'"),
        "event shipped on 2026-02-28, produced only on 2026-03-01",
        {
            "event": "shipped",
            "timestamp": "2026-02-28T09:59:00+00:00",
            "productionDate": "2026-03-01",
        },
        {"transaction_id": 3, "product_id": 1},
        EVENT.format("1, null, '2026-02-28 10:00Z', 'shipped', null, '2026-03-01 00:00Z'"),
    ),
    Sample(
        "event_in_future",
        EVENT.format("1, null, '2026-04-01 00:00:02.5Z', 'sold', null, '2026-04-01 00:00Z'"),
        "event sold is dated 2.500 s after it was recorded",
        {
            "event": "sold",
            "timestamp": "2026-04-01T00:00:02.5+00:00",
            "recordTime": "2026-04-01T00:00:00+00:00",
        },
        {"transaction_id": 3, "product_id": 1},
        EVENT.format("1, null, '2026-04-01 00:00Z', 'sold', null, '2026-04-01 00:00Z'"),
    ),
    Sample(
        "produced_before_harvest",
        "alter table cacao_batches drop constraint cacao_batches_produced_after_harvest;"
        " update cacao_batches set production_date = '2025-09-30' where cacao_batch_id = 1",
        "produced on 2025-09-30, harvested only on 2025-10-01",
        {"productionDate": "2025-09-30", "harvestDate": "2025-10-01"},
        {"cacao_batch_id": 1, "supplier_id": 1},
        "update cacao_batches set production_date = '2025-10-01' where cacao_batch_id = 1",
    ),
    Sample(
        "made_before_input",
        "update cacao_batches set production_date = '2026-01-09' where cacao_batch_id = 4",
        "made on 2026-01-09 of cacao batch 3, which came to be only on 2026-01-10",
        {"madeOn": "2026-01-09", "inputMadeOn": "2026-01-10"},
        {"cacao_batch_id": 4, "input_batch_id": 3, "supplier_id": 3},
        "update cacao_batches set production_date = '2026-01-10' where cacao_batch_id = 4",
    ),
    Sample(
        "made_before_input",
        "update products set production_date = '2026-01-31' where product_id = 1",
        "made on 2026-01-31 of cacao batch 4, which came to be only on 2026-02-01",
        {"madeOn": "2026-01-31", "inputMadeOn": "2026-02-01"},
        EDGE_1_4,
        "update products set production_date = '2026-02-01' where product_id = 1",
    ),
    # A hold of what it was made of: of beans 1, in liquor 3, in couverture 4.
    Sample(
        "use_after_hold",
        HELD.format("(1, 'mould', '2026-02-15 00:00Z', '2026-03-02 18:00Z', 'clean')"),
        "cacao batch 4 was given on 2026-03-01 18:00:00+00, on hold since 2026-02-15 00:00:00+00: mould",
        {
            "recordTime": "2026-03-01T18:00:00+00:00",
            "placedAt": "2026-02-15T00:00:00+00:00",
            "releasedAt": "2026-03-02T18:00:00+00:00",
            "reason": "mould",
            "heldCacaoBatchId": 1,
        },
        {**EDGE_1_4, "hold_id": 1},
        HELD.format("(1, 'mould', '2026-03-02 18:00Z', null, null)"),
    ),
    Sample(
        "use_after_hold",
        HELD.format("(4, 'mould', '2026-03-01 18:00Z', null, null)"),
        "cacao batch 4 was given on 2026-03-02 18:00:00+00, on hold since 2026-03-01 18:00:00+00: mould",
        {
            "recordTime": "2026-03-02T18:00:00+00:00",
            "placedAt": "2026-03-01T18:00:00+00:00",
            "reason": "mould",
            "heldCacaoBatchId": 4,
        },
        {"product_id": 2, "input_batch_id": 4, "supplier_id": 3, "hold_id": 1},
        HELD.format("(4, 'mould', '2026-03-01 18:00Z', '2026-03-02 18:00Z', 'clean')"),
    ),
    # Lot 3 was in lot 4 when that was given, but not before the hold was released.
    Sample(
        "use_after_hold",
        HELD.format("(3, 'mould', '2026-01-31 00:00Z', '2026-02-01 18:00:01Z', 'clean')"),
        "cacao batch 3 was given on 2026-02-01 18:00:00+00, on hold since 2026-01-31 00:00:00+00: mould",
        {
            "recordTime": "2026-02-01T18:00:00+00:00",
            "placedAt": "2026-01-31T00:00:00+00:00",
            "releasedAt": "2026-02-01T18:00:01+00:00",
            "reason": "mould",
            "heldCacaoBatchId": 3,
        },
        {"cacao_batch_id": 4, "input_batch_id": 3, "supplier_id": 3, "hold_id": 1},
        HELD.format("(3, 'mould', '2026-01-31 00:00Z', '2026-02-01 18:00Z', 'clean')"),
    ),
]
CLAIMS = [
    Sample(
        "certificate_missing",
        "update cacao_batches set certification = 'Organic' where cacao_batch_id = 1",
        "claims Organic; its supplier has no certificate of that scheme",
        {"certification": "Organic", "day": "2025-10-01"},
        {"cacao_batch_id": 1, "supplier_id": 1},
        "update cacao_batches set certification = 'Organic' where cacao_batch_id = 1;"
        " insert into certificates (supplier_id, scheme, number, valid_from, valid_to)"
        " values (1, 'Organic', 'O1', '2025-10-01', '2025-10-01')",
    ),
    Sample(
        "certificate_expired",
        "update certificates set valid_to = '2025-09-30'",
        "claims Fairtrade on 2025-10-01; certificate F1 is valid from 2025-01-01 to 2025-09-30",
        {
            "certification": "Fairtrade",
            "day": "2025-10-01",
            "number": "F1",
            "validFrom": "2025-01-01",
            "validTo": "2025-09-30",
        },
        {"cacao_batch_id": 1, "supplier_id": 1, "certificate_id": 1},
        "update certificates set valid_to = '2025-10-01'",
    ),
    # Of several, the nearest is told: it begins the day after.
    Sample(
        "certificate_expired",
        "update certificates set valid_to = '2025-01-02';"
        " insert into certificates (supplier_id, scheme, number, valid_from, valid_to)"
        " values (1, 'Fairtrade', 'F2', '2025-10-02', '2026-10-01')",
        "claims Fairtrade on 2025-10-01; certificate F2 is valid from 2025-10-02 to 2026-10-01",
        {
            "certification": "Fairtrade",
            "day": "2025-10-01",
            "number": "F2",
            "validFrom": "2025-10-02",
            "validTo": "2026-10-01",
        },
        {"cacao_batch_id": 1, "supplier_id": 1, "certificate_id": 2},
        "update certificates set valid_from = '2025-10-01'",
    ),
    Sample(
        "custody_too_strong",
        "update cacao_batches set custody = 'identity_preserved' where cacao_batch_id = 4",
        "is identity_preserved, made of cacao batch 3, which is segregated",
        {"custody": "identity_preserved", "inputCustody": "segregated"},
        {"cacao_batch_id": 4, "input_batch_id": 3, "supplier_id": 3},
        "update cacao_batches set custody = 'mass_balance' where cacao_batch_id = 4",
    ),
    Sample(
        "custody_too_strong",
        "update cacao_batches set custody = null where cacao_batch_id = 3",
        "is segregated, made of cacao batch 3, which is of unknown custody",
        {"custody": "segregated"},
        {"cacao_batch_id": 4, "input_batch_id": 3, "supplier_id": 3},
        "update cacao_batches set custody = null where cacao_batch_id in (3, 4)",
    ),
    Sample(
        "custody_mixed",
        "update cacao_batches set custody = 'identity_preserved' where cacao_batch_id = 3",
        "is identity_preserved, made of lots of 2 suppliers",
        {"originSupplierIds": [1, 2]},
        {"cacao_batch_id": 3, "supplier_id": 3},
        "update cacao_batches set custody = 'identity_preserved' where cacao_batch_id = 3;"
        " update cacao_batches set supplier_id = 1 where cacao_batch_id = 2",
    ),
]
LINEAGE = [
    Sample(
        "lot_without_origin",
        "delete from cacao_batch_plot where cacao_batch_id = 2",
        "holds 1000.000 kg of beans that come from no plot and no lot",
        {"stage": "beans", "heldKg": "1000.000"},
        {"cacao_batch_id": 2, "supplier_id": 2},
        "delete from cacao_batch_plot where cacao_batch_id = 2;"
        " insert into cacao_batch_input values (2, 1, 400, '2026-01-01 00:00Z')",
    ),
    Sample(
        "product_without_batches",
        "insert into products (name) values ('Empty')",
        "was made of no lot that is recorded",
        {},
        {"product_id": 3},
        "insert into products (name) values ('Empty'); insert into product_cacao_batch values (3, 4, null)",
    ),
    Sample(
        "lineage_orphan",
        "insert into product_cacao_batch values (99, 4, null)",
        "edge from cacao batch 4 to product 99 (not there)",
        {"productId": 99, "inputCacaoBatchId": 4},
        {"product_id": 99, "input_batch_id": 4, "supplier_id": 3},
        "insert into products (product_id, name) values (99, 'There');"
        " insert into product_cacao_batch values (99, 4, null)",
    ),
    Sample(
        "lineage_orphan",
        "insert into cacao_batch_input values (4, 98, 1.5)",
        "edge from cacao batch 98 (not there) to cacao batch 4",
        {"outputCacaoBatchId": 4, "inputCacaoBatchId": 98, "quantityKg": "1.500"},
        {"cacao_batch_id": 4, "input_batch_id": 98, "supplier_id": 3},
        "insert into cacao_batch_input values (4, 1, 1.5)",
    ),
    Sample(
        "lineage_cycle",
        "insert into cacao_batch_input values (2, 3, 0.001, '2026-01-11 00:00Z')",
        "took 0.001 kg of cacao batch 3, which was made of it",
        {"quantityKg": "0.001", "recordTime": "2026-01-11T00:00:00+00:00"},
        {"cacao_batch_id": 2, "input_batch_id": 3, "supplier_id": 2},
        "insert into cacao_batch_input values (2, 1, 400, '2026-01-11 00:00Z')",
        also=("custody_too_strong", "made_before_input", "overdraw", "yield_too_high"),
    ),
]
RECORDS = [
    Sample(
        "quantity_mismatch",
        event("null", '{"cacao_batch_id": "4", "quantity_kg": 799.999}', product="1"),
        "event weighed states 799.999 kg, the edge has 800.000 kg",
        mismatch("799.999", "800.000", productId=1, inputCacaoBatchId=4),
        {"transaction_id": 3, "product_id": 1},
        event("null", '{"cacao_batch_id": "4", "quantity_kg": 799.9995}', product="1"),
    ),
    Sample(
        "quantity_mismatch",
        event("3", '{"productId": 2, "quantityKg": "321"}'),
        "event weighed states 321.000 kg, the edge has 320.000 kg",
        mismatch("321.000", "320.000", productId=2, inputCacaoBatchId=3),
        EVENT_3,
        event("3", '{"productId": 2, "quantityKg": "320.0"}'),
    ),
    Sample(
        "quantity_mismatch",
        event("3", '{"inputBatchId": 1, "quantityList": [{"quantity": 60, "uom": "KGM"}]}'),
        "event weighed states 60.000 kg, the edge has 600.000 kg",
        mismatch("60.000", "600.000", outputCacaoBatchId=3, inputCacaoBatchId=1),
        EVENT_3,
        # Pounds, or two of them, say nothing about the edge.
        event("3", '{"inputBatchId": 1, "quantityList": [{"quantity": 60, "uom": "LBR"}]}'),
    ),
    # As JavaScript writes a sum, and more than anybody ever weighed.
    Sample(
        "quantity_mismatch",
        event("3", '{"productId": 2, "quantityKg": 320.30000000000001136}'),
        "event weighed states 320.300 kg, the edge has 320.000 kg",
        mismatch("320.300", "320.000", productId=2, inputCacaoBatchId=3),
        EVENT_3,
        event("3", '{"productId": 2, "quantityKg": 320.00000000000001136}'),
    ),
    Sample(
        "quantity_mismatch",
        event("3", '{"productId": 2, "quantityKg": 3.2e14}'),
        "event weighed states 320000000000000.000 kg, the edge has 320.000 kg",
        mismatch("320000000000000.000", "320.000", productId=2, inputCacaoBatchId=3),
        EVENT_3,
        event("3", '{"productId": 2, "quantityKg": 3.2e2}'),
    ),
    # An edge that is not there.
    Sample(
        "quantity_mismatch",
        event("3", '{"output_batch_id": 2, "quantityKg": 5}'),
        "event weighed states 5.000 kg, the edge has no record",
        mismatch("5.000", None, outputCacaoBatchId=2, inputCacaoBatchId=3),
        EVENT_3,
        event("3", '{"output_batch_id": 4, "quantityKg": 500}'),
    ),
    Sample(
        "quantity_mismatch",
        "insert into losses (cacao_batch_id, quantity_kg, reason) values (1, 7, 'theft');"
        + event("1", '{"lossId": 1, "quantityKg": "8.000"}'),
        "event weighed states 8.000 kg, the loss has 7.000 kg",
        mismatch("8.000", "7.000", "loss", lossId=1),
        {"transaction_id": 3, "cacao_batch_id": 1, "supplier_id": 1},
        "insert into losses (cacao_batch_id, quantity_kg, reason) values (1, 7, 'theft');"
        + event("1", '{"lossId": 1, "quantityKg": "7.000"}'),
    ),
    # What came to be is the whole lot; what was shipped may be a part of it.
    Sample(
        "quantity_mismatch",
        event("3", '{"weight": {"net_kg": 819}}', "processed"),
        "event processed states 819.000 kg, the lot has 820.000 kg",
        {"event": "processed", "statedKg": "819.000", "recordedKg": "820.000", "of": "lot"},
        EVENT_3,
        event("3", '{"weight": {"net_kg": 819}}', "shipped"),
    ),
]
EVENT_2 = {"transaction_id": 2, "product_id": 1}
SAID = '{"cacaoBatchId": 4, "quantityKg": "800", "more": [1]}'
LEAF: dict[str, object] = {
    "transactionId": 2,
    "productId": 1,
    "timestamp": "2026-03-01T08:00:00.000000Z",
    "recordTime": "2026-03-01T08:00:00.000000Z",
    "event": "made",
}
LEDGER = [
    Sample(
        "ledger_mismatch",
        f"update transactions set recorded_by = 'mallory', details = '{SAID}' where transaction_id = 2",
        "differs from leaf 1 of the ledger in: details, recordedBy",
        {
            "sequence": 1,
            "changed": ["details", "recordedBy"],
            "leaf": {
                **LEAF,
                "recordedBy": "sql:postgres",
                "details": {"cacaoBatchId": 4, "quantityKg": "800"},
            },
            "event": {
                **LEAF,
                "recordedBy": "mallory",
                "details": {"cacaoBatchId": 4, "quantityKg": "800", "more": [1]},
            },
        },
        EVENT_2,
        # JSONB keeps how a number is written, and the leaf what it is.
        """update transactions set details = '{"cacaoBatchId": 4.0, "quantityKg": "800"}'
           where transaction_id = 2""",
    ),
    Sample(
        "ledger_mismatch",
        "delete from ledger_entries where transaction_id = 2",
        "is neither in the ledger nor on its way there",
        {},
        EVENT_2,
        "delete from ledger_entries where transaction_id = 2; insert into ledger_queue values (2)",
    ),
    Sample(
        "ledger_mismatch",
        r"update ledger_entries set leaf = 'x' where transaction_id = 2",
        "leaf 1 of the ledger is not what was hashed",
        {"sequence": 1},
        EVENT_2,
        r"update ledger_entries set salt = '\x00112233445566778899aabbccddee00'",
    ),
    Sample(
        "ledger_orphan",
        "delete from transactions where transaction_id = 2",
        "event 2 of leaf 1 is not there",
        {"sequence": 1, "transactionId": 2},
        {"transaction_id": 2},
        "delete from transactions where transaction_id = 2;"
        " delete from ledger_entries where transaction_id = 2",
    ),
]
SAMPLES = [*GAPS, *MATTER, *TIMING, *CLAIMS, *LINEAGE, *RECORDS, *LEDGER]
