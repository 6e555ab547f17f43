"""Trace, Origin and Impact: what is computed over the edges between lots, not read from one row.

A type here has facts (scalars), members (objects of node types) and listings (connections); the
planner tells them apart by their types, and `graph.lineage` computes them under these names.
"""

from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from graph.types.connection import Connection, PageInfo
from graph.types.node import argument, computed
from graph.types.scalar import BigInt, DateTime, Decimal
from graph.types.stage import Stage

if TYPE_CHECKING:
    from graph.types.cacao_batch import CacaoBatch
    from graph.types.manufacturer import Manufacturer
    from graph.types.product import Product

# Fields of node types that are computed, and the type of each.
LINEAGES = {"trace": "Trace", "origins": "OriginConnection", "impact": "Impact"}


@strawberry.enum(description="Which way a trace walks.")
class TraceDirection(Enum):
    BACK = strawberry.enum_value("back", description="To what it was made from.")
    FORWARD = strawberry.enum_value("forward", description="To what was made from it.")


def described(description: str, name: str | None = None) -> Any:
    """A fact or a member of a type that is computed."""
    return strawberry.field(description=description, name=name)


def listing(description: str) -> Any:
    """A page of what is computed; larger ones than of rows, since all of it is known at once."""
    return computed(
        description,
        argument("first", int, "At most this many from the start, up to 10,000; 20 if not given."),
        argument("after", str, "Start behind this cursor."),
        argument("last", int, "At most this many from the end."),
        argument("before", str, "End ahead of this cursor."),
    )


def trace_field(description: str, *, both_ways: bool) -> Any:
    """A trace; that of a product leads back alone."""
    way = [argument("direction", TraceDirection, "Which way; BACK if not given.")]
    return computed(
        description,
        *(way if both_ways else []),
        argument("max_depth", int, "Walk at most this many steps."),
        argument(
            "stages",
            list[Stage],
            "List only lots of these stages and the flows that lead to them; it walks through all.",
        ),
        argument("as_of", DateTime, "Walk only along edges that were recorded by then."),
    )


@strawberry.type(description="A lot that a trace reached.")
class TraceLot:
    depth: int = described("Steps of the shortest way to it; 1 is next to where the trace began.")
    cacao_batch: Annotated["CacaoBatch", strawberry.lazy("graph.types.cacao_batch")] = described(
        "The lot."
    )


@strawberry.type(description="A product that a trace reached.")
class TraceProduct:
    depth: int = described("Steps of the shortest way to it.")
    product: Annotated["Product", strawberry.lazy("graph.types.product")] = described(
        "The product."
    )


@strawberry.type(description="An edge of a trace: matter of one lot that went into another.")
class TraceFlow:
    from_: Annotated["CacaoBatch", strawberry.lazy("graph.types.cacao_batch")] = described(
        "The lot that gave.", "from"
    )
    to: Annotated["CacaoBatch", strawberry.lazy("graph.types.cacao_batch")] | None = described(
        "The lot that took; null where a product did."
    )
    product: Annotated["Product", strawberry.lazy("graph.types.product")] | None = described(
        "The product that took; null where a lot did."
    )
    quantity_kg: Decimal | None = described(
        "What was given, in kilograms; null where it was never recorded."
    )


@strawberry.type(description="Everything a lot or product was made from, or that was made from it.")
class Trace:
    lots: Connection[TraceLot] = listing(
        "Each lot once, by depth and number, without the one it began at."
    )
    flows: Connection[TraceFlow] = listing("Each edge once, from the nearest on.")
    products: Connection[TraceProduct] = listing("Products reached, of a FORWARD trace.")
    lot_count: int = described("How many lots are listed; a lower bound where `truncated`.")
    flow_count: int = described("How many edges are listed; a lower bound where `truncated`.")
    product_count: int = described("How many products are listed; a lower bound where `truncated`.")
    depth: int = described(
        "Depth of the farthest lot or product that was reached; a lower bound where `truncated`."
    )
    truncated: bool = described(
        "Whether there is more than the 100,000 nearest lots that a trace reads, beside its own."
    )


