"""How rows are joined, filtered and ordered: relationships, conditions and keysets as SQL."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import count
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    ColumnElement,
    FromClause,
    Integer,
    Numeric,
    String,
    Text,
    and_,
    bindparam,
    cast,
    exists,
    false,
    func,
    literal_column,
    not_,
    or_,
    select,
    true,
    tuple_,
)
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

Clause = ColumnElement[bool]
MAX_ALIASES = 2_000

COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "eq": lambda column, value: column == value,
    "gt": lambda column, value: column > value,
    "gte": lambda column, value: column >= value,
    "lt": lambda column, value: column < value,
    "lte": lambda column, value: column <= value,
}


class Names:
    """Short aliases, unique within one statement."""

    def __init__(self) -> None:
        self._numbers = count(1)

    def next(self, prefix: str) -> str:
        return f"{prefix}{next(self._numbers)}"


@lru_cache(MAX_ALIASES)
def aliased(table: FromClause, name: str) -> FromClause:
    """A table under an alias, kept: its columns cost more to make than the rest of a statement."""
    return table.alias(name)


def bind(param: Param, type_: Any) -> ColumnElement[Any]:
    """The placeholder of a slot: p0, p1, ... Cast, so that a prepared statement knows its type."""
    plain = unbounded(type_)
    return cast(bindparam(f"p{param.slot}", type_=plain), plain)


def unbounded(type_: Any) -> Any:
    """A column's type without collation, length or scale, which would change a value to compare."""
    if isinstance(type_, String):
        return Text()
    if isinstance(type_, Integer):
        return BigInteger()
    return Numeric() if isinstance(type_, Numeric) else type_


def limit(size: Param | int, extra: int = 0) -> ColumnElement[int]:
    """A page size, `extra` rows more."""
    if isinstance(size, int):
        return literal_column(str(size + extra), Integer)
    bound = bind(size, Integer)
    return bound + literal_column(str(extra)) if extra else bound


# ---------------------------------------------------------------- relationships


def related(
    relationship: RelationshipProperty[Any], row: FromClause, names: Names
) -> tuple[FromClause, FromClause | None, FromClause, Clause]:
    """The target's alias, the association's (or None), both joined, and their link to `row`."""
    target = aliased(relationship.mapper.local_table, names.next("t"))
    pairs = relationship.local_remote_pairs or []
    if relationship.secondary is None:
        link = and_(*(target.c[there.name] == row.c[here.name] for here, there in pairs))
        return target, None, target, link
    edge = aliased(relationship.secondary, names.next("e"))
    link = and_(
        *(edge.c[there.name] == row.c[here.name] for here, there in relationship.synchronize_pairs)
    )
    ends = relationship.secondary_synchronize_pairs or []
    on = and_(*(target.c[there.name] == edge.c[here.name] for there, here in ends))
    return target, edge, edge.join(target, on), link


# ---------------------------------------------------------------- conditions


def clause(condition: Condition, entity: Entity, row: FromClause, names: Names) -> Clause:
    """A condition on a row as a boolean expression; never relies on NULL being falsy under NOT."""
    match condition:
        case All(of=parts):
            return and_(true(), *(clause(part, entity, row, names) for part in parts))
        case AnyOf(of=parts):
            return or_(false(), *(clause(part, entity, row, names) for part in parts))
        case Not(of=part):
            return clause(part, entity, row, names).is_not(true())
        case IsNull(column=attribute, expected=expected):
            column = row.c[entity.column(attribute).name]
            return column.is_(None) if expected else column.is_not(None)
        case Compare():
            return _comparison(condition, entity.column(condition.column), row)
        case Related():
            return _quantified(condition, entity, row, names)


def _comparison(compare: Compare, declared: Column[Any], row: FromClause) -> Clause:
    column = row.c[declared.name]
    if compare.operator == "in":
        return column == func.any(bind(compare.value, ARRAY(unbounded(declared.type))))
    if compare.operator == "contains":
        return _contains(column, compare.value)
    clause_: Clause = COMPARISONS[compare.operator](column, bind(compare.value, declared.type))
    return clause_


def _contains(column: ColumnElement[Any], value: Param) -> Clause:
    needle: Any = func.search_key(bind(value, Text))
    for special in ("\\", "%", "_"):
        needle = func.replace(needle, _quoted(special), _quoted("\\" + special))
    return func.search_key(column).like(_quoted("%").concat(needle).concat(_quoted("%")))


def _quoted(text: str) -> ColumnElement[str]:
    return literal_column(f"'{text}'", Text)


def _quantified(condition: Related, entity: Entity, row: FromClause, names: Names) -> Clause:
    relationship = entity.relationship(condition.relationship)
    target, _, source, link = related(relationship, row, names)
    holds = clause(condition.condition, entity.target(condition.relationship), target, names)
    if condition.quantifier == "every":
        holds = holds.is_not(true())
    found = exists(
        select(literal_column("1")).select_from(source).where(link, holds).correlate(row)
    )
    return found if condition.quantifier == "some" else not_(found)


# ---------------------------------------------------------------- orders and keysets


def sort(order: Sequence[Order], entity: Entity, row: FromClause, backward: bool) -> list[Any]:
    """ORDER BY terms; PostgreSQL's own place of nulls (last ascending) lets an index serve both."""
    columns = [row.c[entity.column(term.column).name] for term in order]
    return [
        column.desc() if term.descending != backward else column.asc()
        for term, column in zip(order, columns, strict=True)
    ]


def beyond(
    order: Sequence[Order],
    position: Position,
    entity: Entity,
    row: FromClause,
    *,
    backward: bool = False,
    inclusive: bool = False,
) -> Clause:
    """Rows behind a position in this order; `backward`: ahead of it; `inclusive`: or at it."""
    declared = [entity.column(term.column) for term in order]
    columns = [row.c[column.name] for column in declared]
    descending = {term.descending != backward for term in order}
    if len(descending) == 1 and not any(column.nullable for column in declared):
        values = [
            bind(value, column.type)
            for value, column in zip(position.values, declared, strict=True)
            if value is not None
        ]
        left, right = (
            (columns[0], values[0]) if len(values) == 1 else (tuple_(*columns), tuple_(*values))
        )
        name = ("lt" if descending == {True} else "gt") + ("e" if inclusive else "")
        clause_: Clause = COMPARISONS[name](left, right)
        return clause_
    rest: Clause = true() if inclusive else false()
    for term, column, value in reversed([*zip(order, columns, position.values, strict=True)]):
        rest = _behind(column, entity.column(term.column), value, term.descending != backward, rest)
    return rest


def _behind(
    column: ColumnElement[Any],
    declared: Column[Any],
    value: Param | None,
    descending: bool,
    rest: Clause,
) -> Clause:
    """Strictly behind in this term, or equal in it and behind in the `rest`."""
    if value is None:
        strictly: Clause = column.is_not(None) if descending else false()
        return or_(strictly, and_(column.is_(None), rest))
    bound = bind(value, declared.type)
    strictly = column < bound if descending else column > bound
    if declared.nullable and not descending:
        strictly = or_(strictly, column.is_(None))
    return or_(strictly, and_(column == bound, rest))
