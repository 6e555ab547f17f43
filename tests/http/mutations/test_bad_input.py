"""Invalid values in queries and mutations: an error with a code, no write."""

import json
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.http.mutations.documents import (
    CREATE_BATCH,
    CREATE_PRODUCT,
    CREATE_SUPPLIER,
    RECORD,
    UPDATE_BATCH,
    USE,
)
from tests.requests import (
    Answer,
    code_of,
    encode,
    global_id,
    mutation_code,
    request,
    send,
    user_error,
)
from tests.world import GTIN

VALIDATION = "GRAPHQL_VALIDATION_FAILED"
USER = "BAD_USER_INPUT"
NUL, HALF = "a\0b", "a\ud800b"
UNKNOWN = global_id("Product", 999)

BAR = {"name": "Bar", "manufacturerId": "1", "batchNumber": "L9"}
BEANS = {"supplierId": "1", "quantityKg": "10", "harvestDate": "2026-01-01"}
EVENT = {"event": "shipped", "productId": "1"}


pytestmark = pytest.mark.usefixtures("assert_unchanged")


# ---------------------------------------------------------------- ids


@pytest.mark.parametrize(
    "query",
    [
        "{ product(by: {productId: 999}) { name } }",
        "{ product(by: {productId: -1}) { name } }",
        "{ product(by: {productId: 2147483647}) { name } }",
        f'{{ product(by: {{id: "{UNKNOWN}"}}) {{ name }} }}',
        f'{{ product(by: {{id: "{global_id("Product", 2**31)}"}}) {{ name }} }}',
        f'{{ product(by: {{id: "{global_id("Product", 2**63 - 1)}"}}) {{ name }} }}',
        f'{{ product: node(id: "{UNKNOWN}") {{ id }} }}',
        f'{{ product(by: {{gtinLot: {{gtin: "{GTIN}", batchNumber: "L3"}}}}) {{ name }} }}',
    ],
)
def test_unknown_key_is_null(protected_client: TestClient, query: str) -> None:
    assert request(protected_client, query).json == {"data": {"product": None}}


@pytest.mark.parametrize(
    "given",
    [
        "",
        "1",
        "Product:1",
        "é",
        NUL,
        HALF,
        "x" * 50_000,
        global_id("Manufacturer", 1),
        global_id("Users", 1),
        global_id("Product", -1),
        global_id("Product", 2**63),
        global_id("Product", 10**30),
    ],
)
def test_malformed_id_is_refused(protected_client: TestClient, given: str) -> None:
    by_id = "query ($id: ID!) { product(by: {id: $id}) { name } }"
    filtered = "query ($id: ID!) { products(filter: {id: {in: [$id]}}) { totalCount } }"
    assert code_of(protected_client, by_id, {"id": given}) == "INVALID_ID"
    assert code_of(protected_client, filtered, {"id": given}) == "INVALID_ID"


@pytest.mark.parametrize("given", [{}, {"id": None}, {"id": UNKNOWN, "productId": 1}, None, 1, []])
def test_key_that_is_not_exactly_one_is_refused(
    protected_client: TestClient, given: object
) -> None:
    query = "query ($by: ProductBy!) { product(by: $by) { name } }"
    assert code_of(protected_client, query, {"by": given}) == USER


@pytest.mark.parametrize("by", ["{}", '{productId: 1, id: "x"}', "{productId: null}"])
def test_literal_key_that_is_not_exactly_one_is_refused(
    protected_client: TestClient, by: str
) -> None:
    assert code_of(protected_client, f"{{ product(by: {by}) {{ id }} }}") == USER


def test_more_than_100_ids_are_refused(protected_client: TestClient) -> None:
    query = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    assert code_of(protected_client, query, {"ids": [UNKNOWN] * 101}) == "INVALID_PAGE"


# ---------------------------------------------------------------- pages


@pytest.mark.parametrize(
    "arguments",
    ["first: -1", "first: 1000000", "first: 101", "last: -1", "last: 101", "first: 1, last: 1"],
)
@pytest.mark.parametrize(
    "query",
    [
        "{ products(%s) { totalCount } }",
        "{ products { nodes { transactions(%s) { totalCount } } } }",
    ],
)
def test_bad_page_is_refused(protected_client: TestClient, query: str, arguments: str) -> None:
    assert code_of(protected_client, query % arguments) == "INVALID_PAGE"


# ---------------------------------------------------------------- texts that no column can hold


