"""The SQL of a page of findings, in the order of rule, subject and key.

Each rule and subject is an entry of WITH that stops at the size of the page. PostgreSQL does not
compute an entry if the entries before it fill the page, or if the cursor is past it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from models.findings.rule import Rule, Subject
from models.findings.scope import Scope

WHERE = {
    "product_id": "int",
    "cacao_batch_id": "int",
    "input_batch_id": "int",
    "supplier_id": "int",
    "transaction_id": "bigint",
    "certificate_id": "int",
    "hold_id": "int",
}
KEY = {"rule": "text", "place": "int", "first_key": "bigint", "second_key": "bigint"}
COLUMNS = {**KEY, "severity": "text", "message": "text", "evidence": "json", **WHERE}
_LEAST, _MOST = "'-9223372036854775808'::bigint", "9223372036854775807::bigint"

Position = tuple[str, str, str, str]
"""SQL of the position of a finding: rule, place of the subject, and the two numbers of its key."""


@dataclass(frozen=True, slots=True)
class FindingWindow:
    """A page of findings between two positions, at most `limit` (SQL) of them.

    `inclusive` adds the findings at the positions. `backward` counts from the end and lists in
    descending order. Without `whole`, the page has only the keys.
    """

    limit: str | None = None
    backward: bool = False
    after: Position | None = None
    before: Position | None = None
    inclusive: bool = False
    whole: bool = True


ALL = FindingWindow()


@dataclass(frozen=True, slots=True)
class Branch:
    """A rule over one of its subjects."""

    rule: Rule
    subject: Subject

    @property
    def place(self) -> tuple[str, int]:
        return self.rule.code, self.subject.place

    def select(self, scope: Scope, *, whole: bool = True) -> str:
        """Return the SQL of all its findings in a scope, unordered; without `whole`, of their keys."""
        rule, subject = self.rule, self.subject
        key = (
            f"SELECT '{rule.code}'::text COLLATE \"C\" AS rule, {subject.place} AS place,"
            f" {subject.key[0]} AS first_key, {subject.key[1]} AS second_key"
        )
        if not whole:
            return f"{key} FROM {scope.source(rule, subject)}"
        where = {**subject.where, **rule.where}
        pointed = (f"{where.get(name, 'NULL')}::{type_} AS {name}" for name, type_ in WHERE.items())
        figures = ", ".join(f"'{name}', {value}" for name, value in rule.evidence.items())
        return (
            f"{key}, '{rule.severity}'::text COLLATE \"C\" AS severity, {rule.message} AS message,"
            f" json_strip_nulls(json_build_object({figures})) AS evidence, {', '.join(pointed)}"
            f" FROM {scope.source(rule, subject)}"
        )

    def order(self, scope: Scope) -> tuple[str, str]:
        """Return the SQL terms that sort its findings.

        Lots and products are read in the order of an index until the page is full. Edges and events
        are many, and PostgreSQL expects a third of them to break the rule. No index has the order by a
        sum, so PostgreSQL joins them as a whole, which takes less than half as long.
        """
        if scope.kind == "everything" and self.subject.many:
            return "f.first_key + 0", "f.second_key + 0"
        return "f.first_key", "f.second_key"

    def within(self, window: FindingWindow) -> Iterator[str]:
        """Yield the conditions that keep the findings `f` of this branch between the positions."""
        for position, greater in ((window.after, True), (window.before, False)):
            if position is None:
                continue
            rule, place, first, second = position
            here = f"('{self.rule.code}'::text COLLATE \"C\", {self.subject.place})"
            there = f'({rule} COLLATE "C", {place})'
            least = _LEAST if greater else _MOST
            equal = "=" if window.inclusive else ""
            yield f"{here} {'>=' if greater else '<='} {there}"
            yield (
                f"(f.first_key, f.second_key) {'>' if greater else '<'}{equal}"
                f" (CASE WHEN {here} = {there} THEN {first} ELSE {least} END,"
                f" CASE WHEN {here} = {there} THEN {second} ELSE {least} END)"
            )


def branches_of(rules: Sequence[Rule]) -> list[Branch]:
    """Return a branch for each rule and each of its subjects, in the order of findings."""
    made = [Branch(rule, subject) for rule in rules for subject in rule.judges]
    return sorted(made, key=lambda branch: branch.place)


def listing_statement(
    branches: Sequence[Branch],
    scope: Scope,
    window: FindingWindow = ALL,
) -> str:
    """Return a statement of the findings of these branches in a window, in order."""
    if not branches:
        columns = COLUMNS if window.whole else KEY
        nothing = (f"NULL::{type_} AS {name}" for name, type_ in columns.items())
        return f"SELECT {', '.join(nothing)} WHERE false"
    tables, names = scope.tables(), []
    way = "DESC" if window.backward else "ASC"
    ordered = reversed(branches) if window.backward else branches
    for number, branch in enumerate(ordered, start=1):
        conditions = [*branch.within(window)]
        if window.limit and number > 1:
            conditions.append(f"(SELECT n FROM n{number - 1}) < {window.limit}")
        text = f"SELECT f.* FROM ({branch.select(scope, whole=window.whole)}) f"
        if conditions:
            text += f" WHERE {' AND '.join(conditions)}"
        if window.limit:
            order = ", ".join(f"{term} {way}" for term in branch.order(scope))
            text += f" ORDER BY {order} LIMIT {window.limit}"
        tables.append(f"f{number} AS MATERIALIZED ({text})")
        names.append(f"SELECT * FROM f{number}")
        if window.limit:
            before = f"(SELECT n FROM n{number - 1}) + " if number > 1 else ""
            tables.append(
                f"n{number} (n) AS MATERIALIZED (SELECT {before}(SELECT count(*) FROM f{number}))"
            )
    found = " UNION ALL ".join(names)
    order = ", ".join(f"f.{name} {way}" for name in KEY)
    if not window.limit and not window.whole:
        return f"WITH RECURSIVE {', '.join(tables)} {found}"
    limited = f" LIMIT {window.limit}" if window.limit else ""
    return (
        f"WITH RECURSIVE {', '.join(tables)} SELECT f.* FROM ({found}) f ORDER BY {order}{limited}"
    )
