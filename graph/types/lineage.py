"""Trace, Origin and Impact: what is computed over the edges between lots, not read from one row.

A type here has facts (scalars), members (objects of node types) and listings (connections); the
steps of graph.planner.steps tell them apart by their types; models.lineage computes them by name.
"""

from enum import Enum
from typing import Any

import strawberry

from graph.auth.roles import ANYONE, SIGNED_IN, Roles
from graph.types.connection import Connection, PageInfo
from graph.types.node import argument, computed, computed_type, field, member
from graph.types.scalar import DateTime, Decimal
from graph.types.stage import Stage


@strawberry.enum(description="Which way a trace walks.")
class TraceDirection(Enum):
    BACK = strawberry.enum_value("back", description="To what it was made from.")
    FORWARD = strawberry.enum_value("forward", description="To what was made from it.")


def lineage_connection(description: str, *, roles: Roles | None = None) -> Any:
    """Return a page of what is computed; larger ones than of rows, since all of it is known at once."""
    return computed(
        description,
        argument("first", int, "At most this many from the start, up to 10,000; 20 if not given."),
        argument("after", str, "Start behind this cursor."),
        argument("last", int, "At most this many from the end."),
        argument("before", str, "End ahead of this cursor."),
        roles=roles,
    )


def trace_field(description: str, *, both_ways: bool) -> Any:
    """Return a trace; that of a product leads back alone."""
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


@computed_type("A lot that a trace reached.", roles=ANYONE)
class TraceLot:
    depth: int = field("Steps of the shortest way to it; 1 is next to where the trace began.")
    cacao_batch = member("The lot.", of="CacaoBatch")


@computed_type("A product that a trace reached.", roles=ANYONE)
class TraceProduct:
    depth: int = field("Steps of the shortest way to it.")
    product = member("The product.", of="Product")


@computed_type("An edge of a trace: matter of one lot that went into another.", roles=ANYONE)
class TraceFlow:
    from_ = member("The lot that gave.", of="CacaoBatch", name="from")
    to = member("The lot that took; null where a product did.", of="CacaoBatch", optional=True)
    product = member("The product that took; null where a lot did.", of="Product", optional=True)
    quantity_kg: Decimal | None = field(
        "What was given, in kilograms; null where it was never recorded.", roles=SIGNED_IN
    )


@computed_type("Everything a lot or product was made from, or that was made from it.", roles=ANYONE)
class Trace:
    lots: Connection[TraceLot] = lineage_connection(
        "Each lot once, by depth and number, without the one it began at."
    )
    flows: Connection[TraceFlow] = lineage_connection("Each edge once, from the nearest on.")
    products: Connection[TraceProduct] = lineage_connection("Products reached, of a FORWARD trace.")
    lot_count: int = field("How many lots are listed; a lower bound where `truncated`.")
    flow_count: int = field("How many edges are listed; a lower bound where `truncated`.")
    product_count: int = field("How many products are listed; a lower bound where `truncated`.")
    depth: int = field(
        "Depth of the farthest lot or product that was reached; a lower bound where `truncated`."
    )
    truncated: bool = field(
        "Whether there is more than the 100,000 nearest lots that a trace reads, beside its own."
    )


@computed_type(
    "A lot without inputs that a lot or a product goes back to. A lot that has no inputs itself"
    " is its own only origin.",
    roles=SIGNED_IN,
)
class Origin:
    cacao_batch = member("The source.", of="CacaoBatch", roles=ANYONE)
    share: Decimal | None = field(
        "Its part of the mass, 12 decimals, through all blends; the shares of all origins add up to"
        " exactly 1 (largest remainder). Null where kilograms on the way are not known."
    )
    quantity_kg: Decimal | None = field(
        "That part in kilograms of the lot, or of the batches that went into the product."
    )


@computed_type("One entry of a connection.", roles=ANYONE)
class OriginEdge:
    cursor: str = field("Opaque position, for `after` and `before`.")
    node: Origin = field("The object itself.")


@computed_type(
    "A page of origins, the largest share first; by number for roles that may not read shares.",
    roles=ANYONE,
)
class OriginConnection:
    edges: list[OriginEdge] = field("Entries with their cursors.")
    nodes: list[Origin] = field("The objects alone, in the order of `edges`.")
    page_info: PageInfo = field("The position of this page.")
    total_count: int = field("How many there are on all pages; a lower bound where `truncated`.")
    truncated: bool = field("Whether more lots were reached than are read; no share is known.")


@computed_type("A product with matter of the lot in it.", roles=ANYONE)
class ImpactProduct:
    depth: int = field("Steps of the shortest way to it.")
    product = member("The product.", of="Product")
    quantity_kg: Decimal | None = field(
        "Its mass that comes from the lot, in kilograms; null where what it took is not known.",
        roles=SIGNED_IN,
    )
    customers: list[str] = field(
        "Whom its events name as customer, or else as destination.", roles=SIGNED_IN
    )


@computed_type("A manufacturer whose products have matter of the lot in them.", roles=ANYONE)
class ImpactManufacturer:
    manufacturer = member("The manufacturer.", of="Manufacturer")
    product_count: int = field(
        "How many of its products are affected; a lower bound where the impact is `truncated`."
    )
    quantity_kg: Decimal | None = field(
        "Mass in them that comes from the lot, in kilograms; null where one of them has null.",
        roles=SIGNED_IN,
    )


@computed_type(
    "Whom events name as customer (`details.customer`, a text or an object with a"
    " `name`), or else as destination (`details.destination`, likewise, or its `place`).",
    roles=SIGNED_IN,
)
class ImpactCustomer:
    name: str = field("As the events have it.")
    product_count: int = field("How many of the affected products their events are of.")
    of_lots: bool = field("Whether any is of the lot itself, or of one made from it.")


@computed_type("What a recall of a lot has to reach.", roles=ANYONE)
class Impact:
    affected: bool = field("Whether anything was made from the lot: false says nothing was.")
    lot_count: int = field(
        "How many lots were made from it, directly or not; a lower bound where `truncated`."
    )
    product_count: int = field(
        "How many products have matter of it in them; a lower bound where `truncated`."
    )
    manufacturer_count: int = field(
        "How many manufacturers made these; a lower bound where `truncated`."
    )
    customer_count: int = field(
        "How many customers events name, of products or of lots; a lower bound where `truncated`.",
        roles=SIGNED_IN,
    )
    quantity_kg: Decimal | None = field(
        "Mass in all products that comes from it, in kilograms; null where one of them has null, and"
        " where `truncated`.",
        roles=SIGNED_IN,
    )
    products: Connection[ImpactProduct] = lineage_connection("The products, by number.")
    manufacturers: Connection[ImpactManufacturer] = lineage_connection("Who made them, by number.")
    customers: Connection[ImpactCustomer] = lineage_connection(
        "Whom their events name, in the order in which they first did.", roles=SIGNED_IN
    )
    truncated: bool = field(
        "Whether more lots were made from it than the 100,000 nearest, which are read: there may be"
        " more products, manufacturers and customers than are listed and counted here."
    )
