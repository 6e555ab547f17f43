"""Operations and their plans by document text, so that each is parsed, planned and compiled once.

The cache has an entry for each document and operation name, and in it a plan for each way in which the
variables shape the SQL. It is bounded in number and in size: clients that send a new text each time
cannot fill it.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from graphql import OperationDefinitionNode

from graph.documents import Document, detached, read_again
from graph.errors import RequestError
from graph.planner.reader import FetchData
from graph.planner.template import Template
from graph.planner.variables import Coerced, PlanGuard, plain_types, plain_values, shape_of

ShapeKey: TypeAlias = tuple[Any, ...]
FilledQuery: TypeAlias = tuple["PreparedQuery", Sequence[Any]]
"""A plan, and the values of its parameters."""
MAX_ENTRIES = 500
MAX_PLANS = 20
MAX_TEXT_KEPT = 200_000
"""Characters of all cached documents. An entry takes about 40 times its text; 120 times before it is
planned, for a mutation, and for a query that graphql-core completes."""
MAX_ENTRY_TEXT = MAX_TEXT_KEPT // 10


@dataclass(frozen=True, slots=True)
class PreparedQuery:
    """A plan and the function that fetches its data.

    `otherwise` is the plan of the same query for other roles.
    """

    template: Template
    fetch: FetchData
    otherwise: "PreparedQuery | None" = None

    def for_role(self, role: str) -> "PreparedQuery | None":
        """Return this plan, or the next one that holds for a role."""
        prepared: PreparedQuery | None = self
        while prepared is not None and role not in prepared.template.roles:
            prepared = prepared.otherwise
        return prepared


@dataclass(slots=True)
class Variant:
    """The plans for one shape of variables, by the guarded decisions of their values."""

    guards: tuple[PlanGuard, ...] = ()
    plans: dict[ShapeKey, PreparedQuery] = field(default_factory=dict)

    def find(self, coerced: Coerced, role: str) -> FilledQuery | None:
        """Return the plan for these variables and this role, filled; None if there is none yet."""
        try:
            prepared = self.plans.get(self.key(coerced) if self.guards else ())
            prepared = prepared and prepared.for_role(role)
            return (prepared, prepared.template.fill(coerced)) if prepared else None
        except RequestError:
            return None

    def key(self, coerced: Coerced) -> ShapeKey:
        """Return the decisions for these variables; raises RequestError for an invalid value."""
        return tuple([guard.decide(coerced) for guard in self.guards])

    def keep(self, coerced: Coerced, prepared: PreparedQuery) -> None:
        """Store a plan. If it has new guards, the plans that do not know them are removed."""
        guards = tuple(dict.fromkeys((*self.guards, *prepared.template.guards)))
        if len(guards) > len(self.guards) or len(self.plans) >= MAX_PLANS:
            self.plans.clear()
            self.guards = guards
        key = self.key(coerced)
        other = self.plans.get(key)
        if other is not None and other.template.roles.isdisjoint(prepared.template.roles):
            prepared = replace(prepared, otherwise=other)
        self.plans[key] = prepared


class CachedOperation:
    """An operation of a document with its plans so far.

    Once it is planned, the entry drops the document, which takes three times the memory of the plans.
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
        self.definitions = detached(operation.variable_definitions or ())
        # The variables' types, if coercion may leave the values of all of them unchanged.
        self.plain = plain_types(self.definitions)
        self.plain_variant = Variant()
        self.variants: dict[ShapeKey, Variant] = {}

    def read(self) -> tuple[Document, OperationDefinitionNode]:
        """Return the document and the operation."""
        document = self._document or read_again(self._text)
        if self._completed:
            self._document = document
        return document, document.operation(self._name)

    def find(self, variables: Mapping[str, Any], role: str) -> FilledQuery | None:
        """Return the plan for variables that need no coercion, filled; None without a plan."""
        coerced = None if self.plain is None else plain_values(self.plain, variables)
        return None if coerced is None else self.plain_variant.find(coerced, role)

    def find_coerced(self, coerced: Coerced, role: str) -> FilledQuery | None:
        """Return the plan for coerced variables, filled; None without a plan."""
        variant = self._variant(self._key(coerced))
        return None if variant is None else variant.find(coerced, role)

    def keep(self, coerced: Coerced, prepared: PreparedQuery) -> None:
        """Store a plan that was made for these variables."""
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

    def _key(self, coerced: Coerced) -> ShapeKey:
        return tuple([(name, shape_of(value)) for name, value in coerced.items()])

    def _variant(self, key: ShapeKey) -> Variant | None:
        return self.plain_variant if key == self.plain else self.variants.get(key)


class PlanCache:
    """Operations by document text and name; evicts the least recently used one.

    Pinned operations, those of trusted documents, are never evicted.
    """

    def __init__(self) -> None:
        self._entries: OrderedDict[tuple[str, str | None], CachedOperation] = OrderedDict()
        self._pinned: dict[tuple[str, str | None], CachedOperation] = {}
        self._length = 0
        self.hits = 0
        self.misses = 0

    def __len__(self) -> int:
        return len(self._entries) + len(self._pinned)

    def find(self, query: str, name: str | None) -> CachedOperation | None:
        """Return the entry of an operation, if there is one."""
        key = (query, name)
        entry = self._entries.get(key)
        if entry is None:
            return self._pinned.get(key)
        try:
            self._entries.move_to_end(key)
        except KeyError:
            # Another thread has evicted it since.
            return entry
        return entry

    def add(self, query: str, name: str | None, entry: CachedOperation) -> None:
        """Store an entry, except for a very long text."""
        if len(query) > MAX_ENTRY_TEXT or (query, name) in self._entries:
            return
        self._entries[query, name] = entry
        self._length += len(query)
        while len(self._entries) > MAX_ENTRIES or self._length > MAX_TEXT_KEPT:
            (oldest, _), _ = self._entries.popitem(last=False)
            self._length -= len(oldest)

    def pin(self, query: str, name: str | None, entry: CachedOperation) -> None:
        """Store an entry that is never evicted, of any length."""
        self._pinned[query, name] = entry
