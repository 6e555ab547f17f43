"""JSON values are exact on every path, digit for digit, at every permitted depth."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from starlette.testclient import TestClient

from exchange.csv.cells import JSON_CELL
from exchange.csv.rejections import RowError
from ledger.leaf import leaf_of
from models.database.engines import Database
from models.exact_json import ExactNumber, JSONText, dumps, number
from serving.app import create_app
from serving.settings import Settings
from tests.conftest import client_of, local
from tests.requests import encode, request, rows, send

DIGITS = [
    "1234567890.12345678",
    "0.1000000000000000055511151231257827",
    "1.10",
    "12345678901234567890123",
    "9" * 320,
    "-" + "7" * 200 + "." + "3" * 120,
    "0." + "0" * 330 + "1",
]
# As PostgreSQL writes a number that came with an exponent.
WRITTEN_OUT = {"1e320": "1" + "0" * 320, "1.5E+3": "1500", "25e-4": "0.0025"}
RECORD = """mutation ($input: RecordTransactionInput!) { recordTransaction(input: $input) {
  transaction { transactionId details } userErrors { code message } } }"""
READ = '{ %s transactions(filter: {event: {eq: "weighed"}}) { nodes { details } } }'


def details_in(body: bytes) -> bytes:
    """Return the text of the only `details` of an answer."""
    found = body.replace(b" ", b"").split(b'"details":')[1]
    last = b'"end":"end"}'
    return found[: found.index(last) + len(last)]


def body_of(query: str, variables: str) -> bytes:
    return b'{"query": %s, "variables": %s}' % (encode(query), variables.encode())


def record(client: TestClient, details: str, key: str = "null") -> bytes:
    """Record an event with these details in a variable; the answer's bytes."""
    given = f"""{{"input": {{"event": "weighed", "productId": "1", "idempotencyKey": {key},
      "details": {details}}}}}"""
    answer = send(client, body_of(RECORD, given))
    assert answer.status == 200
    assert answer.json["data"]["recordTransaction"]["userErrors"] == [], answer.body
    return answer.body


def everywhere(client: TestClient) -> Iterator[bytes]:
    """Yield the details of the event as each path of a query shows them."""
    for beside in ("", "viewer { role }", "__schema { queryType { name } }", "__typename"):
        for headers in ({}, {"x_explain": "1"}):
            yield details_in(send(client, encode({"query": READ % beside}), **headers).body)


@pytest.mark.parametrize("digits", [*DIGITS, *WRITTEN_OUT])
def test_number_keeps_every_digit_from_a_variable_to_every_answer(
    writable_client: TestClient, own_world: Database, digits: str
) -> None:
    kept = f'{{"n":{WRITTEN_OUT.get(digits, digits)},"end":"end"}}'.encode()
    assert details_in(record(writable_client, f'{{"n": {digits}, "end": "end"}}')) == kept
    assert {*everywhere(writable_client)} == {kept}
    ((stored,),) = rows(own_world, "SELECT details::text FROM transactions WHERE event = 'weighed'")
    assert stored.replace(" ", "").encode() == kept


@pytest.mark.parametrize("digits", [*DIGITS, *WRITTEN_OUT])
def test_number_keeps_every_digit_from_a_literal(writable_client: TestClient, digits: str) -> None:
    mutation = f"""mutation {{ recordTransaction(input: {{event: "weighed", productId: 1,
      details: {{n: {digits}, of: [{digits}], end: "end"}}}}) {{
      transaction {{ details }} userErrors {{ code }} }} }}"""
    answer = send(writable_client, encode({"query": mutation}))
    shown = WRITTEN_OUT.get(digits, digits)
    assert details_in(answer.body) == f'{{"n":{shown},"of":[{shown}],"end":"end"}}'.encode()


def test_variable_within_a_literal_keeps_its_digits(writable_client: TestClient) -> None:
    mutation = """mutation ($j: JSON, $d: Decimal, $absent: JSON, $on: Date, $at: DateTime) {
      recordTransaction(input: {event: "weighed", productId: 1, details: {
        a: $j, b: [$d, $absent], c: $absent, on: $on, at: $at, end: "end"}}) {
      transaction { details } userErrors { code } } }"""
    variables = """{"j": {"n": 1234567890.12345678}, "d": 0.30000000000000000001,
      "on": "2026-03-01", "at": "2026-03-01T00:00:00Z"}"""
    kept = details_in(send(writable_client, body_of(mutation, variables)).body)
    assert json.loads(kept, parse_float=str) == {
        "a": {"n": "1234567890.12345678"},
        "b": ["0.30000000000000000001", None],
        "on": "2026-03-01",
        "at": "2026-03-01T00:00:00+00:00",
        "end": "end",
    }


