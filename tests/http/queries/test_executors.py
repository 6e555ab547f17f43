"""Operations are dispatched by their kind."""

import pytest
from graphql import GraphQLError, OperationType

from graph.execution.engine import Engine
from graph.execution.executor import Executors
from graph.execution.mutations import MutationExecutor
from graph.execution.queries import QueryExecutor
from models.database.engines import Database


def test_engine_has_an_executor_for_queries_and_one_for_mutations(sample: Database) -> None:
    executors = Engine(sample)._executors
    assert isinstance(executors.of(OperationType.QUERY), QueryExecutor)
    assert isinstance(executors.of(OperationType.MUTATION), MutationExecutor)


def test_kind_without_executor_is_an_error_with_a_code() -> None:
    with pytest.raises(GraphQLError) as error:
        Executors({}).of(OperationType.SUBSCRIPTION)
    assert error.value.message == "This server executes no subscription operations."
    assert error.value.extensions == {
        "code": "OPERATION_NOT_SUPPORTED",
        "hint": "Send a query or a mutation.",
    }
