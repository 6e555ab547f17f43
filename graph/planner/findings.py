"""A page of findings as SQL: its rows are made by the statements of the rules, not read from a table.

Which rules are asked for is known before any SQL is made: the values of a filter by enums shape the
plan.
"""

from collections.abc import Sequence
from dataclasses import fields

from sqlalchemy import ColumnElement, FromClause, TextClause, exists, false, func, select, text

from graph.planner.nodes import (
    All,
    AnyOf,
    Compare,
    Condition,
    Findings,
    IsNull,
    Not,
    Page,
    Param,
    Position,
)
from graph.planner.page import PageCompiler
from models import findings
from models.findings.finding import FINDINGS

COLUMNS = tuple(FINDINGS.columns)
KEY = tuple(FINDINGS.primary_key.columns)


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

    def _listing(self, window: findings.Window) -> TextClause:
        assert isinstance(self.page, Findings)
        asked = [branch for branch in findings.BRANCHES if branch.rule.code in self.page.rules]
        return text(findings.listing_of(asked, self._scope(), window))

    def _scope(self) -> findings.Scope:
        assert isinstance(self.page, Findings)
        if self.parent is None or self.row is None:
            return findings.Scope()
        key = self.parent.column(self.parent.key).name
        start = f"{self.row.name}.{key}"  # type: ignore[attr-defined]
        # No other types have findings.
        return findings.Scope(self.parent.name, start, str(self.page.upstream))  # type: ignore[arg-type]

    def _rows(self, extra: int) -> FromClause:
        page = self.page
        window = findings.Window(
            limit=_size(page.limit, extra),
            backward=page.backward,
            after=_place(page.after),
            before=_place(page.before),
        )
        return self._listing(window).columns(*COLUMNS).subquery(self.names.next("p"))

    def _count(self) -> ColumnElement[int]:
        window = findings.Window(whole=False)
        found = self._listing(window).columns(*KEY).subquery(self.names.next("p"))
        return select(func.count()).select_from(found).scalar_subquery()

    def _any_at_or_beyond(self, forward: bool) -> ColumnElement[bool]:
        position = self.page.before if forward else self.page.after
        if position is None:
            return false()
        place = _place(position)
        window = findings.Window(
            limit="1",
            backward=not forward,
            after=place if forward else None,
            before=None if forward else place,
            inclusive=True,
            whole=False,
        )
        found = self._listing(window).columns(*KEY).subquery(self.names.next("p"))
        return exists(select(found.c.rule))


def _size(limit: Param | int, extra: int) -> str:
    return str(limit + extra) if isinstance(limit, int) else f"({_slot(limit, 'bigint')} + {extra})"


def _place(position: Position | None) -> findings.Position | None:
    if position is None:
        return None
    rule, place, first, second = (param for param in position.values if param is not None)
    return (
        _slot(rule, "text"),
        _slot(place, "bigint"),
        _slot(first, "bigint"),
        _slot(second, "bigint"),
    )


def _slot(param: Param, type_: str) -> str:
    return f"CAST(:p{param.slot} AS {type_})"
