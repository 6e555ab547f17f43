"""The documents that a closed server (PUBLIC_READ=off) executes for clients that are not signed in.

Such a document selects only the fields that signing in needs. The server rejects every other document
with the same error, before it validates it: validation errors would name parts of the schema.
"""

from functools import lru_cache

from graphql import (
    DirectiveNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    ListTypeNode,
    NamedTypeNode,
    NonNullTypeNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    TypeNode,
    VariableDefinitionNode,
    parse,
)

from graph.auth.permissions import SIGN_IN_FIELDS
from graph.errors import Unauthenticated

# The longest document that is parsed; longer ones are rejected.
MAX_SIGN_IN_LENGTH, MAX_SIGN_IN_TOKENS = 2_000, 400
ROOTS = {OperationType.QUERY: "Query", OperationType.MUTATION: "Mutation"}
# The types that a document may name in fragments and variables: errors about others would show whether
# they exist.
CONDITIONS = {name for name, _ in SIGN_IN_FIELDS}
SIGN_IN_INPUTS = {"SignInInput", "Boolean", "Float", "ID", "Int", "String"}
DIRECTIVES = ("skip", "include")

SIGN_IN_FIRST = "Sign in first: this server answers only signed-in users."


class SignInRequired(Unauthenticated):
    """A request without sign-in to a server that requires it."""


def is_sign_in(text: str) -> bool:
    """Return whether a document selects only what signing in needs; it may be invalid."""
    return len(text) <= MAX_SIGN_IN_LENGTH and _is_sign_in(text)


@lru_cache(1_000)
def _is_sign_in(text: str) -> bool:
    try:
        definitions = parse(text, max_tokens=MAX_SIGN_IN_TOKENS).definitions
    except (GraphQLError, RecursionError):
        return False
    for definition in definitions:
        if isinstance(definition, OperationDefinitionNode):
            root = ROOTS.get(definition.operation)
            if not all(map(_is_input, definition.variable_definitions or ())):
                return False
        elif isinstance(definition, FragmentDefinitionNode):
            root = definition.type_condition.name.value
            if root not in CONDITIONS:
                return False
        else:
            return False
        if not _is_open(definition.selection_set, root) or not _are_known(definition.directives):
            return False
    return True


def _is_open(selected: SelectionSetNode, type_: str | None) -> bool:
    """Return whether a selection contains only fields of signing in; None: any type below a root."""
    for node in selected.selections:
        if not _are_known(node.directives):
            return False
        if isinstance(node, FieldNode):
            if not _is_sign_in_field(type_, node.name.value):
                return False
            if node.selection_set and not _is_open(node.selection_set, None):
                return False
        elif isinstance(node, InlineFragmentNode):
            within = node.type_condition.name.value if node.type_condition else type_
            unknown = node.type_condition and within not in CONDITIONS
            if unknown or not _is_open(node.selection_set, within):
                return False
        elif not isinstance(node, FragmentSpreadNode):
            return False
    return True


def _is_sign_in_field(type_: str | None, field: str) -> bool:
    if field == "__typename":
        return True
    if type_ is None:
        return any(name not in ROOTS.values() and field == each for name, each in SIGN_IN_FIELDS)
    return (type_, field) in SIGN_IN_FIELDS


def _is_input(variable: VariableDefinitionNode) -> bool:
    named: TypeNode = variable.type
    while isinstance(named, ListTypeNode | NonNullTypeNode):
        named = named.type
    known = isinstance(named, NamedTypeNode) and named.name.value in SIGN_IN_INPUTS
    return known and _are_known(variable.directives)


def _are_known(directives: tuple[DirectiveNode, ...] | list[DirectiveNode] | None) -> bool:
    return all(directive.name.value in DIRECTIVES for directive in directives or ())
