"""A cached plan gives the answer of a new one, and only equal requests share it."""

import asyncio
import base64
import gc
import itertools
import json
from collections.abc import Iterator
from contextlib import closing
from types import FunctionType, ModuleType
from typing import Any

import pytest
from graphql import DocumentNode, SelectionSetNode, Token
from starlette.testclient import TestClient

from graph.admission.limits import Limits
from graph.answer import Request
from graph.auth.roles import ADMIN, PUBLIC, VIEWER
from graph.context import Viewer
from graph.documents import read_document
from graph.execution.engine import Engine
from graph.execution.plan_cache import CachedOperation
from graph.schema import schema
from models.database.asynchronous import Statement
from models.database.engines import Database


def global_id(name: str, key: int) -> str:
    return base64.b64encode(f"{name}:{key}".encode()).decode()


def cursor(scope: str, *values: Any) -> str:
    return base64.b64encode(json.dumps([scope, *values]).encode()).decode()


P1, P2 = global_id("Product", 1), global_id("Product", 2)
S1, B1 = global_id("Supplier", 1), global_id("CacaoBatch", 1)
BY_GTIN = "Query.products+gtin+product_id"
GTIN = "07617919000019"

CASES: dict[str, tuple[str, list[dict[str, Any]]]] = {
    "ids of other types": (
        "query ($a: ID!) { node(id: $a) { __typename id ... on Product { name } } }",
        [{"a": P1}, {"a": S1}, {"a": P2}, {"a": B1}],
    ),
    "literals beside the same variables": (
        f"""query ($a: ID!, $b: ID!) {{ x: nodes(ids: [$a, $b, "{P1}"]) {{ id }}
            y: nodes(ids: [$a, $b, "{S1}"]) {{ id }} }}""",
        [{"a": S1, "b": S1}, {"a": P1, "b": S1}, {"a": B1, "b": P2}],
    ),
    "lists of any length": (
        "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }",
        [{"ids": []}, {"ids": [P1]}, {"ids": [S1, P1]}, {"ids": [P1, P2, B1, S1]}],
    ),
    "absent, null and present": (
        """query ($f: ProductFilter, $n: Int, $c: String) {
            products(first: $n, after: $c, filter: $f) { nodes { productId } totalCount } }""",
        [
            {},
            {"f": None, "n": None, "c": None},
            {"f": {}, "n": 3},
            {"f": {"name": {"contains": "noir"}}, "n": 2},
            {"f": {"name": {"contains": "lait"}}, "n": 4},
            {"f": {"name": {"eq": "noir"}}},
            {"f": {"productId": {"in": []}}},
            {"f": {"productId": {"in": [1, 2, 3]}}, "n": 1},
            {"f": {"or": [{"productId": {"eq": 1}}, {"productId": {"eq": 5}}]}},
            {"f": {"or": [{"productId": {"eq": 2}}]}},
            {"f": {"manufacturer": {"country": {"isNull": True}}}},
            {"f": {"manufacturer": {"country": {"isNull": False}}}},
        ],
    ),
    "cursors with and without null": (
        """query ($c: String) { products(first: 3, after: $c, orderBy: [{field: GTIN}]) {
            nodes { productId gtin } pageInfo { hasPreviousPage hasNextPage } } }""",
        [{"c": cursor(BY_GTIN, GTIN, 1)}, {"c": cursor(BY_GTIN, None, 7)}, {"c": None}, {}],
    ),
    "directives, enums and defaults": (
        """query ($b: Boolean! = true, $o: [ProductOrder!], $s: Stage) {
            products(first: 2, orderBy: $o) { nodes { name @include(if: $b) productId
            cacaoBatches(first: 5, filter: {stage: {eq: $s}}) { totalCount } } } }""",
        [
            {"s": "BEANS"},
            {"s": "COUVERTURE", "b": False},
            {"s": "NIBS", "o": [{"field": "NAME"}]},
            {"s": "NIBS", "o": [{"field": "NAME", "direction": "DESC"}]},
            {"s": "BEANS", "o": []},
        ],
    ),
    "one variable in two roles": (
        """query ($n: Int!) { products(first: $n) { nodes { productId } }
            product(by: {productId: $n}) { name transactions(last: $n) { nodes { event } } } }""",
        [{"n": 1}, {"n": 2}, {"n": 101}, {"n": 0}],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_plan_used_again_answers_as_a_new_one(client: TestClient, name: str) -> None:
    query, every = CASES[name]
    cold = []
    for number, variables in enumerate(every):
        # A text that was never sent before has no plan yet.
        new = query + "\n" * (number + 1)
        cold.append(client.post("/graphql", json={"query": new, "variables": variables}).json())
    assert any("data" in answer for answer in cold)
    for first, second in itertools.permutations(range(len(every)), 2):
        for number in (first, second):
            body = {"query": query, "variables": every[number]}
            answer = client.post("/graphql", json=body).json()
            for error in (*answer.get("errors", ()), *cold[number].get("errors", ())):
                error.pop("locations", None)
            assert answer == cold[number]


def test_document_that_expands_is_refused(client: TestClient) -> None:
    spread = " ".join(
        f"a{i}: manufacturer {{ products(first: 1) {{ nodes {{ ...NEXT }} }} }}" for i in range(4)
    )
    levels = [
        f"fragment f{i} on Product {{ {spread.replace('NEXT', f'f{i + 1}')} }}" for i in range(7)
    ]
    query = "{ products(first: 1) { nodes { ...f0 } } }" + " ".join(levels)
    query += " fragment f7 on Product { name }"
    answer = client.post("/graphql", json={"query": query}).json()
    assert answer["errors"][0]["extensions"]["code"] == "DOCUMENT_TOO_LARGE"
    assert "data" not in answer


def test_variables_that_are_refused_are_not_remembered(sample: Database) -> None:
    text = "query ($f: [ProductFilter!]) { products(filter: {or: $f}) { totalCount } }"
    engine = Engine(sample)

    async def ask() -> list[str]:
        answers = []
        for length in (300, 301, 302):
            variables: dict[str, Any] = {"f": [{"id": {}}] * length}
            answer = await engine.answer(Request(text, variables), Viewer(ADMIN))
            answers += [str((error.extensions or {})["code"]) for error in answer.errors]
        sample.pool().close()
        return answers

    assert asyncio.run(ask()) == ["DOCUMENT_TOO_LARGE"] * 3
    entry = engine.plans.find(text, None)
    assert entry is not None
    assert entry.variants == {}


def test_a_planned_document_is_known_by_its_plans_alone(sample: Database) -> None:
    """Variables that change the plan lead to another plan, and errors keep their positions."""
    text = "query ($a: ID!, $n: Int = 2) {\n  node(id: $a) { id }\n  products(first: $n) { nodes { id } }\n}"
    engine = Engine(sample)

    async def ask(**variables: Any) -> Any:
        answer = await engine.answer(Request(text, variables), Viewer(ADMIN))
        return json.loads(answer.through) if answer.through else answer.errors[0].formatted

    async def ask_all() -> list[Any]:
        answers = [await ask(a=P1, n=1), await ask(a=S1), await ask(a="?"), await ask(a=P1, n=-1)]
        sample.pool().close()
        return answers

    product, supplier, unknown, negative = asyncio.run(ask_all())
    entry = engine.plans.find(text, None)
    assert entry is not None
    assert not [*reachable(entry, DocumentNode, SelectionSetNode)]
    assert product == {"node": {"id": P1}, "products": {"nodes": [{"id": P1}]}}
    assert (supplier["node"], len(supplier["products"]["nodes"])) == ({"id": S1}, 2)
    assert unknown["locations"] == [{"line": 2, "column": 3}]
    assert negative["locations"] == [{"line": 3, "column": 3}]


def test_roles_in_turn_find_each_its_own_plan(sample: Database) -> None:
    """Each role has its own cached plan."""
    text = """query ($id: Int!) { product(by: {productId: $id}) {
      origins { edges { cursor } } transactions { totalCount } } }"""
    engine = Engine(sample)

    async def ask(role: str, id: int) -> bytes:
        answer = await engine.answer(Request(text, {"id": id}), Viewer(role))
        assert answer.through is not None
        return answer.through

    async def ask_all() -> list[bytes]:
        roles = (PUBLIC, ADMIN, PUBLIC, VIEWER, ADMIN, PUBLIC)
        answers = [await ask(role, 1) for role in roles]
        sample.pool().close()
        return answers

    public, admin, *rest = asyncio.run(ask_all())
    assert public != admin
    assert rest == [public, admin, admin, public]
    assert (engine.plans.misses, engine.plans.hits) == (2, 4)


def test_a_document_that_graphql_core_completes_is_kept(sample: Database) -> None:
    text = """query ($s: Boolean!) { products { totalCount }
      __schema @include(if: $s) { queryType { name } } }"""
    engine = Engine(sample)

    async def ask() -> list[Any]:
        answers = []
        for shown in (False, True, False, True):
            answer = await engine.answer(Request(text, {"s": shown}), Viewer(ADMIN))
            entry = engine.plans.find(text, None)
            assert entry is not None
            answers.append((answer.errors, entry.read()[0] is entry.read()[0]))
        sample.pool().close()
        return answers

    assert asyncio.run(ask()) == [([], False), ([], True), ([], True), ([], True)]


def test_variables_are_kept_without_the_text_around_them(sample: Database) -> None:
    text = """query ($f: ProductFilter, $ids: [ID!]! = ["UHJvZHVjdDox"]) {
        products(filter: $f) { totalCount } nodes(ids: $ids) { id } }"""
    entry = CachedOperation(text, None, read_document(schema._schema, text, Limits()))
    kept = {token.value for token in reachable([*entry.definitions], Token)}
    assert {"f", "ids", "UHJvZHVjdDox"} <= kept
    assert not {"query", "products", "totalCount", "nodes"} & kept


def reachable(start: object, *types: type) -> Iterator[Any]:
    """Yield the objects of these types that are reachable from an object."""
    seen, waiting = {id(start)}, [start]
    while waiting:
        one = waiting.pop()
        if isinstance(one, types):
            yield one
        if isinstance(one, (type, ModuleType, FunctionType)):
            continue
        for other in gc.get_referents(one):
            if id(other) not in seen:
                seen.add(id(other))
                waiting.append(other)


def test_a_search_is_planned_for_its_values_and_all_else_is_prepared(sample: Database) -> None:
    """With a parameter PostgreSQL would assume the same selectivity for every pattern."""
    texts = [
        "query ($v: String!) { products(filter: {name: {contains: $v}}) { totalCount } }",
        "query ($v: String!) { products(filter: {name: {eq: $v}}) { totalCount } }",
    ]
    prepared = Statement(
        "SELECT coalesce(json_agg(statement), '[]') FROM pg_prepared_statements", 0
    )
    url = sample.engine().url.render_as_string(hide_password=False)

    async def ask(database: Database) -> tuple[list[Any], str]:
        engine = Engine(database)
        answers = []
        for text in [*texts, *texts]:
            answer = await engine.answer(Request(text, {"v": "100 % Noir"}), Viewer(ADMIN))
            answers.append(json.loads(answer.through or b""))
        known = await database.pool().fetch(prepared, [])
        database.pool().close()
        return answers, str(known)

    with closing(Database(url, pool_size=1)) as database:
        answers, known = asyncio.run(ask(database))
    assert answers == [{"products": {"totalCount": 0}}] * 4
    assert "t1.name = $1::text" in known
    assert "search_key" not in known
