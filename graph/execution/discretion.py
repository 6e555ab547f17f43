"""What errors say to whoever may not see the schema, and what a closed server answers strangers.

Invariants: neither tells which types, fields or arguments there are, nor which library reads them.
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
from graph.documents import NotOneOf
from graph.errors import RequestError, Unauthenticated, translate

# A document that signs in is short; a longer one is not read.
MAX_LENGTH, MAX_TOKENS = 2_000, 400
ROOTS = {OperationType.QUERY: "Query", OperationType.MUTATION: "Mutation"}
# Types that such a document may name: of any other, its errors would tell whether there is one.
CONDITIONS = {name for name, _ in SIGN_IN_FIELDS}
INPUTS = {"SignInInput", "Boolean", "Float", "ID", "Int", "String"}
DIRECTIVES = ("skip", "include")
INDISCREET = {
    "GRAPHQL_PARSE_FAILED": "The document cannot be read as GraphQL.",
    "GRAPHQL_VALIDATION_FAILED": "The document is not valid.",
    "BAD_USER_INPUT": "The value is not one that is accepted here.",
}


CLOSED = "Sign in first: nothing is answered without."


class SignInFirst(Unauthenticated):
    """A request of somebody who has not signed in, to a server that answers nobody else."""


def discreet(error: GraphQLError, default_code: str = "BAD_USER_INPUT") -> GraphQLError:
    """An error as whoever may not see the schema is told it: where and by code, without names."""
    translated = translate(error, default_code)
    cause = error.original_error
    if isinstance(cause, RequestError) and not isinstance(cause, NotOneOf):
        return translated
    code = str((translated.extensions or {})["code"])
    if code not in INDISCREET:
        return translated
    nodes, source, positions, path = error.nodes, error.source, error.positions, error.path
    extensions = {"code": code}
    return GraphQLError(INDISCREET[code], nodes, source, positions, path, extensions=extensions)


def signs_in(text: str) -> bool:
    """Whether a document consists of nothing but what signing in needs; it need not be valid."""
    return len(text) <= MAX_LENGTH and _signs_in(text)


@lru_cache(1_000)
def _signs_in(text: str) -> bool:
    try:
        definitions = parse(text, max_tokens=MAX_TOKENS).definitions
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
    """Whether only fields are selected that are for anybody; None stands for any type below a root."""
    for node in selected.selections:
        if not _are_known(node.directives):
            return False
        if isinstance(node, FieldNode):
            if not _is_door(type_, node.name.value):
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


def _is_door(type_: str | None, field: str) -> bool:
    if field == "__typename":
        return True
    if type_ is None:
        return any(name not in ROOTS.values() and field == each for name, each in SIGN_IN_FIELDS)
    return (type_, field) in SIGN_IN_FIELDS


def _is_input(variable: VariableDefinitionNode) -> bool:
    named: TypeNode = variable.type
    while isinstance(named, ListTypeNode | NonNullTypeNode):
        named = named.type
    known = isinstance(named, NamedTypeNode) and named.name.value in INPUTS
    return known and _are_known(variable.directives)


def _are_known(directives: tuple[DirectiveNode, ...] | list[DirectiveNode] | None) -> bool:
    return all(directive.name.value in DIRECTIVES for directive in directives or ())
