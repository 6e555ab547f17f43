"""Writes the JSON text of computed lineages."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from graph.planner.nodes import Cursor, PageInfoField, PageInfoNode, TotalCount, Typename
from graph.planner.parameters import Param
from graph.planner.steps.lineage import (
    ComputedConnection,
    EntryEdges,
    Fact,
    Lineage,
    ListEntry,
    ListValue,
    Member,
)
from models.lineage.pages import LineageResult, Listed, ListingKey, ListingWindow, write_cursor

Texts: TypeAlias = dict[Param, dict[int, str]]
"""The JSON texts of objects, by the parameter of their member and by key."""


@dataclass(frozen=True)
class ComputedPage:
    """A page of a list of one row, with its entries."""

    selected: ComputedConnection
    listed: Listed
    window: ListingWindow
    entries: list[Any]


@dataclass(frozen=True)
class ComputedLineage:
    """A lineage of one row, with the selected pages by their index among its fields."""

    lineage: Lineage
    answer: LineageResult
    pages: dict[int, ComputedPage]


def lineage_json(computed: ComputedLineage, texts: Texts) -> str:
    """Return the JSON text of a lineage."""
    if isinstance(computed.lineage.selected, ComputedConnection):
        return _list_json(computed.pages[0], computed.answer, texts)
    return json_object(_fields(computed, texts))


def json_object(fields: Iterator[tuple[str, str]]) -> str:
    """Return an object of response keys and JSON texts; a response key needs no escape."""
    return "{" + ",".join(f'"{key}":{text}' for key, text in fields) + "}"


def _fields(computed: ComputedLineage, texts: Texts) -> Iterator[tuple[str, str]]:
    for place, (key, value) in enumerate(computed.lineage.selected.fields):
        match value:
            case Typename(name=name):
                yield key, f'"{name}"'
            case Fact(name=name):
                yield key, json.dumps(computed.answer.facts[name])
            case ComputedConnection():
                yield key, _list_json(computed.pages[place], computed.answer, texts)


def _list_json(page: ComputedPage, answer: LineageResult, texts: Texts) -> str:
    fields = page.selected.fields
    return json_object((key, _value_json(value, page, answer, texts)) for key, value in fields)


def _value_json(value: ListValue, page: ComputedPage, answer: LineageResult, texts: Texts) -> str:
    match value:
        case Typename(name=name):
            return f'"{name}"'
        case TotalCount():
            return str(len(page.listed.keys))
        case Fact(name=name):
            return json.dumps(answer.facts[name])
        case PageInfoNode():
            return _page_info_json(value, page)
        case ListEntry():
            return f"[{','.join(_entry_json(value, entry, texts) for entry in page.entries)}]"
        case EntryEdges():
            edges = zip(page.window.keys, page.entries, strict=True)
            scope = page.selected.scope
            every = (_edge_json(value, scope, key, entry, texts) for key, entry in edges)
            return f"[{','.join(every)}]"


def _entry_json(entry: ListEntry, known: Any, texts: Texts) -> str:
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


def _edge_json(edges: EntryEdges, scope: str, place: ListingKey, known: Any, texts: Texts) -> str:
    parts = []
    for key, value in edges.fields:
        match value:
            case Typename(name=name):
                text = f'"{name}"'
            case Cursor():
                text = f'"{write_cursor(scope, place)}"'
            case ListEntry():
                text = _entry_json(value, known, texts)
        parts.append(f'"{key}":{text}')
    return "{" + ",".join(parts) + "}"


def _page_info_json(info: PageInfoNode, page: ComputedPage) -> str:
    keys, scope = page.window.keys, page.selected.scope
    known = {
        "has_next_page": page.window.has_next_page,
        "has_previous_page": page.window.has_previous_page,
        "start_cursor": write_cursor(scope, keys[0]) if keys else None,
        "end_cursor": write_cursor(scope, keys[-1]) if keys else None,
    }
    fields = {
        key: known[value.name] if isinstance(value, PageInfoField) else value.name
        for key, value in info.fields
    }
    return json.dumps(fields)
