"""What the size of a database costs, by the time of one client: queries, far pages, searches."""

import math
from collections.abc import Iterator
from itertools import cycle, islice
from statistics import median

from bench import load
from bench.blocks import block_ratio, describe_block, in_blocks
from bench.counterparts import drawn, far_page
from bench.database import opened_bench
from bench.environment import Case, Environment, answered, body_of, in_turn, pairs
from bench.gates import GateRow
from bench.measure import Failed
from bench.queries import PROJECT, QUERY_NAMES
from bench.searches import SEARCHES, Search, variables_of
from bench.servers import Server, ServerRefused

RATIO, _SAME, SEARCH_MS = 1.3, 1.1, 50
# How long one search is made again and again, if it is slow.
SEARCH_SECONDS = 20
_PAGE, FAR = 50, 10_000
# How products are ordered: the argument, and the columns.
ORDERS = {
    "by number": ("", "product_id"),
    "by name": (", orderBy: [{field: NAME}]", "name, product_id"),
}


def latency(environment: Environment) -> Iterator[GateRow]:
    """Yield the four queries on a small database and on the large one, in turn, for answers as large."""
    plan = environment.plan
    with (
        opened_bench(environment.folder, plan.small) as small,
        environment.serving("small", small) as other,
        environment.serving("large") as server,
    ):
        cases = []
        for query in QUERY_NAMES:
            keys, others = drawn(environment.bed, small, query)
            for at, bed, own in ((server, environment.bed, keys), (other, small, others)):
                bodies = [at.body(query, key) for key in own]
                cases.append(
                    Case(at, bed, query, environment.write(f"{at.peer.name}.{query}", bodies))
                )
        cells = in_turn(cases, 1, plan)
    for query, times, large, little in pairs(cells, "large", "small", "p50_ms"):
        yield GateRow(
            f"{query}, {plan.products:,} products to {plan.small:,}",
            times,
            "x",
            RATIO,
            f"{large.p50_ms:.2f} ms and {little.p50_ms:.2f}; bytes {large.bytes:,.0f} and "
            f"{little.bytes:,.0f}; CPU us of the server {large.server_us:,.0f} and "
            f"{little.server_us:,.0f}, of PostgreSQL {large.postgres_us:,.0f} and "
            f"{little.postgres_us:,.0f}",
        )


def pages(environment: Environment) -> Iterator[GateRow]:
    """Yield the first page and a far one of as many batches, in turn, in two orders."""
    far = min(FAR, environment.plan.products // _PAGE // 2)
    with environment.serving("pages", workers=1) as server:
        for order, (argument, columns) in ORDERS.items():
            key = far_page(environment.bed, _PAGE, (far - 1) * _PAGE + 1, columns)
            kinds = {}
            for name, after in (("far", cursor(server, key, argument)), ("first", None)):
                text = PROJECT.texts["page"].replace("$after)", f"$after{argument})")
                body = body_of(text, {"after": after})
                if len(answered(server, body)["products"]["nodes"]) != _PAGE:
                    raise Failed(f"the {name} page {order} is not full")
                kinds[name] = [body] * environment.plan.pages
            timed = in_blocks(server, environment.bed, kinds)
            pair = timed["far"], timed["first"]
            what = f"page {far:,} of {_PAGE} products {order} to page 1"
            yield GateRow(what, block_ratio(*pair), "x", _SAME, describe_block(*pair))


def cursor(server: Server, key: int, argument: str) -> str:
    """Return the cursor of a product in an order."""
    chosen = f"filter: {{productId: {{eq: $id}}}}{argument}"
    text = f"query ($id: Int!) {{ products(first: 1, {chosen}) {{ edges {{ cursor }} }} }}"
    found: str = answered(server, body_of(text, {"id": key}))["products"]["edges"][0]["cursor"]
    return found


def filters(environment: Environment) -> Iterator[GateRow]:
    """Each search with several values, by one client that has made it before."""
    with environment.serving("filters") as server:
        for search in SEARCHES:
            yield searched(environment, server, search)


def searched(environment: Environment, server: Server, search: Search) -> GateRow:
    """Return the times of a search, for a while; endless where it fails."""
    count = environment.plan.values
    variables = variables_of(environment.bed.url, search, count)
    if not variables:
        raise Failed(f"{search.name}: there is nothing to search for")
    bodies = [body_of(search.text, given) for given in variables]
    try:
        answered(server, bodies[0])
        # The plan is made by the first one, which does not count.
        asked = [bodies[0], *islice(cycle(bodies), count)]
        _, *times = load.ask(server.port, asked, seconds=SEARCH_SECONDS)
        note = f"worst {max(times):.1f}, of {len(times)} with {len(bodies)} values"
    except (Failed, ServerRefused, load.LoadFailed) as error:
        times, note = [math.inf], str(error)
    return GateRow(search.name, median(times), "ms", SEARCH_MS, note)
