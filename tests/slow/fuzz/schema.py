"""Documents that the schema allows, made by Schemathesis from its introspection, sent to a live server.

A document may exceed a limit or have invalid values, but may not cause an internal error.
"""

import json
from typing import Any

import schemathesis
from graphql import ValueNode, parse_const_value
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis.core.result import Ok
from schemathesis.specs.graphql.schemas import GraphQLSchema

from tests.slow.fuzz.sending import Tally

# Each answer must be GraphQL, whatever it says.
MEMBERS = {"data", "errors", "extensions"}
# Values of our own scalars: right ones, ones at the edges, and wrong ones.
WRONG = ('""', "null", "-1", "1e400", '"NaN"', "[]", "{a: 1}", "true", '"\\u0000"', "A", "9" * 300)
SCALARS = {
    "BigInt": ("0", "9007199254740991", "9007199254740992", "-9007199254740993", '"1"'),
    "CountryCode": ('"CH"', '"GH"', '"ch"', '"XX"', '"CHE"', '"\u212a"'),
    "Date": ('"2025-11-11"', '"0001-01-01"', '"9999-12-31"', '"2025-02-30"', '"10000-01-01"'),
    "DateTime": (
        *('"2025-11-11T10:00:00Z"', '"0001-01-01T00:00:00+14:00"', '"9999-12-31T23:59:59-12:00"'),
        *('"2025-11-11"', '"2025-11-11T24:00:00Z"', '"2025-11-11T10:00:00+99:99"'),
    ),
    "Decimal": (
        '"420.000"',
        "1.5",
        '"1e999999"',
        '"Infinity"',
        '"-0"',
        f'"{"9" * 200}"',
        '"0.0001"',
    ),
    "GTIN": (
        '"07610400010115"',
        '"7610400010115"',
        '"12345670"',
        '"\u0661\u0662"',
        "7610400010115",
    ),
    "JSON": ("{}", "{a: {b: [1, null, 1.5]}}", '"x"', "1e308", '{a: "\\u0000"}'),
}


def load(url: str) -> GraphQLSchema:
    """Return the schema of the endpoint at this address."""
    for name, texts in SCALARS.items():
        values: list[ValueNode] = [parse_const_value(text) for text in (*texts, *WRONG)]
        schemathesis.graphql.scalar(name, st.sampled_from(values))
    schema: GraphQLSchema = schemathesis.graphql.from_url(url)
    return schema


def fuzz_schema(url: str, start: int, each: int) -> Tally:
    """Ask each root field of Query and Mutation so many times; the same by the same `start`."""
    tally = Tally()
    for found in load(url).get_all_operations():
        assert isinstance(found, Ok)
        operation = found.ok()

        @seed(start)
        @settings(
            max_examples=each,
            deadline=None,
            database=None,
            phases=(Phase.generate,),
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def ask(case: Any) -> None:
            response = case.call(headers={"accept": "application/json"})
            tally.statuses[str(response.status_code)] += 1
            tally.kinds[case.operation.label] += 1
            wrong = fault_of(response.status_code, response.content)
            if wrong:
                tally.faults.append(f"{case.operation.label}: {wrong}: {case.body}")

        ask()
    return tally


def fault_of(status: int, body: bytes) -> str:
    """Return what is wrong with an answer; empty where nothing is."""
    if status >= 500:
        return f"status {status}"
    try:
        members = set(json.loads(body))
    except ValueError as error:
        return f"no JSON: {error}"
    return "" if members and members <= MEMBERS else f"not GraphQL: {members}"
