"""A page of findings as SQL: its rows are made by the statements of the rules, not read from a table.

Which rules are asked for is known before any SQL is made: the values of a filter by enums shape the
plan.
"""

from collections.abc import Sequence
from dataclasses import fields

from graph.planner.nodes import (
    All,
    AnyOf,
    Compare,
    Condition,
    Findings,
    IsNull,
    Not,
    Page,
    Position,
)
from graph.planner.sql.builder import column_of
from graph.planner.sql.page import PageCompiler
from graph.planner.sql.relation import limit
from models import findings


def findings_of(page: Page, values: Sequence[object], upstream: bool | None) -> Findings:
    """A page of the findings by the rules that its condition leaves."""
    asked = [
        rule.code
        for rule in findings.RULES
        if page.condition is None or _holds(page.condition, rule, values)
    ]
    given = {part.name: getattr(page, part.name) for part in fields(Page)}
    return Findings(
        **given | {"condition": None}, rules=tuple(asked), upstream=upstream is not False
    )


def _holds(condition: Condition, rule: findings.Rule, values: Sequence[object]) -> bool:
    """Whether a condition on code and severity is one of this rule."""
    told = {"rule": rule.code, "severity": rule.severity}
    match condition:
        case All(of=parts):
            return all(_holds(part, rule, values) for part in parts)
        case AnyOf(of=parts):
            return any(_holds(part, rule, values) for part in parts)
        case Not(of=part):
            return not _holds(part, rule, values)
        case Compare(column=column, operator="in", value=param):
            given = values[param.slot]
            assert isinstance(given, list)
            return told[column] in given
        case Compare(column=column, value=param):
            return told[column] == values[param.slot]
        case IsNull(expected=expected):
            return not expected
        case _:
            raise AssertionError("a filter of findings has no relations")


class FindingsCompiler(PageCompiler):
    """Compiles one page of findings."""

    def _listing(self, window: findings.Window) -> tuple[str, str]:
        """The findings of the page's rules in a window: a subquery, and its alias."""
        assert isinstance(self.page, Findings)
        asked = [branch for branch in findings.BRANCHES if branch.rule.code in self.page.rules]
        alias = self.builder.name("p")
        return f"({findings.listing_of(asked, self._scope(), window)}) AS {alias}", alias

    def _scope(self) -> findings.Scope:
        assert isinstance(self.page, Findings)
        if self.parent is None or self.row is None:
            return findings.Scope()
        start = column_of(self.row, self.parent.column(self.parent.key))
        # No other types have findings.
        return findings.Scope(self.parent.name, start, str(self.page.upstream))  # type: ignore[arg-type]

    def _rows(self, extra: int) -> tuple[str, str]:
        page = self.page
        assert isinstance(page, Findings)
        if not page.rules:
            # What is not in the text must not be bound.
            return self._listing(findings.Window())
        return self._listing(
            findings.Window(
                limit=limit(self.builder, page.limit, extra),
                backward=page.backward,
                after=self._place(page.after),
                before=self._place(page.before),
            )
        )

    def _count(self) -> str:
        rows, _ = self._listing(findings.Window(whole=False))
        return f"(SELECT count(*) FROM {rows})"

    def _any_at_or_beyond(self, forward: bool) -> str:
        assert isinstance(self.page, Findings)
        position = self.page.before if forward else self.page.after
        if position is None or not self.page.rules:
            return "false"
        place = self._place(position)
        window = findings.Window(
            limit="1",
            backward=not forward,
            after=place if forward else None,
            before=None if forward else place,
            inclusive=True,
            whole=False,
        )
        rows, _ = self._listing(window)
        return f"EXISTS (SELECT 1 FROM {rows})"

    def _place(self, position: Position | None) -> findings.Position | None:
        if position is None:
            return None
        rule, place, first, second = (param for param in position.values if param is not None)
        return (
            self.builder.bind(rule, "text"),
            self.builder.bind(place, "bigint"),
            self.builder.bind(first, "bigint"),
            self.builder.bind(second, "bigint"),
        )
