"""What is to be read, as frozen dataclasses: the step between a selection and its SQL.

Nodes hold no values, only the slots that values are bound to. Two operations that differ in values
alone are equal here, and share one compiled statement.
"""

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias


@dataclass(frozen=True, slots=True)
class Param:
    """The value at this position of the operation's values."""

    slot: int


# ---------------------------------------------------------------- conditions


@dataclass(frozen=True, slots=True)
class Compare:
    """column OPERATOR value; a null column satisfies none."""

    column: str
    operator: Literal["eq", "gt", "gte", "lt", "lte", "in", "contains"]
    value: Param


@dataclass(frozen=True, slots=True)
class IsNull:
    column: str
    expected: bool


@dataclass(frozen=True, slots=True)
class All:
    of: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    of: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Not:
    of: "Condition"


Quantifier: TypeAlias = Literal["some", "none", "every"]


@dataclass(frozen=True, slots=True)
class Related:
    """Some, none or every related row satisfies a condition; a to-one relation takes `some`."""

    relationship: str
    quantifier: Quantifier
    condition: "Condition"


Condition: TypeAlias = Compare | IsNull | All | AnyOf | Not | Related

# ---------------------------------------------------------------- rows and their fields


@dataclass(frozen=True, slots=True)
class Typename:
    name: str


@dataclass(frozen=True, slots=True)
class GlobalId:
    entity: str


@dataclass(frozen=True, slots=True)
class Column:
    """An ORM attribute; `as_enum` writes the stored text as a GraphQL enum name."""

    name: str
    as_enum: bool = False
    as_text: bool = False


@dataclass(frozen=True, slots=True)
class One:
    relationship: str
    shape: "Shape"


@dataclass(frozen=True, slots=True)
class Call:
    """The row that a function of the database makes of these values; null where it makes none."""

    arguments: tuple[Param, ...]
    shape: "Shape"


@dataclass(frozen=True, slots=True)
class Shape:
    """What is shown of one row: response keys in their order, and what stands behind each."""

    entity: str
    fields: tuple[tuple[str, "RowValue"], ...]


# ---------------------------------------------------------------- pages


@dataclass(frozen=True, slots=True)
class Order:
    column: str
    descending: bool


@dataclass(frozen=True, slots=True)
class Position:
    """A row's place in an order: one value for each of its terms, None for a null."""

    values: tuple[Param | None, ...]


@dataclass(frozen=True, slots=True)
class Cursor:
    pass


@dataclass(frozen=True, slots=True)
class EdgeColumn:
    """A column of the association row that leads to a node."""

    name: str


@dataclass(frozen=True, slots=True)
class Nodes:
    shape: Shape


@dataclass(frozen=True, slots=True)
class Edges:
    fields: tuple[tuple[str, "EdgeValue"], ...]


@dataclass(frozen=True, slots=True)
class PageInfo:
    fields: tuple[tuple[str, "PageFact"], ...]


@dataclass(frozen=True, slots=True)
class TotalCount:
    pass


@dataclass(frozen=True, slots=True)
class PageInfoField:
    """Whether rows precede or follow the page, or the cursor of its first or last row."""

    fact: Literal["has_next_page", "has_previous_page", "start_cursor", "end_cursor"]


@dataclass(frozen=True, slots=True)
class Page:
    """A keyset page of a table, or of the rows related to the parent row.

    `order` ends with the primary key. `scope` names the connection and its order; it is part of
    every cursor, so that a cursor of another connection is recognised.
    """

    entity: str
    relationship: str | None
    scope: str
    condition: Condition | None
    order: tuple[Order, ...]
    limit: Param | int
    backward: bool
    after: Position | None
    before: Position | None
    fields: tuple[tuple[str, "PageValue"], ...]


@dataclass(frozen=True, slots=True)
class Findings(Page):
    """A page of findings by these rules: of the parent row, or of everything where there is none.

    `upstream`: of what the row was made of, too.
    """

    rules: tuple[str, ...]
    upstream: bool


EdgeValue: TypeAlias = Cursor | EdgeColumn | Shape | Typename
PageFact: TypeAlias = PageInfoField | Typename
PageValue: TypeAlias = Nodes | Edges | PageInfo | TotalCount | Typename

# ---------------------------------------------------------------- lineage


@dataclass(frozen=True, slots=True)
class Fact:
    """A value that is computed, by its name."""

    name: str


@dataclass(frozen=True, slots=True)
class Member:
    """An object that an entry names by its key; `keys` is the slot of all that are shown."""

    name: str
    shape: Shape
    keys: Param


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a listing: facts and members."""

    fields: tuple[tuple[str, "Fact | Member | Typename"], ...]


@dataclass(frozen=True, slots=True)
class EntryEdges:
    fields: tuple[tuple[str, "Cursor | Entry | Typename"], ...]


@dataclass(frozen=True, slots=True)
class ComputedConnection:
    """A page of what is computed; a position is the slot of a tuple of whole numbers."""

    name: str
    scope: str
    limit: Param | int
    backward: bool
    after: Param | None
    before: Param | None
    fields: tuple[tuple[str, "ListingValue"], ...]


@dataclass(frozen=True, slots=True)
class Lineage:
    """A walk from a row along the edges between lots, and what is shown of it.

    `number` is its place among those of the operation; `mark` the slot of a text of one request,
    which stands in the answer of the row's statement where this is to be put. A trace of many
    fields; `origins` is one listing.
    """

    number: int
    kind: Literal["trace", "origins", "impact"]
    entity: str
    back: bool
    mark: Param
    starts: Param
    max_depth: Param | None
    as_of: Param | None
    stages: tuple[str, ...] | None
    shown: "ComputedConnection | LineageFields"


@dataclass(frozen=True, slots=True)
class LineageFields:
    fields: tuple[tuple[str, "Fact | ComputedConnection | Typename"], ...]


RowValue: TypeAlias = Typename | GlobalId | Column | One | Call | Page | Lineage
ListingValue: TypeAlias = Entry | EntryEdges | PageInfo | TotalCount | Fact | Typename

# ---------------------------------------------------------------- roots


@dataclass(frozen=True, slots=True)
class Lookup:
    """At most one row, by columns that are a key together; the one row there is, without any."""

    keys: tuple[tuple[str, Param], ...]
    shape: Shape


@dataclass(frozen=True, slots=True)
class NodeList:
    """Rows of several types in the order asked for: parallel arrays of type names and keys."""

    types: Param
    keys: Param
    shapes: tuple[Shape, ...]


RootValue: TypeAlias = Lookup | NodeList | Page | Typename


@dataclass(frozen=True, slots=True)
class Operation:
    """The planned root fields; `partial` where there are others, which graphql-core executes.

    `lineages` are those among all rows, which need statements of their own.
    """

    fields: tuple[tuple[str, RootValue], ...]
    partial: bool = False
    lineages: tuple[Lineage, ...] = ()
    hidden: tuple[str, ...] = ()
    """Events, in lower case, that whoever asks may not see, however they are reached."""


@dataclass(frozen=True, slots=True)
class Plan:
    """An operation to read, and the values of its slots."""

    operation: Operation
    values: tuple[Any, ...]
