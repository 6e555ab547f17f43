"""Compiles one keyset page to SQL: its rows first, then the selected fields of these rows.

The page is a subquery with ORDER BY and LIMIT; the SQL around it never adds or reorders rows. A page
with one list is aggregated directly. If the page must tell whether more rows follow, the subquery reads
one more row as a sentinel, which the answer does not contain.
"""

from collections.abc import Callable
from typing import TypeAlias

from graph.planner.compilation.page_rows import EDGE_PREFIX, RowSource
from graph.planner.compilation.relation import limit, sort
from graph.planner.entity import entity_named
from graph.planner.nodes import (
    Cursor,
    EdgeColumn,
    Edges,
    EdgeValue,
    Nodes,
    Page,
    PageInfoField,
    PageInfoNode,
    PageValue,
    Shape,
    TotalCount,
    Typename,
)
from graph.planner.sql.builder import SqlBuilder
from graph.planner.sql.record import (
    EMPTY_LIST,
    JsonFields,
    base64_of,
    exact,
    json_list,
    json_of,
    object_columns,
    text,
)

CompileRow: TypeAlias = Callable[[Shape, str], JsonFields]
CURSOR_FIELDS = "start_cursor", "end_cursor"


class PageFields:
    """Compiles the items of a page: its nodes, its edges and their cursors."""

    def __init__(self, page: Page, builder: SqlBuilder, compile_row: CompileRow) -> None:
        self._page = page
        self._entity = entity_named(page.entity)
        self._builder = builder
        self._compile_row = compile_row

    def list_items(self, value: Nodes | Edges, row: str) -> JsonFields:
        """Return the fields of an item of `nodes` or `edges`."""
        if isinstance(value, Nodes):
            return self._compile_row(value.shape, row)
        return [(key, self._edge(part, row)) for key, part in value.fields]

    def _edge(self, value: EdgeValue, row: str) -> str:
        match value:
            case Typename(name=name):
                return text(name)
            case Cursor():
                return self.cursor(row)
            case EdgeColumn(name=name):
                # The association tables have no other column than kilograms.
                return f"round({row}.{EDGE_PREFIX}{name}, 3)::text"
            case Shape():
                return json_of(self._compile_row(value, row), self._builder)

    def cursor(self, row: str) -> str:
        """Return the cursor of a row: base64 of the JSON array [scope, value of each order term]."""
        terms = (exact(row, self._entity.column(term.column)) for term in self._page.order)
        values = [text(self._page.scope), *terms]
        return base64_of(f"json_build_array({', '.join(values)})::text")


class PageCompiler:
    """Compiles one page, given the source of its rows and the compiler of a row's fields."""

    def __init__(
        self, page: Page, source: RowSource, builder: SqlBuilder, compile_row: CompileRow
    ) -> None:
        self._page = page
        self._entity = entity_named(page.entity)
        self._source = source
        self._builder = builder
        self._items = PageFields(page, builder, compile_row)

    def compile(self) -> str:
        """Return the JSON object of the connection."""
        lists = [value for _, value in self._page.fields if isinstance(value, (Nodes, Edges))]
        informed = any(isinstance(value, PageInfoNode) for _, value in self._page.fields)
        if len(lists) <= 1 and not informed:
            fields = [(key, self._plain(value)) for key, value in self._page.fields]
            return json_of(fields, self._builder)
        return self._informed()

    def _plain(self, value: PageValue) -> str:
        match value:
            case Typename(name=name):
                return text(name)
            case TotalCount():
                return self._source.count()
            case Nodes() | Edges():
                rows, alias = self._source.page(0)
                columns, finished = object_columns(self._items.list_items(value, alias))
                order = ""
                if self._page.backward:
                    order = f" ORDER BY {sort(self._page.order, self._entity, alias, False)}"
                return json_list(columns, finished, self._builder, f" FROM {rows}{order}")
            case PageInfoNode():
                raise AssertionError("a page with pageInfo is compiled by _informed")

    def _informed(self) -> str:
        """Return a page that numbers its rows and aggregates its lists and page info in one pass."""
        rows, row = self._numbered()
        size = limit(self._builder, self._page.limit)
        place, number = f"{row}.place__", f"{row}.number__"
        if self._page.backward:
            visible = f"{place} > {number} - {size}"
            ends = f"greatest({number} - {size}, 0) + 1", number
        else:
            visible = f"{place} <= {size}"
            ends = "1", f"least({number}, {size})"
        columns = [f"{place} AS place__", f"{visible} AS visible__"]
        for name, end in zip(CURSOR_FIELDS, ends, strict=True):
            if self._selects(name):
                at = f"{visible} AND {place} = {end}"
                columns.append(f"CASE WHEN {at} THEN {self._items.cursor(row)} END AS {name}")
        for index, (_, value) in enumerate(self._page.fields):
            if isinstance(value, (Nodes, Edges)):
                item = json_of(self._items.list_items(value, row), self._builder)
                columns.append(f"CASE WHEN {visible} THEN {item} END AS item{index}")
        whole = self._builder.name("g")
        items = f"(SELECT {', '.join(columns)} FROM {rows})"
        aggregated = f" FROM (SELECT {', '.join(self._aggregated())} FROM {items} AS s) AS {whole}"
        fields = [
            (key, self._part(f"item{index}", value, whole))
            for index, (key, value) in enumerate(self._page.fields)
        ]
        return json_of(fields, self._builder, aggregated)

    def _aggregated(self) -> list[str]:
        """Aggregate the rows `s`: each list as JSON, the cursors of both ends, whether a sentinel exists."""
        columns = ["coalesce(bool_or(NOT s.visible__), false) AS more"]
        columns += [f"max(s.{name}) AS {name}" for name in CURSOR_FIELDS if self._selects(name)]
        for index, (_, value) in enumerate(self._page.fields):
            if isinstance(value, (Nodes, Edges)):
                items = f"json_agg(s.item{index} ORDER BY s.place__) FILTER (WHERE s.visible__)"
                columns.append(f"coalesce({items}, {EMPTY_LIST}) AS item{index}")
        return columns

    def _selects(self, name: str) -> bool:
        return any(
            isinstance(part, PageInfoField) and part.name == name
            for _, value in self._page.fields
            if isinstance(value, PageInfoNode)
            for _, part in value.fields
        )

    def _numbered(self) -> tuple[str, str]:
        """Return the rows with their number in page order (1..n) and n, the sentinel included."""
        rows, alias = self._source.page(1)
        order = sort(self._page.order, self._entity, alias, False)
        numbered = self._builder.name("q")
        place = f"row_number() OVER (ORDER BY {order}) AS place__, count(*) OVER () AS number__"
        return f"(SELECT {alias}.*, {place} FROM {rows}) AS {numbered}", numbered

    def _part(self, label: str, value: PageValue, whole: str) -> str:
        if isinstance(value, (Nodes, Edges)):
            return f"{whole}.{label}"
        if not isinstance(value, PageInfoNode):
            return self._plain(value)
        info = [
            (
                key,
                text(part.name)
                if isinstance(part, Typename)
                else self._page_info_field(part, whole),
            )
            for key, part in value.fields
        ]
        return json_of(info, self._builder)

    def _page_info_field(self, field: PageInfoField, whole: str) -> str:
        if field.name in CURSOR_FIELDS:
            return f"{whole}.{field.name}"
        forward = field.name == "has_next_page"
        outside = self._source.any_outside(forward)
        return outside if forward == self._page.backward else f"({whole}.more OR {outside})"
