"""The rows of a page as SQL: a keyset page of a table or of a relationship."""

from dataclasses import replace
from typing import Protocol

from graph.planner.compilation.relation import (
    JoinedRows,
    compile_condition,
    limit,
    related,
    rows_of,
    seek_condition,
    sort,
)
from graph.planner.entity import Entity, entity_named
from graph.planner.nodes import (
    Column,
    EdgeColumn,
    Edges,
    EdgeValue,
    KeysetPosition,
    Nodes,
    One,
    Page,
    Shape,
)
from graph.planner.sql.builder import SqlBuilder, identifier

EDGE_PREFIX = "edge__"
"""Prefix of the columns that a page reads from the association table."""


class RowSource(Protocol):
    """The rows of a connection: one page of them, their count, and whether more lie outside."""

    def page(self, extra: int) -> tuple[str, str]:
        """Return a subquery of the page with at most `extra` rows more, and its alias."""
        ...

    def count(self) -> str:
        """Return the count of all rows on all pages."""
        ...

    def any_outside(self, forward: bool) -> str:
        """Return whether rows lie at or after `before` (forward), or at or before `after`."""
        ...


class TableRows:
    """The rows of a table, or those that are related to a parent row."""

    def __init__(
        self, page: Page, parent: Entity | None, row: str | None, builder: SqlBuilder
    ) -> None:
        self._page = page
        self._entity = entity_named(page.entity)
        self._parent = parent
        self._row = row
        self._builder = builder

    def page(self, extra: int) -> tuple[str, str]:
        page, members = self._page, self._members()
        between = []
        if page.after is not None:
            between.append(self._outside_page(page.after, members))
        if page.before is not None:
            between.append(self._outside_page(page.before, members, backward=True))
        order = sort(page.order, self._entity, members.target, page.backward)
        source = f"{members.where(*between)} ORDER BY {order}"
        size = limit(self._builder, page.limit, extra)
        alias = self._builder.name("p")
        columns = ", ".join(self._columns(members))
        return f"(SELECT {columns}{source} LIMIT {size}) AS {alias}", alias

    def count(self) -> str:
        return f"(SELECT count(*){self._members().where()})"

    def any_outside(self, forward: bool) -> str:
        position = self._page.before if forward else self._page.after
        if position is None:
            return "false"
        members = self._members()
        outside = self._outside_page(position, members, backward=not forward, inclusive=True)
        return f"EXISTS (SELECT 1{members.where(outside)})"

    def _members(self) -> JoinedRows:
        """Return all rows of the connection, under new aliases."""
        if self._row is None or self._parent is None or self._page.relationship is None:
            rows = rows_of(self._entity.mapper.local_table, self._builder)
        else:
            relationship = self._parent.relationship(self._page.relationship)
            rows = related(relationship, self._row, self._builder)
        if self._page.condition is None:
            return rows
        condition = compile_condition(
            self._page.condition, self._entity, rows.target, self._builder
        )
        return replace(rows, conditions=(*rows.conditions, condition))

    def _outside_page(
        self,
        position: KeysetPosition,
        members: JoinedRows,
        *,
        backward: bool = False,
        inclusive: bool = False,
    ) -> str:
        return seek_condition(
            self._page.order,
            position,
            self._entity,
            members.target,
            self._builder,
            backward=backward,
            inclusive=inclusive,
        )

    def _columns(self, members: JoinedRows) -> list[str]:
        """Return the columns that the selection, the order and relationships of a row need."""
        columns = {self._entity.column(term.column).name: None for term in self._page.order}
        carried: dict[str, None] = {}
        for shape in shapes_of(self._page):
            columns |= dict.fromkeys(columns_of(shape))
        for value in edge_values_of(self._page):
            if isinstance(value, EdgeColumn):
                carried[value.name] = None
        return [
            *(f"{members.target}.{identifier(name)}" for name in columns),
            *(f"{members.edge}.{identifier(name)} AS {EDGE_PREFIX}{name}" for name in carried),
        ]


def edge_values_of(page: Page) -> list[EdgeValue]:
    """Return the selected fields of each edge of a page."""
    return [
        part for _, value in page.fields if isinstance(value, Edges) for _, part in value.fields
    ]


def shapes_of(page: Page) -> list[Shape]:
    """Return the shapes in which a page contains each of its rows."""
    nodes = [value.shape for _, value in page.fields if isinstance(value, Nodes)]
    return [*nodes, *(part for part in edge_values_of(page) if isinstance(part, Shape))]


def columns_of(shape: Shape) -> list[str]:
    """Return the names of the columns that a shape reads from its row."""
    entity = entity_named(shape.entity)
    needed = [entity.column(entity.key).name]
    for _, value in shape.fields:
        match value:
            case Column(name=attribute):
                needed.append(entity.column(attribute).name)
            case One(relationship=name) | Page(relationship=str(name)):
                needed += [column.name for column in entity.relationship(name).local_columns]
            case _:
                pass
    return needed
