"""Relay connections: pages by keyset, with the kg of the edge where an edge carries matter."""

from typing import Generic, TypeVar

import strawberry

from graph.auth.permissions import FIELD_ROLES, open_to
from graph.auth.roles import ANYONE, SIGNED_IN
from graph.types.scalar import Decimal

_T = TypeVar("_T")


@open_to(ANYONE)
@strawberry.type(description="The position of a page in its connection.")
class PageInfo:
    has_next_page: bool = strawberry.field(description="Whether anything follows this page.")
    has_previous_page: bool = strawberry.field(description="Whether anything precedes this page.")
    start_cursor: str | None = strawberry.field(description="Cursor of the page's first edge.")
    end_cursor: str | None = strawberry.field(description="Cursor of the page's last edge.")


@open_to(ANYONE)
@strawberry.type(description="One entry of a connection.")
class Edge(Generic[_T]):
    cursor: str = strawberry.field(description="Opaque position, for `after` and `before`.")
    node: _T = strawberry.field(description="The object itself.")


@open_to(ANYONE)
@strawberry.type(description="A page of a connection.")
class Connection(Generic[_T]):
    edges: list[Edge[_T]] = strawberry.field(description="Entries with their cursors.")
    nodes: list[_T] = strawberry.field(description="The objects alone, in the order of `edges`.")
    page_info: PageInfo = strawberry.field(description="The position of this page.")
    total_count: int = strawberry.field(
        description="How many there are on all pages under this filter; counted when selected."
    )


@open_to(ANYONE)
@strawberry.type(description="One entry of a connection, with the mass that flows along it.")
class FlowEdge(Generic[_T]):
    cursor: str = strawberry.field(description="Opaque position, for `after` and `before`.")
    node: _T = strawberry.field(description="The object itself.")
    quantity_kg: Decimal | None = strawberry.field(
        description="Mass along this edge, in kilograms; null where it was never recorded.",
        metadata={FIELD_ROLES: SIGNED_IN},
    )


@open_to(ANYONE)
@strawberry.type(description="A page of a connection whose edges carry mass.")
class FlowConnection(Generic[_T]):
    edges: list[FlowEdge[_T]] = strawberry.field(description="Entries with cursors and kilograms.")
    nodes: list[_T] = strawberry.field(description="The objects alone, in the order of `edges`.")
    page_info: PageInfo = strawberry.field(description="The position of this page.")
    total_count: int = strawberry.field(
        description="How many there are on all pages under this filter; counted when selected."
    )
