"""Texts by GraphQL and REST: normal forms of names, times by RFC 3339, messages for people."""

import random
import string

import pytest
from starlette.testclient import TestClient

from tests.http.mutations.documents import (
    CREATE_BATCH,
    CREATE_MANUFACTURER,
    CREATE_PRODUCT,
    CREATE_SUPPLIER,
    RECORD,
    UPDATE_SUPPLIER,
)
from tests.requests import ask, encode, payload_of, refusal, send, user_error, written

BEANS = {"supplierId": "1", "quantityKg": "10", "harvestDate": "2026-01-01"}
BAR = {"name": "Bar", "manufacturerId": "1", "batchNumber": "L9"}
EVENT = {"event": "shipped", "productId": "1"}


def test_lot_number_is_stored_in_its_normal_form(writable_client: TestClient) -> None:
    made = written(writable_client, CREATE_BATCH, **BEANS, lotNumber="\u200b 2W\u00a0")
    assert made["cacaoBatch"]["lotNumber"] == "2W"
    for same in ("2W ", "2W", "2\u200bW"):
        again = user_error(writable_client, CREATE_BATCH, **BEANS, lotNumber=same)
        assert again == (["input", "lotNumber"], "ALREADY_EXISTS")


def test_literals_are_as_variables(writable_client: TestClient) -> None:
    made = ask(
        writable_client,
        """mutation { createSupplier(input: {name: " Cafe\\u0301  Noir ", location: "A\\u00a0B"}) {
          supplier { name location } userErrors { code } } }""",
    )
    assert made["createSupplier"] == {
        "supplier": {"name": "Café Noir", "location": "A B"},
        "userErrors": [],
    }


def test_rest_stores_the_normal_form(writable_client: TestClient) -> None:
    body = {"name": " Dark\u00a070% ", "manufacturer_id": 1, "batch_number": "\ufeffR 1 "}
    assert send(writable_client, encode(body), "/api/products").status == 201
    found = ask(
        writable_client,
        '{ products(filter: {batchNumber: {eq: "R 1"}}) { nodes { name batchNumber } } }',
    )
    assert found["products"]["nodes"] == [{"name": "Dark 70%", "batchNumber": "R 1"}]


def test_description_keeps_its_lines(writable_client: TestClient) -> None:
    made = written(writable_client, CREATE_PRODUCT, **BAR, description=" two\n\nlines ")
    made = ask(
        writable_client,
        "query ($id: Int!) { product(by: {productId: $id}) { description } }",
        id=made["product"]["productId"],
    )
    assert made["product"]["description"] == " two\n\nlines "


@pytest.mark.parametrize(
    ("mutation", "given", "member"),
    [
        (CREATE_BATCH, BEANS, "lotNumber"),
        (CREATE_SUPPLIER, {"name": "A", "location": "B"}, "name"),
        (CREATE_PRODUCT, BAR, "batchNumber"),
        (RECORD, EVENT, "eventId"),
    ],
)
@pytest.mark.parametrize("text", ["\u200b", "\u00a0\u2003", "lost \ufffd"])
def test_text_without_a_letter_or_with_a_lost_one_is_refused(
    writable_client: TestClient, mutation: str, given: dict[str, str], member: str, text: str
) -> None:
    found = user_error(writable_client, mutation, **{**given, member: text})
    assert found == (["input", member], "INVALID")


@pytest.mark.parametrize(
    ("mutation", "given"),
    [
        (CREATE_SUPPLIER, {"name": " ", "location": "B"}),
        (CREATE_MANUFACTURER, {"name": "", "location": "B"}),
        (UPDATE_SUPPLIER, {"supplierId": "1", "name": "\t"}),
    ],
)
def test_error_of_a_blank_required_name_does_not_suggest_null(
    writable_client: TestClient, mutation: str, given: dict[str, str]
) -> None:
    (error,) = payload_of(writable_client, mutation, **given)["userErrors"]
    assert error == {
        "field": ["input", "name"],
        "code": "INVALID",
        "message": "It must not be blank.",
    }


@pytest.mark.parametrize(
    ("timestamp", "stored"),
    [
        ("2026-03-01t00:00:00z", "2026-03-01T00:00:00+00:00"),
        ("2026-03-01T00:00:00z", "2026-03-01T00:00:00+00:00"),
        ("2026-03-01 02:00:00.123456+02:00", "2026-03-01T00:00:00.123456+00:00"),
    ],
)
def test_time_is_rfc_3339(writable_client: TestClient, timestamp: str, stored: str) -> None:
    made = written(writable_client, RECORD, **EVENT, timestamp=timestamp)
    assert made["transaction"]["timestamp"] == stored


@pytest.mark.parametrize(
    ("timestamp", "words"),
    [
        ("2026-03-01T00:00:00.1234567Z", "a second has at most 6 decimals."),
        ("2026-02-30T00:00:00Z", "there is no such date and time."),
        ("2026-03-01T25:00:00z", "there is no such date and time."),
        ("2026-03-01T00:00:00", "an offset is missing; add Z for UTC."),
    ],
)
def test_error_of_an_invalid_time_is_in_our_words(
    writable_client: TestClient, timestamp: str, words: str
) -> None:
    as_variable = refusal(writable_client, RECORD, {"input": {**EVENT, "timestamp": timestamp}})
    assert as_variable["message"].endswith(words)
    literal = f'{{ transactions(filter: {{timestamp: {{eq: "{timestamp}"}}}}) {{ totalCount }} }}'
    assert refusal(writable_client, literal)["message"].endswith(words)


