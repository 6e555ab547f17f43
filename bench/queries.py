"""The four operations, once in each dialect, and the request bodies made of them.

Every dialect asks for the same data; bench.answers takes their wrappings off.
"""

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

QUERY_NAMES = ("provenance", "page", "audit", "tiny")


@dataclass(frozen=True)
class Dialect:
    """The texts of the four operations; `opaque` where a cursor is a server's own base64."""

    name: str
    texts: Mapping[str, str]
    opaque: bool


PROJECT_PRODUCT = (
    "name batchNumber manufacturer { name location } "
    "cacaoBatches(first: 20) { nodes { harvestDate quantityKg certification "
    "supplier { name location } } } "
    "transactions(first: 20) { nodes { timestamp event details } }"
)
PROJECT = Dialect(
    "project",
    {
        "provenance": "query Provenance($id: Int!) { product(by: {productId: $id}) { "
        f"{PROJECT_PRODUCT} }} }}",
        "page": "query Page($after: String) { products(first: 50, after: $after) { nodes { "
        f"{PROJECT_PRODUCT} }} pageInfo {{ endCursor hasNextPage }} }} }}",
        "audit": "query Audit($id: Int!) { cacaoBatch(by: {cacaoBatchId: $id}) { "
        "supplier { name location } products(first: 100) { nodes { name manufacturer { name } "
        "transactions(first: 20) { nodes { timestamp event details } } } } } }",
        "tiny": "query Tiny($id: Int!) { product(by: {productId: $id}) { name } }",
    },
    opaque=True,
)

LISTS_PRODUCT = (
    "name batchNumber manufacturer { name location } "
    "cacaoBatches(first: 20) { harvestDate quantityKg certification supplier { name location } } "
    "transactions(first: 20) { timestamp event details }"
)
LISTS = Dialect(
    "lists",
    {
        "provenance": f"query Provenance($id: Int!) {{ product(id: $id) {{ {LISTS_PRODUCT} }} }}",
        "page": "query Page($after: Int!) { products(first: 50, after: $after) { nodes { "
        f"{LISTS_PRODUCT} }} pageInfo {{ endCursor hasNextPage }} }} }}",
        "audit": "query Audit($id: Int!) { cacaoBatch(id: $id) { supplier { name location } "
        "products(first: 100) { name manufacturer { name } "
        "transactions(first: 20) { timestamp event details } } } }",
        "tiny": "query Tiny($id: Int!) { product(id: $id) { name } }",
    },
    opaque=False,
)

POSTGRAPHILE_PRODUCT = (
    "name batchNumber manufacturer { name location } "
    "cacaoBatches: productCacaoBatchesList(first: 20) { cacaoBatch { "
    "harvestDate quantityKg: quantity certification supplier { name location } } } "
    "transactions: transactionsList(first: 20) { timestamp event details }"
)
POSTGRAPHILE = Dialect(
    "postgraphile",
    {
        "provenance": "query Provenance($id: Int!) { product(productId: $id) { "
        f"{POSTGRAPHILE_PRODUCT} }} }}",
        "page": "query Page($after: Cursor) { products(first: 50, after: $after) { nodes { "
        f"{POSTGRAPHILE_PRODUCT} }} pageInfo {{ endCursor hasNextPage }} }} }}",
        "audit": "query Audit($id: Int!) { cacaoBatch(cacaoBatchId: $id) { "
        "supplier { name location } products: productCacaoBatchesList(first: 100) { product { "
        "name manufacturer { name } "
        "transactions: transactionsList(first: 20) { timestamp event details } } } } }",
        "tiny": "query Tiny($id: Int!) { product(productId: $id) { name } }",
    },
    opaque=True,
)


@dataclass(frozen=True)
class Keys:
    """Which rows the requests ask for; the batches are those that went into products."""

    products: int
    batches: tuple[int, ...]

    def drawn(self, query: str, seed: str, count: int) -> Iterator[int]:
        """Random keys, the same for every peer. A page always has 50 products behind it."""
        random = Random(f"{query}:{seed}")
        last = self.products - 100 if query == "page" else self.products
        for _ in range(count):
            yield random.choice(self.batches) if query == "audit" else random.randint(1, last)


@dataclass(frozen=True)
class Cursors:
    """The cursor of a product at one server: the text before its key."""

    head: tuple[Any, ...] = ()

    @classmethod
    def learned(cls, cursor: str) -> "Cursors":
        """From any cursor of that server."""
        return cls(tuple(json.loads(base64.b64decode(cursor))[:-1]))

    def write(self, key: int) -> str:
        return base64.b64encode(json.dumps([*self.head, key]).encode()).decode()


def request_body(dialect: Dialect, cursors: Cursors, query: str, key: int | None) -> bytes:
    """Return the POST body, one line; without a key, a page from the start."""
    value: Any = key
    if query == "page" and dialect.opaque:
        value = None if key is None else cursors.write(key)
    variables = {"after" if query == "page" else "id": value}
    body = {"query": dialect.texts[query], "variables": variables}
    return json.dumps(body, separators=(",", ":")).encode()
