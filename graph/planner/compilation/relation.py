"""Compiles relationships, conditions, orders and keyset positions to SQL."""

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
    KeysetPosition,
    Not,
    Order,
    Related,
)
from graph.planner.parameters import Param
from graph.planner.sql.builder import (
    SqlBuilder,
    all_of,
    any_of,
    bound_type,
    literal,
    sql_column,
    table_of,
    where,
)

EVENT_TABLE = "transactions"
COMPARISONS = {"eq": "=", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


def limit(builder: SqlBuilder, size: Param | int, extra: int = 0) -> str:
    """Return the LIMIT of a page of `size` rows and `extra` rows more."""
    if isinstance(size, int):
        return str(size + extra)
    bound = builder.bind(size, "bigint")
    return f"({bound} + {extra})" if extra else bound


# ---------------------------------------------------------------- relationships


@dataclass(frozen=True, slots=True)
class JoinedRows:
    """Rows of a table: their alias, the alias of the association table or None, and the FROM item.

    `conditions` are met by each row, such as the join to the parent row.
    """

    target: str
    edge: str | None
    source: str
    conditions: tuple[str, ...] = ()

    def where(self, *more: str) -> str:
        """Return FROM and WHERE of the rows that also meet these conditions."""
        return f" FROM {self.source}{where((*self.conditions, *more))}"


def rows_of(table: FromClause, builder: SqlBuilder) -> JoinedRows:
    """Return the rows of a table, without events that are hidden."""
    target, source = builder.name("t"), table_of(table)
    if builder.hidden and source == EVENT_TABLE:
        # PostgreSQL flattens this subquery, so that the indexes of the table are used.
        events = ", ".join(literal(event) for event in builder.hidden)
        source = f"(SELECT * FROM {source} WHERE lower(btrim(event)) NOT IN ({events}))"
    return JoinedRows(target, None, f"{source} AS {target}")


def related(relationship: RelationshipProperty[Any], row: str, builder: SqlBuilder) -> JoinedRows:
    """Return the rows that are related to the row of this alias."""
    rows = rows_of(relationship.mapper.local_table, builder)
    if relationship.secondary is None:
        link = _equal(row, rows.target, relationship.local_remote_pairs)
        return replace(rows, conditions=(link,))
    edge = builder.name("e")
    link = _equal(row, edge, relationship.synchronize_pairs)
    on = _equal(rows.target, edge, relationship.secondary_synchronize_pairs)
    joined = f"{table_of(relationship.secondary)} AS {edge} JOIN {rows.source} ON {on}"
    return JoinedRows(rows.target, edge, joined, (link,))


def _equal(here: str, there: str, pairs: Any) -> str:
    """Return the join condition of two rows over the column pairs of a foreign key."""
    return " AND ".join(
        f"{sql_column(there, theirs)} = {sql_column(here, ours)}" for ours, theirs in pairs
    )


# ---------------------------------------------------------------- conditions


def compile_condition(condition: Condition, entity: Entity, row: str, builder: SqlBuilder) -> str:
    """Compile a condition on a row to a boolean expression; never relies on NULL being false under NOT."""
    match condition:
        case All(of=parts):
            return all_of(compile_condition(part, entity, row, builder) for part in parts)
        case AnyOf(of=parts):
            return any_of(compile_condition(part, entity, row, builder) for part in parts)
        case Not(of=part):
            return f"(({compile_condition(part, entity, row, builder)}) IS NOT true)"
        case IsNull(column=attribute, expected=expected):
            column = sql_column(row, entity.column(attribute))
            return f"{column} IS NULL" if expected else f"{column} IS NOT NULL"
        case Compare():
            return _comparison(condition, entity.column(condition.column), row, builder)
        case Related():
            return _quantified(condition, entity, row, builder)


def _comparison(compare: Compare, declared: Column[Any], row: str, builder: SqlBuilder) -> str:
    column, type_ = sql_column(row, declared), bound_type(declared)
    if compare.operator == "in":
        return f"{column} = ANY ({builder.bind(compare.value, f'{type_}[]')})"
    if compare.operator == "contains":
        # For an unknown pattern, PostgreSQL always estimates the same part of the rows.
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
    """Return ORDER BY terms, with PostgreSQL's default position of nulls, which its indexes have."""
    return ", ".join(
        f"{sql_column(row, entity.column(term.column))} "
        f"{'DESC' if term.descending != backward else 'ASC'}"
        for term in order
    )


def seek_condition(
    order: Sequence[Order],
    position: KeysetPosition,
    entity: Entity,
    row: str,
    builder: SqlBuilder,
    *,
    backward: bool = False,
    inclusive: bool = False,
) -> str:
    """Return the condition of rows after a position, or before it if `backward`.

    `inclusive` includes the row at the position.
    """
    declared = [entity.column(term.column) for term in order]
    descending = {term.descending != backward for term in order}
    if len(descending) == 1 and not any(column.nullable for column in declared):
        columns = ", ".join(sql_column(row, column) for column in declared)
        values = ", ".join(
            builder.bind(value, bound_type(column))
            for value, column in zip(position.values, declared, strict=True)
            if value is not None
        )
        operator = ("<" if descending == {True} else ">") + ("=" if inclusive else "")
        # PostgreSQL has no row comparison of one column.
        several = len(declared) > 1
        return f"({columns}) {operator} ({values})" if several else f"{columns} {operator} {values}"
    rest = "true" if inclusive else "false"
    for term, column, value in reversed([*zip(order, declared, position.values, strict=True)]):
        bound = None if value is None else builder.bind(value, bound_type(column))
        rest = _after(column, sql_column(row, column), bound, term.descending != backward, rest)
    return rest


def _after(
    declared: Column[Any], column: str, bound: str | None, descending: bool, rest: str
) -> str:
    """Return the condition of rows after a value in this term, or equal in it and meeting `rest`."""
    if bound is None:
        strictly = f"{column} IS NOT NULL" if descending else "false"
        return any_of((strictly, all_of((f"{column} IS NULL", rest))))
    strictly = f"{column} {'<' if descending else '>'} {bound}"
    if declared.nullable and not descending:
        strictly = any_of((strictly, f"{column} IS NULL"))
    return any_of((strictly, all_of((f"{column} = {bound}", rest))))
