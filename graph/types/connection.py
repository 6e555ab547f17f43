"""Relay connections: pages by keyset. The edges of some have kilograms."""

from typing import Generic, TypeVar

import strawberry

from graph.auth.permissions import FIELD_ROLES, open_to
from graph.auth.roles import ANYONE, SIGNED_IN
from graph.types.scalar import Decimal

_T = TypeVar("_T")


@open_to(ANYONE)
@strawberry.type(description="The position of a page in its connection.")
class PageInfo:
    has_next_page: bool = strawberry.field(
        description="Whether the connection has entries after this page."
    )
    has_previous_page: bool = strawberry.field(
        description="Whether the connection has entries before this page."
    )
    start_cursor: str | None = strawberry.field(description="Cursor of the page's first edge.")
    end_cursor: str | None = strawberry.field(description="Cursor of the page's last edge.")


@open_to(ANYONE)
@strawberry.type(description="An entry of a connection.")
class Edge(Generic[_T]):
    cursor: str = strawberry.field(
        description="Opaque cursor of the entry, for `after` and `before`."
    )
    node: _T = strawberry.field(description="The object.")


@open_to(ANYONE)
@strawberry.type(description="A page of a connection.")
class Connection(Generic[_T]):
    edges: list[Edge[_T]] = strawberry.field(
        description="The entries of the page with their cursors."
    )
    nodes: list[_T] = strawberry.field(description="The objects of `edges`, in the same order.")
    page_info: PageInfo = strawberry.field(description="The position of this page.")
    total_count: int = strawberry.field(
        description="The number of objects on all pages that match the filter; counted only if selected."
    )


@open_to(ANYONE)
@strawberry.type(description="An entry of a connection, with the kilograms that flowed along it.")
class FlowEdge(Generic[_T]):
    cursor: str = strawberry.field(
        description="Opaque cursor of the entry, for `after` and `before`."
    )
    node: _T = strawberry.field(description="The object.")
    quantity_kg: Decimal | None = strawberry.field(
        description="Mass that flowed along this edge, in kilograms; null if it was not recorded.",
        metadata={FIELD_ROLES: SIGNED_IN},
    )


@open_to(ANYONE)
@strawberry.type(description="A page of a connection whose edges have kilograms.")
class FlowConnection(Generic[_T]):
    edges: list[FlowEdge[_T]] = strawberry.field(
        description="The entries of the page with their cursors and kilograms."
    )
    nodes: list[_T] = strawberry.field(description="The objects of `edges`, in the same order.")
    page_info: PageInfo = strawberry.field(description="The position of this page.")
    total_count: int = strawberry.field(
        description="The number of objects on all pages that match the filter; counted only if selected."
    )
