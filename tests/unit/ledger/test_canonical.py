"""Canonical JSON: the examples of RFC 8785, its author's test data, and the numbers of ECMAScript."""

import json
import struct
from decimal import Decimal
from typing import Any

import pytest
import rfc8785
from hypothesis import example, given
from hypothesis import strategies as st

from ledger.leaf import MAX_LEAF_LEVELS, canonical_bytes, leaf_levels, leaf_number, leaf_of
from ledger.verifier import NotVerified, canonical_json, ecmascript_number, read_canonical

# github.com/cyberphone/json-canonicalization, testdata: input and output.
PUBLISHED = {
    "arrays": (
        '[\n  56,\n  {\n    "d": true,\n    "10": null,\n    "1": [ ]\n  }\n]',
        '[56,{"1":[],"10":null,"d":true}]',
    ),
    "french": (
        (
            '{"peach": "This sorting order", "péché": "is wrong according to French",'
            ' "pêche": "but canonicalization MUST", "sin":   "ingnore locale"}'
        ),
        (
            '{"peach":"This sorting order","péché":"is wrong according to French",'
            '"pêche":"but canonicalization MUST","sin":"ingnore locale"}'
        ),
    ),
    "structures": (
        '{"1": {"f": {"f": "hi","F": 5} ,"\\n": 56.0}, "10": { }, "": "empty", "a": { }, "111": [ { } ], "A": { }}',
        '{"":"empty","1":{"\\n":56,"f":{"F":5,"f":"hi"}},"10":{},"111":[{}],"A":{},"a":{}}',
    ),
    "unicode": (
        '{"Unnormalized Unicode":"\\u1e0d\\u0307"}',
        '{"Unnormalized Unicode":"\u1e0d\u0307"}',
    ),
    "values": (
        (
            '{"numbers": [1E30, 4.50, 333333333.33333329, 2e-3, 0.000000000000000000000000001],'
            r' "escaping": "\u20ac$\u000F\u000aA\u0027\u0042\u0022\u005c\\\"\/", "literals": [null, true, false]}'
        ),
        (
            '{"escaping":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/","literals":[null,true,false],'
            '"numbers":[1e+30,4.5,333333333.3333333,0.002,1e-27]}'
        ),
    ),
    "weird": (
        (
            r'{"\u20ac": "Euro Sign", "1": "One", "\u0080": "Control\u007f", "\ud83d\ude02": "Smiley",'
            r' "\u00f6": "Latin Small Letter O With Diaeresis", "\ufb33": "Hebrew Letter Dalet With Dagesh",'
            r' "</script>": "Browser Challenge"}'
        ),
        (
            '{"1":"One","</script>":"Browser Challenge","\u0080":"Control\u007f",'
            '"ö":"Latin Small Letter O With Diaeresis","€":"Euro Sign","\U0001f602":"Smiley",'
            '"\ufb33":"Hebrew Letter Dalet With Dagesh"}'
        ),
    ),
}
# RFC 8785, appendix B, and the sample lines of its writable_client's file of numbers.
NUMBERS = {
    "0000000000000000": "0",
    "8000000000000000": "0",
    "0000000000000001": "5e-324",
    "8000000000000001": "-5e-324",
    "7fefffffffffffff": "1.7976931348623157e+308",
    "ffefffffffffffff": "-1.7976931348623157e+308",
    "4340000000000000": "9007199254740992",
    "c340000000000000": "-9007199254740992",
    "4430000000000000": "295147905179352830000",
    "44b52d02c7e14af5": "9.999999999999997e+22",
    "44b52d02c7e14af6": "1e+23",
    "44b52d02c7e14af7": "1.0000000000000001e+23",
    "444b1ae4d6e2ef4e": "999999999999999700000",
    "444b1ae4d6e2ef4f": "999999999999999900000",
    "444b1ae4d6e2ef50": "1e+21",
    "3eb0c6f7a0b5ed8c": "9.999999999999997e-7",
    "3eb0c6f7a0b5ed8d": "0.000001",
    "41b3de4355555553": "333333333.3333332",
    "41b3de4355555554": "333333333.33333325",
    "41b3de4355555555": "333333333.3333333",
    "41b3de4355555556": "333333333.3333334",
    "41b3de4355555557": "333333333.33333343",
    "becbf647612f3696": "-0.0000033333333333333333",
    "43143ff3c1cb0959": "1424953923781206.2",
    "4340000000000001": "9007199254740994",
    "4340000000000002": "9007199254740996",
}
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | TEXT
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)  # fmt: skip
SALT = bytes(range(16))
RECORD = '{"event": "e", "transactionId": 1, "recordTime": "t"}'


def leaf(details: str | None, sequence: int = 7) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(leaf_of(RECORD, details, sequence, SALT))
    return made


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_documents(name: str) -> None:
    given_, expected = PUBLISHED[name]
    value = json.loads(given_)
    assert rfc8785.dumps(value).decode() == expected
    assert canonical_json(value) == expected


