"""The step `auditFindings`: a page of findings, whose rows the rules' statements make.

The planner decides which rules apply before it makes any SQL: a filter by the enums rule and severity
shapes the plan.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

from graph.planner.compilation.page import PageCompiler
from graph.planner.compilation.relation import limit
from graph.planner.cost import Cost
from graph.planner.cost_model import cost_of_page
from graph.planner.entity import Entity, entity_named
from graph.planner.nodes import (
    All,
    AnyOf,
    Compare,
    Condition,
    IsNull,
    KeysetPosition,
    Not,
    Page,
    RowCompiler,
    Step,
)
from graph.planner.sql.builder import SqlBuilder, sql_column
from graph.planner.walk.rows import RowPlanner, SelectedField
from graph.types.finding import FINDING
from models import findings

# The cost of a rule for one row with what it was made of, and for the whole database.
RULE_OF_ROW, RULE_OF_ALL = 30, 1_200


@dataclass(frozen=True, slots=True)
class FindingsPage(Page, Step):
    """A page of findings of these rules: about the parent row, or about the whole database.

    `upstream` includes findings about what the row was made of.
    """

    rules: tuple[str, ...]
    upstream: bool

    def cost(self, *, at_root: bool) -> Cost:
        """Return 30 for each rule of a row or 1,200 of everything, twice with `totalCount`."""
        rules = (RULE_OF_ALL if at_root else RULE_OF_ROW) * len(self.rules)
        return cost_of_page(self, rules, once=rules)

    def compile(self, compiler: RowCompiler, parent: Entity | None, row: str | None) -> str:
        source = FindingRows(self, parent, row, compiler.builder)
        return PageCompiler(self, source, compiler.builder, compiler.row).compile()


def plan_findings(rows: RowPlanner, field: SelectedField) -> FindingsPage:
    """Plan a connection of findings."""
    arguments = rows.walk.arguments(field.definition, field.nodes[0])
    page = rows.pages.page(
        entity_named(FINDING), None, field.parent, field.definition, arguments, field.nodes
    )
    values = rows.walk.parameters.values
    rules = [
        rule.code
        for rule in findings.RULES
        if page.condition is None or _holds(page.condition, rule, values)
    ]
    members = {part.name: getattr(page, part.name) for part in fields(Page)}
    upstream = arguments.get("upstream") is not False
    return FindingsPage(**members | {"condition": None}, rules=tuple(rules), upstream=upstream)


def _holds(condition: Condition, rule: findings.Rule, values: Sequence[object]) -> bool:
    """Return whether a condition on rule and severity holds for findings of this rule."""
    columns = {"rule": rule.code, "severity": rule.severity}
    match condition:
        case All(of=parts):
            return all(_holds(part, rule, values) for part in parts)
        case AnyOf(of=parts):
            return any(_holds(part, rule, values) for part in parts)
        case Not(of=part):
            return not _holds(part, rule, values)
        case Compare(column=column, operator="in", value=param):
            operand = values[param.index]
            assert isinstance(operand, list)
            return columns[column] in operand
        case Compare(column=column, value=param):
            return columns[column] == values[param.index]
        case IsNull(expected=expected):
            return not expected
        case _:
            raise AssertionError("a filter of findings has no relations")


class FindingRows:
    """The findings of a page's rules, as the source of its rows."""

    def __init__(
        self, page: FindingsPage, parent: Entity | None, row: str | None, builder: SqlBuilder
    ) -> None:
        self._page = page
        self._parent = parent
        self._row = row
        self._builder = builder

    def page(self, extra: int) -> tuple[str, str]:
        page = self._page
        if not page.rules:
            # The text has no rule to apply the parameters of a window to.
            return self._findings_page(findings.FindingWindow())
        return self._findings_page(
            findings.FindingWindow(
                limit=limit(self._builder, page.limit, extra),
                backward=page.backward,
                after=self._place(page.after),
                before=self._place(page.before),
            )
        )

    def count(self) -> str:
        rows, _ = self._findings_page(findings.FindingWindow(whole=False))
        return f"(SELECT count(*) FROM {rows})"

    def any_outside(self, forward: bool) -> str:
        position = self._page.before if forward else self._page.after
        if position is None or not self._page.rules:
            return "false"
        place = self._place(position)
        window = findings.FindingWindow(
            limit="1",
            backward=not forward,
            after=place if forward else None,
            before=None if forward else place,
            inclusive=True,
            whole=False,
        )
        rows, _ = self._findings_page(window)
        return f"EXISTS (SELECT 1 FROM {rows})"

    def _findings_page(self, window: findings.FindingWindow) -> tuple[str, str]:
        """Return a subquery of the findings in a window, and its alias."""
        rules = self._page.rules
        branches = [branch for branch in findings.BRANCHES if branch.rule.code in rules]
        alias = self._builder.name("p")
        return f"({findings.listing_of(branches, self._scope(), window)}) AS {alias}", alias

    def _scope(self) -> findings.Scope:
        if self._parent is None or self._row is None:
            return findings.Scope()
        start = sql_column(self._row, self._parent.column(self._parent.key))
        # Only the types of Scope have the field `auditFindings`.
        return findings.Scope(self._parent.name, start, str(self._page.upstream))  # type: ignore[arg-type]

    def _place(self, position: KeysetPosition | None) -> findings.Position | None:
        if position is None:
            return None
        rule, place, first, second = (param for param in position.values if param is not None)
        return (
            self._builder.bind(rule, "text"),
            self._builder.bind(place, "bigint"),
            self._builder.bind(first, "bigint"),
            self._builder.bind(second, "bigint"),
        )
