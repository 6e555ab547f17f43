"""What the steps trace, origins and impact have in common: their nodes, their cost and their mark.

A lineage is computed over the edges between lots, which a statement of its own reads. A lineage
consists of facts (scalars), members (objects of node types) and lists (connections).
"""

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

from graph.planner.cost import Cost, sum_of, times
from graph.planner.cost_model import cost_of_row
from graph.planner.entity import Entity
from graph.planner.nodes import (
    Cursor,
    DeferredStep,
    PageInfoNode,
    RowCompiler,
    Shape,
    TotalCount,
    Typename,
)
from graph.planner.parameters import Param
from graph.planner.sql.builder import literal, sql_column
from models.lineage.answers import Asked
from models.lineage.network import Network
from models.lineage.pages import LineageResult
from models.lineage.reach import Reach

LINEAGE = 500
"""The cost of a lineage of one row. The edges that it reaches are charged when they are read."""


@dataclass(frozen=True, slots=True)
class Fact:
    """A computed scalar, by its name."""

    name: str


@dataclass(frozen=True, slots=True)
class Member:
    """An object that an entry refers to by its key.

    `keys` is the parameter of the keys of all such objects on the pages of an answer.
    """

    name: str
    shape: Shape
    keys: Param


@dataclass(frozen=True, slots=True)
class ListEntry:
    """The fields of one entry of a computed list."""

    fields: tuple[tuple[str, Fact | Member | Typename], ...]


@dataclass(frozen=True, slots=True)
class EntryEdges:
    fields: tuple[tuple[str, Cursor | ListEntry | Typename], ...]


ListValue: TypeAlias = ListEntry | EntryEdges | PageInfoNode | TotalCount | Fact | Typename


@dataclass(frozen=True, slots=True)
class ComputedConnection:
    """A page of a computed list; `after` and `before` are parameters of tuples of integers."""

    name: str
    scope: str
    limit: Param | int
    backward: bool
    after: Param | None
    before: Param | None
    fields: tuple[tuple[str, ListValue], ...]


@dataclass(frozen=True, slots=True)
class LineageFields:
    fields: tuple[tuple[str, Fact | ComputedConnection | Typename], ...]


@dataclass(frozen=True, slots=True)
class Lineage(DeferredStep):
    """A walk from a row along the edges between lots, and the selected part of its result.

    `back`: towards the inputs. `stages`: only lots of these stages are listed. `selected` is one list,
    or an object of facts and lists.
    """

    key_lengths: ClassVar[Mapping[str, int]]
    """The number of integers in the key of an entry, and so in a cursor, by the name of the list."""

    number: int
    mark: Param
    entity: str
    back: bool
    max_depth: Param | None
    as_of: Param | None
    stages: tuple[str, ...] | None
    selected: ComputedConnection | LineageFields

    @abstractmethod
    def answer(self, network: Network, asked: Asked) -> LineageResult:
        """Compute the lineage of one row over the edges that were read."""

    def reach(self) -> Reach:
        """Return what the statement of the edges has to read."""
        return Reach(
            back=self.back,
            from_products=self.entity == "Product",
            dated=self.as_of is not None,
            staged=self.stages is not None,
        )

    def lists(self) -> list[tuple[int, ComputedConnection]]:
        """Return the lists of the lineage with their indexes among its fields."""
        if isinstance(self.selected, ComputedConnection):
            return [(0, self.selected)]
        fields = enumerate(self.selected.fields)
        return [
            (place, value) for place, (_, value) in fields if isinstance(value, ComputedConnection)
        ]

    def cost(self, *, at_root: bool) -> Cost:  # noqa: ARG002 - the root has no lineage
        """Return 500, and the cost of each page."""
        return sum_of((LINEAGE, *(_cost_of_list(one) for _, one in self.lists())))

    def compile(self, compiler: RowCompiler, parent: Entity | None, row: str | None) -> str:
        assert parent is not None
        assert row is not None
        key = sql_column(row, parent.column(parent.key))
        mark = compiler.builder.bind(self.mark, "text")
        return f"{mark} || {literal(f':{self.number}:')} || {key}::text"


def members_of(one: ComputedConnection) -> Iterator[Member]:
    """Yield the members of the entries of a list."""
    for _, value in one.fields:
        parts = value.fields if isinstance(value, EntryEdges) else [("", value)]
        for _, entry in parts:
            if isinstance(entry, ListEntry):
                yield from (part for _, part in entry.fields if isinstance(part, Member))


def _cost_of_list(one: ComputedConnection) -> Cost:
    entries: list[Cost] = []
    for _, value in one.fields:
        match value:
            case ListEntry():
                entries.append(_cost_of_entry(value))
            case EntryEdges(fields=fields):
                nodes = [part for _, part in fields if isinstance(part, ListEntry)]
                entries.append(sum_of(map(_cost_of_entry, nodes)) if nodes else 1)
            case _:
                pass
    return sum_of((1, times(one.limit, sum_of(entries))))


def _cost_of_entry(entry: ListEntry) -> Cost:
    members = [cost_of_row(part.shape) for _, part in entry.fields if isinstance(part, Member)]
    return sum_of(members) if members else 1
