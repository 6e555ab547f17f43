"""Execution by graphql-core, which completes rows field by field and resolves unplanned fields."""

import json
from typing import Any

from graphql import ExecutionResult, GraphQLSchema, execute

from graph.answer import Answer, Request
from graph.context import Context, Viewer
from graph.documents import Document
from graph.errors import translate
from graph.execution.error_redaction import TranslateError


def complete(
    schema: GraphQLSchema, document: Document, request: Request, viewer: Viewer, data: bytes
) -> Answer:
    """Execute a query whose rows were read; `data` is their JSON by root field. Blocks."""
    rows: Any = json.loads(data)
    result = execute(
        schema, document.node, rows, Context(viewer), request.variables, request.operation_name
    )
    assert isinstance(result, ExecutionResult)
    return answer_of(result)


def answer_of(result: ExecutionResult, translate_error: TranslateError = translate) -> Answer:
    """Return the answer of an execution by graphql-core."""
    errors = [translate_error(error) for error in result.errors or ()]
    return Answer(result.data, errors, executed=True)
