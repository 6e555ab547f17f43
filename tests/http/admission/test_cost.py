"""The cost of operations: variables, fragments, filters, payloads and introspection."""

import random
import re
from typing import Any

import pytest
from graphql.execution.values import VariableValues, get_variable_values
from starlette.testclient import TestClient

from bench.queries import PROJECT
from graph.admission.limits import DEFAULTS
from graph.auth.permissions import Permissions
from graph.auth.roles import ADMIN
from graph.documents import read_document
from graph.planner.build import Builder
from graph.planner.cost import value_of
from graph.planner.nodes import Edges, Lookup, NodeList, Nodes, One, Operation, Page, Shape
from graph.schema import schema
from models.database.engines import Database
from models.findings import RULES
from serving.settings import PRODUCTION
from tests.conftest import ROOT
from tests.http.oracle.documents import draw_document
from tests.http.oracle.oracle import Oracle
from tests.http.oracle.oracle_pages import Cursors

GRAPHQL = schema._schema
# All rules, of one row.
RULE = 30 * len(RULES)
BUILDER = Builder(GRAPHQL, Permissions(), DEFAULTS)
NODE = "UHJvZHVjdDox"


def planned(
    query: str, variables: dict[str, Any], name: str | None = None
) -> tuple[int, Operation | None]:
    """Return the cost of an operation, and its plan if it is a query."""
    document = read_document(GRAPHQL, query, DEFAULTS)
    operation = document.operation(name)
    coerced = get_variable_values(GRAPHQL, operation.variable_definitions or (), variables)
    assert isinstance(coerced, VariableValues)
    if operation.operation.value == "mutation":
        return BUILDER.check(operation, document.fragments, coerced, ADMIN), None
    template = BUILDER.plan(operation, document.fragments, coerced, ADMIN)
    return value_of(template.cost, template.fill(coerced.coerced)), template.operation