@pytest.mark.parametrize("text", [NUL, HALF])
@pytest.mark.parametrize(
    "filter",
    [
        {"name": {"eq": "?"}},
        {"name": {"in": ["a", "?"]}},
        {"name": {"contains": "?"}},
        {"name": {"lte": "?"}},
        {"not": {"or": [{"manufacturer": {"name": {"eq": "?"}}}]}},
        {"cacaoBatches": {"every": {"supplier": {"location": {"in": ["?"]}}}}},
    ],
)
def test_impossible_text_in_a_filter_is_refused(
    protected_client: TestClient, filter: dict[str, Any], text: str
) -> None:
    given = json.loads(json.dumps(filter).replace('"?"', json.dumps(text)))
    query = "query ($f: ProductFilter) { products(filter: $f) { totalCount } }"
    assert code_of(protected_client, query, {"f": given}) == USER


@pytest.mark.parametrize("text", ["a\\u0000b", "a\\u{0}b"])
def test_impossible_text_in_a_literal_is_refused(protected_client: TestClient, text: str) -> None:
    query = f'{{ products(filter: {{name: {{eq: "{text}"}}}}) {{ totalCount }} }}'
    assert code_of(protected_client, query) in (USER, "GRAPHQL_PARSE_FAILED")


def test_nul_in_a_key_is_refused(protected_client: TestClient) -> None:
    query = "query ($s: String!) { supplier(by: {externalId: $s}) { name } }"
    assert code_of(protected_client, query, {"s": NUL}) == USER


@pytest.mark.parametrize("text", [NUL, HALF])
@pytest.mark.parametrize("member", ["name", "batchNumber", "description", "idempotencyKey"])
def test_impossible_text_in_an_input_is_refused(
    protected_client: TestClient, member: str, text: str
) -> None:
    assert mutation_code(protected_client, CREATE_PRODUCT, **{**BAR, member: text}) == USER


@pytest.mark.parametrize("text", [NUL, HALF])
@pytest.mark.parametrize(
    "details", ['"?"', '{"?": 1}', '{"a": "?"}', '[[{"a": [{"b": {"?": 0}}]}]]', '[[[["?"]]]]']
)
def test_impossible_text_in_details_is_refused(
    protected_client: TestClient, details: str, text: str
) -> None:
    given = json.loads(details.replace('"?"', json.dumps(text)))
    assert mutation_code(protected_client, RECORD, **EVENT, details=given) == USER


# ---------------------------------------------------------------- numbers


@pytest.mark.parametrize("number", [2**31, -(2**31) - 1, 2**63, 2**64, 10**400, 1.5, "1", True])
def test_number_that_is_no_int_is_refused(protected_client: TestClient, number: object) -> None:
    by_number = "query ($n: Int!) { product(by: {productId: $n}) { name } }"
    page = "query ($n: Int!) { products(first: $n) { totalCount } }"
    assert code_of(protected_client, by_number, {"n": number}) == USER
    assert code_of(protected_client, page, {"n": number}) == USER


@pytest.mark.parametrize(
    ("number", "code"),
    [(2**31, VALIDATION), (2**63, VALIDATION), (10**300, VALIDATION), (10**400, USER)],
)
def test_literal_past_32_bits_is_refused(
    protected_client: TestClient, number: int, code: str
) -> None:
    query = f"{{ product(by: {{productId: {number}}}) {{ name }} }}"
    assert code_of(protected_client, query) == code


@pytest.mark.parametrize("number", [2**53, 2**63, 10**400, "9" * 30, 1.5, True, "x"])
def test_number_that_is_no_big_int_is_refused(protected_client: TestClient, number: object) -> None:
    query = """query ($n: BigInt!) {
      ledger { checkpoints(filter: {size: {eq: $n}}) { totalCount } } }"""
    assert code_of(protected_client, query, {"n": number}) == USER


@pytest.mark.parametrize(
    "kg",
    ["NaN", "-NaN", "sNaN", "Infinity", "-inf", "1e400000000", "", "1_0", " 5 ", "5\n", "\u0665"],
)
def test_quantity_that_is_no_number_is_refused(protected_client: TestClient, kg: str) -> None:
    assert code_of(protected_client, CREATE_BATCH, {"input": {**BEANS, "quantityKg": kg}}) == USER


@pytest.mark.parametrize("kg", ["NaN", "Infinity", "-Infinity"])
def test_json_that_is_not_json_is_refused(protected_client: TestClient, kg: str) -> None:
    body = encode({"query": CREATE_BATCH, "variables": {"input": BEANS}})
    answer = send(protected_client, body.replace(b'"10"', kg.encode()))
    assert (answer.status, answer.codes) == (400, ["BAD_REQUEST"])


