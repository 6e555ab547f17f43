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


@strawberry.enum(description="The direction of a trace.")
class TraceDirection(Enum):
    BACK = strawberry.enum_value("back", description="To the lots that it was made from.")
    FORWARD = strawberry.enum_value(
        "forward", description="To the lots and products that were made from it."
    )


def lineage_connection(description: str, *, roles: Roles | None = None) -> Any:
    """Declare a page of computed objects, which may be larger than a page of rows."""
    return computed(
        description,
        argument(
            "first", int, "The number of objects from the start, up to 10,000; 20 by default."
        ),
        argument("after", str, "The page starts after this cursor."),
        argument("last", int, "The number of objects from the end."),
        argument("before", str, "The page ends before this cursor."),
        roles=roles,
    )


def trace_field(description: str, *, both_ways: bool) -> Any:
    """Declare a trace; only one of a lot has a direction."""
    way = [argument("direction", TraceDirection, "The direction; BACK by default.")]
    return computed(
        description,
        *(way if both_ways else []),
        argument("max_depth", int, "The greatest number of steps."),
        argument(
            "stages",
            list[Stage],
            "List only lots of these stages, and the flows that lead to them. The trace passes through all lots.",
        ),
        argument("as_of", DateTime, "Follow only edges that were recorded by this time."),
    )


@computed_type("A lot that a trace reached.", roles=ANYONE)
class TraceLot:
    depth: int = field("The number of steps of the shortest path; 1 is next to the start.")
    cacao_batch = member("The lot.", of="CacaoBatch")


@computed_type("A product that a trace reached.", roles=ANYONE)
class TraceProduct:
    depth: int = field("The number of steps of the shortest path.")
    product = member("The product.", of="Product")


@computed_type(
    "An edge of a trace: kilograms of a lot that went into a lot or a product.", roles=ANYONE
)
class TraceFlow:
    from_ = member("The input lot.", of="CacaoBatch", name="from")
    to = member(
        "The lot that it went into; null if it went into a product.", of="CacaoBatch", optional=True
    )
    product = member(
        "The product that it went into; null if it went into a lot.", of="Product", optional=True
    )
    quantity_kg: Decimal | None = field(
        "The mass, in kilograms; null if it was not recorded.", roles=SIGNED_IN
    )


@computed_type(
    "All lots that a lot or a product was made from, or all that was made from a lot.", roles=ANYONE
)
class Trace:
    lots: Connection[TraceLot] = lineage_connection(
        "The lots, each once, by depth and number, without the start."
    )
    flows: Connection[TraceFlow] = lineage_connection("The edges, each once, the nearest first.")
    products: Connection[TraceProduct] = lineage_connection(
        "The products that a FORWARD trace reaches."
    )
    lot_count: int = field("The number of lots; a lower bound if `truncated`.")
    flow_count: int = field("The number of edges; a lower bound if `truncated`.")
    product_count: int = field("The number of products; a lower bound if `truncated`.")
    depth: int = field("The depth of the farthest lot or product; a lower bound if `truncated`.")
    truncated: bool = field(
        "Whether the trace has more than the 100,000 nearest lots, which are read."
    )


@computed_type(
    "A lot without inputs that a lot or a product was made from. A lot without inputs is its own"
    " only origin.",
    roles=SIGNED_IN,
)
class Origin:
    cacao_batch = member("The lot without inputs.", of="CacaoBatch", roles=ANYONE)
    share: Decimal | None = field(
        "The share of the mass that comes from it, with 12 decimals. The shares of all origins add up to"
        " exactly 1 (largest remainder). Null if kilograms on a path are not known."
    )
    quantity_kg: Decimal | None = field(
        "The share in kilograms of the lot, or of the batches that went into the product."
    )


@computed_type("An entry of a connection.", roles=ANYONE)
class OriginEdge:
    cursor: str = field("Opaque cursor of the entry, for `after` and `before`.")
    node: Origin = field("The object.")


@computed_type(
    "A page of origins, the largest share first; by number for roles that may not read shares.",
    roles=ANYONE,
)
class OriginConnection:
    edges: list[OriginEdge] = field("The entries of the page with their cursors.")
    nodes: list[Origin] = field("The objects of `edges`, in the same order.")
    page_info: PageInfo = field("The position of this page.")
    total_count: int = field("The number of origins on all pages; a lower bound if `truncated`.")
    truncated: bool = field("Whether there are more lots than are read; no share is known then.")


@computed_type("A product that contains mass of the lot.", roles=ANYONE)
class ImpactProduct:
    depth: int = field("The number of steps of the shortest path.")
    product = member("The product.", of="Product")
    quantity_kg: Decimal | None = field(
        "The mass in it that comes from the lot, in kilograms; null if a use is not known in kilograms.",
        roles=SIGNED_IN,
    )
    customers: list[str] = field(
        "The customers that its events name, or else the destinations.", roles=SIGNED_IN
    )


@computed_type("A manufacturer whose products contain mass of the lot.", roles=ANYONE)
class ImpactManufacturer:
    manufacturer = member("The manufacturer.", of="Manufacturer")
    product_count: int = field(
        "The number of its affected products; a lower bound if the impact is `truncated`."
    )
    quantity_kg: Decimal | None = field(
        "The mass in them that comes from the lot, in kilograms; null if it is null for one of them.",
        roles=SIGNED_IN,
    )


@computed_type(
    "A customer that events name (`details.customer`, a text or an object with a `name`), or else"
    " a destination (`details.destination`, likewise, or its `place`).",
    roles=SIGNED_IN,
)
class ImpactCustomer:
    name: str = field("The name in the events.")
    product_count: int = field("The number of affected products whose events name the customer.")
    of_lots: bool = field(
        "Whether an event of the lot itself, or of a lot made from it, names the customer."
    )


@computed_type(
    "The products, manufacturers and customers that a recall of a lot has to reach.", roles=ANYONE
)
class Impact:
    affected: bool = field("Whether anything was made from the lot.")
    lot_count: int = field(
        "The number of lots made from it, also indirectly; a lower bound if `truncated`."
    )
    product_count: int = field(
        "The number of products that contain mass of it; a lower bound if `truncated`."
    )
    manufacturer_count: int = field(
        "The number of manufacturers of these products; a lower bound if `truncated`."
    )
    customer_count: int = field(
        "The number of customers that events of the products and lots name; a lower bound if `truncated`.",
        roles=SIGNED_IN,
    )
    quantity_kg: Decimal | None = field(
        "The mass in all products that comes from it, in kilograms; null if it is null for one of them,"
        " or if `truncated`.",
        roles=SIGNED_IN,
    )
    products: Connection[ImpactProduct] = lineage_connection("The products, by number.")
    manufacturers: Connection[ImpactManufacturer] = lineage_connection(
        "The manufacturers, by number."
    )
    customers: Connection[ImpactCustomer] = lineage_connection(
        "The customers, in the order of the first event that names them.", roles=SIGNED_IN
    )
    truncated: bool = field(
        "Whether more lots were made from it than the 100,000 nearest, which are read. There may be more"
        " products, manufacturers and customers than are listed and counted here."
    )