def cost(query: str, **variables: Any) -> int:
    return planned(query, variables)[0]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("{ __typename }", 1),
        ("{ product(by: {productId: 1}) { name } }", 1),
        ("{ product(by: {productId: 1}) { name manufacturer { name } } }", 2),
        ("{ a: product(by: {productId: 1}) { name } b: product(by: {productId: 1}) { name } }", 2),
        # A lineage, the page it lists and what that leads to; facts are nothing.
        ("{ product(by: {productId: 1}) { trace { depth } } }", 1 + 500),
        ("{ product(by: {productId: 1}) { origins(first: 9) { nodes { share } } } }", 502 + 9),
        (
            (
                "{ product(by: {productId: 1}) { trace { lots(first: 5000) { edges { node {"
                " cacaoBatch { supplier { name } } } } } flows(last: 3) { totalCount } } } }"
            ),
            1 + 500 + (1 + 5_000 * 2) + 1,
        ),
        # The rules, asked of a row or of everything; again where all findings are counted.
        ("{ product(by: {productId: 1}) { auditFindings { nodes { rule } } } }", 1 + RULE + 20),
        (
            "{ products(first: 3) { nodes { auditFindings(first: 2) { totalCount nodes { rule } } } } }",
            1 + 3 * (1 + 2 * RULE + 2),
        ),
        ("{ auditFindings(first: 5) { nodes { product { name } } } }", 40 * RULE + 5 * 2),
        ("{ auditFindings { totalCount } }", 80 * RULE),
        ("{ auditFindings(filter: {rule: {eq: OVERDRAW}}) { totalCount } }", 2 * 1_200),
        # A page and its rows; 20 of them, if nothing is said.
        ("{ products { nodes { name } } }", 1 + 20),
        ("{ products(first: 0) { nodes { name } } }", 1),
        ("{ products(last: 100) { nodes { name } } }", 1 + 100),
        ("{ products(first: 3) { nodes { manufacturer { name } } } }", 1 + 3 * 2),
        ("{ products(first: 3) { edges { node { name } } nodes { name } } }", 1 + 3 * 2),
        ("{ products(first: 3) { edges { cursor } } }", 1 + 3),
        ("{ products(first: 3) { pageInfo { hasNextPage } } }", 1 + 3),
        ("{ products(first: 3) { pageInfo { hasNextPage } nodes { name } } }", 1 + 3),
        # Pages within pages multiply, and count themselves for each row.
        (
            "{ products(first: 3) { nodes { transactions(first: 5) { nodes { event } } } } }",
            1 + 3 * (1 + 1 + 5),
        ),
        # Counts: of a table, of what is related to a row.
        ("{ products(first: 3) { totalCount } }", 1 + 1_000),
        ("{ products(first: 3) { nodes { transactions { totalCount } } } }", 1 + 3 * (1 + 11)),
        # Filters.
        ('{ products(first: 3, filter: {name: {eq: "a"}}) { nodes { name } } }', 1 + 1 + 3),
        (
            """{ products(first: 3, filter: {or: [{name: {eq: "a", contains: "b"}},
               {not: {cacaoBatches: {some: {supplier: {country: {isNull: true}}}}}}]})
               { nodes { name } } }""",
            1 + (1 + 2_000 + 10 + 20 * (10 + 1)) + 3,
        ),
        # A text is searched for: by an index, through a table, among what is related to a row.
        ('{ products(first: 3, filter: {name: {contains: "abc"}}) { nodes { name } } }', 1 + 1 + 3),
        (
            '{ products(first: 3, filter: {name: {contains: "zq"}}) { totalCount nodes { name } } }',
            1 + 2_000 + 1_000 + 3,
        ),
        (
            '{ products(first: 3, filter: {name: {contains: "a-b c_d"}}) { nodes { name } } }',
            1 + 2_000 + 3,
        ),
        (
            '{ products(first: 3, filter: {description: {contains: "abc"}}) { nodes { name } } }',
            1 + 2_000 + 3,
        ),
        # Where it is a step that cannot be joined, the step multiplies.
        (
            """{ products(first: 3, filter: {manufacturer: {name: {contains: "zq"}}})
               { nodes { name } } }""",
            1 + (10 + 2_000) + 3,
        ),
        (
            """{ products(first: 3, filter: {cacaoBatches: {none: {supplier: {name: {contains: "zq"}}}}})
               { nodes { name } } }""",
            1 + (10 + 20 * (10 + 100)) + 3,
        ),
        (
            """{ product(by: {productId: 1}) { cacaoBatches(first: 3, filter: {
               lotNumber: {contains: "a"}, supplier: {location: {contains: "a"}}})
               { nodes { stage } } } }""",
            1 + 1 + (10 + 10 + 10) + 3,
        ),
        # Lists in filters: those that can be joined, and those that cannot.
        (
            """{ products(first: 3, filter: {cacaoBatches: {some: {products: {some: {gtin: {}}}}}})
               { nodes { name } } }""",
            1 + (10 + 10) + 3,
        ),
        (
            """{ products(first: 3, filter: {cacaoBatches: {every: {stage: {eq: BEANS}}}})
               { nodes { name } } }""",
            1 + (10 + 20) + 3,
        ),
        (
            """{ products(first: 3, filter: {manufacturer: {products: {none: {name: {eq: "a"}}}}})
               { nodes { name } } }""",
            1 + (10 + 10 + 20) + 3,
        ),
        (f'{{ node(id: "{NODE}") {{ id }} }}', 1),
        (
            f"""{{ nodes(ids: ["{NODE}", "{NODE}", "UHJvZHVjdDoy"]) {{ id
                ... on Product {{ manufacturer {{ name }} }} }} }}""",
            3 * 2,
        ),
        ("{ nodes(ids: []) { id } }", 1),
        ("{ viewer { role } }", 1),
        ("mutation { signOut(input: {}) { endedSessions } }", 50),
        (
            """mutation { a: createSupplier(input: {name: "A", location: "B"}) { supplier { name
                 cacaoBatches(first: 2) { nodes { stage } } } }
               b: createSupplier(input: {name: "A", location: "B"}) { userErrors { code } } }""",
            50 + (1 + 1 + 2) + 50,
        ),
    ],
)
def test_cost_is(query: str, expected: int) -> None:
    assert cost(query) == expected