@pytest.mark.parametrize("bits", NUMBERS)
def test_published_numbers(bits: str) -> None:
    (value,) = struct.unpack(">d", bytes.fromhex(bits))
    assert ecmascript_number(value) == NUMBERS[bits]
    assert rfc8785.dumps(value).decode() == NUMBERS[bits]


@given(VALUES)
@example({"\U0001f602": 1, "\ufb33": 2})
@example([1e-7, 1e16, 123456789012345680000.0])
def test_verifier_writes_what_the_library_writes(value: Any) -> None:
    assert canonical_json(value).encode() == rfc8785.dumps(value)


@given(VALUES)
@example({"\U0001f602": 1, "\ufb33": 2})
def test_leaf_is_what_the_library_writes_of_it(value: Any) -> None:
    made = leaf_of(RECORD, json.dumps(value), 7, SALT)
    # The library takes whole numbers beyond 2^53 as floats alone.
    read = json.loads(made, parse_int=lambda d: int(d) if abs(int(d)) < 2**53 else float(d))
    assert rfc8785.dumps(read) == made
    assert read_canonical(made.decode(), "it") == json.loads(made)
    assert read["salt"] == SALT.hex()
    assert read["sequence"] == 7


@given(VALUES)
def test_quick_way_is_the_library_where_numbers_are_plain(value: Any) -> None:
    plain = json.loads(json.dumps(value), parse_float=lambda _: 1)
    assert canonical_bytes(plain) == rfc8785.dumps(plain)


# ---------------------------------------------------------------- what JSONB holds and JSON's readers do not


@pytest.mark.parametrize(
    ("digits", "kept"),
    [
        ("1.50", 1.5),
        ("1E30", 1e30),
        ("14.0", 14),
        ("0.1", 0.1),
        ("100000000000000000000", 1e20),
        ("9007199254740993", "9007199254740993"),
        ("0.1000000000000000055511151231257827", "0.1000000000000000055511151231257827"),
        ("1e400", "1e400"),
        ("1e-400", "1e-400"),
        ("123456789012345678901234567890", "123456789012345678901234567890"),
        ("9" * 5_000, "9" * 5_000),
    ],
)
def test_numbers_that_no_double_is_written_as_are_kept_as_text(digits: str, kept: Any) -> None:
    made = leaf(f'{{"a": [0, {digits}]}}')
    assert made["details"]["a"][1] == kept
    assert made.get("asText") == (["/details/a/1"] if isinstance(kept, str) else None)


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_number_is_exact_or_text(value: Decimal) -> None:
    made = leaf_number(str(value).lower())
    assert isinstance(made, str) or Decimal(repr(made)) == value


def test_number_and_its_text_have_different_leaves() -> None:
    big = "123456789012345678901234567890"
    assert leaf(f'{{"a": {big}}}') != leaf(f'{{"a": "{big}"}}')
    assert leaf(f'{{"a~/b": {big}}}')["asText"] == ["/details/a~0~1b"]


def test_details_too_deep_for_a_reader_are_kept_as_text() -> None:
    deep = "[" * (MAX_LEAF_LEVELS + 1) + "]" * (MAX_LEAF_LEVELS + 1)
    assert leaf(deep)["details"] == deep
    assert leaf(deep)["asText"] == ["/details"]
    assert leaf("[" * 9_999 + "]" * 9_999)["asText"] == ["/details"]
    assert leaf(deep[1:-1])["details"] == json.loads(deep[1:-1])
    assert "asText" not in leaf(json.dumps(["[" * 500 + "{" * 500]))


@pytest.mark.parametrize("text", ['"[[[["', r'"\"[[["', "[[1], [2]]", "[]"])
def test_levels_are_those_of_lists_and_objects(text: str) -> None:
    deep = "[" + ",".join([text] * 200) + "]"
    assert leaf_levels(deep) == (
        0 if deep.count("[") <= MAX_LEAF_LEVELS else 1 + levels(json.loads(text))
    )


def levels(value: Any) -> int:
    return 1 + max(map(levels, value), default=0) if isinstance(value, list) else 0


def test_no_details_are_not_details_of_null() -> None:
    assert leaf(None) != leaf("null")


def test_unicode_is_not_normalised() -> None:
    composed, decomposed = '"\u00e9"', '"e\u0301"'
    assert leaf(composed) != leaf(decomposed)
    assert leaf(decomposed)["details"] == "e\u0301"


@pytest.mark.parametrize(
    "text",
    [
        '{"b":1,"a":2}',
        '{"a": 1}',
        '{"a":1,"a":1}',
        "1.0",
        "1e3",
        '"\\u0041"',
        "[NaN]",
        "",
        '"\\ud800"',
    ],
)
def test_text_that_is_not_canonical_is_refused(text: str) -> None:
    with pytest.raises(NotVerified):
        read_canonical(text, "it")