def test_json_number_past_a_float_is_refused(protected_client: TestClient) -> None:
    body = encode({"query": CREATE_BATCH, "variables": {"input": BEANS}})
    answer = send(protected_client, body.replace(b'"10"', b"1e400"))
    assert (answer.status, answer.codes) == (200, [USER])


@pytest.mark.parametrize(
    ("kg", "code"), [("NaN", VALIDATION), ('"NaN"', VALIDATION), ("null", VALIDATION)]
)
def test_literal_quantity_that_is_no_number_is_refused(
    protected_client: TestClient, kg: str, code: str
) -> None:
    mutation = f"""mutation {{ createCacaoBatch(input: {{supplierId: 1, quantityKg: {kg},
      harvestDate: "2026-01-01"}}) {{ cacaoBatch {{ id }} }} }}"""
    assert code_of(protected_client, mutation) == code


@pytest.mark.parametrize(
    "kg", ["0", "-1", "-0.001", "0.0001", "1.2345", 1.2345, "100000000000", "1e11", 10**11, "1e-9"]
)
def test_quantity_out_of_range_is_a_user_error(protected_client: TestClient, kg: object) -> None:
    expected = (["input", "quantityKg"], "INVALID")
    assert user_error(protected_client, CREATE_BATCH, **BEANS | {"quantityKg": kg}) == expected
    assert user_error(protected_client, UPDATE_BATCH, cacaoBatchId="1", quantityKg=kg) == expected
    assert (
        user_error(protected_client, USE, cacaoBatchId="1", productId="3", quantityKg=kg)
        == expected
    )


@pytest.mark.parametrize("percent", ["-0.1", "100.1", "12.34", "1000", "1e30"])
def test_percentage_out_of_range_is_a_user_error(
    protected_client: TestClient, percent: str
) -> None:
    found = user_error(protected_client, CREATE_PRODUCT, **BAR, cocoaPercent=percent)
    assert found == (["input", "cocoaPercent"], "INVALID")


def test_details_number_past_a_float_is_refused(protected_client: TestClient) -> None:
    body = encode({"query": RECORD, "variables": {"input": {**EVENT, "details": {"kg": "?"}}}})
    answer = send(protected_client, body.replace(b'"?"', b"1e400"))
    assert answer.codes == [USER]


@pytest.mark.parametrize("depth", [50, 200, 400, 900, 40_000])
def test_deep_details_are_refused_or_kept_whole(protected_client: TestClient, depth: int) -> None:
    nested = b"[" * depth + b"]" * depth
    body = encode(
        {"query": RECORD, "variables": {"input": {**EVENT, "productId": "999", "details": "?"}}}
    )
    answer = send(protected_client, body.replace(b'"?"', nested))
    assert_refused_without_a_fault(answer)


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_details_have_64_levels_at_most(
    protected_client: TestClient, opening: str, closing: str
) -> None:
    for levels, refused in ((64, False), (65, True)):
        text = opening * levels + "0" + closing * levels
        given = {**EVENT, "productId": "999", "details": json.loads(text)}
        answer = request(protected_client, RECORD, {"input": given})
        literal = text.replace('"', "").replace(":", ": ")
        mutation = f"""mutation {{ recordTransaction(input: {{event: "x", productId: 999,
          details: {literal}}}) {{ userErrors {{ code }} }} }}"""
        if refused:
            assert (answer.codes, code_of(protected_client, mutation)) == ([USER], USER)
        else:
            assert_refused_without_a_fault(request(protected_client, mutation))
            assert_refused_without_a_fault(answer)


def test_variable_within_literal_details_adds_to_their_levels(protected_client: TestClient) -> None:
    mutation = f"""mutation ($deep: JSON) {{ recordTransaction(input: {{event: "x",
      productId: 999, details: {"[" * 30}$deep{"]" * 30}}}) {{ userErrors {{ code }} }} }}"""
    deep = [json.loads("[" * levels + "]" * levels) for levels in (34, 35)]
    assert_refused_without_a_fault(request(protected_client, mutation, {"deep": deep[0]}))
    assert request(protected_client, mutation, {"deep": deep[1]}).codes == [USER]


@pytest.mark.parametrize("levels", [100, 250, 900])
def test_deep_filter_in_a_variable_is_refused(protected_client: TestClient, levels: int) -> None:
    given = json.loads('{"not":' * levels + "{}" + "}" * levels)
    query = "query ($f: ProductFilter) { products(filter: $f) { totalCount } }"
    assert code_of(protected_client, query, {"f": given}) == "DOCUMENT_TOO_LARGE"


