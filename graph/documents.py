"""Document text -> parsed and validated document, with its operations and fragments by name.

Never returns a document that exceeds the limits of length and depth.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from graphql import (
    ASTValidationRule,
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLNonNull,
    GraphQLSchema,
    Node,
    NonNullTypeNode,
    NullValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    TokenKind,
    ValidationRule,
    VariableDefinitionNode,
    get_named_type,
    parse,
    specified_rules,
    validate,
)

from graph.admission.document_limits import check_extent
from graph.admission.limits import Limits
from graph.errors import DocumentTooLarge, RequestError, refuse

MAX_VALIDATION_ERRORS = 20
MAX_NUMBER_DIGITS = 400


class NotOneOf(RequestError):
    """A oneOf input without exactly one member that is not null."""


class OneOfInputs(ValidationRule):
    """Checks that a oneOf input has one member, which is not null.

    (Specification of September 2025, sections 5.6.5 and 5.8.5.) graphql-core's own rules do not apply:
    Strawberry declares oneOf inputs by a directive only.
    """

    def enter_object_value(self, node: ObjectValueNode, *_: Any) -> None:
        """Report an input object that does not have exactly one member."""
        type_ = get_named_type(self.context.get_input_type())
        if not is_one_of(type_):
            return
        if len(node.fields) != 1 or isinstance(node.fields[0].value, NullValueNode):
            self._report(f"Give exactly one member of `{type_}`, and not null.", node)

    def leave_operation_definition(self, operation: OperationDefinitionNode, *_: Any) -> None:
        """Report each nullable variable that is the member of a oneOf input.

        A variable with a default is allowed, as for any non-null position; a null is a coercion error.
        """
        nullable = {
            definition.variable.name.value
            for definition in operation.variable_definitions or ()
            if not isinstance(definition.type, NonNullTypeNode)
            and isinstance(definition.default_value, NullValueNode | None)
        }
        for usage in self.context.get_recursive_variable_usages(operation) if nullable else ():
            parent, name = usage.parent_type, usage.node.name.value
            within = parent.of_type if isinstance(parent, GraphQLNonNull) else parent
            if name in nullable and is_one_of(within):
                message = f"Variable `${name}` must be non-null: it is the member of a `{within}`."
                self._report(message, usage.node)

    def _report(self, message: str, node: Node) -> None:
        self.report_error(refuse(NotOneOf(message), [node]))


def is_one_of(type_: object) -> bool:
    """Return whether a type is a oneOf input."""
    if not isinstance(type_, GraphQLInputObjectType):
        return False
    declared = type_.extensions.get("strawberry-definition")
    return type_.is_one_of or bool(getattr(declared, "is_one_of", False))


VALIDATION_RULES = {
    (fragments, directives): [
        rule
        for rule in (*specified_rules, OneOfInputs)
        if (fragments or "Fragment" not in rule.__name__)
        and (directives or "Directive" not in rule.__name__)
    ]
    for fragments in (False, True)
    for directives in (False, True)
}
"""The rules of validation for a document, by whether it has fragments and directives."""
LONG_DIGITS = re.compile(f"[0-9]{{{MAX_NUMBER_DIGITS}}}")


class OperationNotFound(RequestError):
    """A missing operation name in a document of several operations, or an unknown one."""

    code = "OPERATION_RESOLUTION_FAILURE"


class LongNumber(RequestError):
    """A number with more digits than Python converts."""


@dataclass(frozen=True, slots=True)
class Document:
    """A valid document with its operations and fragments by name."""

    node: DocumentNode
    operations: Mapping[str | None, OperationDefinitionNode]
    fragments: Mapping[str, FragmentDefinitionNode]

    def operation(self, name: str | None) -> OperationDefinitionNode:
        """Return the operation of this name, or the only one; raises GraphQLError."""
        if name is None and len(self.operations) == 1:
            return next(iter(self.operations.values()))
        if name is None or name not in self.operations:
            message = f"There is no operation named {name!r}." if name else "Name an operation."
            raise refuse(OperationNotFound(message))
        return self.operations[name]


class InvalidDocument(Exception):
    """A document that does not parse or is not valid, with its errors."""

    def __init__(self, errors: list[GraphQLError]) -> None:
        super().__init__("invalid document")
        self.errors = errors


def read_document(
    schema: GraphQLSchema, text: str, limits: Limits, *, suggest: bool = True
) -> Document:
    """Parse and validate a document; raises InvalidDocument.

    `suggest`: errors may suggest similar names of the schema.
    """
    try:
        node = parse(text, max_tokens=limits.tokens)
        if LONG_DIGITS.search(text):
            _check_numbers(node)
        check_extent(node, limits)
        errors = validate(
            schema,
            node,
            rules_of(text),
            max_errors=MAX_VALIDATION_ERRORS,
            hide_suggestions=not suggest,
        )
    except GraphQLError as error:
        raise InvalidDocument([error]) from None
    except RecursionError:
        too_deep = DocumentTooLarge("The document is nested too deeply.")
        raise InvalidDocument([refuse(too_deep)]) from None
    if errors:
        raise InvalidDocument(errors)
    return _document(node)


def rules_of(text: str) -> Sequence[type[ASTValidationRule]]:
    """Return the rules that a document of this text can break; the others take a quarter of the time."""
    return VALIDATION_RULES["..." in text or "fragment" in text, "@" in text]


def read_again(text: str) -> Document:
    """Parse a document that was valid before."""
    return _document(parse(text))


def detached(definitions: Sequence[VariableDefinitionNode]) -> Sequence[VariableDefinitionNode]:
    """Unlink the tokens of variable definitions, so that they do not keep their document in memory."""
    for definition in definitions:
        assert definition.loc is not None
        definition.loc.start_token.prev = definition.loc.end_token.next = None
    return definitions


def _check_numbers(node: DocumentNode) -> None:
    """Raise GraphQLError for a number with more digits than Python converts."""
    token = node.loc.start_token if node.loc else None
    while token is not None:
        if (
            token.kind in (TokenKind.INT, TokenKind.FLOAT)
            and len(token.value or "") > MAX_NUMBER_DIGITS
        ):
            raise refuse(LongNumber(f"A number has more than {MAX_NUMBER_DIGITS} digits."))
        token = token.next


def _document(node: DocumentNode) -> Document:
    operations: dict[str | None, OperationDefinitionNode] = {}
    fragments: dict[str, FragmentDefinitionNode] = {}
    for definition in node.definitions:
        if isinstance(definition, OperationDefinitionNode):
            operations[definition.name.value if definition.name else None] = definition
        elif isinstance(definition, FragmentDefinitionNode):
            fragments[definition.name.value] = definition
    return Document(node, MappingProxyType(operations), MappingProxyType(fragments))
