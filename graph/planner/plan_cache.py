"""Plans by document text: parsing, validating, planning and compiling happen once each.

One entry a document and operation name; under it one plan for each way its variables shape the SQL.
Bounded in number and in size, so that a client which sends a new text each time fills nothing.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from graphql import OperationDefinitionNode

from graph.admission.controller import Execution
from graph.documents import Document, parted, read_again
from graph.errors import RequestError
from graph.planner.arguments import Template
from graph.planner.variables import Coerced, PlanGuard, plain_types, skeleton, take

Fetch = Callable[[Sequence[Any], Execution], Awaitable[bytes]]
Key = tuple[Any, ...]
MAX_ENTRIES = 500
MAX_PLANS = 20
# Characters of all documents kept: what is made of one takes about 40 times its length, and 120 until
# it is planned, or where it is a mutation or is completed by graphql-core.
MAX_LENGTH = 200_000
MAX_KEPT_LENGTH = MAX_LENGTH // 10


@dataclass(frozen=True, slots=True)
class Prepared:
    """A plan ready to run: its template and what fetches its data.

    `otherwise` is the plan of the same request for other roles, where it depends on the role.
    """

    template: Template
    fetch: Fetch
    otherwise: "Prepared | None" = None

    def for_role(self, role: str) -> "Prepared | None":
        """This plan, or the next one that holds for a role."""
        prepared: Prepared | None = self
        while prepared is not None and role not in prepared.template.roles:
            prepared = prepared.otherwise
        return prepared


@dataclass(slots=True)
class Variant:
    """The plans of one skeleton of variables, by what their pinned values decide."""

    pins: tuple[PlanGuard, ...] = ()
    plans: dict[Key, Prepared] = field(default_factory=dict)

    def find(self, coerced: Coerced, role: str) -> "tuple[Prepared, Sequence[Any]] | None":
        """The plan of these variables for a role, and the values of its slots; None where none is known."""
        try:
            prepared = self.plans.get(self.key(coerced) if self.pins else ())
            prepared = prepared and prepared.for_role(role)
            return (prepared, prepared.template.fill(coerced)) if prepared else None
        except RequestError:
            return None

    def key(self, coerced: Coerced) -> Key:
        """What these variables decide; raises RequestError where a value cannot be read."""
        return tuple([pin.decide(coerced) for pin in self.pins])

    def keep(self, coerced: Coerced, prepared: Prepared) -> None:
        """Remember a plan; one that decides by more than those so far starts them anew."""
        pins = tuple(dict.fromkeys((*self.pins, *prepared.template.pins)))
        if len(pins) > len(self.pins) or len(self.plans) >= MAX_PLANS:
            self.plans.clear()
            self.pins = pins
        key = self.key(coerced)
        other = self.plans.get(key)
        if other is not None and other.template.roles.isdisjoint(prepared.template.roles):
            prepared = replace(prepared, otherwise=other)
        self.plans[key] = prepared


class Entry:
    """An operation of a document with its plans so far.

    Once it is planned, only its plans are kept: the document would take three times as much memory.
    """

    __slots__ = (
        "_completed",
        "_document",
        "_name",
        "_text",
        "definitions",
        "kind",
        "plain",
        "plain_variant",
        "variants",
    )

    def __init__(self, text: str, name: str | None, document: Document) -> None:
        self._text = text
        self._name = name
        self._document: Document | None = document
        self._completed = False
        operation = document.operation(name)
        self.kind = operation.operation
        self.definitions = parted(operation.variable_definitions or ())
        # Its variables, where all of them are such that coercion may leave them as they are.
        self.plain = plain_types(self.definitions)
        self.plain_variant = Variant()
        self.variants: dict[Key, Variant] = {}

    def read(self) -> tuple[Document, OperationDefinitionNode]:
        """The document and the operation."""
        document = self._document or read_again(self._text)
        if self._completed:
            self._document = document
        return document, document.operation(self._name)

    def find(self, given: Mapping[str, Any], role: str) -> tuple[Prepared, Sequence[Any]] | None:
        """The plan for variables that need no coercion, for a role, and the values of its slots."""
        coerced = None if self.plain is None else take(self.plain, given)
        return None if coerced is None else self.plain_variant.find(coerced, role)

    def find_coerced(self, coerced: Coerced, role: str) -> tuple[Prepared, Sequence[Any]] | None:
        """The plan for variables that were coerced, for a role, and the values of its slots."""
        variant = self._variant(self._key(coerced))
        return None if variant is None else variant.find(coerced, role)

    def keep(self, coerced: Coerced, prepared: Prepared) -> None:
        """Remember a plan for variables of this skeleton, which was accepted with it."""
        key = self._key(coerced)
        variant = self._variant(key)
        if variant is None:
            if len(self.variants) >= MAX_PLANS:
                self.variants.clear()
            variant = self.variants[key] = Variant()
        variant.keep(coerced, prepared)
        # graphql-core completes rows by the document.
        self._completed |= prepared.template.operation.partial
        if not self._completed:
            self._document = None

    def _key(self, coerced: Coerced) -> Key:
        return tuple([(name, skeleton(value)) for name, value in coerced.items()])

    def _variant(self, key: Key) -> Variant | None:
        return self.plain_variant if key == self.plain else self.variants.get(key)


class Plans:
    """Entries by document text and operation name, the least recently used forgotten first."""

    def __init__(self) -> None:
        self._entries: OrderedDict[tuple[str, str | None], Entry] = OrderedDict()
        self._length = 0
        self.hits = 0
        self.misses = 0

    def __len__(self) -> int:
        return len(self._entries)

    def find(self, query: str, name: str | None) -> Entry | None:
        """The entry of an operation, if it is known."""
        key = (query, name)
        entry = self._entries.get(key)
        if entry is not None:
            try:
                self._entries.move_to_end(key)
            except KeyError:
                # Another thread has forgotten it just now.
                return entry
        return entry

    def add(self, query: str, name: str | None, entry: Entry) -> None:
        """Remember an entry, unless its text is very long."""
        if len(query) > MAX_KEPT_LENGTH or (query, name) in self._entries:
            return
        self._entries[query, name] = entry
        self._length += len(query)
        while len(self._entries) > MAX_ENTRIES or self._length > MAX_LENGTH:
            (oldest, _), _ = self._entries.popitem(last=False)
            self._length -= len(oldest)