def test_too_many_values_in_variables_are_refused(protected_client: TestClient) -> None:
    query = "query ($f: [ProductFilter!]!) { products(filter: {or: $f}) { totalCount } }"
    answer = request(protected_client, query, {"f": [{}] * 10_000 + [1]})
    assert (answer.status, answer.codes) == (200, ["DOCUMENT_TOO_LARGE"])
    assert answer.json["errors"][0]["message"] == "The variables hold more than 10000 values."


def assert_refused_without_a_fault(answer: Answer) -> None:
    assert answer.status in (200, 400)
    if "errors" in answer.json:
        assert set(answer.codes) <= {USER, "BAD_REQUEST", "DOCUMENT_TOO_LARGE"}
    else:
        (payload,) = answer.json["data"].values()
        assert [error["code"] for error in payload["userErrors"]] == ["NOT_FOUND"]


# ---------------------------------------------------------------- dates and times


@pytest.mark.parametrize(
    "day",
    ["2026-02-30", "2026-13-01", "2026-2-3", "20260203", "0000-01-01", "10000-01-01", "infinity",
     "2026-01-01T00:00:00Z", "\u0662\u0660\u0662\u0666-01-01", "", " 2026-01-01", "2026-01-01\n", 20260203],
)  # fmt: skip
def test_day_that_does_not_exist_is_refused(protected_client: TestClient, day: object) -> None:
    query = "query ($d: Date!) { cacaoBatches(filter: {harvestDate: {gt: $d}}) { totalCount } }"
    assert code_of(protected_client, query, {"d": day}) == USER
    assert code_of(protected_client, CREATE_BATCH, {"input": {**BEANS, "harvestDate": day}}) == USER


def test_literal_day_that_does_not_exist_is_refused(protected_client: TestClient) -> None:
    query = '{ cacaoBatches(filter: {harvestDate: {eq: "2026-02-30"}}) { totalCount } }'
    assert code_of(protected_client, query) == VALIDATION


@pytest.mark.parametrize(
    "moment",
    ["2026-01-01T10:00:00", "2026-01-01", "0001-01-01T00:00:00+14:00", "9999-12-31T23:00:00-02:00",
     "2026-02-30T00:00:00Z", "2026-01-01T25:00:00Z", "2026-01-01T10:00:00+99:00", "now", "", 0],
)  # fmt: skip
def test_moment_that_does_not_exist_is_refused(
    protected_client: TestClient, moment: object
) -> None:
    query = "query ($t: DateTime!) { transactions(filter: {timestamp: {lt: $t}}) { totalCount } }"
    assert code_of(protected_client, query, {"t": moment}) == USER
    assert code_of(protected_client, RECORD, {"input": {**EVENT, "timestamp": moment}}) == USER


# ---------------------------------------------------------------- codes


@pytest.mark.parametrize(
    "gtin",
    ["4006381333932", "04006381333932", "400638133393", "", "0", "٤006381333931", 4006381333931],
)
def test_gtin_with_a_bad_check_digit_is_refused(protected_client: TestClient, gtin: object) -> None:
    by_lot = 'query ($g: GTIN!) { product(by: {gtinLot: {gtin: $g, batchNumber: "L1"}}) { name } }'
    assert code_of(protected_client, by_lot, {"g": gtin}) == USER
    assert code_of(protected_client, CREATE_PRODUCT, {"input": {**BAR, "gtin": gtin}}) == USER


@pytest.mark.parametrize("country", ["ci", "CIV", "C", "", "Ç1", 12])
def test_text_that_is_no_country_code_is_refused(
    protected_client: TestClient, country: object
) -> None:
    given = {"name": "A", "location": "B", "country": country}
    assert code_of(protected_client, CREATE_SUPPLIER, {"input": given}) == USER


def test_unassigned_country_code_is_a_user_error(protected_client: TestClient) -> None:
    found = user_error(protected_client, CREATE_SUPPLIER, name="A", location="B", country="ZZ")
    assert found == (["input", "country"], "INVALID")


def test_unknown_stage_is_refused(protected_client: TestClient) -> None:
    assert code_of(protected_client, CREATE_BATCH, {"input": {**BEANS, "stage": "ROCKS"}}) == USER
    assert code_of(protected_client, CREATE_BATCH, {"input": {**BEANS, "stage": "beans"}}) == USER


# ---------------------------------------------------------------- null comparisons


@pytest.mark.parametrize(
    "filter",
    [{"name": {"eq": None}}, {"productId": {"in": None}}, {"id": {"eq": None}}],
)
def test_comparison_with_null_is_refused(protected_client: TestClient, filter: object) -> None:
    query = "query ($f: ProductFilter) { products(filter: $f) { totalCount } }"
    assert code_of(protected_client, query, {"f": filter}) == USER
