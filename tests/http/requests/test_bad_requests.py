"""Invalid bytes, headers and documents: a status, an error with a code, no write."""

import gzip

import pytest
from starlette.testclient import TestClient

from models.database.engines import Database
from tests.recorder import recording
from tests.requests import GRAPHQL, INTERNALS, Answer, encode, fetch, request, send

pytestmark = pytest.mark.usefixtures("assert_unchanged")

TYPENAME = b'{"query": "{ __typename }"}'
FILTERED = "query ($f: ProductFilter) { products(filter: $f) { totalCount } }"
CREATE = """mutation { createSupplier(input: {name: "A", location: "B"}) { supplier { id } } }"""


def body_of(query: str, variables: bytes = b"null") -> bytes:
    return b'{"query": %s, "variables": %s}' % (encode(query), variables)


def shows_no_internals(answer: Answer) -> bool:
    return not any(internal.encode() in answer.body for internal in INTERNALS)


# ---------------------------------------------------------------- bodies


@pytest.mark.parametrize(
    "body",
    [
        *(b"1", b"null", b"[]", b'""', b"true", b"", b" ", b"{", b"{}", b'{"query": }', b"query"),
        *(b"\xff", b'{"query": "\xff"}', b"\xef\xbb\xbf" + TYPENAME, TYPENAME.decode().encode("utf-16")),
        *(b"[" * 100_000, b"[" * 50_000 + b"]" * 50_000, b'{"a":' * 20_000, b'[{"a":' * 16_000),
        *(b'{"query": 1}', b'{"query": null}', b'{"query": ""}', b'{"query": " "}', b'{"query": ["{a}"]}'),
        *(b'{"query": "{a}", "x": NaN}', b'{"query": "{a}", "x": -Infinity}'),
        b'{"query": "{ __typename }", "variables": []}',
        b'{"query": "{ __typename }", "variables": "{}"}',
        b'{"query": "{ __typename }", "variables": 1}',
        b'{"query": "{ __typename }", "operationName": 1}',
        b'{"query": "{ __typename }", "extensions": []}',
        b'{"query": "{ __typename }", "variables": {"a": %s}}' % (b"9" * 5_000),
        body_of(FILTERED, b'{"f": ' + b'{"not": ' * 10_000 + b"{}" + b"}" * 10_000 + b"}"),
    ],
    ids=lambda body: ascii(body)[:40],
)  # fmt: skip
def test_body_that_is_no_request_is_bad(protected_client: TestClient, body: bytes) -> None:
    answer = send(protected_client, body)
    assert (answer.status, answer.codes) == (400, ["BAD_REQUEST"])
    assert list(answer.json) == ["errors"]
    assert answer.errors[0]["message"]
    assert shows_no_internals(answer)


@pytest.mark.parametrize("accept", ["application/json", GRAPHQL, "*/*"])
def test_bad_body_is_400_whatever_is_accepted(protected_client: TestClient, accept: str) -> None:
    answer = send(protected_client, b"null", accept=accept)
    assert (answer.status, answer.codes) == (400, ["BAD_REQUEST"])


def test_body_over_the_limit_is_413(protected_client: TestClient) -> None:
    answer = send(protected_client, TYPENAME + b" " * (100_001 - len(TYPENAME)))
    assert (answer.status, answer.codes) == (413, ["BAD_REQUEST"])


def test_body_at_the_limit_is_answered(protected_client: TestClient) -> None:
    answer = send(protected_client, TYPENAME + b" " * (100_000 - len(TYPENAME)))
    assert answer.json == {"data": {"__typename": "Query"}}


