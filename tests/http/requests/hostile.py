"""Requests of an attacker: documents and variables of up to 100 KB that are slow to answer."""

import json
from typing import Any

BY_1 = "product(by: {productId: 1})"


def each(number: int, text: str) -> str:
    """Return the text so many times, `%d` in it counted up."""
    return " ".join(text.replace("%d", str(index)) for index in range(number))


def bomb(levels: int) -> str:
    """Fragments each of which spreads the next one twice."""
    twice = "".join(
        f"fragment f{n} on Product {{ manufacturer {{ products {{ nodes {{ ...f{n + 1} }} }} }}"
        f" again: manufacturer {{ products {{ nodes {{ ...f{n + 1} }} }} }} }} "
        for n in range(levels)
    )
    return f"{{ {BY_1} {{ ...f0 }} }} {twice} fragment f{levels} on Product {{ name }}"


def tree(depth: int) -> str:
    """Return the same field twice at each level."""
    if depth == 0:
        return "name"
    return f"manufacturer {{ products {{ nodes {{ {tree(depth - 1)} }} nodes {{ {tree(depth - 1)} }} }} }}"


DOCUMENTS = {
    "aliases": "{" + each(5_000, "a%d:__typename") + "}",
    "aliases of lookups": "{" + each(700, f"a%d:{BY_1}{{name}}") + "}",
    "one field again and again": "{" + "__typename " * 9_000 + "}",
    "one object again and again": "{" + f"{BY_1}{{name}} " * 700 + "}",
    "arguments again and again": "{"
    + ('products(filter:{name:{in:["' + '","'.join("abcdefgh" * 9) + '"]}}){totalCount} ') * 60
    + "}",
    "directives": "{__typename " + "@aa" * 4_990 + "}",
    "directives on fields": "{" + "__typename @skip(if:true) " * 1_400 + "}",
    "fragment bomb": bomb(40),
    "long fragment bomb": bomb(200),
    "fragments of fragments": "{"
    + each(900, "...f%d")
    + "}"
    + each(900, "fragment f%d on Query{...g}")
    + "fragment g on Query{__typename}",
    "circle of fragments": "{...f0}" + each(199, "fragment f%d on Query{...f0 ...f1 ...f2}"),
    "unused fragments": "{__typename}" + each(1_300, "fragment f%d on Query{__typename}"),
    "nested inline fragments": "{" + "...{" * 190 + "__typename" + "}" * 190 + "}",
    "many inline fragments": "{" + "...{__typename}" * 2_400 + "}",
    "nested lists": "{products(filter:" + "[" * 4_000 + "]" * 4_000 + "){totalCount}}",
    "nested objects": "{products(filter:" + "{not:" * 190 + "{}" + "}" * 190 + "){totalCount}}",
    "wide filter": "{products(filter:{or:[" + '{name:{eq:"a"}}' * 1_100 + "]}){totalCount}}",
    "circular introspection": "{__schema{types{fields{type{fields{type{fields{type{fields{name}}}}}}}}}}",
    "amplified introspection": "{__schema{types{"
    + each(99, "a%d:fields{type{kind name fields{name type{name kind}}}}")
    + "}}}",
    "long name": "{" + "a" * 99_000 + "}",
    "long alias": "{" + "a" * 99_000 + ":__typename}",
    "long unknown names": "{" + each(9, "product" * 1_400 + "%d") + "}",
    "unknown fields": "{" + each(8_000, "produc%d") + "}",
    "unknown arguments": "{products(" + each(3_300, "a%d:1") + "){totalCount}}",
    "repeated arguments": "{products(" + "first:1 " * 3_300 + "){totalCount}}",
    "operations": each(1_900, "query a%d{__typename}"),
    "unused variables": "query(" + each(1_900, "$a%d:Int") + "){__typename}",
    "definitions of types": each(1_200, "type A%d{a:Int}"),
    "tree": "{products{nodes{" + tree(6) + "}}}",
    "ids": "{nodes(ids:[" + '"x"' * 9_900 + "]){id}}",
    "orders": "{products(orderBy:[" + "{field:NAME}" * 1_600 + "]){totalCount}}",
    "commas": "{__typename" + "," * 99_000 + "}",
    "comments": "{__typename\n" + "#\n" * 33_000 + "}",
    "long number": "{products(first:" + "9" * 90_000 + "){totalCount}}",
    "block text": '{products(filter:{name:{eq:"""' + "\n a" * 24_000 + '"""}}){totalCount}}',
    "deep pages": "{products{" + "nodes{cacaoBatches{nodes{products{" * 7 + "totalCount" + "}}}}" * 7 + "}}",
}  # fmt: skip

FILTERED = "query ($f: ProductFilter) { products(filter: $f) { totalCount } }"
BATCHES = "query ($f: CacaoBatchFilter) { cacaoBatches(filter: $f) { totalCount } }"
IDS = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }"
VARIABLES: dict[str, tuple[str, dict[str, Any]]] = {
    "empty objects": (FILTERED, {"f": {"or": [{}] * 24_000}}),
    "objects": (FILTERED, {"f": {"or": [{"name": {"eq": "a"}}] * 4_000}}),
    "list of numbers": (FILTERED, {"f": {"productId": {"in": [*range(13_000)]}}}),
    "list of texts": (FILTERED, {"f": {"name": {"in": ["a"] * 19_000}}}),
    "list of wrong values": (FILTERED, {"f": {"productId": {"in": ["a"] * 19_000}}}),
    "unknown members": (FILTERED, {"f": {f"a{n}": 1 for n in range(8_000)}}),
    "unknown variables": (FILTERED, {f"a{n}": 1 for n in range(8_000)}),
    "deep object": (FILTERED, {"f": json.loads('{"not":' * 180 + "{}" + "}" * 180)}),
    "many ids": (IDS, {"ids": ["x"] * 19_000}),
    "long cursor": (
        "query ($c: String) { products(after: $c) { totalCount } }",
        {"c": "x" * 95_000},
    ),
    "decimals": (BATCHES, {"f": {"quantityKg": {"in": [f"1e{n}" for n in range(8_000)]}}}),
    "long decimal": (BATCHES, {"f": {"quantityKg": {"eq": "9" * 95_000}}}),
}
