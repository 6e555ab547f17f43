"""Collects the fields that an operation selects on a concrete type.

Implements CollectFields of the GraphQL specification (October 2021, section 6.3.2): fragments, type
conditions, @skip and @include, and the merging of fields with equal response keys in order of first
appearance.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLIncludeDirective,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLSkipDirective,
    InlineFragmentNode,
    SelectionNode,
    SelectionSetNode,
)
from graphql.execution.values import VariableValues, get_directive_values

MergedNodes: TypeAlias = list[FieldNode]
"""The nodes of one field: all that have its response key."""
SelectedFields: TypeAlias = dict[str, MergedNodes]


@dataclass(frozen=True, slots=True)
class PathStep:
    """A field on the path to another one: its response key and its node."""

    key: str
    node: FieldNode


class Selections:
    """The selections of one operation with its variables."""

    def __init__(
        self,
        schema: GraphQLSchema,
        fragments: Mapping[str, FragmentDefinitionNode],
        variables: VariableValues,
    ) -> None:
        self._schema = schema
        self._fragments = fragments
        self._variables = variables

    def collect(
        self, type_: GraphQLObjectType, selections: Sequence[SelectionSetNode]
    ) -> SelectedFields:
        """Return the response keys in order, each with the nodes that merge under it."""
        fields: SelectedFields = {}
        seen: set[str] = set()
        for selection_set in selections:
            self._collect(type_, selection_set, fields, seen)
        return fields

    def below(self, type_: GraphQLObjectType, nodes: Sequence[FieldNode]) -> SelectedFields:
        """Return the fields that these nodes select of a value of this type."""
        return self.collect(type_, [node.selection_set for node in nodes if node.selection_set])

    def _collect(
        self,
        type_: GraphQLObjectType,
        selection_set: SelectionSetNode,
        fields: SelectedFields,
        seen: set[str],
    ) -> None:
        for node in selection_set.selections:
            if node.directives and not self._included(node):
                continue
            if isinstance(node, FieldNode):
                key = node.alias.value if node.alias else node.name.value
                fields.setdefault(key, []).append(node)
                continue
            fragment = self._fragment(node, seen)
            if fragment is not None and self._applies(fragment, type_):
                self._collect(type_, fragment.selection_set, fields, seen)

    def _fragment(
        self, node: SelectionNode, seen: set[str]
    ) -> FragmentDefinitionNode | InlineFragmentNode | None:
        if isinstance(node, InlineFragmentNode):
            return node
        assert isinstance(node, FragmentSpreadNode)
        name = node.name.value
        if name in seen:
            return None
        seen.add(name)
        return self._fragments[name]

    def _applies(
        self, fragment: FragmentDefinitionNode | InlineFragmentNode, type_: GraphQLObjectType
    ) -> bool:
        condition = fragment.type_condition
        if condition is None or condition.name.value == type_.name:
            return True
        named = self._schema.type_map[condition.name.value]
        return isinstance(named, GraphQLInterfaceType) and named in type_.interfaces

    def _included(self, node: SelectionNode) -> bool:
        skip = get_directive_values(GraphQLSkipDirective, node, self._variables)
        if skip and skip["if"]:
            return False
        include = get_directive_values(GraphQLIncludeDirective, node, self._variables)
        return include is None or bool(include["if"])