@pytest.mark.parametrize("path", ["/graphql", "/api/products"])
@pytest.mark.parametrize("coding", ["gzip", "zstd", "br", "identity, gzip", "GZIP", "x-unknown"])
def test_body_in_a_coding_is_415(protected_client: TestClient, path: str, coding: str) -> None:
    bodies = {
        "/graphql": encode({"query": "{ __typename }"}),
        "/api/products": encode({"name": "A", "manufacturer_id": 1, "batch_number": "B"}),
    }
    for body in (bodies[path], gzip.compress(bodies[path])):
        answer = send(protected_client, body, path, content_encoding=coding)
        assert (answer.status, answer.headers["accept-encoding"]) == (415, "identity")
        assert b"Content-Encoding" in answer.body


def test_body_in_no_coding_is_read(protected_client: TestClient) -> None:
    answer = send(
        protected_client, encode({"query": "{ __typename }"}), content_encoding="identity"
    )
    assert answer.json == {"data": {"__typename": "Query"}}


@pytest.mark.parametrize(
    "given",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/graphql",
        GRAPHQL,
        "application/json; charset=utf-16",
        "application/jsonx",
        "",
    ],
)
def test_other_content_type_is_415(protected_client: TestClient, given: str) -> None:
    answer = send(protected_client, encode({"query": CREATE}), content_type=given)
    assert (answer.status, answer.codes) == (415, ["BAD_REQUEST"])


@pytest.mark.parametrize(
    "given",
    ["application/json; charset=utf-8", 'Application/JSON;charset="UTF-8"', "application/json;"],
)
def test_content_type_is_read_as_rfc_9110_says(protected_client: TestClient, given: str) -> None:
    assert send(protected_client, TYPENAME, content_type=given).status == 200


@pytest.mark.parametrize(
    "accept", ["text/html", "image/png", "application/json;q=0", "text/*", ", ,"]
)
def test_nothing_acceptable_is_406(protected_client: TestClient, accept: str) -> None:
    answer = send(protected_client, encode({"query": CREATE}), accept=accept)
    assert (answer.status, answer.codes) == (406, ["BAD_REQUEST"])


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_other_method_is_405(protected_client: TestClient, method: str) -> None:
    answer = send(protected_client, encode({"query": CREATE}), method=method)
    assert answer.status == 405
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS, POST"
    assert answer.codes == ["METHOD_NOT_ALLOWED"]


@pytest.mark.parametrize("accept", ["application/json", GRAPHQL])
def test_mutation_by_get_is_405(protected_client: TestClient, accept: str) -> None:
    answer = fetch(protected_client, f"/graphql?query={CREATE}", accept=accept)
    assert (answer.status, answer.codes) == (405, ["METHOD_NOT_ALLOWED"])
    assert answer.headers["allow"] == "POST"
    assert list(answer.json) == ["errors"]


def test_mutation_chosen_by_name_by_get_is_405(protected_client: TestClient) -> None:
    query = f"query a {{ __typename }} {CREATE.replace('mutation', 'mutation b')}"
    assert fetch(protected_client, f"/graphql?query={query}&operationName=a").status == 200
    assert fetch(protected_client, f"/graphql?query={query}&operationName=b").status == 405


@pytest.mark.parametrize("count", [1, 2, 1_000])
def test_batch_is_refused_by_a_code_of_its_own(
    protected_client: TestClient, protected_world: Database, count: int
) -> None:
    batch = [{"query": "{ products { totalCount } }"}] * count
    with recording(protected_world) as statements:
        answer = send(protected_client, encode(batch))
    assert (answer.status, answer.codes) == (400, ["BATCHING_NOT_SUPPORTED"])
    assert (
        answer.errors[0]["message"]
        == f"The body holds {count} requests; one is answered at a time."
    )
    assert list(answer.json) == ["errors"]
    assert statements == []


@pytest.mark.parametrize("variables", ["[]", "1", "{", "%ff", "NaN"])
def test_bad_variables_by_get_are_400(protected_client: TestClient, variables: str) -> None:
    answer = fetch(protected_client, f"/graphql?query={{__typename}}&variables={variables}")
    assert (answer.status, answer.codes) == (400, ["BAD_REQUEST"])


