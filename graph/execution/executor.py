"""Executors by kind of operation."""

from collections.abc import Mapping
from typing import Protocol

from graphql import OperationType

from graph.answer import Answer, Request
from graph.context import Viewer
from graph.errors import RequestError, refuse
from graph.execution.plan_cache import CachedOperation


class UnsupportedOperation(RequestError):
    """An operation of a kind that this server does not execute."""

    code = "OPERATION_NOT_SUPPORTED"
    hint = "Send a query or a mutation."


class Executor(Protocol):
    """Executes the operations of one kind."""

    async def run(self, operation: CachedOperation, request: Request, viewer: Viewer) -> Answer:
        """Execute an operation; raises GraphQLError, InvalidDocument or Refused before execution."""
        ...


class Executors:
    """The executors of a server. A new kind of operation, such as subscriptions, is one entry more."""

    def __init__(self, by_kind: Mapping[OperationType, Executor]) -> None:
        self._by_kind = by_kind

    def of(self, kind: OperationType) -> Executor:
        """Return the executor for a kind; raises GraphQLError if there is none."""
        executor = self._by_kind.get(kind)
        if executor is None:
            raise refuse(UnsupportedOperation(f"This server executes no {kind.value} operations."))
        return executor