@strawberry.type(
    description="A lot without inputs that a lot or a product goes back to. A lot that has no inputs itself"
    " is its own only origin."
)
class Origin:
    cacao_batch: Annotated["CacaoBatch", strawberry.lazy("graph.types.cacao_batch")] = described(
        "The source."
    )
    share: Decimal | None = described(
        "Its part of the mass, 12 decimals, through all blends; the shares of all origins add up to"
        " exactly 1 (largest remainder). Null where kilograms on the way are not known."
    )
    quantity_kg: Decimal | None = described(
        "That part in kilograms of the lot, or of the batches that went into the product."
    )


@strawberry.type(description="One entry of a connection.")
class OriginEdge:
    cursor: str = described("Opaque position, for `after` and `before`.")
    node: Origin = described("The object itself.")


@strawberry.type(
    description="A page of origins, the largest share first; by number for whoever may not read shares."
)
class OriginConnection:
    edges: list[OriginEdge] = described("Entries with their cursors.")
    nodes: list[Origin] = described("The objects alone, in the order of `edges`.")
    page_info: PageInfo = described("Where this page stands.")
    total_count: BigInt = described(
        "How many there are on all pages; a lower bound where `truncated`."
    )
    truncated: bool = described("Whether more lots were reached than are read; no share is known.")


@strawberry.type(description="A product with matter of the lot in it.")
class ImpactProduct:
    depth: int = described("Steps of the shortest way to it.")
    product: Annotated["Product", strawberry.lazy("graph.types.product")] = described(
        "The product."
    )
    quantity_kg: Decimal | None = described(
        "Its mass that comes from the lot, in kilograms; null where what it took is not known."
    )
    customers: list[str] = described("Whom its events name as customer, or else as destination.")


@strawberry.type(description="A manufacturer whose products have matter of the lot in them.")
class ImpactManufacturer:
    manufacturer: Annotated["Manufacturer", strawberry.lazy("graph.types.manufacturer")] = (
        described("The manufacturer.")
    )
    product_count: int = described(
        "How many of its products are affected; a lower bound where the impact is `truncated`."
    )
    quantity_kg: Decimal | None = described(
        "Mass in them that comes from the lot, in kilograms; null where one of them has null."
    )


@strawberry.type(
    description="Whom events name as customer (`details.customer`, a text or an object with a"
    " `name`), or else as destination (`details.destination`, likewise, or its `place`)."
)
class ImpactCustomer:
    name: str = described("As the events have it.")
    product_count: int = described("How many of the affected products their events are of.")
    of_lots: bool = described("Whether any is of the lot itself, or of one made from it.")


@strawberry.type(description="What a recall of a lot has to reach.")
class Impact:
    affected: bool = described("Whether anything was made from the lot: false says nothing was.")
    lot_count: int = described(
        "How many lots were made from it, directly or not; a lower bound where `truncated`."
    )
    product_count: int = described(
        "How many products have matter of it in them; a lower bound where `truncated`."
    )
    manufacturer_count: int = described(
        "How many manufacturers made these; a lower bound where `truncated`."
    )
    customer_count: int = described(
        "How many customers events name, of products or of lots; a lower bound where `truncated`."
    )
    quantity_kg: Decimal | None = described(
        "Mass in all products that comes from it, in kilograms; null where one of them has null, and"
        " where `truncated`."
    )
    products: Connection[ImpactProduct] = listing("The products, by number.")
    manufacturers: Connection[ImpactManufacturer] = listing("Who made them, by number.")
    customers: Connection[ImpactCustomer] = listing(
        "Whom their events name, in the order in which they first did."
    )
    truncated: bool = described(
        "Whether more lots were made from it than the 100,000 nearest, which are read: there may be"
        " more products, manufacturers and customers than are listed and counted here."
    )