# ---------------------------------------------------------------- documents


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("# nothing", "GRAPHQL_PARSE_FAILED"),
        ("{ __typename \0 }", "GRAPHQL_PARSE_FAILED"),
        ("{ \ud800 }", "GRAPHQL_PARSE_FAILED"),
        ('{ product(by: {id: "\ud800"}) { id } }', "GRAPHQL_PARSE_FAILED"),
        ("{ nope }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ products }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ products(nope: 1) { totalCount } }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ products { totalCount { x } } }", "GRAPHQL_VALIDATION_FAILED"),
        ("query ($a: Int) { __typename }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ ...f } fragment f on Query { ...f }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ a: product(by: {productId: 1}) { id } a: product(by: {productId: 2}) { id } }",
         "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { a }", "GRAPHQL_VALIDATION_FAILED"),
        ("type A { b: Int }", "GRAPHQL_VALIDATION_FAILED"),
        ("query a { __typename } query b { __typename }", "OPERATION_RESOLUTION_FAILURE"),
    ],
)  # fmt: skip
def test_bad_document_has_a_code_and_no_data(
    protected_client: TestClient, query: str, code: str
) -> None:
    answer = request(protected_client, query)
    assert (answer.status, answer.codes) == (200, [code])
    assert list(answer.json) == ["errors"]


def test_unknown_operation_name_is_refused(protected_client: TestClient) -> None:
    body = {"query": "query a { __typename }", "operationName": "b"}
    answer = send(protected_client, encode(body))
    assert (answer.status, answer.codes) == (200, ["OPERATION_RESOLUTION_FAILURE"])


def test_unknown_operation_name_is_400_in_the_graphql_media_type(
    protected_client: TestClient,
) -> None:
    body = {"query": "query a { __typename }", "operationName": "b"}
    answer = send(protected_client, encode(body), accept=GRAPHQL)
    assert (answer.status, answer.codes) == (400, ["OPERATION_RESOLUTION_FAILURE"])


def test_errors_of_one_document_are_limited(protected_client: TestClient) -> None:
    answer = request(protected_client, "{" + " ".join(f"nope{n}" for n in range(50)) + "}")
    assert len(answer.errors) <= 21
    assert set(answer.codes) == {"GRAPHQL_VALIDATION_FAILED"}


# ---------------------------------------------------------------- nesting


@pytest.mark.parametrize("levels", [200, 1_000, 4_000, 12_000])
@pytest.mark.parametrize(
    ("head", "opening", "middle", "closing", "tail"),
    [
        ("{", "a{", "b", "}", "}"),
        ("{", "...{", "__typename", "}", "}"),
        ("query ($a: ", "[", "Int", "]", ") { __typename }"),
        ("{ products(filter: ", "[", "1", "]", ") { totalCount } }"),
        ("{ products(filter: ", "{not: ", "{}", "}", ") { totalCount } }"),
    ],
)
def test_deeply_nested_document_is_refused(
    protected_client: TestClient,
    head: str,
    opening: str,
    middle: str,
    closing: str,
    tail: str,
    levels: int,
) -> None:
    query = head + opening * levels + middle + closing * levels + tail
    answer = send(protected_client, body_of(query))
    assert answer.status == 200
    (code,) = set(answer.codes)
    assert code in ("GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED", "DOCUMENT_TOO_LARGE")


def test_100k_nested_selections_are_refused(protected_client: TestClient) -> None:
    answer = send(protected_client, body_of("{a" * 100_000 + "}" * 100_000))
    assert (answer.status, answer.codes) == (413, ["BAD_REQUEST"])


def test_document_of_too_many_tokens_is_refused(protected_client: TestClient) -> None:
    answer = request(protected_client, "{" + "a " * 20_000 + "}")
    assert answer.codes == ["GRAPHQL_PARSE_FAILED"]


