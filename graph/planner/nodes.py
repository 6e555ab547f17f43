"""The plan of an operation as frozen dataclasses: the step between a selection and its SQL.

Nodes contain parameters, never values. Two operations that differ only in values are equal, and share
one compiled statement.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol, TypeAlias

from graph.planner.cost import Cost
from graph.planner.entity import Entity
from graph.planner.parameters import Param
from graph.planner.query import MakeStepAnswer
from graph.planner.sql.builder import SqlBuilder
from graph.planner.sql.record import JsonFields

TYPE_KEY = "$type"
"""The key of a row's type name for graphql-core; no response key can be equal to it."""

# ---------------------------------------------------------------- conditions


@dataclass(frozen=True, slots=True)
class Compare:
    """`column OPERATOR value`; false for a null column."""

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
    """Whether some, none or every related row meets a condition; `some` for a to-one relation."""

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
    """An ORM attribute.

    `as_enum` writes the stored text as a GraphQL enum name, `as_text` writes JSON as text.
    """

    name: str
    as_enum: bool = False
    as_text: bool = False


@dataclass(frozen=True, slots=True)
class One:
    relationship: str
    shape: "Shape"


@dataclass(frozen=True, slots=True)
class Call:
    """The row that a database function returns for these arguments; null if it returns none."""

    arguments: tuple[Param, ...]
    shape: "Shape"


@dataclass(frozen=True, slots=True)
class Shape:
    """The selected fields of one row, by response key and in order."""

    entity: str
    fields: tuple[tuple[str, "RowValue"], ...]


# ---------------------------------------------------------------- pages


@dataclass(frozen=True, slots=True)
class Order:
    column: str
    descending: bool


@dataclass(frozen=True, slots=True)
class KeysetPosition:
    """A row's position in an order: a parameter for each term, None for a null."""

    values: tuple[Param | None, ...]


@dataclass(frozen=True, slots=True)
class Cursor:
    pass


@dataclass(frozen=True, slots=True)
class EdgeColumn:
    """A column of the association table between the parent row and the node."""

    name: str


@dataclass(frozen=True, slots=True)
class Nodes:
    shape: Shape


@dataclass(frozen=True, slots=True)
class Edges:
    fields: tuple[tuple[str, "EdgeValue"], ...]


@dataclass(frozen=True, slots=True)
class PageInfoNode:
    fields: tuple[tuple[str, "PageInfoValue"], ...]


@dataclass(frozen=True, slots=True)
class TotalCount:
    pass


@dataclass(frozen=True, slots=True)
class PageInfoField:
    """A field of PageInfo, by its name in Python."""

    name: Literal["has_next_page", "has_previous_page", "start_cursor", "end_cursor"]


@dataclass(frozen=True, slots=True)
class Page:
    """A keyset page of a table, or of the rows related to the parent row.

    `order` ends with the primary key. `scope` names the connection and its order; each cursor contains
    it, so that a cursor of another connection is an error.
    """

    entity: str
    relationship: str | None
    scope: str
    condition: Condition | None
    order: tuple[Order, ...]
    limit: Param | int
    backward: bool
    after: KeysetPosition | None
    before: KeysetPosition | None
    fields: tuple[tuple[str, "PageValue"], ...]


EdgeValue: TypeAlias = Cursor | EdgeColumn | Shape | Typename
PageInfoValue: TypeAlias = PageInfoField | Typename
PageValue: TypeAlias = Nodes | Edges | PageInfoNode | TotalCount | Typename

# ---------------------------------------------------------------- computed fields


class RowCompiler(Protocol):
    """The compiler of the statement around a step: its builder, and the fields of a row."""

    builder: SqlBuilder

    def row(self, shape: "Shape", row: str) -> JsonFields:
        """Compile the fields of a shape as expressions over the row of this alias."""
        ...


class Step(ABC):
    """A computed field: a node that states its own cost and compiles itself.

    graph.planner.steps lists the GraphQL types whose fields are steps, with the functions that plan them.
    """

    __slots__ = ()

    @abstractmethod
    def cost(self, *, at_root: bool) -> Cost:
        """Return the cost of the field for one row, or for the whole database at the root."""

    @abstractmethod
    def compile(self, compiler: RowCompiler, parent: Entity | None, row: str | None) -> str:
        """Return the SQL expression of the field for a row of `parent`; both are None at the root."""


class DeferredStep(Step):
    """A step of a row whose answer needs statements of its own.

    The row's statement writes `MARK:NUMBER:KEY` in its place, where MARK is a secret of the request and
    KEY the primary key of the row.
    """

    __slots__ = ()

    number: int
    """The index of this step among the deferred steps of the operation."""
    mark: Param
    """The parameter of the secret, which all deferred steps of an operation share."""
    answering: ClassVar[MakeStepAnswer]
    """Makes the answer of all steps of an operation with the same `answering`."""


RowValue: TypeAlias = Typename | GlobalId | Column | One | Call | Page | Step

# ---------------------------------------------------------------- roots


@dataclass(frozen=True, slots=True)
class Lookup:
    """At most one row, by columns that form a key; without keys, the only row of a view."""

    keys: tuple[tuple[str, Param], ...]
    shape: Shape


@dataclass(frozen=True, slots=True)
class NodeList:
    """Rows of several types in the order of parallel arrays of type names and keys."""

    types: Param
    keys: Param
    shapes: tuple[Shape, ...]


RootValue: TypeAlias = Lookup | NodeList | Page | Step | Typename


@dataclass(frozen=True, slots=True)
class Operation:
    """The planned root fields of an operation.

    `partial`: the operation has other root fields too, which graphql-core executes. `deferred`: the
    steps among all rows that need statements of their own. `hidden`: events, in lower case, that the
    statements never read because the role may not see them.
    """

    fields: tuple[tuple[str, RootValue], ...]
    partial: bool = False
    deferred: tuple[DeferredStep, ...] = ()
    hidden: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OperationPlan:
    """An operation with the values of its parameters."""

    operation: Operation
    values: tuple[Any, ...]
