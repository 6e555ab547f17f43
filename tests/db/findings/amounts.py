"""SQL that breaks the rules about amounts, and SQL just within them."""

from tests.db.findings.sound import Sample

MATTER = [
    Sample(
        "overdraw",
        "insert into losses (cacao_batch_id, quantity_kg, reason) values (4, 0.001, 'spillage')",
        "holds 1000.000 kg; its uses and losses add up to 1000.001 kg",
        {
            "heldKg": "1000.000",
            "givenToProductsKg": "1000.000",
            "givenToLotsKg": "0.000",
            "lostKg": "0.001",
        },
        {"cacao_batch_id": 4, "supplier_id": 3},
        "insert into losses (cacao_batch_id, quantity_kg, reason) values"
        " (4, 0.001, 'spillage'), (4, -0.001, 'correction')",
    ),
    Sample(
        "yield_too_high",
        "update cacao_batch_input set quantity_kg = 399.999 where input_batch_id = 2",
        "gave 820.000 kg; its inputs of 999.999 kg yield 819.999 kg",
        {
            "gaveKg": "820.000",
            "yieldKg": "819.999",
            "inputsKg": "999.999",
            "heldKg": "820.000",
            "factor": "0.82000",
        },
        {"cacao_batch_id": 3, "supplier_id": 3},
        "update cacao_batch_input set quantity_kg = 400.001 where input_batch_id = 2",
    ),
]