def test_replay_answers_the_same_digits_and_others_are_another_input(
    writable_client: TestClient,
) -> None:
    first = '{"n": 1234567890.12345678, "end": "end"}'
    second = first.replace("678,", "679,")
    answered = record(writable_client, first, '"once"')
    assert details_in(record(writable_client, first, '"once"')) == details_in(answered)
    given = f"""{{"input": {{"event": "weighed", "productId": "1", "idempotencyKey": "once",
      "details": {second}}}}}"""
    answer = send(writable_client, body_of(RECORD, given)).json["data"]["recordTransaction"]
    assert [error["code"] for error in answer["userErrors"]] == ["IDEMPOTENCY_KEY_REUSED"]


def test_leaf_of_the_ledger_has_every_digit(
    writable_client: TestClient, own_world: Database
) -> None:
    record(writable_client, '{"n": 1234567890.12345678, "end": "end"}')
    query = """SELECT (ledger_record(t) - 'details')::text, details::text FROM transactions t
      WHERE event = 'weighed'"""
    ((said, details),) = rows(own_world, query)
    leaf = json.loads(leaf_of(said, details, 0, b"0" * 16))
    assert leaf["details"]["n"] == "1234567890.12345678"
    assert leaf["asText"] == ["/details/n"]


@pytest.mark.parametrize("place", ["body", "URL"])
def test_decimal_given_as_a_number_is_not_rounded_on_its_way(
    writable_client: TestClient, place: str
) -> None:
    """As a float the number would equal 0.1, which is another number."""
    query = """query ($kg: Decimal!) { cacaoBatches(filter: {quantityKg: {eq: $kg}}) {
      totalCount } }"""
    for given, count in (("500.5", 1), ("500.50", 1), ("500.500000000000000001", 0)):
        variables = f'{{"kg": {given}}}'
        if place == "body":
            answer = send(writable_client, body_of(query, variables))
        else:
            parameters = {"query": query, "variables": variables}
            found = writable_client.get(
                "/graphql", params=parameters, headers={"accept": "application/json"}
            )
            assert found.json()["data"]["cacaoBatches"]["totalCount"] == count
            continue
        assert answer.json["data"]["cacaoBatches"]["totalCount"] == count


def test_whole_number_that_is_none_by_a_digit_is_refused(writable_client: TestClient) -> None:
    query = "query ($n: Int!) { product(by: {productId: $n}) { productId } }"
    assert send(writable_client, body_of(query, '{"n": 1.00}')).json["data"]["product"] == {
        "productId": 1
    }
    answer = send(writable_client, body_of(query, '{"n": 1.00000000000000000001}'))
    assert answer.codes == ["BAD_USER_INPUT"]


@pytest.mark.parametrize("digits", ["1e400", "9" * 401, "1e-400", "-1e99999999999999999999"])
def test_number_of_more_digits_than_are_kept_is_refused(
    writable_client: TestClient, digits: str
) -> None:
    given = f'{{"input": {{"event": "x", "productId": "1", "details": [{digits}]}}}}'
    assert send(writable_client, body_of(RECORD, given)).codes == ["BAD_USER_INPUT"]
    with pytest.raises(RowError, match="out of range"):
        JSON_CELL.parse(f"[{digits}]")


def test_geometry_and_evidence_are_read_as_they_are(own_world: Database) -> None:
    """Their own columns, and a number outside the range of any column."""
    point = '{"type": "Point", "coordinates": [-4.030000000000000000001, 5.36]}'
    with own_world.engine().begin() as connection:
        connection.execute(
            text("UPDATE plots SET geometry = cast(:g AS jsonb) WHERE plot_id = 1"), {"g": point}
        )
    plots = "cacaoBatch(by: {cacaoBatchId: 1}) { plots(first: 1) { nodes { geometry } } }"
    findings = "auditFindings(first: 50) { nodes { rule evidence } }"
    changes = "changes(first: 50) { nodes { relation keys } }"
    with local(create_app(Settings(dev_role="admin"), own_world)) as client:
        for query in (plots, findings, changes):
            raw = send(client, encode({"query": f"{{ {query} }}"})).body
            beside = send(client, encode({"query": f"{{ viewer {{ role }} {query} }}"})).body
            first, second = (
                body.split(b'"nodes"')[1].split(b'"extensions"')[0] for body in (raw, beside)
            )
            assert first.replace(b" ", b"").replace(b"\n", b"") == second.replace(b" ", b"")
            assert b"-4.030000000000000000001" in raw or query != plots


