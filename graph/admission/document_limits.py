"""How large a document is: fields, aliases, directives, each fragment counted where it is spread.

Refuses before validation, which compares fields and fragments pair by pair, what is past the limits.
A fragment within itself is left to validation, which names it. Variables are measured
before they are coerced.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    Node,
    OperationDefinitionNode,
    SelectionSetNode,
)

from graph.admission.limits import Limits
from graph.errors import DocumentTooLarge, refuse

MAX_VALUES, _MAX_LEVELS = 10_000, 200
"""Values in all variables together, and levels of lists and objects."""


def check_values(variables: Mapping[str, Any], size: int) -> None:
    """Raise GraphQLError where variables of so many bytes hold too many values, or too deep ones."""
    # Each level takes two bytes, each value as many.
    if size < 2 * _MAX_LEVELS:
        return
    level: list[Any] = [variables]
    values = levels = 0
    while level:
        beneath = [
            value
            for within in level
            for value in (within.values() if isinstance(within, dict) else within)
        ]
        values, levels = values + len(beneath), levels + 1
        level = [value for value in beneath if isinstance(value, (dict, list))]
        if values > MAX_VALUES:
            raise refuse(DocumentTooLarge(f"The variables hold more than {MAX_VALUES} values."))
        if levels > _MAX_LEVELS:
            message = f"The variables are nested deeper than {_MAX_LEVELS} levels."
            raise refuse(DocumentTooLarge(message))


@dataclass(slots=True)
class Merged:
    """What is selected of one object so far: fields by response key, and the fragments spread."""

    fields: dict[str, "Merged"] = field(default_factory=dict)
    spread: set[str] = field(default_factory=set)


def check_extent(document: DocumentNode, limits: Limits) -> None:
    """Raise GraphQLError where a document is larger than the limits allow."""
    complexity = DocumentComplexity(document, limits)
    complexity.check(len(document.definitions), limits.definitions, "definitions", document)
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode):
            complexity.add_operation(definition)
    for name, fragment in complexity.fragments.items():
        if name not in complexity.spread:
            complexity.add_fragment(fragment)


class DocumentComplexity:
    """Counts one document; raises GraphQLError as soon as a limit is passed."""

    def __init__(self, document: DocumentNode, limits: Limits) -> None:
        self.fragments: Mapping[str, FragmentDefinitionNode] = {
            definition.name.value: definition
            for definition in document.definitions
            if isinstance(definition, FragmentDefinitionNode)
        }
        self.spread: set[str] = set()
        self._limits = limits
        self._within: set[str] = set()
        self._path: list[str] = []
        self._selections = self._aliases = self._directives = self._repeated = self._spreads = 0

    def add_operation(self, operation: OperationDefinitionNode) -> None:
        """Count an operation."""
        self._count_directives(operation.directives, operation)
        for variable in operation.variable_definitions or ():
            self._count_directives(variable.directives, variable)
        self._count(operation.selection_set, Merged())

    def add_fragment(self, fragment: FragmentDefinitionNode) -> None:
        """Count a fragment that no operation spreads: it is validated as well."""
        self._count_directives(fragment.directives, fragment)
        self._count(fragment.selection_set, Merged())

    def _count(self, selection_set: SelectionSetNode, merged: Merged) -> None:
        for node in selection_set.selections:
            self._selections += 1
            # More than the tokens of the document only where fragments make it so.
            self.check(self._selections, self._limits.tokens, "fields", node)
            if node.directives:
                self._count_directives(node.directives, node)
            if isinstance(node, FieldNode):
                self._count_field(node, merged)
            elif isinstance(node, InlineFragmentNode):
                self._count(node.selection_set, merged)
            elif isinstance(node, FragmentSpreadNode):
                self._count_spread(node, merged)

    def _count_field(self, node: FieldNode, merged: Merged) -> None:
        key = node.alias.value if node.alias else node.name.value
        if node.alias:
            self._aliases += 1
            self.check(self._aliases, self._limits.aliases, "aliases", node)
        below = merged.fields.get(key)
        if below is None:
            below = merged.fields[key] = Merged()
            if not self._path:
                self.check(len(merged.fields), self._limits.root_fields, "root fields", node)
        else:
            self._repeated += 1
            self.check(self._repeated, self._limits.repeated_fields, "repeated fields", node)
        if not node.selection_set:
            return
        self._path.append(key)
        if len(self._path) > self._limits.depth:
            message = f"Fields are nested deeper than {self._limits.depth} levels."
            raise self._placed(DocumentTooLarge(message), node)
        self._count(node.selection_set, below)
        self._path.pop()

    def _count_spread(self, node: FragmentSpreadNode, merged: Merged) -> None:
        name = node.name.value
        self._spreads += 1
        self.check(self._spreads, self._limits.fragments, "fragment spreads", node)
        self.spread.add(name)
        fragment = self.fragments.get(name)
        if fragment is None or name in merged.spread or name in self._within:
            return
        merged.spread.add(name)
        self._count_directives(fragment.directives, fragment)
        self._within.add(name)
        self._count(fragment.selection_set, merged)
        self._within.discard(name)

    def _count_directives(self, directives: Collection[DirectiveNode] | None, node: Node) -> None:
        if directives:
            once, limits = len(directives), self._limits
            self.check(once, limits.directives_of_one, "directives in one place", node)
            self._directives += once
            self.check(self._directives, limits.directives, "directives", node)

    def check(self, found: int, limit: int, what: str, node: Node) -> None:
        """Raise GraphQLError where there is more of something than there may be."""
        if found > limit:
            message = f"The document has more than {limit} {what}"
            where = ", counted where fragments are spread." if self.fragments else "."
            raise self._placed(DocumentTooLarge(message + where), node)

    def _placed(self, error: DocumentTooLarge, node: Node) -> GraphQLError:
        refused = refuse(error, [node])
        refused.path = [*self._path] or None
        return refused
