"""An operation with lineages, put together from three statements of one snapshot.

The rows' own statement leaves a mark where a lineage is to be shown; the second reads the edges that
all marked rows reach; the third reads the objects of the pages. What PostgreSQL wrote is not read
again: texts are put in the place of marks, which carry a secret of the request, so that no data is
taken for one. Pure: `run` yields statements and is sent their answers.
"""

import json
import re
import secrets
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from graph.planner.nodes import (
    ComputedConnection,
    Cursor,
    Entry,
    EntryEdges,
    Fact,
    Lineage,
    LineageFields,
    ListingValue,
    Member,
    Operation,
    PageInfo,
    PageInfoField,
    Param,
    TotalCount,
    Typename,
)
from graph.planner.sql.compiled import Compiled
from graph.planner.sql.operation import compile_objects
from models.database.asynchronous import Statement
from models.lineage.answers import ANSWERS, CUSTOMERS, Asked
from models.lineage.listing import Answer, Listed, Window, window, write_cursor
from models.lineage.network import Network
from models.lineage.reach import Reach, statement_of, values_of

Values = Sequence[Any]
Texts = dict[Param, dict[int, str]]


@dataclass(frozen=True, slots=True)
class Query:
    """A statement to be run, and its parameters."""

    statement: Statement
    values: Values


@dataclass(frozen=True)
class Shown:
    """A listing of one row, with the entries of its page."""

    listing: ComputedConnection
    listed: Listed
    window: Window
    entries: list[Any] = field(default_factory=list)


@dataclass(frozen=True)
class Told:
    """What one lineage tells of one row, and the pages of it that are shown."""

    answer: Answer
    pages: dict[int, Shown]


class Assembly:
    """Puts the answers of one operation together."""

    def __init__(self, operation: Operation, rows: Compiled) -> None:
        self._rows = rows
        self._lineages = operation.lineages
        self._reaches = [reach_of(lineage) for lineage in operation.lineages]
        self.edges = Statement(*statement_of(self._reaches))
        self._members = [*{m.keys: m for one in operation.lineages for m in members(one)}.values()]
        self._objects = compile_objects(self._members, operation.hidden) if self._members else None

    def run(self, values: Values) -> Generator[Query, bytes, bytes]:
        """Yield each statement and be sent its answer; returns the JSON text of the data."""
        slots, mark = list(values), secrets.token_hex(16)
        slots[self._lineages[0].mark.slot] = mark
        data = yield Query(self._rows.statement, [slots[slot] for slot in self._rows.slots])
        pattern = re.compile(rf'"{mark}:(\d+):(\d+)"'.encode())
        starts: list[dict[int, None]] = [{} for _ in self._lineages]
        for number, key in pattern.findall(data):
            starts[int(number)][int(key)] = None
        if not any(starts):
            return data
        edges = yield Query(self.edges, [*self._walks(starts, slots)])
        told = self._tell(json.loads(edges), starts, slots)
        texts: Texts = {}
        if self._objects is not None:
            for param, wanted in self._wanted(told).items():
                slots[param.slot] = wanted
            objects = json.loads((yield Query(self._objects.statement, self._taken(slots))))
            for place, member in enumerate(self._members):
                keys = slots[member.keys.slot]
                texts[member.keys] = dict(zip(keys, objects[f"m{place}"], strict=True))
        written = {
            place: "".join(write(self._lineages[place[0]], one, texts)).encode()
            for place, one in told.items()
        }
        return pattern.sub(lambda match: written[int(match[1]), int(match[2])], data)

    def _taken(self, slots: Values) -> Values:
        assert self._objects is not None
        return [slots[slot] for slot in self._objects.slots]

    def _walks(self, starts: list[dict[int, None]], slots: Values) -> Iterator[object]:
        for lineage, reach, keys in zip(self._lineages, self._reaches, starts, strict=True):
            yield from values_of(
                reach, list(keys), at(lineage.max_depth, slots), at(lineage.as_of, slots)
            )

    def _tell(
        self, edges: list[Any], starts: list[dict[int, None]], slots: Values
    ) -> dict[tuple[int, int], Told]:
        told = {}
        for lineage, columns, keys in zip(self._lineages, edges, starts, strict=True):
            network = Network.of(columns)
            for key in keys:
                asked = Asked(
                    start=key,
                    of_product=lineage.entity == "Product",
                    back=lineage.back,
                    max_depth=at(lineage.max_depth, slots),
                    stages=lineage.stages,
                )
                answer = ANSWERS[lineage.kind](network, asked)
                pages = {
                    place: page_of(listing, answer, slots) for place, listing in listings(lineage)
                }
                told[lineage.number, key] = Told(answer, pages)
        return told

    def _wanted(self, told: dict[tuple[int, int], Told]) -> dict[Param, list[int]]:
        """The keys of each member on all pages that are shown, each once."""
        wanted: dict[Param, dict[int, None]] = {member.keys: {} for member in self._members}
        for (number, _), one in told.items():
            for place, listing in listings(self._lineages[number]):
                for member in members_of(listing):
                    keys = wanted[member.keys]
                    for entry in one.pages[place].entries:
                        if entry[member.name] is not None:
                            keys[entry[member.name]] = None
        return {param: list(keys) for param, keys in wanted.items()}


