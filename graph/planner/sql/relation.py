"""How rows are joined, filtered and ordered: relationships, conditions and keysets as SQL."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Column, FromClause
from sqlalchemy.orm import RelationshipProperty

from graph.planner.entity import Entity
from graph.planner.nodes import (
    All,
    AnyOf,
    Compare,
    Condition,
    IsNull,
    Not,
    Order,
    Param,
    Position,
    Related,
)
from graph.planner.sql.builder import (
    SqlBuilder,
    all_of,
    any_of,
    bound_type,
    column_of,
    literal,
    table_of,
    where,
)

EVENTS = "transactions"
COMPARISONS = {"eq": "=", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


def limit(builder: SqlBuilder, size: Param | int, extra: int = 0) -> str:
    """A page size, `extra` rows more."""
    if isinstance(size, int):
        return str(size + extra)
    bound = builder.bind(size, "bigint")
    return f"({bound} + {extra})" if extra else bound


# ---------------------------------------------------------------- relationships


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of a table: their alias, the association's (or None), what both are read from.

    `conditions` are those that all of them meet, such as what ties them to a row around them.
    """

    target: str
    edge: str | None
    source: str
    conditions: tuple[str, ...] = ()

    def where(self, *more: str) -> str:
        """FROM and WHERE of those that meet more conditions."""
        return f" FROM {self.source}{where((*self.conditions, *more))}"


def rows_of(table: FromClause, builder: SqlBuilder) -> Rows:
    """All rows of a table."""
    target, source = builder.name("t"), table_of(table)
    if builder.hidden and source == EVENTS:
        # A subquery that PostgreSQL takes apart again: the indexes serve as before.
        events = ", ".join(literal(event) for event in builder.hidden)
        source = f"(SELECT * FROM {source} WHERE lower(btrim(event)) NOT IN ({events}))"
    return Rows(target, None, f"{source} AS {target}")


def related(relationship: RelationshipProperty[Any], row: str, builder: SqlBuilder) -> Rows:
    """The rows that a relationship leads to from a row."""
    rows = rows_of(relationship.mapper.local_table, builder)
    if relationship.secondary is None:
        link = _equal(row, rows.target, relationship.local_remote_pairs)
        return replace(rows, conditions=(link,))
    edge = builder.name("e")
    link = _equal(row, edge, relationship.synchronize_pairs)
    on = _equal(rows.target, edge, relationship.secondary_synchronize_pairs)
    joined = f"{table_of(relationship.secondary)} AS {edge} JOIN {rows.source} ON {on}"
    return Rows(rows.target, edge, joined, (link,))


def _equal(here: str, there: str, pairs: Any) -> str:
    """Whether two rows are the ends of a foreign key, whose columns are these pairs."""
    return " AND ".join(
        f"{column_of(there, theirs)} = {column_of(here, ours)}" for ours, theirs in pairs
    )


# ---------------------------------------------------------------- conditions


def compile_condition(condition: Condition, entity: Entity, row: str, builder: SqlBuilder) -> str:
    """A condition on a row as a boolean expression; never relies on NULL being falsy under NOT."""
    match condition:
        case All(of=parts):
            return all_of(compile_condition(part, entity, row, builder) for part in parts)
        case AnyOf(of=parts):
            return any_of(compile_condition(part, entity, row, builder) for part in parts)
        case Not(of=part):
            return f"(({compile_condition(part, entity, row, builder)}) IS NOT true)"
        case IsNull(column=attribute, expected=expected):
            column = column_of(row, entity.column(attribute))
            return f"{column} IS NULL" if expected else f"{column} IS NOT NULL"
        case Compare():
            return _comparison(condition, entity.column(condition.column), row, builder)
        case Related():
            return _quantified(condition, entity, row, builder)


def _comparison(compare: Compare, declared: Column[Any], row: str, builder: SqlBuilder) -> str:
    column, type_ = column_of(row, declared), bound_type(declared)
    if compare.operator == "in":
        return f"{column} = ANY ({builder.bind(compare.value, f'{type_}[]')})"
    if compare.operator == "contains":
        # Of a pattern that is not known PostgreSQL expects a part of the rows that is always the same.
        builder.searches = True
        return _contains(column, builder.bind(compare.value, "text"))
    return f"{column} {COMPARISONS[compare.operator]} {builder.bind(compare.value, type_)}"


def _contains(column: str, value: str) -> str:
    needle = f"search_key({value})"
    for special in ("\\", "%", "_"):
        needle = f"replace({needle}, '{special}', '\\{special}')"
    return f"search_key({column}) LIKE '%' || {needle} || '%'"


def _quantified(condition: Related, entity: Entity, row: str, builder: SqlBuilder) -> str:
    rows = related(entity.relationship(condition.relationship), row, builder)
    target = entity.target(condition.relationship)
    holds = compile_condition(condition.condition, target, rows.target, builder)
    if condition.quantifier == "every":
        holds = f"({holds}) IS NOT true"
    found = f"EXISTS (SELECT 1{rows.where(holds)})"
    return found if condition.quantifier == "some" else f"NOT {found}"


# ---------------------------------------------------------------- orders and keysets


def sort(order: Sequence[Order], entity: Entity, row: str, backward: bool) -> str:
    """ORDER BY terms; PostgreSQL's own place of nulls (last ascending) lets an index serve both."""
    return ", ".join(
        f"{column_of(row, entity.column(term.column))} "
        f"{'DESC' if term.descending != backward else 'ASC'}"
        for term in order
    )


def seek_condition(
    order: Sequence[Order],
    position: Position,
    entity: Entity,
    row: str,
    builder: SqlBuilder,
    *,
    backward: bool = False,
    inclusive: bool = False,
) -> str:
    """Rows behind a position in this order; `backward`: ahead of it; `inclusive`: or at it."""
    declared = [entity.column(term.column) for term in order]
    descending = {term.descending != backward for term in order}
    if len(descending) == 1 and not any(column.nullable for column in declared):
        columns = ", ".join(column_of(row, column) for column in declared)
        values = ", ".join(
            builder.bind(value, bound_type(column))
            for value, column in zip(position.values, declared, strict=True)
            if value is not None
        )
        operator = ("<" if descending == {True} else ">") + ("=" if inclusive else "")
        # Of one column there is no row to compare.
        several = len(declared) > 1
        return f"({columns}) {operator} ({values})" if several else f"{columns} {operator} {values}"
    rest = "true" if inclusive else "false"
    for term, column, value in reversed([*zip(order, declared, position.values, strict=True)]):
        bound = None if value is None else builder.bind(value, bound_type(column))
        rest = _behind(column, column_of(row, column), bound, term.descending != backward, rest)
    return rest


def _behind(
    declared: Column[Any], column: str, bound: str | None, descending: bool, rest: str
) -> str:
    """Strictly behind in this term, or equal in it and behind in the `rest`."""
    if bound is None:
        strictly = f"{column} IS NOT NULL" if descending else "false"
        return any_of((strictly, all_of((f"{column} IS NULL", rest))))
    strictly = f"{column} {'<' if descending else '>'} {bound}"
    if declared.nullable and not descending:
        strictly = any_of((strictly, f"{column} IS NULL"))
    return any_of((strictly, all_of((f"{column} = {bound}", rest))))