STEPS = {
    "every": "%s: {every: {%s}}",
    "none": "%s: {none: {%s}}",
    "or": "or: [{id: {in: []}}, {%s: {some: {%s}}}]",
    "not": "not: {%s: {some: {%s}}}",
    "not every": "not: {%s: {every: {%s}}}",
}


def nested(step: str, levels: int) -> str:
    """Return a query for products by a filter with this many nested relations."""
    condition = "id: {in: []}"
    for level in reversed(range(levels)):
        condition = STEPS[step] % (("cacaoBatches", "products")[level % 2], condition)
    return f"{{ products(first: 1, filter: {{{condition}}}) {{ nodes {{ name }} }} }}"


@pytest.mark.parametrize("step", STEPS)
def test_relations_that_cannot_be_joined_multiply(step: str) -> None:
    costs = [cost(nested(step, levels)) for levels in range(1, 7)]
    assert costs[0] < 100 < costs[1] < 1_000 < costs[2] < PRODUCTION.cost
    assert costs[4] > 10 * PRODUCTION.cost
    assert costs[5] > DEFAULTS.cost


def test_search_in_a_variable_costs_by_its_value() -> None:
    query = """query ($text: String!, $n: Int!) { products(first: $n, filter: {name: {contains: $text}}) {
      nodes { name } } }"""
    document = read_document(GRAPHQL, query, DEFAULTS)
    operation = document.operation(None)
    given = {"text": "noir", "n": 3}
    coerced = get_variable_values(GRAPHQL, operation.variable_definitions or (), given)
    assert isinstance(coerced, VariableValues)
    template = BUILDER.plan(operation, {}, coerced, ADMIN)
    for text, search in (("noir", 1), ("no", 2_000), ("", 2_000), ("é-ü", 2_000), ("éüß", 1)):
        values = template.fill({"text": text, "n": 5})
        assert value_of(template.cost, values) == 1 + search + 5


PAGES = """query ($n: Int, $m: Int = 5) { products(first: $n) { nodes {
  transactions(first: $m) { nodes { event } } manufacturer { products(last: $n) { totalCount } } } } }"""


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"n": 3}, 1 + 3 * (1 + (1 + 5) + (1 + 1 + 10))),
        ({"n": 3, "m": 7}, 1 + 3 * (1 + (1 + 7) + (1 + 1 + 10))),
        ({"n": 100, "m": 100}, 1 + 100 * (1 + (1 + 100) + (1 + 1 + 10))),
        ({"n": 0, "m": 100}, 1),
        ({"n": None, "m": None}, 1 + 20 * (1 + (1 + 20) + (1 + 1 + 10))),
        ({"m": 1}, 1 + 20 * (1 + (1 + 1) + (1 + 1 + 10))),
    ],
)
def test_page_sizes_in_variables_count(variables: dict[str, Any], expected: int) -> None:
    assert cost(PAGES, **variables) == expected


def test_one_plan_costs_by_the_variables_of_each_request() -> None:
    document = read_document(GRAPHQL, PAGES, DEFAULTS)
    operation = document.operation(None)
    coerced = get_variable_values(GRAPHQL, operation.variable_definitions or (), {"n": 3, "m": 7})
    assert isinstance(coerced, VariableValues)
    template = BUILDER.plan(operation, {}, coerced, ADMIN)
    for n, m in ((3, 7), (1, 1), (100, 100), (0, 50)):
        values = template.fill({"n": n, "m": m})
        assert value_of(template.cost, values) == 1 + n * (1 + (1 + m) + (1 + 1 + 10))


def test_ids_in_a_variable_count() -> None:
    query = """query ($ids: [ID!]!) { nodes(ids: $ids) { id ... on Product {
      transactions(first: 4) { nodes { event } } } ... on Supplier { name } } }"""
    assert cost(query, ids=[NODE] * 7) == 7 * (1 + 1 + 4)
    assert cost(query, ids=["U3VwcGxpZXI6MQ=="] * 7) == 7
    assert cost(query, ids=["U3VwcGxpZXI6MQ==", NODE]) == 2 * (1 + 1 + 4)


