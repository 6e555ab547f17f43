"""A computed field is a step that states its cost, compiles itself and completes its own answer."""
# ruff: noqa: ARG002 - methods of an interface

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
from graphql import OperationDefinitionNode, get_named_type, parse
from graphql.execution.values import VariableValues

from graph.admission.limits import DEFAULTS
from graph.auth.permissions import Permissions
from graph.auth.roles import ADMIN
from graph.planner.assembly import Assembly
from graph.planner.catalog import Catalog
from graph.planner.compilation.operation import compile_operation
from graph.planner.cost_model import cost_of
from graph.planner.entity import Entity
from graph.planner.nodes import DeferredStep, Operation, RowCompiler, Step
from graph.planner.parameters import Param
from graph.planner.query import StatementRun, StatementSteps
from graph.planner.sql.builder import literal
from graph.planner.steps import STEP_PLANNERS
from graph.planner.walk.roots import RootPlanner
from graph.planner.walk.rows import RowPlanner, SelectedField, StepPlanners
from graph.planner.walk.state import Walk
from graph.schema import schema
from models.database.asynchronous import Statement

GRAPHQL = schema._schema
CATALOG = Catalog(GRAPHQL, Permissions(), DEFAULTS)


@dataclass(frozen=True, slots=True)
class Constant(Step):
    """A step that any new module could define."""

    text: str

    def cost(self, *, at_root: bool) -> int:
        return 70 if at_root else 7

    def compile(self, compiler: RowCompiler, parent: Entity | None, row: str | None) -> str:
        return literal(f"{self.text} of {parent.name if parent else 'everything'}")


@dataclass(frozen=True, slots=True)
class Numbered(DeferredStep):
    """A deferred step whose answer is the number that its statement returns for a row."""

    number: int
    mark: Param
    answering: ClassVar[type["NumberedAnswer"]]

    def cost(self, *, at_root: bool) -> int:
        return 1

    def compile(self, compiler: RowCompiler, parent: Entity | None, row: str | None) -> str:
        return f"{compiler.builder.bind(self.mark, 'text')} || {literal(f':{self.number}:1')}"


class NumberedAnswer:
    def __init__(self, steps: Sequence[Numbered], hidden: tuple[str, ...]) -> None:
        self._steps = steps

    def run(self, values: list[Any], mark: str, data: bytes) -> StatementSteps:
        for step in self._steps:
            number = yield StatementRun(Statement("SELECT 1", 0), [step.number])
            data = data.replace(f'"{mark}:{step.number}:1"'.encode(), number)
        return data


class OtherAnswer(NumberedAnswer):
    pass


class Other(Numbered):
    __slots__ = ()


Numbered.answering = NumberedAnswer
Other.answering = OtherAnswer


def planned(query: str, steps: StepPlanners) -> Operation:
    (operation,) = parse(query).definitions
    assert isinstance(operation, OperationDefinitionNode)
    assert GRAPHQL.query_type is not None
    walk = Walk(CATALOG, {}, VariableValues({}, {}), ADMIN)
    roots = RootPlanner(RowPlanner(walk, steps))
    fields = walk.selections.collect(GRAPHQL.query_type, [operation.selection_set])
    values = tuple((key, roots.root(key, nodes)) for key, nodes in fields.items())
    return Operation(values, deferred=tuple(walk.deferred.steps))


def plan_constant(rows: RowPlanner, field: SelectedField) -> Constant:
    return Constant(field.nodes[0].name.value)


def test_every_step_is_the_type_of_a_field() -> None:
    types = {
        get_named_type(field.type).name
        for type_ in GRAPHQL.type_map.values()
        for field in getattr(type_, "fields", {}).values()
    }
    assert set(STEP_PLANNERS) <= types


def test_new_step_of_a_row_needs_its_module_and_an_entry_of_the_list() -> None:
    query = "{ product(by: {productId: 1}) { name trace { depth } } }"
    operation = planned(query, {**STEP_PLANNERS, "Trace": plan_constant})
    assert cost_of(operation) == 1 + 7
    assert "'trace of Product' AS \"trace\"" in compile_operation(operation).statement.text


def test_new_step_of_the_root_needs_its_module_and_an_entry_of_the_list() -> None:
    query = "{ auditFindings { totalCount } }"
    operation = planned(query, {"AuditFindingConnection": plan_constant})
    assert cost_of(operation) == 70
    text = compile_operation(operation).statement.text
    assert "'auditFindings of everything' AS \"auditFindings\"" in text


def plan_numbered(kind: type[Numbered]) -> Any:
    def plan(rows: RowPlanner, field: SelectedField) -> Numbered:
        with rows.walk.deferred.next() as (number, mark):
            step = kind(number, mark)
        rows.walk.deferred.steps.append(step)
        return step

    return plan


def test_steps_of_several_kinds_complete_one_answer() -> None:
    query = "{ cacaoBatch(by: {cacaoBatchId: 1}) { trace { depth } impact { affected } } }"
    steps = {"Trace": plan_numbered(Numbered), "Impact": plan_numbered(Other)}
    operation = planned(query, steps)
    rows = compile_operation(operation)
    running = Assembly(operation, rows).run(["1", ""])
    first = next(running)
    assert first.statement is rows.statement
    (mark,) = (value for value in first.values if re.fullmatch("[0-9a-f]{32}", str(value)))
    data = f'{{"trace":"{mark}:0:1","impact":"{mark}:1:1"}}'
    assert running.send(data.encode()).values == [0]
    assert running.send(b"10").values == [1]
    with pytest.raises(StopIteration) as end:
        running.send(b"20")
    assert end.value.value == b'{"trace":10,"impact":20}'