def test_fields_deeper_than_30_levels_are_refused(protected_client: TestClient) -> None:
    query = (
        "{ products {"
        + "nodes { cacaoBatches { nodes { products {" * 8
        + "totalCount"
        + "}}}}" * 8
        + "}}"
    )
    answer = request(protected_client, query)
    assert answer.codes == ["DOCUMENT_TOO_LARGE"]
    assert answer.json["errors"][0]["path"][:3] == ["products", "nodes", "cacaoBatches"]


@pytest.mark.parametrize("levels", [50, 100, 150, 180, 200, 220, 500, 900])
def test_deeply_nested_filter_is_answered_or_refused(
    protected_client: TestClient, levels: int
) -> None:
    variables = b'{"f": ' + b'{"not": ' * levels + b"{}" + b"}" * levels + b"}"
    answer = send(protected_client, body_of(FILTERED, variables))
    assert answer.status == 200
    if "data" in answer.json:
        # An even number of negations of "everything" is everything.
        assert answer.json == {"data": {"products": {"totalCount": 3}}}
    else:
        assert set(answer.codes) <= {"DOCUMENT_TOO_LARGE", "BAD_USER_INPUT"}


@pytest.mark.parametrize("levels", [5, 15, 25, 32, 40])
def test_deeply_nested_relations_are_answered_or_refused(
    protected_client: TestClient, levels: int
) -> None:
    walk = "{cacaoBatches: {some: {products: {some: "
    query = f"{{ products(filter: {walk * levels}{{}}{'}}}}' * levels}) {{ totalCount }} }}"
    answer = request(protected_client, query)
    assert answer.status == 200
    if "data" in answer.json:
        assert answer.json == {"data": {"products": {"totalCount": 2}}}
    else:
        assert set(answer.codes) <= {"DOCUMENT_TOO_LARGE", "GRAPHQL_PARSE_FAILED"}


def test_wide_filter_is_answered(protected_client: TestClient) -> None:
    given = {"or": [{"name": {"eq": "Noir Café 70%"}}] * 60}
    answer = request(protected_client, FILTERED, {"f": given})
    assert answer.json == {"data": {"products": {"totalCount": 1}}}


# ---------------------------------------------------------------- the REST endpoint


@pytest.mark.parametrize(
    "body",
    [b"1", b"null", b"[]", b'""', b"", b"\xff", b"[" * 50_000, b"{}", b'{"name": "A"}',
     b'{"name": "", "manufacturer_id": 1, "batch_number": "B"}',
     b'{"name": "A\\u0000", "manufacturer_id": 1, "batch_number": "B"}',
     b'{"name": "A\\ud800", "manufacturer_id": 1, "batch_number": "B"}',
     b'{"name": 1, "manufacturer_id": 1, "batch_number": "B"}',
     b'{"name": "A", "manufacturer_id": 999, "batch_number": "B"}',
     b'{"name": "A", "manufacturer_id": 2147483648, "batch_number": "B"}',
     b'{"name": "A", "manufacturer_id": 9223372036854775808, "batch_number": "B"}',
     b'{"name": "A", "manufacturer_id": "x", "batch_number": "B"}',
     b'{"name": "A", "manufacturer_id": [], "batch_number": "B"}',
     b'{"name": "A", "manufacturer_id": NaN, "batch_number": "B"}',
     b'{"name": "A", "manufacturer_id": 1, "batch_number": " "}'],
    ids=lambda body: ascii(body)[:60],
)  # fmt: skip
def test_bad_product_by_rest_is_400(protected_client: TestClient, body: bytes) -> None:
    answer = send(protected_client, body, "/api/products")
    assert answer.status == 400
    assert answer.json["error"]
    assert set(answer.json) <= {"error", "missing"}
    assert shows_no_internals(answer)


def test_product_by_rest_in_another_media_type_is_415(protected_client: TestClient) -> None:
    body = b"name=A&manufacturer_id=1&batch_number=B"
    assert send(protected_client, body, "/api/products", content_type="text/plain").status == 415
