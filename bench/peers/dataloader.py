"""Strawberry as its documentation has it: async resolvers and DataLoaders over the ORM, in threads.

The project's own tables, its stack's own tools, the parser and validation caches on.
"""

import asyncio
import datetime
import decimal
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import strawberry
from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session  # noqa: TID251 - a peer, not the project
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.dataloader import DataLoader
from strawberry.extensions import ParserCache, ValidationCache
from strawberry.scalars import JSON

import models

T = TypeVar("T")
POOL_SIZE = 10
# Where to is libpq's environment: PGHOST, PGUSER, PGDATABASE.
engine = create_engine(
    "postgresql+psycopg2://",
    pool_size=POOL_SIZE,
    max_overflow=0,
    connect_args={"options": "-c timezone=UTC"},
)
threads = ThreadPoolExecutor(POOL_SIZE)


async def query(work: Callable[[Session], T]) -> T:
    """Do some reading in a thread with a session of its own."""

    def run() -> T:
        with Session(engine, expire_on_commit=False) as session:
            return work(session)

    return await asyncio.get_running_loop().run_in_executor(threads, run)


def in_order(rows: Iterable[Any], key: str, keys: Sequence[int]) -> list[Any]:
    found = {getattr(row, key): row for row in rows}
    return [found.get(wanted) for wanted in keys]


def grouped(pairs: Iterable[Any], keys: Sequence[tuple[int, int]]) -> list[list[Any]]:
    groups: dict[int, list[Any]] = defaultdict(list)
    for parent, row in pairs:
        groups[parent].append(row)
    return [groups[parent][:first] for parent, first in keys]


async def load_manufacturers(keys: list[int]) -> list[Any]:
    wanted = select(models.Manufacturer).where(models.Manufacturer.manufacturer_id.in_(keys))
    return in_order(await query(lambda s: s.scalars(wanted).all()), "manufacturer_id", keys)


async def load_suppliers(keys: list[int]) -> list[Any]:
    wanted = select(models.Supplier).where(models.Supplier.supplier_id.in_(keys))
    return in_order(await query(lambda s: s.scalars(wanted).all()), "supplier_id", keys)


async def load_batches(keys: list[tuple[int, int]]) -> list[list[Any]]:
    edge, batch = models.ProductCacaoBatch, models.CacaoBatch
    wanted = (
        select(edge.product_id, batch)
        .join(batch, batch.cacao_batch_id == edge.cacao_batch_id)
        .where(edge.product_id.in_([parent for parent, _ in keys]))
        .order_by(batch.cacao_batch_id)
    )
    return grouped(await query(lambda s: s.execute(wanted).all()), keys)


async def load_transactions(keys: list[tuple[int, int]]) -> list[list[Any]]:
    event = models.Transaction
    wanted = (
        select(event.product_id, event)
        .where(event.product_id.in_([parent for parent, _ in keys]))
        .order_by(event.transaction_id)
    )
    return grouped(await query(lambda s: s.execute(wanted).all()), keys)


async def load_products(keys: list[tuple[int, int]]) -> list[list[Any]]:
    edge, product = models.ProductCacaoBatch, models.Product
    wanted = (
        select(edge.cacao_batch_id, product)
        .join(product, product.product_id == edge.product_id)
        .where(edge.cacao_batch_id.in_([parent for parent, _ in keys]))
        .order_by(product.product_id)
    )
    if len(keys) == 1:
        wanted = wanted.limit(keys[0][1])
    return grouped(await query(lambda s: s.execute(wanted).all()), keys)


class Loaders:
    """The loaders of one request."""

    def __init__(self) -> None:
        self.manufacturers = DataLoader(load_manufacturers)
        self.suppliers = DataLoader(load_suppliers)
        self.batches = DataLoader(load_batches)
        self.transactions = DataLoader(load_transactions)
        self.products = DataLoader(load_products)


_Info = strawberry.Info[dict[str, Loaders], None]


@strawberry.type
class Manufacturer:
    """A manufacturer."""

    name: str
    location: str


@strawberry.type
class Supplier:
    """A supplier."""

    name: str
    location: str


@strawberry.type
class Transaction:
    """A transaction."""

    timestamp: datetime.datetime
    event: str
    details: JSON | None


@strawberry.type
class Product:
    """A product; its rows are the ORM's."""

    product_id: strawberry.Private[int]
    manufacturer_id: strawberry.Private[int]
    name: str
    batch_number: str | None

    @strawberry.field
    async def manufacturer(self, info: _Info) -> Manufacturer | None:
        made: Manufacturer | None = await info.context["loaders"].manufacturers.load(
            self.manufacturer_id
        )
        return made

    @strawberry.field
    async def cacao_batches(self, info: _Info, first: int) -> list["CacaoBatch"]:
        made: list[CacaoBatch] = await info.context["loaders"].batches.load(
            (self.product_id, first)
        )
        return made

    @strawberry.field
    async def transactions(self, info: _Info, first: int) -> list[Transaction]:
        made: list[Transaction] = await info.context["loaders"].transactions.load(
            (self.product_id, first)
        )
        return made


@strawberry.type
class CacaoBatch:
    """A cacao batch; its rows are the ORM's."""

    cacao_batch_id: strawberry.Private[int]
    supplier_id: strawberry.Private[int]
    harvest_date: datetime.date | None
    quantity_kg: decimal.Decimal
    certification: str | None

    @strawberry.field
    async def supplier(self, info: _Info) -> Supplier:
        made: Supplier = await info.context["loaders"].suppliers.load(self.supplier_id)
        return made

    @strawberry.field
    async def products(self, info: _Info, first: int) -> list[Product]:
        made: list[Product] = await info.context["loaders"].products.load(
            (self.cacao_batch_id, first)
        )
        return made


@strawberry.type
class PageInfo:
    """Where a page ends."""

    end_cursor: str | None
    has_next_page: bool


@strawberry.type
class ProductPage:
    """A page of products."""

    nodes: list[Product]
    page_info: PageInfo


@strawberry.type
class Query:
    """The root fields."""

    @strawberry.field
    async def product(self, id: int) -> Product | None:
        made: Any = await query(lambda s: s.get(models.Product, id))
        return made  # type: ignore[no-any-return]

    @strawberry.field
    async def products(self, after: int, first: int) -> ProductPage:
        product = models.Product
        wanted = select(product).where(product.product_id > after).order_by(product.product_id)
        rows: Any = await query(lambda s: s.scalars(wanted.limit(first + 1)).all())
        nodes = rows[:first]
        end = str(nodes[-1].product_id) if nodes else None
        return ProductPage(
            nodes=nodes, page_info=PageInfo(end_cursor=end, has_next_page=len(rows) > first)
        )

    @strawberry.field
    async def cacao_batch(self, id: int) -> CacaoBatch | None:
        made: Any = await query(lambda s: s.get(models.CacaoBatch, id))
        return made  # type: ignore[no-any-return]


class View(GraphQL[dict[str, Loaders], None]):
    """Strawberry's own view, with new loaders for every request."""

    async def get_context(
        self,
        request: Request | WebSocket,  # noqa: ARG002
        response: Response | WebSocket,  # noqa: ARG002
    ) -> dict[str, Loaders]:
        return {"loaders": Loaders()}


schema = strawberry.Schema(Query, extensions=[ParserCache, ValidationCache])
app = Starlette(routes=[Route("/graphql", View(schema))])
