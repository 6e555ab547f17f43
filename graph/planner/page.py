"""One keyset page as SQL: its rows first, then what is shown of them.

The page is a subquery with ORDER BY and LIMIT; nothing outside of it can add or reorder rows. Where
only `nodes` are asked for, it is aggregated as it is. Where it must be known whether more follows,
one row more is read as a sentinel and nothing of that row is shown.
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    Text,
    and_,
    case,
    cast,
    exists,
    false,
    func,
    literal_column,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import JSON, aggregate_order_by
from sqlalchemy.types import Numeric

from graph.planner.entity import Entity, entity_named
from graph.planner.nodes import (
    Boundary,
    Column,
    Cursor,
    EdgeColumn,
    Edges,
    EdgeValue,
    Nodes,
    One,
    Page,
    PageInfo,
    PageValue,
    Shape,
    TotalCount,
    Typename,
)
from graph.planner.record import (
    Fields,
    base64_of,
    empty_list,
    json_list,
    json_of,
    object_columns,
    text,
)
from graph.planner.relation import Names, aliased, beyond, clause, limit, related, sort

ShowRow = Callable[[Shape, FromClause], Fields]
EDGE = "edge__"


class PageCompiler:
    """Compiles one page, given what shows a row (the compiler of the statement around it)."""

    def __init__(
        self,
        page: Page,
        parent: Entity | None,
        row: FromClause | None,
        names: Names,
        show_row: ShowRow,
    ) -> None:
        self.page = page
        self.entity = entity_named(page.entity)
        self.parent = parent
        self.row = row
        self.names = names
        self.show_row = show_row

    def compile(self) -> ColumnElement[Any]:
        """The JSON object of the connection."""
        lists = [value for _, value in self.page.fields if isinstance(value, (Nodes, Edges))]
        informed = any(isinstance(value, PageInfo) for _, value in self.page.fields)
        if len(lists) <= 1 and not informed:
            fields = [(key, self._plain(value)) for key, value in self.page.fields]
            return json_of(select, fields, self.names)
        return self._informed()

    # ------------------------------------------------------------ members and the page of them

    def _members(self) -> tuple[FromClause, FromClause | None, Callable[..., Select[Any]]]:
        """All rows of the connection, on fresh aliases: target, edge, and a select over both."""
        if self.row is None or self.parent is None or self.page.relationship is None:
            target: FromClause = aliased(self.entity.mapper.local_table, self.names.next("t"))
            edge, source, link = None, target, []
        else:
            relationship = self.parent.relationship(self.page.relationship)
            target, edge, source, on = related(relationship, self.row, self.names)
            link = [on]
        if self.page.condition is not None:
            link.append(clause(self.page.condition, self.entity, target, self.names))

        def over(*columns: Any) -> Select[Any]:
            made = select(*columns).select_from(source).where(*link)
            return made if self.row is None else made.correlate(self.row)

        return target, edge, over

    def _rows(self, extra: int) -> FromClause:
        """The rows of the page in reading order from its end of departure, `extra` more at most."""
        target, edge, over = self._members()
        needed = self._needed()
        columns = [column for column in target.c if column.name in needed]
        if edge is not None and "quantity_kg" in edge.c:
            columns.append(edge.c.quantity_kg.label(EDGE + "quantity_kg"))
        selected = over(*columns)
        if self.page.after is not None:
            selected = selected.where(beyond(self.page.order, self.page.after, self.entity, target))
        if self.page.before is not None:
            selected = selected.where(
                beyond(self.page.order, self.page.before, self.entity, target, backward=True)
            )
        ordered = selected.order_by(*sort(self.page.order, self.entity, target, self.page.backward))
        return ordered.limit(limit(self.page.limit, extra)).subquery(self.names.next("p"))

    def _needed(self) -> set[str]:
        """Names of the columns that are shown, ordered by, or lead on from a row of the page."""
        needed = {self.entity.column(term.column).name for term in self.page.order}
        for _, value in self.page.fields:
            if isinstance(value, Nodes):
                needed |= columns_of(value.shape)
            elif isinstance(value, Edges):
                for _, part in value.fields:
                    if isinstance(part, Shape):
                        needed |= columns_of(part)
        return needed

    def _count(self) -> ColumnElement[Any]:
        _, _, over = self._members()
        return over(func.count()).scalar_subquery()

    def _any_at_or_beyond(self, forward: bool) -> ColumnElement[bool]:
        """Whether rows lie outside: at or behind `before` (forward), at or ahead of `after`."""
        position = self.page.before if forward else self.page.after
        if position is None:
            return false()
        target, _, over = self._members()
        outside = beyond(
            self.page.order, position, self.entity, target, backward=not forward, inclusive=True
        )
        return exists(over(literal_column("1")).where(outside))

    # ------------------------------------------------------------ a page of which only rows show

    def _plain(self, value: PageValue) -> ColumnElement[Any]:
        match value:
            case Typename(name=name):
                return text(name)
            case TotalCount():
                return self._count()
            case Nodes() | Edges():
                rows = self._rows(0)
                columns, finished = object_columns(self._shown(value, rows))
                selected = select(*columns).select_from(rows)
                if self.page.backward:
                    selected = selected.order_by(*sort(self.page.order, self.entity, rows, False))
                return json_list(selected, finished, self.names)
            case PageInfo():
                raise AssertionError("a page with pageInfo is compiled by _informed")

    def _shown(self, value: Nodes | Edges, rows: FromClause) -> Fields:
        if isinstance(value, Nodes):
            return self.show_row(value.shape, rows)
        return [(key, self._edge(part, rows)) for key, part in value.fields]

    def _edge(self, value: EdgeValue, rows: FromClause) -> ColumnElement[Any]:
        match value:
            case Typename(name=name):
                return text(name)
            case Cursor():
                return self._cursor(rows)
            case EdgeColumn(name=name):
                return cast(rows.c[EDGE + name], Text)
            case Shape():
                return json_of(beside(rows), self.show_row(value, rows), self.names)

    def _cursor(self, rows: FromClause) -> ColumnElement[Any]:
        """base64 of the JSON array [scope, value of each order term]."""
        columns = [rows.c[self.entity.column(term.column).name] for term in self.page.order]
        values = [cast(c, Text) if isinstance(c.type, Numeric) else c for c in columns]
        array = func.json_build_array(text(self.page.scope), *values)
        return base64_of(cast(array, Text))

    # ------------------------------------------------------------ a page that knows its place

    def _informed(self) -> ColumnElement[Any]:
        """Number the rows, show the visible ones, aggregate lists and facts in one pass."""
        numbered = self._numbered()
        size = limit(self.page.limit)
        place, number = numbered.c.place__, numbered.c.number__
        visible = place > number - size if self.page.backward else place <= size
        first, last = _ends(number, size, self.page.backward)
        each: list[ColumnElement[Any]] = [place, visible.label("visible__")]
        for fact, end in (("start_cursor", first), ("end_cursor", last)):
            if self._asks(fact):
                at = and_(visible, place == end)
                each.append(case((at, self._cursor(numbered))).label(fact))
        for index, (_, value) in enumerate(self.page.fields):
            if isinstance(value, (Nodes, Edges)):
                item = json_of(beside(numbered), self._shown(value, numbered), self.names)
                each.append(case((visible, item)).label(f"item{index}"))
        shown = select(*each).select_from(numbered).subquery(self.names.next("s"))
        whole = self._aggregated(shown)
        fields = [
            (key, self._part(f"item{index}", value, whole))
            for index, (key, value) in enumerate(self.page.fields)
        ]
        return json_of(lambda *made: select(*made).select_from(whole), fields, self.names)

    def _asks(self, fact: str) -> bool:
        return any(
            isinstance(part, Boundary) and part.fact == fact
            for _, value in self.page.fields
            if isinstance(value, PageInfo)
            for _, part in value.fields
        )

    def _numbered(self) -> FromClause:
        """The rows with their place in ascending page order (1..n) and n, sentinel included."""
        rows = self._rows(1)
        place = func.row_number().over(order_by=sort(self.page.order, self.entity, rows, False))
        number = func.count().over()
        return select(*rows.c, place.label("place__"), number.label("number__")).subquery(
            self.names.next("q")
        )

    def _aggregated(self, shown: FromClause) -> FromClause:
        """One row: each list as JSON, the cursors of both ends, and whether there was a sentinel."""
        columns: list[ColumnElement[Any]] = [
            func.coalesce(func.bool_or(~shown.c.visible__), false()).label("more")
        ]
        for column in shown.c:
            if column.name.startswith("item"):
                ordered = aggregate_order_by(column, shown.c.place__)
                listed = func.json_agg(ordered, type_=JSON).filter(shown.c.visible__)
                columns.append(func.coalesce(listed, empty_list()).label(column.name))
            elif column.name.endswith("_cursor"):
                columns.append(func.max(column).label(column.name))
        return select(*columns).select_from(shown).subquery(self.names.next("g"))

    def _part(self, label: str, value: PageValue, whole: FromClause) -> ColumnElement[Any]:
        if isinstance(value, (Nodes, Edges)):
            return whole.c[label]
        if not isinstance(value, PageInfo):
            return self._plain(value)
        facts = [
            (key, text(part.name) if isinstance(part, Typename) else self._fact(part, whole))
            for key, part in value.fields
        ]
        return json_of(beside(whole), facts, self.names)

    def _fact(self, boundary: Boundary, whole: FromClause) -> ColumnElement[Any]:
        if boundary.fact in ("start_cursor", "end_cursor"):
            return whole.c[boundary.fact]
        forward = boundary.fact == "has_next_page"
        outside = self._any_at_or_beyond(forward)
        return outside if forward == self.page.backward else or_(whole.c.more, outside)


def columns_of(shape: Shape) -> set[str]:
    """Names of the columns of a row that its shape stands on."""
    entity = entity_named(shape.entity)
    needed = {entity.column(entity.key).name}
    for _, value in shape.fields:
        match value:
            case Column(name=attribute):
                needed.add(entity.column(attribute).name)
            case One(relationship=name) | Page(relationship=str(name)):
                needed |= {column.name for column in entity.relationship(name).local_columns}
            case _:
                pass
    return needed


def beside(rows: FromClause) -> Callable[..., Select[Any]]:
    """A select of expressions over the current row of `rows`, which stands in the query around."""
    return lambda *columns: select(*columns).correlate(rows)


def _ends(
    number: ColumnElement[int], size: ColumnElement[int], backward: bool
) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    """The places of the page's first and last row, the sentinel aside."""
    if backward:
        return func.greatest(number - size, literal_column("0")) + literal_column("1"), number
    return literal_column("1"), func.least(number, size)