def reach_of(lineage: Lineage) -> Reach:
    """What has to be read for a lineage."""
    return Reach(
        back=lineage.back,
        from_products=lineage.entity == "Product",
        dated=lineage.as_of is not None,
        staged=lineage.stages is not None,
        blended=lineage.kind == "impact",
        sold=lineage.kind == "impact" and names_customers(lineage.shown),
    )


def names_customers(shown: ComputedConnection | LineageFields | Entry | EntryEdges) -> bool:
    """Whether anything is shown for which the events have to be read."""
    for _, value in shown.fields:
        if isinstance(value, (Fact, ComputedConnection)) and value.name in CUSTOMERS:
            return True
        if isinstance(value, (ComputedConnection, Entry, EntryEdges)) and names_customers(value):
            return True
    return False


def at(param: Param | int | None, slots: Values) -> Any:
    """The value of a slot, or the value itself."""
    return slots[param.slot] if isinstance(param, Param) else param


def page_of(listing: ComputedConnection, answer: Answer, slots: Values) -> Shown:
    listed = answer.listings[listing.name]()
    limit, after, before = (
        at(one, slots) for one in (listing.limit, listing.after, listing.before)
    )
    page = window(listed.keys, limit, listing.backward, after, before)
    entries = [value for _, value in listing.fields if isinstance(value, (Entry, EntryEdges))]
    return Shown(listing, listed, page, [listed.show(key) for key in page.keys] if entries else [])


def listings(lineage: Lineage) -> list[tuple[int, ComputedConnection]]:
    """The listings of a lineage, by their place among its fields."""
    if isinstance(lineage.shown, ComputedConnection):
        return [(0, lineage.shown)]
    fields = enumerate(lineage.shown.fields)
    return [(place, value) for place, (_, value) in fields if isinstance(value, ComputedConnection)]


def members_of(listing: ComputedConnection) -> Iterator[Member]:
    for _, value in listing.fields:
        parts = value.fields if isinstance(value, EntryEdges) else [("", value)]
        for _, entry in parts:
            if isinstance(entry, Entry):
                yield from (part for _, part in entry.fields if isinstance(part, Member))


def members(lineage: Lineage) -> Iterator[Member]:
    for _, listing in listings(lineage):
        yield from members_of(listing)


# ---------------------------------------------------------------- JSON


def write(lineage: Lineage, told: Told, texts: Texts) -> Iterator[str]:
    """The JSON text of a lineage, in pieces."""
    if isinstance(lineage.shown, ComputedConnection):
        yield from write_listing(told.pages[0], told.answer, texts)
        return
    opening = "{"
    for place, (key, value) in enumerate(lineage.shown.fields):
        yield f'{opening}"{key}":'
        opening = ","
        match value:
            case Typename(name=name):
                yield f'"{name}"'
            case Fact(name=name):
                yield json.dumps(told.answer.facts[name])
            case ComputedConnection():
                yield from write_listing(told.pages[place], told.answer, texts)
    yield "}"


def write_listing(shown: Shown, answer: Answer, texts: Texts) -> Iterator[str]:
    opening = "{"
    for key, value in shown.listing.fields:
        yield f'{opening}"{key}":'
        opening = ","
        yield write_value(value, shown, answer, texts)
    yield "}"


def write_value(value: ListingValue, shown: Shown, answer: Answer, texts: Texts) -> str:
    match value:
        case Typename(name=name):
            return f'"{name}"'
        case TotalCount():
            return str(len(shown.listed.keys))
        case Fact(name=name):
            return json.dumps(answer.facts[name])
        case PageInfo():
            return write_page_info(value, shown)
        case Entry():
            return f"[{','.join(write_entry(value, entry, texts) for entry in shown.entries)}]"
        case EntryEdges():
            edges = zip(shown.window.keys, shown.entries, strict=True)
            scope = shown.listing.scope
            return (
                "["
                + ",".join(write_edge(value, scope, key, one, texts) for key, one in edges)
                + "]"
            )


def write_entry(entry: Entry, known: Any, texts: Texts) -> str:
    parts = []
    for key, value in entry.fields:
        match value:
            case Typename(name=name):
                text = f'"{name}"'
            case Fact(name=name):
                text = json.dumps(known[name])
            case Member(name=name, keys=keys):
                text = "null" if known[name] is None else texts[keys][known[name]]
        parts.append(f'"{key}":{text}')
    return "{" + ",".join(parts) + "}"


def write_edge(
    edges: EntryEdges, scope: str, place: tuple[int, ...], known: Any, texts: Texts
) -> str:
    parts = []
    for key, value in edges.fields:
        match value:
            case Typename(name=name):
                text = f'"{name}"'
            case Cursor():
                text = f'"{write_cursor(scope, place)}"'
            case Entry():
                text = write_entry(value, known, texts)
        parts.append(f'"{key}":{text}')
    return "{" + ",".join(parts) + "}"


def write_page_info(info: PageInfo, shown: Shown) -> str:
    page, scope = shown.window, shown.listing.scope
    known = {
        "has_next_page": page.has_next_page,
        "has_previous_page": page.has_previous_page,
        "start_cursor": write_cursor(scope, page.keys[0]) if page.keys else None,
        "end_cursor": write_cursor(scope, page.keys[-1]) if page.keys else None,
    }
    facts = {
        key: known[fact.fact] if isinstance(fact, PageInfoField) else fact.name
        for key, fact in info.fields
    }
    return json.dumps(facts)
