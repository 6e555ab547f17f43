"""Losses, holds, custody, certificates and mass balance over HTTP: payloads, rows and errors."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from models.database.engines import Database
from tests.http.mutations.documents import CREATE_BATCH, USE
from tests.requests import ask, contents, global_id, rows, user_error, written

ERRORS = "userErrors { field message code }"
LOSE = f"""mutation ($input: RecordLossInput!) {{ recordLoss(input: $input) {{
  loss {{ lossId quantityKg reason timestamp note recordedBy }}
  cacaoBatch {{ losses {{ nodes {{ lossId }} }} transactions {{ nodes {{ event details }} }} }}
  {ERRORS} }} }}"""
HOLD = f"""mutation ($input: HoldBatchInput!) {{ holdBatch(input: $input) {{
  hold {{ holdId reason releasedAt products {{ nodes {{ productId onHold }} }}
    cacaoBatches {{ nodes {{ cacaoBatchId onHold }} }} }}
  cacaoBatch {{ cacaoBatchId onHold }} {ERRORS} }} }}"""
RELEASE = f"""mutation ($input: ReleaseBatchInput!) {{ releaseBatch(input: $input) {{
  cacaoBatch {{ onHold holds {{ nodes {{ reason releaseReason }} }} }} {ERRORS} }} }}"""
CUSTODY = f"""mutation ($input: CreateCacaoBatchInput!) {{ createCacaoBatch(input: $input) {{
  cacaoBatch {{ cacaoBatchId custody }} {ERRORS} }} }}"""
RESTATE = f"""mutation ($input: UpdateCacaoBatchInput!) {{ updateCacaoBatch(input: $input) {{
  cacaoBatch {{ custody }} {ERRORS} }} }}"""
CERTIFY = f"""mutation ($input: CreateCertificateInput!) {{ createCertificate(input: $input) {{
  certificate {{ certificateId scheme number validFrom validTo holder documentHash
    cacaoBatches {{ nodes {{ cacaoBatchId }} }} }} {ERRORS} }} }}"""
OPEN = f"""mutation ($input: OpenMassBalanceAccountInput!) {{ openMassBalanceAccount(input: $input) {{
  account {{ accountId scheme periodFrom periodTo balanceKg supplier {{ supplierId }}
    manufacturer {{ manufacturerId }} }} {ERRORS} }} }}"""
BOOK = f"""mutation ($input: RecordMassBalanceInput!) {{ recordMassBalance(input: $input) {{
  entry {{ entryId direction quantityKg cacaoBatch {{ cacaoBatchId }} }} account {{ balanceKg }}
  {ERRORS} }} }}"""


def refused(client: TestClient, database: Database, mutation: str, **given: Any) -> tuple[Any, str]:
    """Field and code of the only user error of a mutation that wrote nothing."""
    before = contents(database)
    found = user_error(client, mutation, **given)
    assert contents(database) == before
    return found


# ---------------------------------------------------------------- losses


def test_record_loss(writable_client: TestClient, own_world: Database) -> None:
    given = {"reason": "MOISTURE", "timestamp": "2026-01-05T10:00:00Z", "note": "drying"}
    payload = written(writable_client, LOSE, cacaoBatchId="1", quantityKg="12.5", **given)
    recorded = payload["loss"].pop("recordedBy")
    assert payload["loss"] == {
        "lossId": 1,
        "quantityKg": "12.500",
        "reason": "MOISTURE",
        "timestamp": "2026-01-05T10:00:00+00:00",
        "note": "drying",
    }
    assert recorded
    details = {"lossId": 1, "reason": "moisture", "quantityKg": "12.500"}
    assert payload["cacaoBatch"] == {
        "losses": {"nodes": [{"lossId": 1}]},
        "transactions": {
            "nodes": [
                {"event": "fermented", "details": [1, {"a": None}]},
                {"event": "lost", "details": details},
            ]
        },
    }


def test_loss_that_is_corrected_is_there_to_be_used(
    writable_client: TestClient, own_world: Database
) -> None:
    # Of 1000 kg, 750.5 are used.
    written(writable_client, LOSE, cacaoBatchId="1", quantityKg="249.5", reason="THEFT")
    use = {"cacaoBatchId": "1", "productId": "2", "quantityKg": "9.5"}
    assert refused(writable_client, own_world, USE, **use) == (["input", "quantityKg"], "OVERDRAWN")
    payload = written(
        writable_client, LOSE, cacaoBatchId="1", quantityKg="9.5", reason="CORRECTION"
    )
    assert payload["loss"]["quantityKg"] == "-9.500"
    written(writable_client, USE, **use)


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"quantityKg": "249.501"}, "quantityKg", "OVERDRAWN"),
        ({"quantityKg": "0"}, "quantityKg", "INVALID"),
        ({"quantityKg": "0.0001"}, "quantityKg", "INVALID"),
        ({"quantityKg": "0.001", "reason": "CORRECTION"}, "quantityKg", "INVALID"),
        ({"cacaoBatchId": "99"}, "cacaoBatchId", "NOT_FOUND"),
        ({"note": " "}, "note", "INVALID"),
    ],
)
def test_loss_that_cannot_be_is_refused(
    writable_client: TestClient, own_world: Database, change: dict[str, str], field: str, code: str
) -> None:
    given = {"cacaoBatchId": "1", "quantityKg": "1", "reason": "SPILLAGE", **change}
    assert refused(writable_client, own_world, LOSE, **given) == (["input", field], code)


# ---------------------------------------------------------------- holds


def test_hold_reaches_all_made_of_the_batch(
    writable_client: TestClient, own_world: Database
) -> None:
    payload = written(
        writable_client, HOLD, cacaoBatchId=global_id("CacaoBatch", 2), reason="cadmium"
    )
    assert payload == {
        "hold": {
            "holdId": 1,
            "reason": "cadmium",
            "releasedAt": None,
            "cacaoBatches": {"nodes": [{"cacaoBatchId": key, "onHold": True} for key in (2, 3, 4)]},
            "products": {"nodes": [{"productId": key, "onHold": True} for key in (1, 2)]},
        },
        "cacaoBatch": {"cacaoBatchId": 2, "onHold": True},
    }
    query = """{ cacaoBatches(filter: {onHold: {eq: false}}) { nodes { cacaoBatchId } }
      product(by: {productId: 2}) { onHold heldBy { nodes { reason cacaoBatch { cacaoBatchId } } } }
      cacaoBatch(by: {cacaoBatchId: 4}) { heldBy { nodes { reason } } holds { totalCount } } }"""
    assert ask(writable_client, query) == {
        "cacaoBatches": {"nodes": [{"cacaoBatchId": 1}]},
        "product": {
            "onHold": True,
            "heldBy": {"nodes": [{"reason": "cadmium", "cacaoBatch": {"cacaoBatchId": 2}}]},
        },
        "cacaoBatch": {"heldBy": {"nodes": [{"reason": "cadmium"}]}, "holds": {"totalCount": 0}},
    }


@pytest.mark.parametrize("batch", ["2", "3", "4"])
def test_held_batch_and_what_was_made_of_it_is_not_used(
    writable_client: TestClient, own_world: Database, batch: str
) -> None:
    written(writable_client, HOLD, cacaoBatchId="2", reason="cadmium")
    given = {"cacaoBatchId": batch, "productId": "3", "quantityKg": "0.001"}
    assert refused(writable_client, own_world, USE, **given) == (
        ["input", "cacaoBatchId"],
        "BATCH_ON_HOLD",
    )


def test_released_batch_is_used_again(writable_client: TestClient, own_world: Database) -> None:
    written(writable_client, HOLD, cacaoBatchId="2", reason="cadmium")
    payload = written(writable_client, RELEASE, cacaoBatchId="2", reason="retested")
    held = {"reason": "cadmium", "releaseReason": "retested"}
    assert payload["cacaoBatch"] == {"onHold": False, "holds": {"nodes": [held]}}
    written(writable_client, USE, cacaoBatchId="3", productId="3", quantityKg="1")
    marks = "SELECT count(*) FROM cacao_batches WHERE on_hold"
    assert rows(own_world, marks) == [(0,)]


def test_only_a_batch_that_was_held_itself_is_released(
    writable_client: TestClient, own_world: Database
) -> None:
    written(writable_client, HOLD, cacaoBatchId="2", reason="cadmium")
    found = refused(writable_client, own_world, RELEASE, cacaoBatchId="3", reason="x")
    assert found == (["input", "cacaoBatchId"], "NOT_ON_HOLD")


def test_hold_needs_a_reason(writable_client: TestClient, own_world: Database) -> None:
    found = refused(writable_client, own_world, HOLD, cacaoBatchId="2", reason=" ")
    assert found == (["input", "reason"], "INVALID")


# ---------------------------------------------------------------- custody


def test_custody_is_stated_inherited_and_kept(
    writable_client: TestClient, own_world: Database
) -> None:
    lot = {"quantityKg": "100", "harvestDate": "2026-01-01"}

    def make(supplier: int, custody: str | None, stage: str = "BEANS") -> str:
        given = {**lot, "supplierId": supplier, "stage": stage, "custody": custody}
        made = written(writable_client, CUSTODY, **given)["cacaoBatch"]
        assert made["custody"] == custody
        return str(made["cacaoBatchId"])

    one, two = make(1, "IDENTITY_PRESERVED"), make(2, "IDENTITY_PRESERVED")
    kept, blend = make(2, None, "LIQUOR"), make(2, "SEGREGATED", "LIQUOR")
    written(writable_client, USE, cacaoBatchId=one, outputBatchId=kept, quantityKg="1")
    other = {"cacaoBatchId": two, "outputBatchId": kept, "quantityKg": "1"}
    assert refused(writable_client, own_world, USE, **other) == (
        ["input", "custody"],
        "CUSTODY_BROKEN",
    )
    for source in (one, two):
        written(writable_client, USE, cacaoBatchId=source, outputBatchId=blend, quantityKg="1")
    query = "SELECT custody FROM cacao_batches WHERE cacao_batch_id > 6 ORDER BY cacao_batch_id"
    assert rows(own_world, query) == [("identity_preserved",), ("segregated",)]
    weaker = written(writable_client, RESTATE, cacaoBatchId=blend, custody="MASS_BALANCE")
    assert weaker["cacaoBatch"] == {"custody": "MASS_BALANCE"}


# ---------------------------------------------------------------- yields


def test_lot_beyond_its_yield_is_flagged_or_refused(
    writable_client: TestClient, own_world: Database
) -> None:
    lot = {"supplierId": "2", "quantityKg": "100", "stage": "LIQUOR"}
    liquor = written(writable_client, CREATE_BATCH, **lot)["cacaoBatch"]["cacaoBatchId"]
    written(writable_client, USE, cacaoBatchId="1", outputBatchId=str(liquor), quantityKg="100")
    written(writable_client, USE, cacaoBatchId=str(liquor), productId="1", quantityKg="82.001")
    query = f"{{ cacaoBatch(by: {{cacaoBatchId: {liquor}}}) {{ flags {{ nodes {{ rule message }} }} }} }}"
    message = f"cacao batch {liquor} gave 82.001 kg, its inputs yield 82.000 kg"
    assert ask(writable_client, query)["cacaoBatch"]["flags"]["nodes"] == [
        {"rule": "YIELD", "message": message}
    ]
    with own_world.engine().begin() as connection:
        connection.exec_driver_sql("UPDATE matter_rules SET yields = 'refuse'")
    more = {"cacaoBatchId": str(liquor), "productId": "2", "quantityKg": "1"}
    assert refused(writable_client, own_world, USE, **more) == (
        ["input", "quantityKg"],
        "YIELD_EXCEEDED",
    )


def test_conversion_factors_name_scheme_and_source(writable_client: TestClient) -> None:
    query = """{ conversionFactors(first: 1) { nodes {
      fromStage toStage factor scheme source validFrom validTo } } }"""
    assert ask(writable_client, query)["conversionFactors"]["nodes"] == [
        {
            "fromStage": "BEANS",
            "toStage": "LIQUOR",
            "factor": "0.82000",
            "scheme": "UTZ",
            "source": "UTZ, How to calculate the cocoa bean equivalent, June 2016",
            "validFrom": "2016-06-01",
            "validTo": None,
        }
    ]


# ---------------------------------------------------------------- claims


def test_claim_counts_once_a_certificate_covers_its_day(
    writable_client: TestClient, own_world: Database
) -> None:
    query = """{ cacaoBatches(filter: {coveringCertificates: {some: {}}}) { nodes {
      cacaoBatchId coveringCertificates { nodes { number } } } } }"""
    # FT-9 of batch 1's supplier ended three months before the harvest.
    assert ask(writable_client, query) == {"cacaoBatches": {"nodes": []}}
    given = {"supplierId": "1", "scheme": "Fairtrade", "number": "FT-10", "holder": "FLO"}
    days = {"validFrom": "2025-07-01", "validTo": "2025-10-01"}
    payload = written(writable_client, CERTIFY, documentHash="AB" * 32, **given, **days)
    assert payload["certificate"] == {
        "certificateId": 3,
        "scheme": "Fairtrade",
        "number": "FT-10",
        "holder": "FLO",
        "documentHash": "ab" * 32,
        **days,
        "cacaoBatches": {"nodes": [{"cacaoBatchId": 1}]},
    }
    assert ask(writable_client, query)["cacaoBatches"]["nodes"] == [
        {"cacaoBatchId": 1, "coveringCertificates": {"nodes": [{"number": "FT-10"}]}}
    ]


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"documentHash": "ab"}, "documentHash", "INVALID"),
        ({"validTo": "2024-01-01"}, "validTo", "INVALID"),
        ({"number": "FT-9"}, "number", "ALREADY_EXISTS"),
        ({"scheme": ""}, "scheme", "INVALID"),
        ({"supplierId": "9"}, "supplierId", "NOT_FOUND"),
    ],
)
def test_certificate_that_cannot_be_is_refused(
    writable_client: TestClient, own_world: Database, change: dict[str, str], field: str, code: str
) -> None:
    given = {"supplierId": "1", "scheme": "Fairtrade", "number": "FT-10"}
    days = {"validFrom": "2025-07-01", "validTo": "2025-10-01"}
    found = refused(writable_client, own_world, CERTIFY, **(given | days | change))
    assert found == (["input", field], code)


# ---------------------------------------------------------------- mass balance

YEAR = {"scheme": "UTZ", "periodFrom": "2026-01-01", "periodTo": "2026-12-31"}
NOON = "2026-06-01T12:00:00Z"


def test_account_is_opened_credited_and_debited(
    writable_client: TestClient, own_world: Database
) -> None:
    payload = written(writable_client, OPEN, manufacturerId="1", **YEAR)
    made = {"manufacturerId": 1}
    expected = {"accountId": 1, **YEAR, "balanceKg": "0.000", "supplier": None}
    assert payload["account"] == {**expected, "manufacturer": made}
    credit = {"accountId": "1", "direction": "CREDIT", "timestamp": NOON}
    payload = written(writable_client, BOOK, quantityKg="10", cacaoBatchId="1", **credit)
    batch = {"cacaoBatchId": 1}
    entry = {"entryId": 1, "direction": "CREDIT", "quantityKg": "10.000", "cacaoBatch": batch}
    assert payload == {"entry": entry, "account": {"balanceKg": "10.000"}}
    debit = {"accountId": "1", "direction": "DEBIT", "timestamp": NOON}
    assert written(writable_client, BOOK, quantityKg="9", **debit)["account"] == {
        "balanceKg": "1.000"
    }
    found = refused(writable_client, own_world, BOOK, quantityKg="1.001", **debit)
    assert found == (["input", "quantityKg"], "OVERDRAWN")


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"quantityKg": "0"}, "quantityKg", "INVALID"),
        ({"timestamp": "2027-01-01T00:00:00Z"}, "timestamp", "INVALID"),
        ({"accountId": "2"}, "accountId", "NOT_FOUND"),
        ({"cacaoBatchId": "9"}, "cacaoBatchId", "NOT_FOUND"),
    ],
)
def test_entry_that_cannot_be_is_refused(
    writable_client: TestClient, own_world: Database, change: dict[str, str], field: str, code: str
) -> None:
    written(writable_client, OPEN, supplierId="1", **YEAR)
    given = {"accountId": "1", "direction": "CREDIT", "quantityKg": "1", "timestamp": NOON}
    assert refused(writable_client, own_world, BOOK, **(given | change)) == (["input", field], code)


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"supplierId": "1"}, "periodFrom", "ALREADY_EXISTS"),
        ({"supplierId": "1", "periodFrom": "2026-12-31"}, "periodFrom", "ALREADY_EXISTS"),
        ({"supplierId": "2", "periodTo": "2025-12-31"}, "periodTo", "INVALID"),
        ({"supplierId": "2", "manufacturerId": "1"}, "supplierId", "INVALID"),
        ({}, "supplier", "INVALID"),
    ],
)
def test_account_that_cannot_be_is_refused(
    writable_client: TestClient, own_world: Database, change: dict[str, str], field: str, code: str
) -> None:
    written(writable_client, OPEN, supplierId="1", **YEAR)
    assert refused(writable_client, own_world, OPEN, **(YEAR | change)) == (["input", field], code)
