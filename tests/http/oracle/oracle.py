"""The test oracle: answers operations by walking ORM objects in plain Python.

It shares the SDL and the models with the server and nothing else; graphql-core executes. Cursors
are opaque, so it answers a `Place` for each, and reads only those whose rows it knows.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

from graphql import (
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLResolveInfo,
    build_schema,
    execute_sync,
    get_named_type,
    parse,
)

import models
from models.database.engines import Database
from tests.http.oracle.oracle_filters import matches
from tests.http.oracle.oracle_pages import (
    Context,
    Cursors,
    Order,
    Place,
    Window,
    cut,
    rank,
    read_order,
)
from tests.http.oracle.oracle_rows import Edge, Rows, attribute, key_of, type_name
from tests.http.oracle.oracle_scalars import adopt, global_id, read_global_id, shown

Arguments = dict[str, Any]
Resolver = Callable[..., Any]


class Oracle:
    """Reads the database once; answers any valid operation of the SDL from memory."""

    def __init__(self, sdl: str, database: Database) -> None:
        self.rows = Rows(database)
        self.schema = build_schema(sdl)
        self.ranks = cache(self._rank)
        adopt(self.schema)
        interface = self.schema.type_map["Node"]
        assert isinstance(interface, GraphQLInterfaceType)
        interface.resolve_type = lambda row, *_: type_name(row)
        for concrete in self.schema.get_possible_types(interface):
            self._attach(concrete, self._node_resolver)
        assert self.schema.query_type is not None
        self._attach(self.schema.query_type, self._root_resolver)

    def answer(
        self,
        query: str,
        variables: dict[str, Any] | None = None,
        operation_name: str | None = None,
        cursors: Cursors | None = None,
    ) -> dict[str, Any]:
        """Return the data of the answer. Raises the exception of a resolver."""
        result = execute_sync(
            self.schema,
            parse(query),
            context_value=cursors or Cursors(),
            variable_values=variables,
            operation_name=operation_name,
        )
        for error in result.errors or ():
            raise error.original_error or error
        assert result.data is not None
        return result.data

    def _attach(
        self, owner: GraphQLObjectType, choose: Callable[[str, str, str], Resolver]
    ) -> None:
        for name, definition in owner.fields.items():
            target = get_named_type(definition.type).name
            definition.resolve = choose(owner.name, name, target)

    def _root_resolver(self, _owner: str, field: str, target: str) -> Resolver:
        if field == "node":
            return lambda _root, _info, id: self._by_global_id(id)
        if field == "nodes":
            return lambda _root, _info, ids: [self._by_global_id(one) for one in ids]
        if target.endswith("Connection"):
            table = connected(target)
            return lambda _root, info, **arguments: self._connection(
                self.rows.everything(table), table, info, arguments
            )
        return lambda _root, _info, by: self._look_up(target, by)

    def _node_resolver(self, owner: str, field: str, target: str) -> Resolver:
        if field == "id":
            return lambda row, _info: global_id(owner, key_of(row))
        if self.rows.is_one(owner, field):
            return lambda row, _info: self.rows.one(row, field)
        if self.rows.is_many(owner, field):
            table = connected(target)
            return lambda row, info, **arguments: self._connection(
                self.rows.many(row, field), table, info, arguments
            )
        return lambda row, _info: shown(self.rows.column(row, field))

    def _by_global_id(self, value: str) -> models.Base | None:
        name, key = read_global_id(value)
        return self.rows.tables[name].get(key)

    def _look_up(self, name: str, by: Arguments) -> models.Base | None:
        if "id" in by:
            return self._by_global_id(by["id"])
        wanted = dict(by.get("gtinLot") or by)
        for row in self.rows.tables[name].values():
            if all(getattr(row, attribute(field)) == value for field, value in wanted.items()):
                return row
        return None

    def _rank(self, table: str, order: Order) -> dict[int, int]:
        return rank(self.rows.tables[table].values(), order)

    def _known(self, edges: list[Edge], arguments: Arguments) -> list[Edge]:
        """Return the events that were known at a time, and without those that were corrected by then."""

        def known(edge: Edge) -> bool:
            as_of = arguments.get("asOf")
            assert isinstance(edge.row, models.Transaction)
            return as_of is None or edge.row.record_time <= as_of

        def corrected(edge: Edge) -> bool:
            return any(map(known, self.rows.many(edge.row, "corrections")))

        if not {"view", "asOf"} & arguments.keys():
            return edges
        current = arguments.get("view") == "CURRENT"
        return [edge for edge in edges if known(edge) and not (current and corrected(edge))]

    def _connection(
        self, edges: list[Edge], table: str, info: GraphQLResolveInfo[Cursors], arguments: Arguments
    ) -> dict[str, Any]:
        order = read_order(arguments.get("orderBy"))
        context = (info.parent_type.name, info.field_name, order)
        ranks = self.ranks(table, order)
        edges = self._known(edges, arguments)
        kept = [
            edge for edge in edges if matches(self.rows, edge.row, arguments.get("filter") or {})
        ]
        kept.sort(key=lambda edge: ranks[key_of(edge.row)])
        window = read_window(arguments, context, ranks, info.context)
        page = cut(kept, lambda edge: ranks[key_of(edge.row)], window)
        entries = [show_edge(edge, context) for edge in page.entries]
        return {
            "edges": entries,
            "nodes": [edge.row for edge in page.entries],
            "totalCount": len(kept),
            "pageInfo": {
                "hasNextPage": page.has_next,
                "hasPreviousPage": page.has_previous,
                "startCursor": entries[0]["cursor"] if entries else None,
                "endCursor": entries[-1]["cursor"] if entries else None,
            },
        }


def connected(connection: str) -> str:
    """`ProductFlowConnection` -> `Product`."""
    return connection.removesuffix("Connection").removesuffix("Flow")


def read_window(
    arguments: Arguments, context: Context, ranks: dict[int, int], cursors: Cursors
) -> Window:
    after = cursors.key(context, arguments.get("after"))
    before = cursors.key(context, arguments.get("before"))
    return Window(
        first=arguments.get("first"),
        after=None if after is None else ranks[after],
        last=arguments.get("last"),
        before=None if before is None else ranks[before],
    )


def show_edge(edge: Edge, context: Context) -> dict[str, Any]:
    return {
        "cursor": Place.of(context, key_of(edge.row)),
        "node": edge.row,
        "quantityKg": shown(edge.quantity_kg),
    }
