"""One keyset page as SQL: its rows first, then what is shown of them.

The page is a subquery with ORDER BY and LIMIT; nothing outside of it can add or reorder rows. Where
only `nodes` are asked for, it is aggregated as it is. Where it must be known whether more follows,
one row more is read as a sentinel and nothing of that row is shown.
"""

from collections.abc import Callable
from dataclasses import replace

from graph.planner.entity import Entity, entity_named
from graph.planner.nodes import (
    Column,
    Cursor,
    EdgeColumn,
    Edges,
    EdgeValue,
    Nodes,
    One,
    Page,
    PageInfo,
    PageInfoField,
    PageValue,
    Shape,
    TotalCount,
    Typename,
)
from graph.planner.sql.builder import SqlBuilder, identifier
from graph.planner.sql.record import (
    EMPTY_LIST,
    Fields,
    base64_of,
    exact,
    json_list,
    json_of,
    object_columns,
    text,
)
from graph.planner.sql.relation import (
    Rows,
    compile_condition,
    limit,
    related,
    rows_of,
    seek_condition,
    sort,
)

ShowRow = Callable[[Shape, str], Fields]
EDGE = "edge__"
ENDS = "start_cursor", "end_cursor"


class PageCompiler:
    """Compiles one page, given what shows a row (the compiler of the statement around it)."""

    def __init__(
        self,
        page: Page,
        parent: Entity | None,
        row: str | None,
        builder: SqlBuilder,
        show_row: ShowRow,
    ) -> None:
        self.page = page
        self.entity = entity_named(page.entity)
        self.parent = parent
        self.row = row
        self.builder = builder
        self.show_row = show_row

    def compile(self) -> str:
        """The JSON object of the connection."""
        lists = [value for _, value in self.page.fields if isinstance(value, (Nodes, Edges))]
        informed = any(isinstance(value, PageInfo) for _, value in self.page.fields)
        if len(lists) <= 1 and not informed:
            return json_of(
                [(key, self._plain(value)) for key, value in self.page.fields], self.builder
            )
        return self._informed()

    # ------------------------------------------------------------ members and the page of them

    def _members(self) -> Rows:
        """All rows of the connection, under fresh aliases."""
        if self.row is None or self.parent is None or self.page.relationship is None:
            rows = rows_of(self.entity.mapper.local_table, self.builder)
        else:
            relationship = self.parent.relationship(self.page.relationship)
            rows = related(relationship, self.row, self.builder)
        if self.page.condition is None:
            return rows
        condition = compile_condition(self.page.condition, self.entity, rows.target, self.builder)
        return replace(rows, conditions=(*rows.conditions, condition))

    def _rows(self, extra: int) -> tuple[str, str]:
        """The rows of the page in reading order from its end of departure, `extra` more at most.

        A subquery and its alias.
        """
        page, members = self.page, self._members()
        between = []
        if page.after is not None:
            between.append(
                seek_condition(page.order, page.after, self.entity, members.target, self.builder)
            )
        if page.before is not None:
            between.append(
                seek_condition(
                    page.order,
                    page.before,
                    self.entity,
                    members.target,
                    self.builder,
                    backward=True,
                )
            )
        order = sort(page.order, self.entity, members.target, page.backward)
        source = f"{members.where(*between)} ORDER BY {order}"
        size = limit(self.builder, page.limit, extra)
        alias = self.builder.name("p")
        return (
            f"(SELECT {', '.join(self._columns(members))}{source} LIMIT {size}) AS {alias}",
            alias,
        )

    def _columns(self, members: Rows) -> list[str]:
        """What is shown, ordered by, or leads on from a row of the page, and from its association."""
        columns = {self.entity.column(term.column).name: None for term in self.page.order}
        carried: dict[str, None] = {}
        for shape in shapes_of(self.page):
            columns |= dict.fromkeys(columns_of(shape))
        for value in edge_values_of(self.page):
            if isinstance(value, EdgeColumn):
                carried[value.name] = None
        return [
            *(f"{members.target}.{identifier(name)}" for name in columns),
            *(f"{members.edge}.{identifier(name)} AS {EDGE}{name}" for name in carried),
        ]

    def _count(self) -> str:
        return f"(SELECT count(*){self._members().where()})"

    def _any_at_or_beyond(self, forward: bool) -> str:
        """Whether rows lie outside: at or behind `before` (forward), at or ahead of `after`."""
        position = self.page.before if forward else self.page.after
        if position is None:
            return "false"
        members = self._members()
        outside = seek_condition(
            self.page.order,
            position,
            self.entity,
            members.target,
            self.builder,
            backward=not forward,
            inclusive=True,
        )
        return f"EXISTS (SELECT 1{members.where(outside)})"

    # ------------------------------------------------------------ a page of which only rows show

    def _plain(self, value: PageValue) -> str:
        match value:
            case Typename(name=name):
                return text(name)
            case TotalCount():
                return self._count()
            case Nodes() | Edges():
                rows, alias = self._rows(0)
                columns, finished = object_columns(self._shown(value, alias))
                order = ""
                if self.page.backward:
                    order = f" ORDER BY {sort(self.page.order, self.entity, alias, False)}"
                return json_list(columns, finished, self.builder, f" FROM {rows}{order}")
            case PageInfo():
                raise AssertionError("a page with pageInfo is compiled by _informed")

    def _shown(self, value: Nodes | Edges, row: str) -> Fields:
        if isinstance(value, Nodes):
            return self.show_row(value.shape, row)
        return [(key, self._edge(part, row)) for key, part in value.fields]

    def _edge(self, value: EdgeValue, row: str) -> str:
        match value:
            case Typename(name=name):
                return text(name)
            case Cursor():
                return self._cursor(row)
            case EdgeColumn(name=name):
                # Kilograms are all that an edge carries.
                return f"round({row}.{EDGE}{name}, 3)::text"
            case Shape():
                return json_of(self.show_row(value, row), self.builder)

    def _cursor(self, row: str) -> str:
        """base64 of the JSON array [scope, value of each order term]."""
        shown = (exact(row, self.entity.column(term.column)) for term in self.page.order)
        values = [text(self.page.scope), *shown]
        return base64_of(f"json_build_array({', '.join(values)})::text")

    # ------------------------------------------------------------ a page that knows its place

    def _informed(self) -> str:
        """Number the rows, show the visible ones, aggregate lists and facts in one pass."""
        rows, row = self._numbered()
        size = limit(self.builder, self.page.limit)
        place, number = f"{row}.place__", f"{row}.number__"
        if self.page.backward:
            visible = f"{place} > {number} - {size}"
            ends = f"greatest({number} - {size}, 0) + 1", number
        else:
            visible = f"{place} <= {size}"
            ends = "1", f"least({number}, {size})"
        each = [f"{place} AS place__", f"{visible} AS visible__"]
        for fact, end in zip(ENDS, ends, strict=True):
            if self._asks(fact):
                at = f"{visible} AND {place} = {end}"
                each.append(f"CASE WHEN {at} THEN {self._cursor(row)} END AS {fact}")
        for index, (_, value) in enumerate(self.page.fields):
            if isinstance(value, (Nodes, Edges)):
                item = json_of(self._shown(value, row), self.builder)
                each.append(f"CASE WHEN {visible} THEN {item} END AS item{index}")
        whole = self.builder.name("g")
        shown = f"(SELECT {', '.join(each)} FROM {rows})"
        aggregated = f" FROM (SELECT {', '.join(self._aggregated())} FROM {shown} AS s) AS {whole}"
        fields = [
            (key, self._part(f"item{index}", value, whole))
            for index, (key, value) in enumerate(self.page.fields)
        ]
        return json_of(fields, self.builder, aggregated)

    def _aggregated(self) -> list[str]:
        """Of shown rows `s`: each list as JSON, the cursors of both ends, whether there was a sentinel."""
        made = ["coalesce(bool_or(NOT s.visible__), false) AS more"]
        made += [f"max(s.{fact}) AS {fact}" for fact in ENDS if self._asks(fact)]
        for index, (_, value) in enumerate(self.page.fields):
            if isinstance(value, (Nodes, Edges)):
                listed = f"json_agg(s.item{index} ORDER BY s.place__) FILTER (WHERE s.visible__)"
                made.append(f"coalesce({listed}, {EMPTY_LIST}) AS item{index}")
        return made

    def _asks(self, fact: str) -> bool:
        return any(
            isinstance(part, PageInfoField) and part.fact == fact
            for _, value in self.page.fields
            if isinstance(value, PageInfo)
            for _, part in value.fields
        )

    def _numbered(self) -> tuple[str, str]:
        """The rows with their place in ascending page order (1..n) and n, sentinel included."""
        rows, alias = self._rows(1)
        order = sort(self.page.order, self.entity, alias, False)
        numbered = self.builder.name("q")
        place = f"row_number() OVER (ORDER BY {order}) AS place__, count(*) OVER () AS number__"
        return f"(SELECT {alias}.*, {place} FROM {rows}) AS {numbered}", numbered

    def _part(self, label: str, value: PageValue, whole: str) -> str:
        if isinstance(value, (Nodes, Edges)):
            return f"{whole}.{label}"
        if not isinstance(value, PageInfo):
            return self._plain(value)
        facts = [
            (key, text(part.name) if isinstance(part, Typename) else self._fact(part, whole))
            for key, part in value.fields
        ]
        return json_of(facts, self.builder)

    def _fact(self, boundary: PageInfoField, whole: str) -> str:
        if boundary.fact in ENDS:
            return f"{whole}.{boundary.fact}"
        forward = boundary.fact == "has_next_page"
        outside = self._any_at_or_beyond(forward)
        return outside if forward == self.page.backward else f"({whole}.more OR {outside})"


def edge_values_of(page: Page) -> list[EdgeValue]:
    """What is shown of each edge of a page."""
    return [
        part for _, value in page.fields if isinstance(value, Edges) for _, part in value.fields
    ]


def shapes_of(page: Page) -> list[Shape]:
    """What is shown of each row of a page."""
    nodes = [value.shape for _, value in page.fields if isinstance(value, Nodes)]
    return [*nodes, *(part for part in edge_values_of(page) if isinstance(part, Shape))]


def columns_of(shape: Shape) -> list[str]:
    """Names of the columns of a row that its shape stands on."""
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