# ---------------------------------------------------------------- levels


def nested(levels: int, opening: str = "[", closing: str = "]") -> str:
    return opening * levels + "0" + closing * levels


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a": ', "}"), ('[{"a": ', "}]")])
def test_every_way_in_takes_64_levels_and_no_more(
    writable_client: TestClient, own_world: Database, opening: str, closing: str
) -> None:
    each = opening.count("[") + opening.count("{")
    most, more = nested(64 // each, opening, closing), nested(64 // each + 1, opening, closing)
    sql = text(
        "INSERT INTO transactions (product_id, event, details) VALUES (1, 'deep', cast(:d AS jsonb))"
    )
    assert JSON_CELL.parse(most) == most
    with own_world.engine().begin() as connection:
        connection.execute(sql, {"d": most})
    record(writable_client, most)
    with pytest.raises(RowError, match="nested deeper than 64 levels"):
        JSON_CELL.parse(more)
    violated = pytest.raises(IntegrityError, match="transactions_details_levels")
    with violated, own_world.engine().begin() as connection:
        connection.execute(sql, {"d": more})
    given = f'{{"input": {{"event": "x", "productId": "1", "details": {more}}}}}'
    assert send(writable_client, body_of(RECORD, given)).codes == ["BAD_USER_INPUT"]


@pytest.mark.parametrize("levels", [65, 980, 2_000])
def test_what_is_there_already_is_shown_on_every_path(fresh: Database, levels: int) -> None:
    """An event that is older than the limit of 64 levels."""
    deep = nested(levels)
    with fresh.engine().begin() as connection:
        run = connection.exec_driver_sql
        run("ALTER TABLE transactions DROP CONSTRAINT transactions_details_levels")
        run("INSERT INTO manufacturers (name, location) VALUES ('M', 'L')")
        run("INSERT INTO products (name) VALUES ('P')")
        connection.execute(
            text(
                "INSERT INTO transactions (product_id, event, details) VALUES (1, 'weighed', cast(:d AS jsonb))"
            ),
            {"d": deep},
        )
    with client_of(fresh) as client:
        for beside in ("", "viewer { role }", "__schema { queryType { name } }"):
            answer = send(client, encode({"query": READ % beside}))
            assert answer.status == 200
            assert f'"details":{deep}'.encode() in answer.body


def test_json_null_is_null_on_every_path(writable_client: TestClient, own_world: Database) -> None:
    with own_world.engine().begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO transactions (product_id, event, details) VALUES (1, 'weighed', 'null')"
        )
    for beside in ("", "viewer { role }"):
        data = request(writable_client, READ % beside).json["data"]
        assert data["transactions"]["nodes"] == [{"details": None}]


# ---------------------------------------------------------------- the functions themselves


@pytest.mark.parametrize("digits", ["0.1", "1.0", "1e+16", "5e-324", "-2.5"])
def test_number_that_a_float_is_written_as_is_a_float(digits: str) -> None:
    assert type(number(digits)) is float


def test_exact_numbers_compare_by_all_their_digits() -> None:
    assert ExactNumber("1.10") == ExactNumber("1.1")
    assert hash(ExactNumber("1.10")) == hash(ExactNumber("1.1"))
    assert ExactNumber("0.1000000000000000055") != 0.1
    assert ExactNumber("1.00000000000000000001") != 1


def test_text_that_looks_like_a_kept_one_stays_text() -> None:
    value: dict[str, Any] = {"a": ExactNumber("1.10"), "b": "0:0", "c": JSONText("[1.20]"), "é": 1}
    assert dumps(value, ensure_ascii=False) == '{"a": 1.10, "b": "0:0", "c": [1.20], "é": 1}'
    with pytest.raises(TypeError, match="object"):
        dumps({"a": object()})
