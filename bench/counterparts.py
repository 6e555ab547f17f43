"""Keys whose answers have as many rows as others', so that their times may be compared.

The batches of a larger database go into more products each, its products are made of more batches.
"""

from dataclasses import dataclass
from random import Random

from bench.database import Bed, execute
from bench.measure import Failed

# Keys of a query with the number of rows that its answer varies by.
SIZES = {
    "provenance": "select product_id, count(*) from product_cacao_batch group by 1",
    "page": """
select * from (
  select product_id, sum(count(*)) over (order by product_id rows between 1 following and 50 following)
  from product_cacao_batch group by 1) pages
where product_id <= (select max(product_id) from products) - 100""",
    "audit": "select cacao_batch_id, count(*) from product_cacao_batch group by 1",
    "tiny": "select product_id, 1 from products",
}
# How many keys of a size, and how many of a query, are chosen from and drawn.
CHOICE, DRAWN = 5_000, 5_000


@dataclass(frozen=True)
class Sized:
    """Some keys of a size, and how many there are."""

    keys: list[int]
    count: int


def sized(bed: Bed, query: str) -> dict[int, Sized]:
    """Return the keys of a database by the size of their answers."""
    found = execute(
        bed.url,
        f"select size, (array_agg(key order by md5(key::text)))[:{CHOICE}], count(*)"
        f" from ({SIZES[query]}) of_keys (key, size) group by size order by size",
    )
    return {int(size): Sized(keys, count) for size, keys, count in found}


def drawn(large: Bed, small: Bed, query: str) -> tuple[list[int], list[int]]:
    """Random keys of both: each pair of one size, as often as the small database has that size."""
    many, few = sized(large, query), sized(small, query)
    common = [size for size in few if size in many]
    if not common:
        raise Failed(f"no answers to {query} are as large in both databases")
    random = Random(query)
    sizes = random.choices(common, [few[size].count for size in common], k=DRAWN)
    return (
        [random.choice(many[size].keys) for size in sizes],
        [random.choice(few[size].keys) for size in sizes],
    )


def far_page(bed: Bed, size: int, first: int, order: str) -> int:
    """Return the product behind which a page begins with as many batches as the first page has, if any.

    The page is the one that begins at `first`, or one of those behind it; `order` is of columns.
    """
    statement = f"""
with made as (select product_id, count(*) as batches from product_cacao_batch group by 1),
pages as (
  select lag(product_id) over listed as behind, row_number() over listed as place,
    sum(batches) over (listed rows between current row and {size - 1} following) as batches
  from products join made using (product_id) window listed as (order by {order}))
select behind from pages
where place between {first} and least({first + CHOICE}, (select count(*) from products) - {size})
order by abs(batches - (select batches from pages where place = 1)), place limit 1"""
    rows = execute(bed.url, statement)
    if not rows:
        raise Failed(f"there is no page that begins at {first}")
    return int(rows[0][0])
