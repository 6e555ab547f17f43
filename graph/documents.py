"""Document text -> parsed and validated document with its operations by name.

Refuses what is too long or too deep. graph.planner.plans remembers documents.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    parse,
    validate,
)

from graph.errors import DocumentTooLarge, RequestError, refuse
from graph.limits import MAX_TOKENS

MAX_VALIDATION_ERRORS = 20


class OperationNotFound(RequestError):
    """The document does not say which operation to run, or has none of that name."""

    code = "OPERATION_RESOLUTION_FAILURE"


@dataclass(frozen=True, slots=True)
class Document:
    """A valid document with its operations and fragments by name."""

    node: DocumentNode
    operations: Mapping[str | None, OperationDefinitionNode]
    fragments: Mapping[str, FragmentDefinitionNode]

    def operation(self, name: str | None) -> OperationDefinitionNode:
        """The operation to run; raises GraphQLError where the name does not decide it."""
        if name is None and len(self.operations) == 1:
            return next(iter(self.operations.values()))
        if name is None or name not in self.operations:
            message = f"There is no operation named {name!r}." if name else "Name an operation."
            raise refuse(OperationNotFound(message))
        return self.operations[name]


class InvalidDocument(Exception):
    """A document that does not parse or is not valid; `errors` say why."""

    def __init__(self, errors: list[GraphQLError]) -> None:
        super().__init__("invalid document")
        self.errors = errors


def read_document(schema: GraphQLSchema, text: str) -> Document:
    """The document of a text, parsed and validated; raises InvalidDocument."""
    try:
        node = parse(text, max_tokens=MAX_TOKENS)
        errors = validate(schema, node, max_errors=MAX_VALIDATION_ERRORS)
    except GraphQLSyntaxError as error:
        raise InvalidDocument([error]) from None
    except RecursionError:
        too_deep = DocumentTooLarge("The document is nested too deeply.")
        raise InvalidDocument([refuse(too_deep)]) from None
    if errors:
        raise InvalidDocument(errors)
    return Document(node, *_definitions(node))


def _definitions(
    node: DocumentNode,
) -> tuple[Mapping[str | None, OperationDefinitionNode], Mapping[str, FragmentDefinitionNode]]:
    operations: dict[str | None, OperationDefinitionNode] = {}
    fragments: dict[str, FragmentDefinitionNode] = {}
    for definition in node.definitions:
        if isinstance(definition, OperationDefinitionNode):
            operations[definition.name.value if definition.name else None] = definition
        elif isinstance(definition, FragmentDefinitionNode):
            fragments[definition.name.value] = definition
    return MappingProxyType(operations), MappingProxyType(fragments)