def test_fragments_cost_where_they_are_spread_and_merged_fields_once() -> None:
    query = """query ($yes: Boolean!) {
      a: products(first: 2) { nodes { ...bar ...bar } }
      b: products(first: 3) { nodes { ... on Product { ...bar } manufacturer { country } } }
      c: products(first: 100) @skip(if: $yes) { nodes { name } } }
    fragment bar on Product { manufacturer { name } ... @include(if: $yes) { name } }"""
    assert cost(query, yes=True) == (1 + 2 * 2) + (1 + 3 * 2)
    assert cost(query, yes=False) == (1 + 2 * 2) + (1 + 3 * 2) + (1 + 100)


README = (ROOT / "README.md").read_text(encoding="utf-8")
TABS = (ROOT / "web" / "src" / "tabs").glob("*.graphql")
SHOWN = {
    **{f"tab {path.stem}": path.read_text(encoding="utf-8") for path in TABS},
    **{f"bench {name}": text for name, text in PROJECT.texts.items()},
    "README": re.findall(r"```graphql\n(.*?)```", README, re.DOTALL)[0],
}


@pytest.mark.parametrize("name", SHOWN)
def test_what_we_show_leaves_room_beneath_the_maximum(name: str) -> None:
    assert cost(SHOWN[name], id=1, name="x") * 10 < DEFAULTS.cost


# ---------------------------------------------------------------- whatever is asked, it is enough


def rows_in(shape: Shape, shown: Any) -> int:
    """Return the number of rows and pages in the answer for a row, including the row."""
    if shown is None:
        return 0
    found = 1
    for key, value in shape.fields:
        if isinstance(value, One):
            found += rows_in(value.shape, shown[key])
        elif isinstance(value, Page):
            found += rows_of(value, shown[key])
    return found


def rows_of(page: Page, shown: Any) -> int:
    found = 1
    for key, value in page.fields:
        if isinstance(value, Nodes):
            found += sum(rows_in(value.shape, row) for row in shown[key])
        elif isinstance(value, Edges):
            parts = [(name, part) for name, part in value.fields if isinstance(part, Shape)]
            found += sum(rows_in(part, edge[name]) for name, part in parts for edge in shown[key])
    return found


def objects_in(operation: Operation, data: Any) -> int:
    """Return the rows and pages in an answer."""
    found = 0
    for key, value in operation.fields:
        match value:
            case Lookup(shape=shape):
                found += rows_in(shape, data[key])
            case Page():
                found += rows_of(value, data[key])
            case NodeList(shapes=shapes):
                found += sum(
                    max((rows_in(shape, row) for shape in shapes if fits(shape, row)), default=0)
                    for row in data[key]
                )
            case _:
                pass
    return found


def fits(shape: Shape, row: Any) -> bool:
    return row is not None and list(row) == [key for key, _ in shape.fields]


@pytest.fixture(scope="module")
def oracle(sample: Database) -> Oracle:
    return Oracle(schema.as_str(), sample)


@pytest.mark.parametrize("seed", range(10))
def test_no_answer_holds_more_objects_than_it_costs(
    client: TestClient, oracle: Oracle, seed: int
) -> None:
    rng, cursors = random.Random(f"cost {seed}"), Cursors()
    full = 0
    for _ in range(40):
        document = draw_document(rng, oracle.schema, oracle.rows, cursors)
        answer = client.post("/graphql", json=document.body()).json()
        requested = answer["extensions"]["cost"]["requested"]
        found, operation = planned(document.query, document.variables, document.operation_name)
        assert found == requested
        assert operation is not None
        if requested > answer["extensions"]["cost"]["maximum"]:
            assert answer["errors"][0]["extensions"]["code"] == "COST_LIMIT_EXCEEDED"
            continue
        objects = objects_in(operation, answer["data"])
        assert requested >= objects, document
        full += objects > 1
    assert full > 10