def test_error_of_an_invalid_date_is_in_our_words(writable_client: TestClient) -> None:
    found = refusal(
        writable_client, CREATE_BATCH, {"input": {**BEANS, "harvestDate": "2026-02-30"}}
    )
    assert found["message"].endswith("there is no such day in the calendar.")


def test_scheme_has_one_spelling(writable_client: TestClient) -> None:
    made = written(writable_client, CREATE_BATCH, **BEANS, certification="FAIRTRADE ")
    assert made["cacaoBatch"]["certification"] == "Fairtrade"


def test_a_key_is_looked_up_in_its_normal_form(writable_client: TestClient) -> None:
    gtin = "04006381333931"
    made = written(writable_client, CREATE_PRODUCT, **{**BAR, "gtin": gtin, "batchNumber": "L 9"})
    found = ask(
        writable_client,
        "query ($b: String!, $g: GTIN!) { product(by: {gtinLot: {gtin: $g, batchNumber: $b}}) { productId } }",
        b=" L\u00a09\u200b",
        g=gtin,
    )
    assert found["product"]["productId"] == made["product"]["productId"]


@pytest.mark.parametrize(
    ("create", "given", "connection", "filters"),
    [
        (
            CREATE_SUPPLIER,
            {"name": "Socie\u0301te\u0301  Noire ", "location": " Rue\u00a01 "},
            "suppliers",
            (
                '{name: {eq: "Socie\u0301te\u0301  Noire "}}',
                '{location: {in: [" Rue\u00a01 ", "x"]}}',
            ),
        ),
        (
            CREATE_BATCH,
            {**BEANS, "lotNumber": "2W\u200b ", "certification": " FAIRTRADE"},
            "cacaoBatches",
            (
                '{lotNumber: {eq: "2W\u200b "}}',
                '{lotNumber: {in: [" 2W"]}, certification: {eq: " FAIRTRADE"}}',
            ),
        ),
        (
            RECORD,
            {**EVENT, "event": " re\u0301colte\u3000du 1er "},
            "transactions",
            ('{event: {eq: " re\u0301colte\u3000du 1er "}}',),
        ),
    ],
)
def test_a_filter_finds_what_was_written_with_the_same_text(
    writable_client: TestClient,
    create: str,
    given: dict[str, str],
    connection: str,
    filters: tuple[str],
) -> None:
    written(writable_client, create, **given)
    for each in filters:
        found = ask(writable_client, f"{{ {connection}(filter: {each}) {{ totalCount }} }}")
        assert found[connection]["totalCount"] == 1


def test_a_variable_of_a_filter_is_compared_in_its_normal_form(writable_client: TestClient) -> None:
    written(writable_client, CREATE_BATCH, **BEANS, lotNumber="2W")
    document = """query ($a: String!, $in: [String!]!) {
      a: cacaoBatches(filter: {lotNumber: {eq: $a}}) { totalCount }
      b: cacaoBatches(filter: {lotNumber: {in: $in}}) { totalCount }
      c: cacaoBatches(filter: {lotNumber: {in: [$a, "x"]}}) { totalCount } }"""
    for lot, count in (("2W\u00a0", 1), ("3W", 0), ("\u200b2W", 1)):
        found = ask(writable_client, document, **{"a": lot, "in": [lot]})
        assert [found[alias]["totalCount"] for alias in "abc"] == [count] * 3


def test_a_scheme_is_found_in_each_spelling_that_it_may_be_stored_in(
    writable_client: TestClient,
) -> None:
    written(writable_client, CREATE_BATCH, **BEANS, lotNumber="F1", certification="fairtrade")
    document = """query ($scheme: String!) {
      cacaoBatches(filter: {lotNumber: {eq: "F1"}, certification: {eq: $scheme}}) { totalCount } }"""
    for scheme, count in (("Fairtrade", 1), ("FAIRTRADE", 1), ("Fairtrade ", 1), ("Fair", 0)):
        assert ask(writable_client, document, scheme=scheme)["cacaoBatches"]["totalCount"] == count


def test_texts_that_are_too_long_together_name_a_field(writable_client: TestClient) -> None:
    letters = random.Random(1)
    long = ["".join(letters.choices(string.ascii_letters, k=2500)) for _ in range(2)]
    found = user_error(
        writable_client,
        """mutation ($input: CreateCertificateInput!) { createCertificate(input: $input) {
          certificate { number } userErrors { field message code } } }""",
        supplierId="1",
        scheme=long[0],
        number=long[1],
        validFrom="2026-01-01",
        validTo="2026-12-31",
    )
    assert found == (["input", "number"], "INVALID")


@pytest.mark.parametrize("comparison", [{"eq": " Cafe\u0301\u200b "}, {"in": ["x", "Cafe\u0301"]}])
def test_a_filter_finds_a_name_as_it_was_written(
    writable_client: TestClient, comparison: dict[str, object]
) -> None:
    written(writable_client, CREATE_SUPPLIER, name="Cafe\u0301", location="A")
    query = "query($f: SupplierFilter) { suppliers(filter: $f) { nodes { name } } }"
    found = ask(writable_client, query, f={"name": comparison})
    assert found == {"suppliers": {"nodes": [{"name": "Café"}]}}
